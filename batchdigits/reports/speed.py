"""How fast a .tflite network is on this machine, and what memory it takes. Needs no TensorFlow."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from batchdigits.errors import ModelFileError
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.micro_runtime import MicroError, needed_arena
from batchdigits.inference.model_file import read_model_file

BATCH_SIZES = (1, 16, 64, 256)  # more than 256 is no faster
WARM_UP = 50  # calls before the clock starts: caches fill, and the processor's clock rises
LEAST_CALLS = 20  # of one measurement, however slow the machine


class Latency(NamedTuple):
    """Microseconds from a glyph to its logits, one glyph a call, one thread."""

    median: float
    p99: float
    calls: int


class Throughput(NamedTuple):
    """Glyphs a second with this many threads and glyphs a call."""

    threads: int
    batch_size: int
    glyphs_per_second: float


class Speed(NamedTuple):
    """What `measure` found.

    Attributes:
        machine: processor and number of cores.
        latency: at batch 1.
        throughput: for every number of threads and batch size.
        memory: bytes that loading the network and running it at the largest batch added to the process; None where the
            system does not say.
        arena: bytes of tensor arena under TFLite Micro; None where it cannot be had.
        arena_note: why not.
    """

    machine: str
    latency: Latency
    throughput: tuple[Throughput, ...]
    memory: int | None
    arena: int | None
    arena_note: str


def measure(path: Path, seconds: float) -> Speed:
    """Measure a .tflite file, `seconds` for each figure.

    Raises:
        ModelFileError: it is no .tflite file of ours.
    """
    if path.suffix != ".tflite":
        raise ModelFileError(f"{path}: benchmark measures .tflite files")
    model = read_model_file(path)
    before = _resident()
    largest = LiteRTRuntime(model, max(BATCH_SIZES))
    largest.logits(_glyphs(max(BATCH_SIZES)))
    after = _resident()
    latency = _latency(LiteRTRuntime(model, 1), seconds)
    throughput = tuple(
        Throughput(threads, size, _throughput(LiteRTRuntime(model, size, threads=threads), size, seconds))
        for threads, size in product(_threads(), BATCH_SIZES)
    )
    arena, note = None, ""
    try:
        arena = needed_arena(model)
    except MicroError as error:
        note = str(error)
    memory = max(0, after - before) if before is not None and after is not None else None
    return Speed(f"{platform.machine()}, {os.cpu_count()} cores", latency, throughput, memory, arena, note)


def _latency(runtime: LiteRTRuntime, seconds: float) -> Latency:
    glyph = _glyphs(1)
    times = 1e6 * np.array(list(_timed(lambda: runtime.logits(glyph), seconds)))
    return Latency(float(np.median(times)), float(np.percentile(times, 99)), len(times))


def _throughput(runtime: LiteRTRuntime, size: int, seconds: float) -> float:
    glyphs = _glyphs(size)
    return size / float(np.median(list(_timed(lambda: runtime.logits(glyphs), seconds))))


def _timed(call: Callable[[], Any], seconds: float) -> Iterator[float]:
    """Seconds of each call, once warm."""
    for _ in range(WARM_UP):
        call()
    end = time.perf_counter() + seconds
    calls = 0
    while calls < LEAST_CALLS or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        yield time.perf_counter() - start
        calls += 1


def _glyphs(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)


def _threads() -> list[int]:
    """1, 2, 4… up to the number of cores, and that."""
    cores = os.cpu_count() or 1
    return sorted({*(1 << power for power in range(cores.bit_length()) if 1 << power <= cores), cores})


def _resident() -> int | None:
    """Bytes of memory that this process holds; None where the system has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
