"""SIGTERM and SIGHUP as exceptions, as SIGINT is, so that a command cleans up; and all three held back for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGHUP: int | None = getattr(signal, "SIGHUP", None)  # the terminal is closed; Windows has none


class Terminated(BaseException):
    """SIGTERM or SIGHUP arrived. Not an Exception, like KeyboardInterrupt, so that no `except Exception` catches it.

    Attributes:
        number: which of them.
    """

    def __init__(self, number: int) -> None:
        """The signal with this number arrived."""
        super().__init__(number)
        self.number = number


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """Inside the block, SIGTERM and SIGHUP raise `Terminated` in the main thread, as SIGINT does KeyboardInterrupt."""
    with _handled(_stop_signals(), _raise_terminated):
        yield


@contextmanager
def held_signals() -> Iterator[list[BaseException]]:
    """Inside the block, the first signal that stops puts its exception on the list that is given, and raises nothing.

    So the block ends its work where nothing is half done. A second signal raises at once: the user will not wait.
    """
    held: list[BaseException] = []

    def hold(number: int, frame: FrameType | None) -> None:
        _ignore_more(number)
        held.append(KeyboardInterrupt() if number == signal.SIGINT else Terminated(number))
        if len(held) > 1:
            raise held[-1]

    with _handled([signal.SIGINT, *_stop_signals()], hold):
        yield held
    for one in held:
        if isinstance(one, Terminated):
            _ignore_more(one.number)


def _stop_signals() -> list[int]:
    """SIGTERM, and SIGHUP where it is not ignored, as `nohup` has it."""
    if SIGHUP is None or signal.getsignal(SIGHUP) == signal.SIG_IGN:
        return [signal.SIGTERM]
    return [signal.SIGTERM, SIGHUP]


@contextmanager
def _handled(numbers: list[int], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before or signal.SIG_DFL)


def _raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    _ignore_more(number)
    raise Terminated(number)


def _ignore_more(number: int) -> None:
    """Ignore SIGHUP from the first one on: both the shell and the system send one, and no person is in a hurry."""
    if number == SIGHUP:
        signal.signal(number, signal.SIG_IGN)
