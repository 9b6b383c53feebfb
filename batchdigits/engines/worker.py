"""A worker: a process that classifies chunks of files, one after the other, and may die of any of them.

It lives behind one connection. It is sent a `Task`, answers READY, and from then on answers each chunk of paths with
a `Batch`. It keeps nothing that is missed when it dies. A page that takes too long kills it from within, by an alarm
that nobody catches, so that no decoder can sit it out.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import cv2

from batchdigits.engines.classify_files import Settings, classify_files
from batchdigits.engines.forked_process import Fork, die_with_the_parent, may_fork
from batchdigits.errors import BatchdigitsError, ModelFileError
from batchdigits.inference.card import Card
from batchdigits.inference.decide import Prediction, Status
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import BATCH_SIZE, Runtime
from batchdigits.output.journal import NO_STAMP, stamp
from batchdigits.quiet import is_library_output_shown, show_library_output
from batchdigits.vision.decode import look

T = TypeVar("T")

READY = "ready"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
LEEWAY = 0.01  # part of the time limit that a page may have on top, so that the alarm is not set for each
KEPT_BYTES = 1 << 25  # free memory that a worker keeps: all that a chunk of small files needs, and no large picture


@dataclass(frozen=True)
class Task(Generic[T]):
    """What every worker of a run is told when it starts.

    Attributes:
        model: the model file.
        card: the card that it had when the run began.
        settings: what else changes a row.
        encode: makes of a file's predictions what the run is after; here, so that the one main process need not.
        timeout: seconds that one page may take; 0 for no limit.
        stamps: whether a batch carries stamps of its files.
        batch_size: glyphs that the network takes at once.
    """

    model: Path
    card: Card
    settings: Settings
    encode: Callable[[Sequence[Prediction]], T]
    timeout: float = 60.0
    stamps: bool = False
    batch_size: int = BATCH_SIZE


class Batch(NamedTuple, Generic[T]):
    """What has become of a chunk of files.

    Attributes:
        files: for each, in order, what `encode` made of it.
        statuses: how many rows there are of each.
        stamps: for each, its stamp from before it was read; NO_STAMP where a row is an error, as that may pass.
    """

    files: list[T]
    statuses: Counter[Status]
    stamps: list[int]


def serve(connection: Connection) -> None:
    """Be a worker until the other end of `connection` is closed."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whatever this process was started under
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    with contextlib.suppress(EOFError, ConnectionError):  # the parent is gone
        _serve(connection)


def _serve(connection: Connection) -> None:
    task, library_output_shown = connection.recv()
    if library_output_shown:
        show_library_output()
    cv2.setNumThreads(1)  # the workers are the parallelism
    _keep_free_memory()
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
    try:
        runtime = load_runtime(task.model, task.batch_size)
        if runtime.card != task.card:
            raise ModelFileError(f"{task.model} was replaced while it was in use")
    except BatchdigitsError as error:
        connection.send(BatchdigitsError(str(error)))
        return
    connection.send(READY)
    while True:
        connection.send(work(connection.recv(), task, runtime))


def _keep_free_memory() -> None:
    """Keep the memory of one chunk's arrays for the next: from the system it comes page by page, 5 us an image."""
    import ctypes

    with contextlib.suppress(AttributeError):  # not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, 2 * KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


def work(paths: Sequence[str], task: Task[T], runtime: Runtime) -> Batch[T]:
    """Classify a chunk of files, with an alarm set for each page."""
    stamps: list[int] = []

    def ask(path: str) -> os.stat_result | None:
        status = look(path)
        if task.stamps:
            stamps.append(stamp(path, status))
        return status

    files = classify_files(paths, runtime, task.settings, _alarm(task.timeout), ask)
    signal.setitimer(signal.ITIMER_REAL, 0)
    statuses = Counter(prediction.status for file in files for prediction in file)
    if statuses[Status.ERROR] and stamps:
        for index, file in enumerate(files):
            if any(prediction.status is Status.ERROR for prediction in file):
                stamps[index] = NO_STAMP
    return Batch([task.encode(file) for file in files], statuses, stamps)


def _alarm(timeout: float) -> Callable[[], None]:
    """What sets the alarm before a page, unless it was set just now: that takes 0.7 us."""
    due = 0.0

    def set_anew() -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            signal.setitimer(signal.ITIMER_REAL, (1.0 + LEEWAY) * timeout)
            due = now + LEEWAY * timeout

    return set_anew if timeout else lambda: None


class Worker(Generic[T]):
    """The main process's end of a worker."""

    def __init__(self, task: Task[T]) -> None:
        """Start a worker: a fork where that is safe, as it takes 5 ms, else a new Python, which takes 300.

        Raises:
            OSError: the system will not have another process.
        """
        self._timeout = task.timeout
        self._ready = False
        self.connection, theirs = Pipe()
        with theirs:
            self._process = Fork(serve, theirs) if may_fork() else _spawn(theirs)
        self._send((task, is_library_output_shown()))

    def classify(self, paths: Sequence[str]) -> None:
        """Hand it a chunk of files. It must not be at work."""
        self._send(paths)

    def collect(self) -> Batch[T] | None:
        """What it has to say, waiting for it if need be: a batch, or None when it has nothing but started.

        Raises:
            EOFError: it is dead.
            BatchdigitsError: it could not start.
        """
        try:
            answer: Batch[T] | BatchdigitsError | str = self.connection.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            if not self._ready:
                raise BatchdigitsError(f"a worker process died while it started: {self.reap()}") from None
            raise EOFError from None
        if isinstance(answer, BatchdigitsError):
            raise answer
        if isinstance(answer, str):
            self._ready = True
            return None
        return answer

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self.reap()

    def reap(self) -> str:
        """Let go of a dead worker, and say what it died of."""
        self.connection.close()
        code = self._process.wait()
        if code == -signal.SIGALRM:
            return f"took longer than {self._timeout:g} s"
        if code == -signal.SIGKILL:
            return "its decoder was killed, perhaps for want of memory"
        return f"its decoder crashed ({signal.strsignal(-code) if code < 0 else f'exit code {code}'})"

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError):  # it is dead, which `collect` will find out
            self.connection.send(message)


def _spawn(connection: Connection) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import main; main({connection.fileno()})"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(connection.fileno(),),
        process_group=0,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
    )


def main(descriptor: int) -> None:
    """Be a worker that was spawned, behind the connection of that descriptor."""
    if sys.platform == "linux":
        die_with_the_parent()
    serve(Connection(descriptor))
