"""The speed of a .tflite network on this machine, and the memory that it takes. Needs no TensorFlow."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from batchdigits.engines.host import usable_cores
from batchdigits.errors import ModelFileError
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.micro_runtime import MicroError, needed_arena
from batchdigits.inference.model_file import read_model_file
from batchdigits.text import counted

BATCH_SIZES = (1, 16, 64, 256)
WARM_UP_CALLS = 50  # untimed calls, while caches fill and the processor's clock rate rises
MIN_TIMED_CALLS = 20  # of one measurement, even on a slow machine


class Latency(NamedTuple):
    """Microseconds for one call with one glyph, on one thread."""

    median: float
    p99: float
    calls: int


class Throughput(NamedTuple):
    """Glyphs per second for a number of threads and a batch size."""

    threads: int
    batch_size: int
    glyphs_per_second: float


class Speed(NamedTuple):
    """The result of `measure_speed`.

    Attributes:
        machine: processor architecture and number of cores that this process may use.
        latency: at batch size 1.
        throughput: for every number of threads and batch size.
        memory: bytes by which the process grew when the network was loaded and run at the largest batch size; None if
            the system does not report it.
        arena: bytes of tensor arena under TFLite Micro; None if TFLite Micro cannot run the network here.
        arena_note: why `arena` is None; empty otherwise.
    """

    machine: str
    latency: Latency
    throughput: tuple[Throughput, ...]
    memory: int | None
    arena: int | None
    arena_note: str


def measure_speed(path: Path, seconds: float) -> Speed:
    """Measure a .tflite file, each figure for `seconds` seconds.

    Raises:
        ModelFileError: it is not a .tflite file made by batchdigits.
    """
    if path.suffix != ".tflite":
        raise ModelFileError(f"{path}: benchmark measures .tflite files")
    model = read_model_file(path)
    before = _resident_bytes()
    largest = LiteRTRuntime(model, max(BATCH_SIZES))
    largest.logits(_random_glyphs(max(BATCH_SIZES)))
    after = _resident_bytes()
    latency = _latency(LiteRTRuntime(model, 1), seconds)
    throughput = tuple(
        Throughput(threads, size, _throughput(LiteRTRuntime(model, size, threads=threads), size, seconds))
        for threads, size in product(_thread_counts(), BATCH_SIZES)
    )
    arena, note = None, ""
    try:
        arena = needed_arena(model)
    except MicroError as error:
        note = str(error)
    memory = max(0, after - before) if before is not None and after is not None else None
    return Speed(f"{platform.machine()}, {counted(usable_cores(), 'core')}", latency, throughput, memory, arena, note)


def _latency(runtime: LiteRTRuntime, seconds: float) -> Latency:
    glyph = _random_glyphs(1)
    microseconds = 1e6 * np.array(list(_call_times(lambda: runtime.logits(glyph), seconds)))
    return Latency(float(np.median(microseconds)), float(np.percentile(microseconds, 99)), len(microseconds))


def _throughput(runtime: LiteRTRuntime, size: int, seconds: float) -> float:
    glyphs = _random_glyphs(size)
    return size / float(np.median(list(_call_times(lambda: runtime.logits(glyphs), seconds))))


def _call_times(call: Callable[[], Any], seconds: float) -> Iterator[float]:
    """The seconds of each call, after the warm-up."""
    for _ in range(WARM_UP_CALLS):
        call()
    end = time.perf_counter() + seconds
    calls = 0
    while calls < MIN_TIMED_CALLS or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        yield time.perf_counter() - start
        calls += 1


def _random_glyphs(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)


def _thread_counts() -> list[int]:
    """The powers of two up to the number of cores that this process may use, and that number."""
    cores = usable_cores()
    return sorted({*(1 << power for power in range(cores.bit_length()) if 1 << power <= cores), cores})


def _resident_bytes() -> int | None:
    """The resident memory of this process, in bytes; None if the system has no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
