"""`batchdigits classify`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.classify_parts import classify_in_parts
from batchdigits.cli.classify_request import Request, classify_options
from batchdigits.cli.classify_task import identity_of, summary, task_of
from batchdigits.cli.console import Bar, print_message, progress_bar
from batchdigits.errors import ExitCode, NoImagesError
from batchdigits.text import printable

if TYPE_CHECKING:
    from batchdigits.engines.supervisor import Batches
    from batchdigits.files.sources import Filter, Tally
    from batchdigits.output.journal import Identity
    from batchdigits.output.resumable import ResumableOutput
    from batchdigits.output.stream import StreamOutput


@click.command()
@classify_options
def classify(**values: Any) -> None:
    """Classify images of handwritten digits, and folders of them, into a CSV.

    Every image gives exactly one row. Its status is `ok`, `review` (too unsure), `blank` (no ink) or
    `error` (unreadable; the detail says why). The exit code is 3 when some rows are errors. A run that
    was stopped, by whatever it was, goes on with --resume. The path - is one image on stdin.

    \b
    Example:
        batchdigits classify ./scans > out.csv
        batchdigits classify ./scans page7.png --runtime tensorflow -o out.csv
        find . -name '*.png' -print0 | batchdigits classify --files-from - -0 -o out.csv --resume
        batchdigits classify s3://bucket/scans --engine ray -o s3://bucket/rows
    """
    from batchdigits.files.sources import Filter, Tally, find

    request = Request(**values)
    request.check()
    tally = Tally()
    rules = Filter(request.include, request.exclude, not request.no_recursive)
    with _paths(request) as paths:
        if request.engine == "ray" and not request.dry_run:
            classify_in_parts(request, list(paths), rules)
            return
        files = _not_empty(find(paths, tally, rules), tally)
        if request.dry_run:
            _list(files, tally, b"\0" if request.null else b"\n")
        else:
            _classify(request, files, tally, rules)


@contextmanager
def _paths(request: Request) -> Iterator[Iterable[str]]:
    """All paths that are named by hand; an image on stdin lies in a file meanwhile."""
    from batchdigits.files.path_list import read_paths

    if request.reads_stdin_image and request.dry_run:
        yield request.paths
    elif request.reads_stdin_image:
        with tempfile.NamedTemporaryFile(prefix="batchdigits-") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
            file.flush()
            yield [file.name]
    elif request.files_from:
        with click.open_file(request.files_from, "rb") as stream:
            yield chain(request.paths, read_paths(stream, b"\0" if request.null else b"\n"))
    else:
        yield request.paths


def _not_empty(files: Iterator[str], tally: Tally) -> Iterator[str]:
    """The same files, of which there must be at least one."""
    first = next(files, None)
    if first is None:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders) or 'the list of files'}")
    yield first
    yield from files


def _list(files: Iterable[str], tally: Tally, end: bytes) -> None:
    """What would be classified, on stdout, and what would not, on stderr."""
    tally.on_skipped = lambda path: print_message(f"skipped: {path}")
    for path in files:
        shown = printable(path).encode() if sys.stdout.isatty() else os.fsencode(path)
        sys.stdout.buffer.write(shown + end)
    print_message(f"{tally.sources:,} files would be classified, {tally.skipped:,} skipped")


def _classify(request: Request, files: Iterator[str], tally: Tally, rules: Filter) -> None:
    """The main road: from files to rows."""
    from batchdigits.engines.local import classify as run
    from batchdigits.output.formats import FORMATS

    began = time.monotonic()
    task, columns, name = task_of(request)
    form = FORMATS[name]
    with _output(request, identity_of(request, task), form.header(columns)) as output:
        batches = run(output.unfinished(files), task, request.jobs)
        counts = _write(batches, output, request, rules)
        output.finish(partial(form.convert, columns) if form.convert else None)
    print_message(summary(counts, output.resumed, tally.skipped, time.monotonic() - began, task.model))
    if tally.empty_folders:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders)}")
    if counts["error"]:
        raise click.exceptions.Exit(ExitCode.SOME_FAILED)


@contextmanager
def _output(request: Request, identity: Identity, header: bytes) -> Iterator[ResumableOutput | StreamOutput]:
    """Where the rows go."""
    from batchdigits.output.atomic import explain_os_errors
    from batchdigits.output.resumable import ResumableOutput
    from batchdigits.output.stream import StreamOutput

    if request.file:
        with ResumableOutput(request.file, identity, header, request.resume) as output:
            if request.resume:
                print_message(
                    f"{output.resumed:,} files are done" if output.resumed else "nothing to go on with: starting"
                )
            try:
                yield output
            except BaseException:
                if output.done:
                    print_message(
                        f"{output.done:,} files are done and kept; to go on, add --resume to the same command"
                    )
                raise
    elif request.output is None or request.writes_stdout:
        with explain_os_errors(Path("<stdout>")):
            yield StreamOutput(sys.stdout.buffer, header)
    else:
        device = Path(request.output)
        with explain_os_errors(device), device.open("wb") as stream:
            yield StreamOutput(stream, header)


def _write(
    batches: Batches[bytes],
    output: ResumableOutput | StreamOutput,
    request: Request,
    rules: Filter,
) -> Counter[str]:
    """Write everything down, behind a progress bar; how many rows there were of each status."""
    counts: Counter[str] = Counter()
    with closing(batches), progress_bar(unit="img", initial=output.resumed) as bar:
        for batch in batches:
            output.write(batch.files, batch.stamps)
            if not counts and not bar.disable and not request.files_from:  # the workers were forked by now
                Thread(target=_set_total, args=(bar, request.paths, rules), daemon=True).start()
            counts.update(batch.statuses)
            bar.update(len(batch.files))
            if request.max_failures:
                request.max_failures.check(counts)
    if request.max_failures:
        request.max_failures.check(counts, at_the_end=True)
    return counts


def _set_total(bar: Bar, paths: Sequence[str], rules: Filter) -> None:
    """Count ahead of the work, so that the bar can tell the time left."""
    from batchdigits.files.remote import is_url
    from batchdigits.files.sources import estimate

    if not any(map(is_url, paths)):  # a storage cannot be listed twice for that
        bar.total = estimate(paths, rules)
