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

STOPPING = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1  # <sys/prctl.h>: a signal for when the parent dies


def may_fork() -> bool:
    """Whether this process has a single thread; locks that others hold would stay locked in a fork for ever."""
    try:
        return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    except OSError:
        return False


class Fork:
    """The process, with what Popen offers of it."""

    def __init__(self, run: Callable[[Connection], object], connection: Connection) -> None:
        """Start it: it runs `run` on `connection`, which is all that it keeps open, and then ends.

        Raises:
            OSError: the system will not have another process.
        """
        self._code: int | None = None
        parent = os.getpid()
        held = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # in os.fork, Python ignores what handlers raise
        try:
            self._pid = os.fork()
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            raise
        if self._pid == 0:
            code = 1
            try:
                _leave_the_parent(parent, connection)
                run(connection)
                code = 0
            except BaseException:
                if is_library_output_shown():
                    traceback.print_exc()
            finally:
                os._exit(code)  # nothing of the parent's is flushed, closed or unwound here
        signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def wait(self) -> int:
        """Its exit code, or less than 0 for the signal that ended it."""
        if self._code is None:
            try:
                self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            except ChildProcessError:  # whoever started us ignores SIGCHLD, and so the system tells nobody
                self._code = 1
        return self._code

    def kill(self) -> None:
        """Send SIGKILL, unless it is gone."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


def _leave_the_parent(parent: int, connection: Connection) -> None:
    """Keep nothing open but `connection` and stderr: pipes must end, and locks go, when the parent does."""
    die_with_the_parent()
    if os.getppid() != parent:
        os._exit(1)  # it died before that
    os.setpgid(0, 0)  # Ctrl-C and Ctrl-Z are for the parent
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208
        if int(descriptor) not in (0, 1, 2, connection.fileno()):
            with contextlib.suppress(OSError):  # the listing's own
                os.close(int(descriptor))


def die_with_the_parent() -> None:
    """Even if a decoder hangs."""
    import ctypes  # 3 ms, which the parent, on its way to the first fork, has not

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
