"""The exceptions that end a run, and the exit codes of the command line.

The library raises these exceptions; only `cli` turns one into a line on stderr and an exit code. An unreadable image
raises nothing: it gets a row with the status `error`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """The exit codes of every command, but for 2: Click's own, for wrong options and arguments."""

    DONE = 0
    FATAL = 1  # one line on stderr says why
    SOME_FAILED = 3  # the output is complete, and some of its rows are errors
    HUNG_UP = 129  # 128 + SIGHUP, as shells report it
    INTERRUPTED = 130  # 128 + SIGINT
    TERMINATED = 143  # 128 + SIGTERM


class BatchdigitsError(Exception):
    """A fatal error. Its message is one line that says what to do."""

    exit_code = ExitCode.FATAL

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is pickled: by its message, whatever its class makes that of; a process pool needs it."""
        return _made_again, (type(self), self.args)


class NoImagesError(BatchdigitsError):
    """None of the paths holds an image."""


class ModelFileError(BatchdigitsError):
    """A model file is missing, truncated, edited, not made by batchdigits, or made for another normaliser."""


class DataError(BatchdigitsError):
    """Labelled data is missing or malformed."""


class OptionError(BatchdigitsError):
    """Options of training or export are unknown, or exclude each other; they are named as on the command line."""


class DivergedError(BatchdigitsError):
    """Training diverged, so that its loss is no longer a finite number, or it learned nothing."""


class MissingExtraError(BatchdigitsError):
    """A command needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        """Name the `feature` that needs the `extra`, and the command that installs it."""
        super().__init__(f"{feature} needs an optional package; install it with: pip install 'batchdigits[{extra}]'")


@contextmanager
def needs_extra(feature: str, extra: str) -> Iterator[None]:
    """Import packages of an `extra` inside the block, which a `feature` needs.

    Raises:
        MissingExtraError: one is not installed.
    """
    try:
        yield
    except ImportError:
        raise MissingExtraError(feature, extra) from None


class OpenCVError(BatchdigitsError):
    """OpenCV cannot be used."""

    def __init__(self) -> None:
        """Name the causes, and the commands that cure all of them."""
        super().__init__(
            "OpenCV is missing, older than 5, or mixed up, as when two of its packages are installed or one of them was"
            " removed; cure it with: pip uninstall -y opencv-python opencv-contrib-python opencv-python-headless"
            " opencv-contrib-python-headless; pip install 'opencv-python-headless>=5'"
        )


class TooManyFailuresError(BatchdigitsError):
    """More images than `--max-failures` allows could not be read."""


def _made_again(kind: type[BatchdigitsError], args: tuple[Any, ...]) -> BatchdigitsError:
    return kind.__new__(kind, *args)
