"""The supervisor hands chunks of files to workers, puts the results in order, and survives dead workers.

When a worker dies, its chunk is retried file by file. A file gets an `error` row only if it takes too long alone, or if
it was alone with MAX_CRASHES workers that crashed, or with MAX_KILLS that were killed. So workers need no bookkeeping,
and a death that was no file's fault (another program used up the memory, somebody killed the worker) costs no row.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from multiprocessing.connection import wait
from typing import Generic, NamedTuple, TypeVar

from batchdigits.engines.worker import ChunkResult, StartError, Task, Worker
from batchdigits.errors import BatchdigitsError
from batchdigits.files.remote import is_url
from batchdigits.inference.decide import failed
from batchdigits.output.journal import failed_stamp, stamp_of
from batchdigits.output.row_counts import count_predictions

T = TypeVar("T")
ChunkResults = Generator[ChunkResult[T], None, None]

FIRST_CHUNK = 16  # files: few enough to spread large photographs over all workers
GROWTH = 4  # factor by which a chunk that took almost no time grows; the network computes a full batch for any chunk
LARGEST_CHUNK = 512  # files; more only while they are few of the files so far, as workers wait for the last chunk
LARGEST_CHUNK_SHARE = 1 / 32  # of the files so far
LARGEST_LATE_CHUNK = 1_024  # files: with more, what a chunk costs beside its files is no smaller a share of the time
CHUNK_SECONDS = 0.1  # that a chunk should take: rows come steadily, and all workers end at about the same time
REMOTE_SCALE = 8  # factor on the two limits above for files at URLs: a worker waits for the first file of a chunk
MAX_CRASHES = 2  # of workers with a file alone
MAX_KILLS = 5  # the same, but often no file's fault; still few, as a file that takes all memory does so each time
MAX_FAILED_STARTS = 3  # one after the other, until it is no chance that workers die while they start
MAX_WORKERS = 60 if os.name == "nt" else 65_536  # Windows waits for at most 63 connections at once
MAX_FILES_AHEAD = 100_000  # files that may be finished before an earlier, slow one: some 8 MB of rows


class Chunk(NamedTuple):
    """Files that go to a worker together.

    Attributes:
        first: the first one's index among all files.
        paths: as typed.
        crashes: number of workers that crashed with this file alone.
        kills: number of workers that were killed with this file alone.
    """

    first: int
    paths: Sequence[str]
    crashes: int = 0
    kills: int = 0


class Supervisor(Generic[T]):
    """One run of a task; iterate over `run` once."""

    def __init__(self, files: Iterator[str], task: Task[T], jobs: int, workers: list[Worker[T]] | None = None) -> None:
        """Prepare a run. Workers start when there is work for them; the first at once.

        Args:
            files: paths as typed; taken as they are needed.
            task: what the workers do.
            jobs: workers at most.
            workers: idle workers of an earlier run of the same task, to which this run adds its own; None to end all
                workers with this run.
        """
        self._files = files
        self._task = task
        self._jobs = min(jobs, MAX_WORKERS)
        self._handed_out = 0
        self._yielded = 0
        self._chunk_size = FIRST_CHUNK
        self._failed_starts = 0  # since the last worker that started
        self._retries: deque[Chunk] = deque()
        self._idle: list[Worker[T]] = [] if workers is None else workers
        self._temporary: list[Worker[T]] = self._idle if workers is None else []  # idle workers that end with the run
        self._busy: dict[Worker[T], tuple[Chunk, float]] = {}
        self._done: dict[int, ChunkResult[T]] = {}

    def run(self) -> ChunkResults[T]:
        """The results of all chunks, in order.

        Raises:
            BatchdigitsError: no worker can be started.
        """
        try:
            if not self._idle and (worker := self._start()):
                self._idle.append(worker)  # which loads the network while the first folder is listed
            self._hand_out()
            while self._busy:
                self._collect()
                self._hand_out()  # before the caller writes the rows, so that no worker waits for that
                yield from self._in_order()
                self._hand_out()  # after it, as MAX_FILES_AHEAD may have held files back
        finally:
            for worker in [*self._temporary, *self._busy]:
                worker.kill()

    def _hand_out(self) -> None:
        """Give every idle worker a chunk, as long as there are files."""
        while (self._idle or len(self._busy) < self._jobs) and (chunk := self._next_chunk()):
            worker = self._idle_worker() or self._start()
            if worker is None:
                self._retries.appendleft(chunk)
                return
            worker.classify(chunk.paths)
            self._busy[worker] = chunk, time.monotonic()

    def _next_chunk(self) -> Chunk | None:
        if self._retries:
            return self._retries.popleft()
        if self._handed_out - self._yielded > MAX_FILES_AHEAD:
            return None
        paths = list(islice(self._files, self._chunk_size))
        self._handed_out += len(paths)
        return Chunk(self._handed_out - len(paths), paths) if paths else None

    def _idle_worker(self) -> Worker[T] | None:
        """Take an idle worker that is alive, if there is one."""
        while self._idle:
            worker = self._idle.pop()
            if not worker.is_dead_while_idle():
                return worker
            worker.kill()
        return None

    def _start(self) -> Worker[T] | None:
        """Start a worker; None where the system allows no more than already run."""
        try:
            return Worker(self._task)
        except OSError as error:
            if self._busy:
                return None
            raise BatchdigitsError(f"cannot start a worker process: {error.strerror or error}") from None

    def _collect(self) -> None:
        """Wait for a message of any worker; store the results that have come, and retry the chunks of dead workers."""
        deadline = min(worker.deadline for worker in self._busy)
        ready = wait(
            [worker.connection for worker in self._busy],
            None if deadline == math.inf else max(0.0, deadline - time.monotonic()),
        )
        for worker in [worker for worker in self._busy if worker.connection in ready]:
            chunk, began = self._busy[worker]
            try:
                result = worker.collect()
            except StartError as error:
                del self._busy[worker]
                self._handle_failed_start(chunk, error)
                continue
            except EOFError:
                del self._busy[worker]
                self._handle_death(worker, chunk)
                continue
            self._failed_starts = 0
            if result is not None:
                del self._busy[worker]
                self._idle.append(worker)
                self._done[chunk.first] = result
                self._adapt(chunk, time.monotonic() - began)
        for worker in self._busy:
            worker.kill_if_overdue()

    def _adapt(self, chunk: Chunk, seconds: float) -> None:
        """Halve the chunk size, or increase it, until chunks take about `CHUNK_SECONDS`."""
        files = len(chunk.paths)
        scale = REMOTE_SCALE if is_url(chunk.paths[0]) else 1
        if seconds > 2 * CHUNK_SECONDS * scale and files <= self._chunk_size:
            self._chunk_size = max(1, files // 2)
        elif seconds < CHUNK_SECONDS * scale / 2 and files >= self._chunk_size:
            times = GROWTH if seconds < CHUNK_SECONDS / (2 * GROWTH) else 2
            largest = min(max(LARGEST_CHUNK, int(LARGEST_CHUNK_SHARE * self._handed_out)), LARGEST_LATE_CHUNK)
            self._chunk_size = min(largest * scale, files * times)

    def _handle_failed_start(self, chunk: Chunk, error: StartError) -> None:
        """Start another worker for the chunk; after some failures, make do with those that run.

        Raises:
            StartError: none runs.
        """
        self._retries.appendleft(chunk)
        self._failed_starts += 1
        if self._failed_starts >= MAX_FAILED_STARTS:
            if not self._busy:
                raise error
            self._jobs = len(self._busy)

    def _handle_death(self, worker: Worker[T], chunk: Chunk) -> None:
        """Retry a dead worker's chunk file by file, and a file that was alone a few times; else an error row."""
        death = worker.reap()
        if len(chunk.paths) > 1:
            self._retries.extend(Chunk(number, [path]) for number, path in enumerate(chunk.paths, chunk.first))
            return
        crashes, kills = chunk.crashes + (not death.is_kill), chunk.kills + death.is_kill
        if crashes < MAX_CRASHES and kills < MAX_KILLS and not death.is_timeout:
            self._retries.append(chunk._replace(crashes=crashes, kills=kills))
            return
        row = failed(chunk.paths[0], death.cause)
        self._done[chunk.first] = ChunkResult(
            [self._task.encode([row])], count_predictions([row]), [failed_stamp(stamp_of(chunk.paths[0]))]
        )

    def _in_order(self) -> Iterator[ChunkResult[T]]:
        while result := self._done.pop(self._yielded, None):
            self._yielded += result.files
            yield result
