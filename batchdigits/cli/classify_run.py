"""What `batchdigits classify` does with either engine: write results, count rows, print a summary, exit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from batchdigits.cli.classify_request import Request
from batchdigits.cli.console import Bar, print_message, progress_bar
from batchdigits.cli.max_failures import MaxFailures
from batchdigits.errors import ExitCode, NoImagesError
from batchdigits.text import counted

if TYPE_CHECKING:
    from batchdigits.output.finished import FinishedOutput


class Result(Protocol):
    """The rows of some files."""

    @property
    def statuses(self) -> Counter[Any]:
        """The number of rows of each status."""

    @property
    def files(self) -> int:
        """The number of files."""


R = TypeVar("R", bound=Result)


def write_results(
    results: Generator[R, None, None],
    write: Callable[[R], object],
    max_failures: MaxFailures | None,
    initial: int = 0,
    on_start: Callable[[Bar], object] = lambda bar: None,
) -> Counter[str]:
    """Write every result, and show a progress bar.

    Args:
        results: the engine's results; the generator is closed at the end.
        write: writes one result.
        max_failures: how many rows may be errors, as a number or a percentage; None for any number.
        initial: files done before, which the bar counts as done.
        on_start: called with the bar after the first result.

    Returns:
        The number of rows of each status.

    Raises:
        TooManyFailuresError: see `MaxFailures`.
    """
    counts: Counter[str] = Counter()
    with closing(results), progress_bar(unit="img", initial=initial) as bar:
        for result in results:
            write(result)
            if not counts:
                on_start(bar)
            counts.update(result.statuses)
            bar.update(result.files)
            if max_failures:
                max_failures.check(counts)
    if max_failures:
        max_failures.check(counts, at_the_end=True)
    return counts


def print_resumed(request: Request, done: int, unit: str) -> None:
    """With `--resume`, print how many files or parts (`unit`) are done."""
    if request.resume:
        print_message(f"{done:,} {unit} are done" if done else "nothing to resume: starting")


def print_added(request: Request, old: FinishedOutput | None) -> None:
    """Say what became of the rows of a finished output that the run added to."""
    if not old:
        return
    done = [f"{counted(old.added, 'file')} added", f"{old.changed:,} classified again", f"{old.kept:,} kept"]
    if old.unnamed:
        done.append(f"{old.unnamed:,} no longer named and {'dropped' if request.prune else 'kept'}")
    print_message(f"{request.output}: {', '.join(done)}")


@contextmanager
def print_kept_on_error(done: Callable[[], int], unit: str) -> Iterator[None]:
    """If the block fails, print how many files or parts (`unit`) are kept, and how to continue."""
    try:
        yield
    except BaseException:
        if count := done():
            print_message(f"{count:,} {unit} are done and kept; to continue, add --resume to the same command")
        raise


def finish(
    counts: Counter[str],
    total: Counter[str],
    resumed: int,
    skipped: int,
    empty_folders: Sequence[str],
    seconds: float,
    model: Path,
) -> None:
    """Print what the run did, and exit with the code for it.

    Args:
        counts: the number of rows of each status that this run wrote.
        total: the number of rows of each status that decide the exit code.
        resumed: the number of files or rows done before.
        skipped: the number of files in folders that are no images.
        empty_folders: folders named by hand that held no image.
        seconds: the duration of the run.
        model: the model file.

    Raises:
        NoImagesError: a folder was empty.
        click.exceptions.Exit: some rows are errors.
    """
    print_message(_summary(counts, resumed, skipped, seconds, model))
    if empty_folders:
        raise NoImagesError(f"no images in {', '.join(empty_folders)}")
    if total["error"]:
        raise click.exceptions.Exit(ExitCode.SOME_FAILED)


def _summary(counts: Counter[str], resumed: int, skipped: int, seconds: float, model: Path) -> str:
    parts = [f"{count:,} {status}" for status in ("ok", "review", "blank", "error") if (count := counts[status])]
    images = f"{counted(counts.total(), 'image')}: {', '.join(parts)}" if parts else "no images left to do"
    before = f"; {counted(resumed, 'file')} done before" if resumed else ""
    others = f"; {counted(skipped, 'other file')} skipped" if skipped else ""
    return f"{images}{before}{others}; {seconds:.1f} s, {counts.total() / seconds:,.0f} images/s, with {model}"
