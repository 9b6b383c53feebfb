"""SIGINT and SIGTERM both end a command in order: what is done is kept, and the exit code tells which it was."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED = 130, 143  # 128 + the signal's number, as shells report it


class Terminated(BaseException):
    """SIGTERM; like KeyboardInterrupt, not an Exception, so that nothing catches it by accident."""


def raise_on_sigterm() -> None:
    """From now on SIGTERM raises `Terminated` in the main thread, as SIGINT raises KeyboardInterrupt."""
    signal.signal(signal.SIGTERM, _raise_terminated)


def _raise_terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
