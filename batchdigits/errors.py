"""Everything that ends a run, each with the exit code that the command line gives it.

The library raises these; only `cli` turns one into a line on stderr and an exit code. What is wrong with one image
is never an exception: it is that image's `error` row.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of the command line; usage errors and success are click's."""

    DONE = 0
    FATAL = 1
    USAGE = 2
    SOME_FAILED = 3
    INTERRUPTED = 130
    TERMINATED = 143


class BatchdigitsError(Exception):
    """A fatal error whose message is one line that says what to do."""

    exit_code = 1


class NoImagesError(BatchdigitsError):
    """None of the paths holds an image."""


class ModelFileError(BatchdigitsError):
    """A model file is missing, truncated, edited, foreign, or made for another normaliser."""


class DataError(BatchdigitsError):
    """Labelled data is missing or malformed."""


class DivergedError(BatchdigitsError):
    """A training has gone wrong beyond repair."""


class MissingExtraError(BatchdigitsError):
    """A command needs an optional dependency that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        """Name what needs the `extra`, and the line that installs it."""
        super().__init__(f"{what} needs an optional package; install it with: pip install 'batchdigits[{extra}]'")


class TooManyFailuresError(BatchdigitsError):
    """More images than `--max-failures` allows could not be read."""
