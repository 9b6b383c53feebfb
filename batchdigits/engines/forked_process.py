"""A process forked from this one, while this one has a single thread."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

from batchdigits.quiet import is_library_output_shown

STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}  # Windows lacks the last
PR_SET_PDEATHSIG = 1  # <sys/prctl.h>: the operation that sets the signal sent when the parent dies


def may_fork() -> bool:
    """Whether this process has a single thread: a lock that another thread holds would stay locked in the fork."""
    try:
        return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    except OSError:
        return False


class ForkedProcess:
    """A forked process, with the methods of `subprocess.Popen` that a worker needs."""

    def __init__(self, run: Callable[[Connection], object], connection: Connection) -> None:
        """Fork a process that closes all files but `connection` and stderr, calls `run(connection)`, and ends.

        Raises:
            OSError: the system allows no more processes.
        """
        self._code: int | None = None
        parent = os.getpid()
        # Without the block, an exception that a signal handler raises during os.fork would be lost.
        mask_before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            self._pid = os.fork()
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask_before)
            raise
        if self._pid == 0:
            code = 1
            try:
                _detach_from_parent(parent, connection)
                run(connection)
                code = 0
            except BaseException:
                if is_library_output_shown():
                    traceback.print_exc()
            finally:
                os._exit(code)  # skips the parent's exit handlers and buffers
        signal.pthread_sigmask(signal.SIG_SETMASK, mask_before)

    def wait(self) -> int:
        """Wait until the process ends; its exit code, or minus the number of the signal that ended it."""
        if self._code is None:
            try:
                self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            except ChildProcessError:  # SIGCHLD is ignored, so the system keeps no exit code
                self._code = 1
        return self._code

    def kill(self) -> None:
        """Send SIGKILL to the process, unless `wait` has seen its end."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


def _detach_from_parent(parent: int, connection: Connection) -> None:
    """Close all files but `connection` and stderr, so that the parent's pipes and locks are free when it ends."""
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)  # the parent died before the line above
    os.setpgid(0, 0)  # Ctrl-C and Ctrl-Z go to the parent only
    for number in STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` has SIGHUP
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208
        if int(descriptor) not in (0, 1, 2, connection.fileno()):
            with contextlib.suppress(OSError):  # the descriptor of the listing itself
                os.close(int(descriptor))


def die_with_parent() -> None:
    """Have the system kill this process when its parent dies, even while a decoder hangs."""
    import ctypes  # here, so that only the child spends the time

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
