"""The time limit of a page. Where the system has SIGALRM, an alarm kills the worker; elsewhere the supervisor does."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

HAS_ALARM = hasattr(signal, "setitimer")  # Windows has none
TIMER_TOLERANCE = 0.01  # share of the time limit that a page may exceed it by, so that few pages set the alarm anew


def accept_alarm() -> None:
    """Have an alarm kill this process, also if SIGALRM was ignored or blocked when it started."""
    if HAS_ALARM:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})


def set_alarm(seconds: float) -> None:
    """Have the system kill this process after so many seconds; 0 cancels that."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


class PageTimer:
    """An alarm for a page that takes too long."""

    def __init__(self, timeout: float, set_alarm: Callable[[float], object] = set_alarm) -> None:
        """A timer that runs from the first `restart`.

        Args:
            timeout: seconds that a page may take; 0 for no limit.
            set_alarm: has this process killed after so many seconds, instead of what it was called with before; 0
                cancels that.
        """
        self._timeout = timeout
        self._set_alarm = set_alarm
        self._due = 0.0

    def restart(self) -> None:
        """Give the next page its full time."""
        now = time.monotonic()
        if self._timeout and now >= self._due:
            self._set_alarm((1.0 + TIMER_TOLERANCE) * self._timeout)
            self._due = now + TIMER_TOLERANCE * self._timeout

    def stop(self) -> None:
        """Cancel the alarm."""
        if self._timeout:
            self._set_alarm(0.0)
            self._due = 0.0
