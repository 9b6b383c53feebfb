"""`batchdigits classify`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.classify_parts import classify_in_parts
from batchdigits.cli.classify_request import STDIO, Request, classify_options
from batchdigits.cli.classify_run import finish, print_added, print_kept_on_error, print_resumed, write_results
from batchdigits.cli.classify_task import identity_of, task_of
from batchdigits.cli.console import Bar, print_message
from batchdigits.errors import NoImagesError
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
    """Classify images of handwritten digits into a CSV.

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
    from batchdigits.files.sources import Filter, Tally, find

    request = Request(**values)
    request.check()
    if request.engine == "local":  # Ray's machines may see paths that this one does not
        _require_paths(request.paths)
    tally = Tally()
    rules = Filter(request.include, request.exclude, not request.no_recursive)
    with _paths(request) as paths:
        if request.engine == "ray" and not request.dry_run:
            classify_in_parts(request, list(paths), rules)
            return
        files = _not_empty(find(paths, tally, rules), tally, rules)
        if request.dry_run:
            _list(files, tally, b"\0" if request.null else b"\n")
        else:
            _classify(request, files, tally, rules)


@contextmanager
def _paths(request: Request) -> Iterator[Iterable[str]]:
    """All paths named by hand; an image on stdin is written to a temporary file."""
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


def _require_paths(paths: Sequence[str]) -> None:
    """Check that the paths named by hand are there; one in a list of files gets an error row instead.

    Raises:
        NoImagesError: one is not. A mistyped path must not replace a finished output by an error row.
    """
    from batchdigits.files.archives import split_member
    from batchdigits.files.remote import is_url

    for path in paths:
        if path != STDIO and not is_url(path) and not os.path.lexists(path) and not split_member(path):
            raise NoImagesError(f"{path}: no such file or folder")


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
    tally.on_skipped = lambda path: print_message(f"skipped: {path}")
    for path in files:
        shown = printable(path).encode() if sys.stdout.isatty() else os.fsencode(path)
        sys.stdout.buffer.write(shown + end)
    print_message(f"{counted(tally.sources, 'file')} would be classified, {tally.skipped:,} skipped")


def _classify(request: Request, files: Iterator[str], tally: Tally, rules: Filter) -> None:
    """Classify files with the workers of this machine, and write the rows."""
    from batchdigits.engines.local import classify as run
    from batchdigits.output.formats import FORMATS

    began = time.monotonic()
    task, columns, file_format = task_of(request)
    encoder = FORMATS[file_format]

    def estimate_total(bar: Bar) -> None:
        if not bar.disable and not request.files_from:  # the workers have been forked, so a thread is safe
            Thread(target=_set_total, args=(bar, request.paths, rules), daemon=True).start()

    with _output(request, identity_of(request, task), encoder.header(columns), encoder.reader(columns)) as output:
        counts = write_results(
            run(output.unfinished(files), task, request.jobs),
            lambda result: output.write(result.rows, result.stamps),
            request.max_failures,
            output.resumed,
            estimate_total,
        )
        output.finish(partial(encoder.convert, columns) if encoder.convert else None)
    print_added(request, output.old)
    for pattern in rules.unused:
        print_message(f"--include {pattern} matches no file")
    if tally.skipped_pdfs:
        print_message(_about_pdfs(tally))
    seconds = time.monotonic() - began
    finish(counts, counts, output.resumed, tally.skipped, tally.empty_folders, seconds, task.model)


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
