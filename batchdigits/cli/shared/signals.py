"""SIGTERM as an exception, as SIGINT is, so that a command cleans up after both; and both held back for a while."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Terminated(BaseException):
    """SIGTERM arrived. Not an Exception, like KeyboardInterrupt, so that no `except Exception` catches it."""


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Inside the block, SIGTERM raises `Terminated` in the main thread, as SIGINT raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


@contextmanager
def held_signals() -> Iterator[list[BaseException]]:
    """Inside the block, the first SIGINT or SIGTERM puts its exception on the list that is given, and raises nothing.

    So the block ends its work where nothing is half done. A second signal raises at once: the user will not wait.
    """
    held: list[BaseException] = []

    def hold(number: int, frame: FrameType | None) -> None:
        held.append(KeyboardInterrupt() if number == signal.SIGINT else Terminated())
        if len(held) > 1:
            raise held[-1]

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield held
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
