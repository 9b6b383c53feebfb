"""`batchdigits classify`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.classify_parts import classify_in_parts
from batchdigits.cli.classify_request import STDIO, Request, classify_options
from batchdigits.cli.classify_run import finish, print_added, print_kept_on_error, print_resumed, write_results
from batchdigits.cli.classify_summary import Stopwatch, Summary, prepare_summary
from batchdigits.cli.classify_task import identity_of, task_of
from batchdigits.cli.console import Bar, print_message
from batchdigits.errors import BatchdigitsError, NoImagesError
from batchdigits.text import counted, printable

if TYPE_CHECKING:
    from batchdigits.files.sources import Filter, Tally
    from batchdigits.output.finished import Reader
    from batchdigits.output.journal import Identity
    from batchdigits.output.resumable import ResumableOutput
    from batchdigits.output.stream import StreamOutput


@click.command()
@classify_options
def classify(**values: Any) -> None:
    """Classify images of handwritten digits into a table.

    A PATH is an image, a folder or archive of images, or a URL; - is one image on stdin. Every image gives one row. Its
    status is `ok`, `review` (a person should check it), `blank` (no ink) or `error` (unreadable; the detail says why).
    The exit code is 3 if some rows are errors. A run that was stopped is continued with --resume.

    \b
    Example:
        batchdigits classify ./scans > out.csv
        batchdigits classify ./scans page7.png --runtime tensorflow -o out.csv
        find . -name '*.png' -print0 | batchdigits classify --files-from - -0 -o out.csv --resume
        batchdigits classify s3://bucket/scans --engine ray -o s3://bucket/rows
    """
    from batchdigits.files.required import require_paths
    from batchdigits.files.sources import Filter, Tally, find

    request = Request(**values)
    request.check()
    if request.engine == "local" or request.dry_run:  # Ray's machines may see paths that this one does not
        require_paths([path for path in request.paths if path != STDIO])
    if request.summary and not request.dry_run:
        prepare_summary(request.summary)
    tally = Tally()
    rules = Filter(request.include, request.exclude, not request.no_recursive)
    with _paths(request) as paths:
        ids = paths if isinstance(paths, dict) else None
        if request.engine == "ray" and not request.dry_run:
            classify_in_parts(request, list(paths), rules, ids)
            return
        files = _not_empty(find(paths, tally, rules), tally, rules)
        if request.dry_run:
            _list(files, tally, b"\0" if request.null else b"\n")
        else:
            _classify(request, files, tally, rules, ids)


@contextmanager
def _paths(request: Request) -> Iterator[Iterable[str]]:
    """All paths named by hand, with their ids if they have some; an image on stdin is written to a temporary file."""
    from batchdigits.files.path_list import read_paths, read_paths_and_ids

    if request.reads_stdin_image and request.dry_run:
        yield request.paths
    elif request.reads_stdin_image:
        with tempfile.TemporaryDirectory(prefix="batchdigits-") as folder:
            image = Path(folder) / "stdin"
            with image.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            yield [str(image)]
    elif request.files_from and request.with_id:
        with click.open_file(request.files_from, "rb") as stream:
            yield read_paths_and_ids(stream, b"\0" if request.null else b"\n")
    elif request.files_from:
        with click.open_file(request.files_from, "rb") as stream:
            yield chain(request.paths, read_paths(stream, b"\0" if request.null else b"\n"))
    else:
        yield request.paths


def _not_empty(files: Iterator[str], tally: Tally, rules: Filter) -> Iterator[str]:
    """The same files, at least one.

    Raises:
        NoImagesError: there is none.
    """
    first = next(files, None)
    if first is None:
        unused = f" that match --include {' or '.join(rules.unused)}" if rules.unused else ""
        pdfs = f"; {_about_pdfs(tally)}" if tally.skipped_pdfs else ""
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders) or 'the list of files'}{unused}{pdfs}")
    yield first
    yield from files


def _about_pdfs(tally: Tally) -> str:
    return f"{counted(tally.skipped_pdfs, 'PDF file')} skipped: pip install 'batchdigits[pdf]'"


def _list(files: Iterable[str], tally: Tally, end: bytes) -> None:
    """List the files that would be classified on stdout, and those that would be skipped on stderr."""
    tally.on_skipped = lambda path: print_message(f"skipped: {path}", "skipped")
    for path in files:
        shown = printable(path).encode() if sys.stdout.isatty() else os.fsencode(path)
        sys.stdout.buffer.write(shown + end)
    print_message(
        f"{counted(tally.sources, 'file')} would be classified, {tally.skipped:,} skipped",
        "listed",
        sources=tally.sources,
        skipped=tally.skipped,
    )


def _classify(
    request: Request, files: Iterator[str], tally: Tally, rules: Filter, ids: Mapping[str, str] | None
) -> None:
    """Classify files with the workers of this machine, and write the rows."""
    from batchdigits.engines.local import classify as run
    from batchdigits.engines.local import default_jobs
    from batchdigits.output.row_counts import RowCounts, count_lines, count_rows

    stopwatch = Stopwatch()
    task, columns, encoder = task_of(request, ids)
    reader = encoder.reader(columns)
    if encoder.max_rows:
        files = _at_most(encoder.max_rows, files, request)
    converted = RowCounts()

    def convert(lines: Iterator[bytes], path: Path) -> None:
        assert encoder.convert
        encoder.convert(columns, count_lines(lines, reader, converted) if encoder.max_rows else lines, path)

    def estimate_total(bar: Bar) -> None:
        if not (request.files_from or output.old):  # the workers have been forked, so a thread is safe
            Thread(target=_set_total, args=(bar, request.paths, rules), daemon=True).start()

    with _output(request, identity_of(request, task), encoder.header(columns), reader) as output:
        written = write_results(
            run(output.unfinished(files), task, request.jobs),
            lambda result: output.write(result.rows, result.stamps),
            request.max_failures,
            output.resumed,
            estimate_total,
        )
        output.finish(convert if encoder.convert else None)
    print_added(request, output.old)
    for pattern in rules.unused:
        print_message(f"--include {pattern} matches no file", "unused")
    if tally.skipped_pdfs:
        print_message(_about_pdfs(tally), "skipped", skipped_pdfs=tally.skipped_pdfs)
    counts = written
    if request.file and (output.resumed or output.old):  # a person may have edited the rows of earlier runs
        counts = converted if encoder.max_rows else count_rows(request.file, reader)
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

    if request.file:
        with ResumableOutput(request.file, identity, header, request.resume, reader, request.prune) as output:
            if not output.old:
                print_resumed(request, output.resumed, "files")
            with print_kept_on_error(lambda: output.done, "files"):
                yield output
    elif request.output is None or request.writes_stdout:
        with explain_os_errors(Path("<stdout>")):
            yield StreamOutput(sys.stdout.buffer, header)
    else:
        device = Path(request.output)
        with explain_os_errors(device), device.open("wb") as stream:
            yield StreamOutput(stream, header)


def _set_total(bar: Bar, paths: Sequence[str], rules: Filter) -> None:
    """Count the files ahead of the work, so that the bar can show the time left."""
    from batchdigits.files.remote import is_url
    from batchdigits.files.sources import estimate

    if not any(map(is_url, paths)):  # listing remote storage twice would take too long
        bar.total = estimate(paths, rules)
