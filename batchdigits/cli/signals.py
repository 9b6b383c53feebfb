"""SIGINT and SIGTERM both end a command in order: what is done is kept, and the exit code tells which it was."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED = 130, 143  # 128 + the signal's number, as shells report it


class Terminated(BaseException):
    """SIGTERM; like KeyboardInterrupt, not an Exception, so that nothing catches it by accident."""


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Inside, SIGTERM raises `Terminated` in the main thread, as SIGINT raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
