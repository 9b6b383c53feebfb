"""The supervisor: hands chunks of files to workers, puts what comes back in order, and outlives every death.

A chunk whose worker dies is done again file by file, and the file that a worker dies of again is the culprit: it gets
an `error` row. That takes no bookkeeping in the workers, and what was not a file's fault (a worker killed because
another program ate the memory, a machine that slept) costs no row.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from multiprocessing.connection import wait
from typing import Generic, NamedTuple, TypeVar

from batchdigits.engines.worker import Batch, Task, Worker
from batchdigits.errors import BatchdigitsError
from batchdigits.files.remote import is_url
from batchdigits.inference.decide import Status, failed
from batchdigits.output.journal import NO_STAMP

T = TypeVar("T")
Batches = Generator[Batch[T], None, None]

FIRST_CHUNK = 16  # files: photographs of 12 megapixels, too, are spread over all workers at once
GROWTH = 4  # times, of chunks that take next to nothing: the network computes a full batch for each
LARGEST_CHUNK = 512  # files: 30 ms of small ones, beside which a hand-over of 0.2 ms is nothing
CHUNK_SECONDS = 0.1  # that a chunk should take: what comes out comes steadily, and the last worker ends with the rest
REMOTE_SCALE = 8  # times as much for files behind URLs: the first of each chunk makes the worker wait for the network
AHEAD = 100_000  # files done behind one that holds everything up: some 8 MB of rows, and 3 s of work of two cores


class Chunk(NamedTuple):
    """Files that go to a worker together, and the number of the first in the order of all."""

    first: int
    paths: Sequence[str]


class Supervisor(Generic[T]):
    """A run: iterate over `run`, once."""

    def __init__(self, files: Iterator[str], task: Task[T], jobs: int, workers: list[Worker[T]] | None = None) -> None:
        """Prepare a run of `task` on `files` by up to `jobs` workers, all but the first started when there is work.

        Args:
            files: paths as typed; taken as they are needed.
            task: what the workers do.
            jobs: workers at most.
            workers: idle ones of a run of the same task, and where this run leaves its own; None to end them with it.
        """
        self._files = files
        self._task = task
        self._jobs = jobs
        self._handed_out = 0
        self._put_out = 0
        self._chunk_size = FIRST_CHUNK
        self._again: deque[Chunk] = deque()
        self._idle: list[Worker[T]] = [] if workers is None else workers
        self._passing: list[Worker[T]] = self._idle if workers is None else []  # those that end with the run
        self._busy: dict[Worker[T], tuple[Chunk, float]] = {}
        self._done: dict[int, Batch[T]] = {}

    def run(self) -> Batches[T]:
        """The batches of all files, in order.

        Raises:
            BatchdigitsError: no worker can be started.
        """
        try:
            if not self._idle and (worker := self._start()):
                self._idle.append(worker)  # it loads its network while the first folder is listed
            self._hand_out()
            while self._busy:
                self._collect()
                self._hand_out()  # nobody waits for what becomes of the rows
                yield from self._in_order()
                self._hand_out()  # there is room again for what was too far ahead
        finally:
            for worker in [*self._passing, *self._busy]:
                worker.kill()

    def _hand_out(self) -> None:
        """Give every worker something to do, as long as there is something."""
        while (self._idle or len(self._busy) < self._jobs) and (chunk := self._next_chunk()):
            worker = self._idle.pop() if self._idle else self._start()
            if worker is None:
                self._again.appendleft(chunk)
                return
            worker.classify(chunk.paths)
            self._busy[worker] = chunk, time.monotonic()

    def _next_chunk(self) -> Chunk | None:
        if self._again:
            return self._again.popleft()
        if self._handed_out - self._put_out > AHEAD:
            return None
        paths = list(islice(self._files, self._chunk_size))
        self._handed_out += len(paths)
        return Chunk(self._handed_out - len(paths), paths) if paths else None

    def _start(self) -> Worker[T] | None:
        """Another worker; None where the system will not have more of them than there are."""
        try:
            return Worker(self._task)
        except OSError as error:
            if self._busy:
                return None
            raise BatchdigitsError(f"cannot start a worker process: {error.strerror or error}") from None

    def _collect(self) -> None:
        """Wait until a worker has something to say, and take it down."""
        talking = wait([worker.connection for worker in self._busy])
        for worker in [worker for worker in self._busy if worker.connection in talking]:
            chunk, began = self._busy[worker]
            try:
                batch = worker.collect()
            except EOFError:
                del self._busy[worker]
                self._handle_death(worker, chunk)
                continue
            if batch is not None:
                del self._busy[worker]
                self._idle.append(worker)
                self._done[chunk.first] = batch
                self._adapt(chunk, time.monotonic() - began)

    def _adapt(self, chunk: Chunk, seconds: float) -> None:
        """Halve the size of chunks, or grow it, until they take what they should."""
        files = len(chunk.paths)
        scale = REMOTE_SCALE if is_url(chunk.paths[0]) else 1
        if seconds > 2 * CHUNK_SECONDS * scale and files <= self._chunk_size:
            self._chunk_size = max(1, files // 2)
        elif seconds < CHUNK_SECONDS * scale / 2 and files >= self._chunk_size:
            times = GROWTH if seconds < CHUNK_SECONDS / (2 * GROWTH) else 2
            self._chunk_size = min(LARGEST_CHUNK * scale, files * times)

    def _handle_death(self, worker: Worker[T], chunk: Chunk) -> None:
        """Do a dead worker's chunk again file by file; of a single file, be done with it."""
        cause = worker.reap()
        if len(chunk.paths) > 1:
            self._again.extend(Chunk(number, [path]) for number, path in enumerate(chunk.paths, chunk.first))
            return
        row = self._task.encode([failed(chunk.paths[0], cause)])
        self._done[chunk.first] = Batch([row], Counter({Status.ERROR: 1}), [NO_STAMP])

    def _in_order(self) -> Iterator[Batch[T]]:
        while batch := self._done.pop(self._put_out, None):
            self._put_out += len(batch.files)
            yield batch
