"""`classify` and `read` with the workers of this machine: from files to one output."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from batchdigits.cli.shared.console import Bar, print_message
from batchdigits.cli.table.request import Request
from batchdigits.cli.table.run import (
    finish,
    print_added,
    print_kept_on_error,
    print_resumed,
    refuse_to_prune_all,
    skipped_texts,
    write_results,
)
from batchdigits.cli.table.summary import Stopwatch, Summary
from batchdigits.cli.table.task import identity_of, task_of
from batchdigits.errors import BatchdigitsError

if TYPE_CHECKING:
    from batchdigits.files.filter import Filter
    from batchdigits.files.sources import Tally
    from batchdigits.output.journal import Identity
    from batchdigits.output.reader_protocol import Reader
    from batchdigits.output.resumable import ResumableOutput
    from batchdigits.output.stream import StreamOutput
    from batchdigits.output.table import TableRow


def classify_locally(
    request: Request, files: Iterator[str], tally: Tally, rules: Filter, ids: Mapping[str, str] | None
) -> None:
    """Classify files with the workers of this machine, write the rows, and tell the summary.

    Args:
        request: the options.
        files: found as they are needed.
        tally: complete once `files` is exhausted.
        rules: by which the files are found.
        ids: the ids of sources by their paths, if the rows have such a column.
    """
    from batchdigits.engines.local import default_jobs
    from batchdigits.output.row_counts import RowCounts, count_lines, count_rows
    from batchdigits.output.table import read_table

    stopwatch = Stopwatch()
    task, columns, encoder = task_of(request, ids)
    reader = encoder.reader(columns)
    if encoder.max_rows:
        files = _at_most(encoder.max_rows, files, request)
    converted = RowCounts()

    def convert(lines: Iterator[bytes], path: Path) -> None:
        assert encoder.convert
        if not reader.can_add:
            lines = request.note_lines(count_lines(lines, reader, converted))
        encoder.convert(columns, lines, path)

    with _output(request, identity_of(request, task), encoder.header(columns), reader) as output:
        written = write_results(
            request.run(output.unfinished(files), task),
            lambda result: result.rows and output.write(result.rows, result.stamps),
            request.max_failures,
            lambda: output.rows_before,
            output.resumed,
            lambda bar: None if request.files_from or output.old else _estimate_total(bar, request.paths, rules),
        )
        if output.old:
            refuse_to_prune_all(request, tally.empty_folders)
        output.finish(convert if encoder.convert else None)
    counts = written
    rows: Iterator[TableRow] | None = None
    if request.file and (output.resumed or output.old):  # a person may have edited the rows of earlier runs
        counts = count_rows(request.file, reader) if reader.can_add else converted
        rows = read_table(str(request.file)) if reader.can_add else None
    if output.old:
        print_added(request, output.old.numbers(), output.old.names)
    _print_left_out(tally, rules)
    request.print_more(rows)
    finish(
        Summary(
            request=request,
            task=task,
            workers=request.jobs or default_jobs(task.model),
            counts=counts,
            new=written.rows,
            done_before=output.resumed,
            tally=tally,
            start=stopwatch.start,
            seconds=stopwatch.seconds,
        )
    )


def _print_left_out(tally: Tally, rules: Filter) -> None:
    for pattern in rules.unused:
        print_message(f"--include {pattern} matches no file", "unused")
    for text in skipped_texts(tally):
        print_message(text, "skipped", skipped_pdfs=tally.skipped_pdfs, skipped_archives=tally.skipped_archives)


def _at_most(rows: int, files: Iterator[str], request: Request) -> Iterator[str]:
    """The same files, listed before the work.

    Raises:
        BatchdigitsError: they have more rows than the output can hold.
    """
    known = list(islice(files, rows + 1))
    if len(known) > rows:
        raise BatchdigitsError(
            f"{request.output} can hold {rows:,} rows, and there are more images than that; give -o FILE.csv"
        )
    return iter(known)


@contextmanager
def _output(
    request: Request, identity: Identity, header: bytes, reader: Reader
) -> Iterator[ResumableOutput | StreamOutput]:
    """The output to write rows to: a file that can be resumed, else a stream (stdout, a pipe or a device)."""
    from batchdigits.output.atomic import explain_os_errors
    from batchdigits.output.resumable import ResumableOutput
    from batchdigits.output.stream import StreamOutput
    from batchdigits.output.table import refuse_other

    if request.file:
        if request.resume is False:
            refuse_other(request.file)
        with ResumableOutput(
            request.file, identity, header, request.resume, reader, request.prune, request.can_resume
        ) as output:
            if not output.old:
                print_resumed(request, output.resumed, "files")
            with print_kept_on_error(lambda: output.kept, "files"):
                yield output
    elif request.output is None or request.writes_stdout:
        with explain_os_errors(Path("<stdout>")):
            yield StreamOutput(sys.stdout.buffer, header)
    else:
        device = Path(request.output)
        with explain_os_errors(device), device.open("wb") as stream:
            yield StreamOutput(stream, header)


def _estimate_total(bar: Bar, paths: Sequence[str], rules: Filter) -> None:
    """Count the files ahead of the work, so that the bar can show the time left; with archives it shows none."""
    from batchdigits.files.remote import is_url
    from batchdigits.files.sources import estimate

    def estimate_total() -> None:
        bar.total = estimate(paths, rules)

    if not any(map(is_url, paths)):  # listing remote storage twice would take too long
        Thread(target=estimate_total, daemon=True).start()  # the workers have been forked, so a thread is safe
