"""From paths to a table with a row for each image: what `classify` and `read` do, by either engine."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchdigits.cli.shared.console import print_message
from batchdigits.cli.table.local import classify_locally
from batchdigits.cli.table.parts import classify_in_parts
from batchdigits.cli.table.request import STDIO, Request
from batchdigits.cli.table.run import skipped_texts
from batchdigits.cli.table.summary import prepare_summary
from batchdigits.errors import NoImagesError
from batchdigits.text import counted, printable

if TYPE_CHECKING:
    from batchdigits.files.filter import Filter
    from batchdigits.files.sources import Tally


def make_table(request: Request) -> None:
    """Write a row for every image, and tell the summary.

    Raises:
        click.UsageError: the options cannot be combined.
        click.exceptions.Exit: some rows are errors.
        BatchdigitsError: there is nothing to do, the model or the output cannot be used, or no worker can start.
    """
    from batchdigits.files.filter import Filter
    from batchdigits.files.required import require_paths
    from batchdigits.files.sources import Tally, find

    request.check()
    if request.engine == "local" or request.dry_run:  # Ray's machines may see paths that this one does not
        require_paths([path for path in request.paths if path != STDIO])
    if request.summary and not request.dry_run:
        prepare_summary(request.summary, request.command)
    tally = Tally()
    rules = Filter(request.include, request.exclude, not request.no_recursive)
    with _paths(request) as paths:
        ids = paths if isinstance(paths, dict) else None
        if request.engine == "ray" and not request.dry_run:
            classify_in_parts(request, list(paths), rules, ids)
            return
        files = _not_empty(find(paths, tally, rules), tally, rules)
        if request.dry_run:
            _list(files, tally, request)
        else:
            classify_locally(request, files, tally, rules, ids)


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
        skipped = "".join(f"; {text}" for text in skipped_texts(tally))
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders) or 'the list of files'}{unused}{skipped}")
    yield first
    yield from files


def _list(files: Iterable[str], tally: Tally, request: Request) -> None:
    """List the files that would give rows on stdout, and those that would be skipped on stderr."""
    end = b"\0" if request.null else b"\n"
    tally.on_skipped = lambda path: print_message(f"skipped: {path}", "skipped")
    for path in files:
        shown = printable(path).encode() if sys.stdout.isatty() else os.fsencode(path)
        sys.stdout.buffer.write(shown + end)
    print_message(
        f"{counted(tally.sources, 'file')} would be {request.done}, {tally.skipped:,} skipped",
        "listed",
        sources=tally.sources,
        skipped=tally.skipped,
    )
