"""A worker: a process that classifies chunks of files, one after the other, and that any file may kill.

A worker and the main process talk over one connection. The worker receives a `Task`, answers READY, and then answers
each chunk of paths with a `ChunkResult`. No state is lost when it dies. If a page takes too long, an uncaught SIGALRM
kills the worker, even inside a decoder. On a system without alarms, the worker says before each page within how many
seconds its next message must come, and the supervisor kills it when they are over.
"""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import cv2

from batchdigits.engines.classify_files import Pipeline, classify_files
from batchdigits.engines.forked_process import ForkedProcess, may_fork
from batchdigits.engines.page_timer import HAS_ALARM, PageTimer, accept_alarm, set_alarm
from batchdigits.engines.spawned_process import spawn
from batchdigits.errors import BatchdigitsError, ModelFileError
from batchdigits.inference.card import Card
from batchdigits.inference.decide import Prediction, Status
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import BATCH_SIZE, Runtime
from batchdigits.inference.second_look import without_second_look
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
        pipeline: what is done with files, and the options that predictions depend on.
        encode: turns a file's predictions into its part of a result; called in the workers, to spare the main process.
        timeout: seconds that one page may take; 0 for no limit.
        stamps: whether results carry stamps of the files.
        batch_size: glyphs that the network takes at once.
        second_look: whether glyphs in doubt are looked at again.
    """

    model: Path
    card: Card
    pipeline: Pipeline[Any]
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
        done: how many files are done with this result, where that is not the number of `rows`.
    """

    rows: list[T]
    counts: RowCounts
    stamps: list[int]
    done: int | None = None

    @property
    def files(self) -> int:
        """The number of files that are done."""
        return len(self.rows) if self.done is None else self.done


def serve(connection: Connection) -> None:
    """Run a worker until the other end of `connection` is closed."""
    accept_alarm()
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
        if without_second_look(runtime).card != task.card:
            raise ModelFileError(f"{task.model} was replaced while it was in use")
    except BatchdigitsError as error:
        connection.send(error)
        return
    connection.send(READY)
    timer = PageTimer(task.timeout, set_alarm if HAS_ALARM else connection.send)
    while True:
        connection.send(classify_chunk(connection.recv(), task, runtime, timer))


def _keep_free_memory() -> None:
    """Keep the memory of one chunk's arrays for the next, as every new page from the system is a page fault."""
    import ctypes

    with contextlib.suppress(AttributeError, TypeError):  # not glibc; not even POSIX
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, 2 * KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


def classify_chunk(
    paths: Sequence[str], task: Task[T], runtime: Runtime, timer: PageTimer | None = None
) -> ChunkResult[T]:
    """Classify a chunk of files, each page within the time limit of `timer`."""
    files, file_statuses = classify_files(paths, runtime, task.pipeline, timer)
    stamps = [stamp(path, status) for path, status in zip(paths, file_statuses, strict=True)] if task.stamps else []
    counts = count_predictions([prediction for file in files for prediction in file])
    if counts.statuses[Status.ERROR] and stamps:
        for index, file in enumerate(files):
            if any(prediction.status is Status.ERROR for prediction in file):
                stamps[index] = failed_stamp(stamps[index])
    return ChunkResult([task.encode(file) for file in files], counts, stamps)


class StartError(BatchdigitsError):
    """A worker died before it could take a chunk."""


class Death(NamedTuple):
    """How a worker died.

    Attributes:
        cause: the detail of an error row.
        is_timeout: whether a page took too long.
        is_kill: whether it was killed, which may be no file's fault.
    """

    cause: str
    is_timeout: bool = False
    is_kill: bool = False


class Worker(Generic[T]):
    """The main process's end of a worker.

    Attributes:
        connection: the connection to the worker.
        deadline: the time, of `time.monotonic`, by which its next message must come; infinite where the worker has an
            alarm of its own.
    """

    def __init__(self, task: Task[T]) -> None:
        """Start a worker process: a fork where that is safe, as it starts faster, else a new Python.

        Raises:
            OSError: the system allows no more processes.
        """
        self._timeout = task.timeout
        self._ready = False
        self._is_overdue = False
        self.deadline = math.inf
        self._process: ForkedProcess | subprocess.Popen[bytes]
        if may_fork():
            self.connection, theirs = Pipe()
            with theirs:
                self._process = ForkedProcess(serve, theirs)
        else:
            self._process, self.connection = spawn()
        self._send((task, is_library_output_shown()))

    def classify(self, paths: Sequence[str]) -> None:
        """Send a chunk of files to the worker, which must be idle."""
        self._send(paths)

    def collect(self) -> ChunkResult[T] | None:
        """Wait for the worker's next message: a result, or None for one that it is ready, or has begun a page.

        Raises:
            EOFError: the worker is dead.
            StartError: it died while it started.
            BatchdigitsError: it could not start.
        """
        try:
            answer: ChunkResult[T] | BatchdigitsError | str | float = self.connection.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            if not self._ready:
                self.reap()
                raise StartError(
                    f"a worker process died while it started ({_end_of(self._process.wait())}), perhaps for want of "
                    "memory or open files: `ulimit -a` shows the limits, and -v its error"
                ) from None
            raise EOFError from None
        if isinstance(answer, BatchdigitsError):
            raise answer
        if isinstance(answer, ChunkResult):
            return answer
        if isinstance(answer, float):
            self.deadline = time.monotonic() + answer if answer else math.inf
        else:
            self._ready = True
        return None

    def is_dead_while_idle(self) -> bool:
        """Whether the worker, which must be idle, is known to be dead."""
        try:
            return self._ready and self.connection.poll()  # an idle worker sends nothing but its end
        except OSError:
            return True

    def kill_if_overdue(self) -> None:
        """Kill the worker if the page that it has begun takes too long."""
        if time.monotonic() >= self.deadline:
            self.deadline = math.inf
            self._is_overdue = True
            self._process.kill()

    def kill(self) -> None:
        """Kill the worker, and release its resources."""
        self._process.kill()
        self.reap()

    def reap(self) -> Death:
        """Release a dead worker's resources, and return the cause of its death."""
        self.connection.close()
        code = self._process.wait()
        if self._is_overdue or code == _code_of("SIGALRM"):
            return Death(f"took longer than {self._timeout:g} s", is_timeout=True)
        if code in (_code_of("SIGKILL"), _code_of("SIGTERM")):  # systems short of memory send either
            return Death("its decoder was killed, perhaps because memory ran out", is_kill=True)
        return Death(f"its decoder crashed ({_end_of(code)})")

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError):  # a dead worker is found by `collect`
            self.connection.send(message)


def _end_of(code: int) -> str:
    """How a process ended, in words, by its exit code."""
    return signal.strsignal(-code) or f"signal {-code}" if code < 0 else f"exit code {code}"


def _code_of(name: str) -> int | None:
    """The exit code of a process that this signal killed; None on a system without it."""
    number: int | None = getattr(signal, name, None)
    return None if number is None else -number
