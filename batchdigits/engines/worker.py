"""A worker: a process that classifies chunks of files, one after the other, and that any file may kill.

A worker and the main process talk over one connection. The worker receives a `Task`, answers READY, and then answers
each chunk of paths with a `ChunkResult`. No state is lost when it dies. If a page takes too long, an uncaught SIGALRM
kills the worker, even inside a decoder.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import cv2

from batchdigits.engines.classify_files import PageTimer, Settings, classify_files
from batchdigits.engines.forked_process import ForkedProcess, die_with_parent, may_fork
from batchdigits.errors import BatchdigitsError, ModelFileError
from batchdigits.inference.card import Card
from batchdigits.inference.decide import Prediction, Status
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import BATCH_SIZE, Runtime
from batchdigits.output.journal import failed_stamp, stamp
from batchdigits.output.row_counts import RowCounts, count_predictions
from batchdigits.quiet import is_library_output_shown, show_library_output

T = TypeVar("T")

READY = "ready"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # <malloc.h>
# A larger block is given back at once, and so is free memory over twice this; small files need less.
KEPT_BYTES = 1 << 25


@dataclass(frozen=True)
class Task(Generic[T]):
    """The work of a run, as every worker receives it when it starts.

    Attributes:
        model: the model file.
        card: the card that the file had when the run began.
        settings: the options that predictions depend on.
        encode: turns a file's predictions into its part of a result; called in the workers, to spare the main process.
        timeout: seconds that one page may take; 0 for no limit.
        stamps: whether results carry stamps of the files.
        batch_size: glyphs that the network takes at once.
        second_look: whether glyphs in doubt are looked at again.
    """

    model: Path
    card: Card
    settings: Settings
    encode: Callable[[Sequence[Prediction]], T]
    timeout: float = 60.0
    stamps: bool = False
    batch_size: int = BATCH_SIZE
    second_look: bool = False


class ChunkResult(NamedTuple, Generic[T]):
    """The outcome for a chunk of files.

    Attributes:
        rows: for each file, in order, its predictions as `encode` returned them.
        counts: the counts of all rows.
        stamps: for each file, its stamp from before it was read, or `failed_stamp` of it where a row is an error. Empty
            unless the task asks for stamps.
    """

    rows: list[T]
    counts: RowCounts
    stamps: list[int]

    @property
    def files(self) -> int:
        """The number of files."""
        return len(self.rows)


def serve(connection: Connection) -> None:
    """Run a worker until the other end of `connection` is closed."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # it may have been ignored when the process started
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    with contextlib.suppress(EOFError, ConnectionError):  # the main process has closed its end, or has died
        _serve(connection)


def _serve(connection: Connection) -> None:
    task, shows_library_output = connection.recv()
    if shows_library_output:
        show_library_output()
    cv2.setNumThreads(1)  # the workers are the parallelism
    _keep_free_memory()
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
    try:
        runtime = load_runtime(task.model, task.batch_size, task.second_look)
        if runtime.card != task.card:
            raise ModelFileError(f"{task.model} was replaced while it was in use")
    except BatchdigitsError as error:
        connection.send(BatchdigitsError(str(error)))
        return
    connection.send(READY)
    while True:
        connection.send(classify_chunk(connection.recv(), task, runtime))


def _keep_free_memory() -> None:
    """Keep the memory of one chunk's arrays for the next, as every new page from the system is a page fault."""
    import ctypes

    with contextlib.suppress(AttributeError):  # not glibc
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, 2 * KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


def classify_chunk(paths: Sequence[str], task: Task[T], runtime: Runtime) -> ChunkResult[T]:
    """Classify a chunk of files, each page within the task's time limit."""
    files, file_statuses = classify_files(paths, runtime, task.settings, PageTimer(task.timeout))
    stamps = [stamp(path, status) for path, status in zip(paths, file_statuses, strict=True)] if task.stamps else []
    counts = count_predictions([prediction for file in files for prediction in file])
    if counts.statuses[Status.ERROR] and stamps:
        for index, file in enumerate(files):
            if any(prediction.status is Status.ERROR for prediction in file):
                stamps[index] = failed_stamp(stamps[index])
    return ChunkResult([task.encode(file) for file in files], counts, stamps)


class Worker(Generic[T]):
    """The main process's end of a worker."""

    def __init__(self, task: Task[T]) -> None:
        """Start a worker process: a fork where that is safe, as it starts faster, else a new Python.

        Raises:
            OSError: the system allows no more processes.
        """
        self._timeout = task.timeout
        self._ready = False
        self.connection, theirs = Pipe()
        with theirs:
            self._process = ForkedProcess(serve, theirs) if may_fork() else _spawn(theirs)
        self._send((task, is_library_output_shown()))

    def classify(self, paths: Sequence[str]) -> None:
        """Send a chunk of files to the worker, which must be idle."""
        self._send(paths)

    def collect(self) -> ChunkResult[T] | None:
        """Wait for the worker's next message: a result, or None once it is ready for a chunk.

        Raises:
            EOFError: the worker is dead.
            BatchdigitsError: it could not start.
        """
        try:
            answer: ChunkResult[T] | BatchdigitsError | str = self.connection.recv()
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
        """Kill the worker, and release its resources."""
        self._process.kill()
        self.reap()

    def reap(self) -> str:
        """Release a dead worker's resources.

        Returns:
            The cause of its death, as the detail of an error row.
        """
        self.connection.close()
        code = self._process.wait()
        if code == -signal.SIGALRM:
            return f"took longer than {self._timeout:g} s"
        if code == -signal.SIGKILL:
            return "its decoder was killed, perhaps because memory ran out"
        return f"its decoder crashed ({signal.strsignal(-code) if code < 0 else f'exit code {code}'})"

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError):  # a dead worker is found by `collect`
            self.connection.send(message)


def _spawn(connection: Connection) -> subprocess.Popen[bytes]:
    is_main = threading.current_thread() is threading.main_thread()
    return subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import main; main({connection.fileno()}, {is_main})"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(connection.fileno(),),
        process_group=0,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
    )


def main(descriptor: int, is_bound_to_parent: bool) -> None:
    """Run a spawned worker on the connection with this file descriptor.

    Args:
        descriptor: of the connection.
        is_bound_to_parent: whether to die with the thread that started it. Only the main thread lives as long as its
            process; after any other, the worker ends when its connection does.
    """
    if sys.platform == "linux" and is_bound_to_parent:
        die_with_parent()
    serve(Connection(descriptor))
