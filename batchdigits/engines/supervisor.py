"""The supervisor hands chunks of files to workers, puts the results in order, and survives dead workers.

When a worker dies, its chunk is retried file by file. A file that kills a worker again gets an `error` row. So workers
need no bookkeeping, and a death that was no file's fault (another program used up the memory, the machine slept) costs
no row.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from multiprocessing.connection import wait
from typing import Generic, NamedTuple, TypeVar

from batchdigits.engines.worker import ChunkResult, Task, Worker
from batchdigits.errors import BatchdigitsError
from batchdigits.files.remote import is_url
from batchdigits.inference.decide import failed
from batchdigits.output.journal import failed_stamp, stamp_of
from batchdigits.output.row_counts import count_predictions

T = TypeVar("T")
ChunkResults = Generator[ChunkResult[T], None, None]

FIRST_CHUNK = 16  # files: few enough to spread large photographs over all workers
GROWTH = 4  # factor by which a chunk that took almost no time grows; the network computes a full batch for any chunk
LARGEST_CHUNK = 512  # files: with more, the hand-over is no smaller a share of the time
CHUNK_SECONDS = 0.1  # that a chunk should take: rows come steadily, and all workers end at about the same time
REMOTE_SCALE = 8  # factor on the two limits above for files at URLs: a worker waits for the first file of a chunk
MAX_FILES_AHEAD = 100_000  # files that may be finished before an earlier, slow one: some 8 MB of rows


class Chunk(NamedTuple):
    """Files that go to a worker together, and the first one's index among all files."""

    first: int
    paths: Sequence[str]


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
        self._jobs = jobs
        self._handed_out = 0
        self._yielded = 0
        self._chunk_size = FIRST_CHUNK
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
            worker = self._idle.pop() if self._idle else self._start()
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
        ready = wait([worker.connection for worker in self._busy])
        for worker in [worker for worker in self._busy if worker.connection in ready]:
            chunk, began = self._busy[worker]
            try:
                result = worker.collect()
            except EOFError:
                del self._busy[worker]
                self._handle_death(worker, chunk)
                continue
            if result is not None:
                del self._busy[worker]
                self._idle.append(worker)
                self._done[chunk.first] = result
                self._adapt(chunk, time.monotonic() - began)

    def _adapt(self, chunk: Chunk, seconds: float) -> None:
        """Halve the chunk size, or increase it, until chunks take about `CHUNK_SECONDS`."""
        files = len(chunk.paths)
        scale = REMOTE_SCALE if is_url(chunk.paths[0]) else 1
        if seconds > 2 * CHUNK_SECONDS * scale and files <= self._chunk_size:
            self._chunk_size = max(1, files // 2)
        elif seconds < CHUNK_SECONDS * scale / 2 and files >= self._chunk_size:
            times = GROWTH if seconds < CHUNK_SECONDS / (2 * GROWTH) else 2
            self._chunk_size = min(LARGEST_CHUNK * scale, files * times)

    def _handle_death(self, worker: Worker[T], chunk: Chunk) -> None:
        """Retry a dead worker's chunk file by file; a chunk of one file gets its error row."""
        cause = worker.reap()
        if len(chunk.paths) > 1:
            self._retries.extend(Chunk(number, [path]) for number, path in enumerate(chunk.paths, chunk.first))
            return
        row = failed(chunk.paths[0], cause)
        self._done[chunk.first] = ChunkResult(
            [self._task.encode([row])], count_predictions([row]), [failed_stamp(stamp_of(chunk.paths[0]))]
        )

    def _in_order(self) -> Iterator[ChunkResult[T]]:
        while result := self._done.pop(self._yielded, None):
            self._yielded += result.files
            yield result
