"""What `classify` and `read` do with either engine: write results, count rows, tell the summary, exit."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar

import click

from batchdigits.cli.shared.console import Bar, print_message, progress_bar
from batchdigits.cli.shared.own_pip import with_own_pip
from batchdigits.cli.shared.progress import Progress
from batchdigits.cli.table.max_failures import MaxFailures
from batchdigits.cli.table.request import Request
from batchdigits.cli.table.summary import Summary
from batchdigits.errors import ExitCode, NoImagesError
from batchdigits.text import counted, first_names

if TYPE_CHECKING:
    from batchdigits.files.sources import Tally
    from batchdigits.output.row_counts import RowCounts

KEPT = (  # what is said of some of the kept files
    ("edited", "rows edited by hand, though their files have changed"),
    ("short", "rows missing, which are made again"),
)


class Result(Protocol):
    """The rows of some files."""

    @property
    def counts(self) -> RowCounts:
        """The counts of the rows."""

    @property
    def files(self) -> int:
        """The number of files."""


R = TypeVar("R", bound=Result)


def write_results(
    results: Generator[R, None, None],
    write: Callable[[R], object],
    max_failures: MaxFailures | None,
    rows_before: Callable[[], int],
    initial: int = 0,
    on_shown: Callable[[Bar], object] = lambda bar: None,
) -> RowCounts:
    """Write every result, and show progress.

    Args:
        results: the engine's results; the generator is closed at the end.
        write: writes one result.
        max_failures: how many rows may be errors, as a number or a percentage; None for any number.
        rows_before: gives the number of rows without an error that earlier runs made, and that stay.
        initial: files done before, which the bar counts as done.
        on_shown: called with the bar when progress is first shown.

    Returns:
        The counts of all rows.

    Raises:
        TooManyFailuresError: see `MaxFailures`.
    """
    from batchdigits.output.row_counts import RowCounts

    counts = RowCounts()
    with closing(results), progress_bar(unit="img", initial=initial) as bar:
        progress = Progress(bar, on_shown)
        for result in results:
            write(result)
            counts.update(result.counts)
            progress.update(result.files, counts.statuses["error"])
            if max_failures:
                max_failures.check(counts.statuses, rows_before())
    if max_failures:
        max_failures.check(counts.statuses, rows_before(), at_the_end=True)
    return counts


def print_resumed(request: Request, done: int, unit: str) -> None:
    """With `--resume`, print how many files or parts (`unit`) are done."""
    if request.resume:
        print_message(f"{done:,} {unit} are done" if done else "nothing to resume: starting", "resumed", **{unit: done})


def print_added(
    request: Request, numbers: Mapping[str, int], names: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> None:
    """Say what became of the rows of a finished output that the run added to.

    Args:
        request: the options.
        numbers: as of `FinishedOutput.numbers`.
        names: as in `FinishedOutput`.
    """
    done = [f"{counted(numbers['added'], 'file')} added", f"{numbers['changed']:,} {request.done} again"]
    done.append(f"{numbers['kept']:,} kept")
    for name, what in KEPT:
        if number := numbers.get(name):
            first = names.get(name)
            examples = f" ({first_names(first, total=number)})" if first else ""
            done.append(f"of these {number:,} with {what}{examples}")
    if unnamed := numbers["unnamed"]:
        done.append(f"{unnamed:,} no longer named and {'dropped' if request.prune else 'kept (--prune drops them)'}")
    if unread := numbers["unread"]:
        done.append(f"{unread:,} in folders or archives that could not be read, and kept")
    print_message(f"{request.output}: {', '.join(done)}", "added", **numbers)


def skipped_texts(tally: Tally) -> Iterator[str]:
    """Which files were skipped that may hold images, and how these can be read."""
    if tally.skipped_pdfs:
        yield with_own_pip(f"{counted(tally.skipped_pdfs, 'PDF file')} skipped: pip install 'batchdigits[pdf]'")
    if tally.skipped_archives:
        yield f"{counted(tally.skipped_archives, 'archive')} inside archives skipped: unpack them first"


def refuse_to_prune_all(request: Request, empty_folders: Sequence[str]) -> None:
    """Check that a typed folder without images is not why rows of a finished output would be dropped.

    Raises:
        NoImagesError: with `--prune`, one is.
    """
    if request.prune and empty_folders:
        matching = " that match --include and --exclude" if request.include or request.exclude else ""
        raise NoImagesError(
            f"no images in {', '.join(empty_folders)}{matching}: mount its disk, or leave it out if --prune shall drop "
            "its rows"
        )


@contextmanager
def print_kept_on_error(done: Callable[[], int], unit: str) -> Iterator[None]:
    """If the block fails, print how many files or parts (`unit`) are kept, and how to continue."""
    try:
        yield
    except BaseException:
        if count := done():
            print_message(
                f"{count:,} {unit} are done and kept; to continue, add --resume to the same command",
                "kept",
                **{unit: count},
            )
        raise


def finish(summary: Summary) -> None:
    """Print the summary, write it to the file of `--summary`, and exit with the code for it.

    Raises:
        NoImagesError: a folder was empty.
        BatchdigitsError: the file cannot be written.
        click.exceptions.Exit: some rows are errors.
    """
    print_message(summary.line(), "summary", **summary.numbers())
    if summary.request.summary:
        summary.write(summary.request.summary)
    if summary.tally.empty_folders:
        raise NoImagesError(f"no images in {', '.join(summary.tally.empty_folders)}")
    if summary.counts.statuses["error"]:
        raise click.exceptions.Exit(ExitCode.SOME_FAILED)
