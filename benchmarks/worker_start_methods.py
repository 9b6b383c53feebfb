"""Compare threads, forked and spawned workers: `python benchmarks/worker_start_methods.py FOLDER`.

All of them run the same code on the same files and take turns, so that a slow moment of the machine affects all.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the command: only a process with one thread may fork

import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import click
import cv2

from batchdigits.engines import worker
from batchdigits.engines.classify_files import Settings
from batchdigits.engines.forked_process import may_fork
from batchdigits.engines.local import classify
from batchdigits.engines.worker import Task, classify_chunk
from batchdigits.files.sources import find
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.load import load_runtime
from batchdigits.inference.model_file import read_model_file
from batchdigits.output.columns import Columns
from batchdigits.output.prediction_csv import CSV
from batchdigits.quiet import show_library_output

MODEL = PRETRAINED / "digits.tflite"
CHUNK_SIZE = 256  # files


@click.command()
@click.argument("folder", type=click.Path(exists=True))
@click.option("--rounds", default=7, show_default=True)
@click.option("--jobs", default=len(os.sched_getaffinity(0)), show_default="one for each core")
def main(folder: str, rounds: int, jobs: int) -> None:
    """Print median and shortest seconds of each method, for all files and for the first file alone."""
    cv2.setNumThreads(1)
    show_library_output()  # silencing stderr works for one thread at a time only
    card = read_model_file(MODEL).card
    task = Task(MODEL, card, Settings(), partial(CSV.encode, Columns(card.labels)), timeout=0)
    files = list(find([folder]))
    methods: dict[str, Callable[[list[str]], None]] = {
        "1 thread": partial(in_threads, task, 1),
        f"{jobs} threads": partial(in_threads, task, jobs),
        f"{jobs} forked workers": partial(in_workers, task, jobs, True),
        f"{jobs} spawned workers": partial(in_workers, task, jobs, False),
    }
    for selected in (files, files[:1]):
        seconds: dict[str, list[float]] = {name: [] for name in methods}
        for _ in range(rounds):
            for name, method in methods.items():
                start = time.perf_counter()
                method(selected)
                seconds[name].append(time.perf_counter() - start)
        click.echo(f"{len(selected):,} images, seconds: median (minimum) of {rounds} rounds")
        for name, times in seconds.items():
            click.echo(f"  {name:26} {statistics.median(times):7.3f} ({min(times):.3f})")


def in_threads(task: Task[bytes], jobs: int, files: list[str]) -> None:
    """Classify in threads of this process, each with a runtime of its own."""
    of_thread = threading.local()

    def classify(chunk: list[str]) -> None:
        if not hasattr(of_thread, "runtime"):
            of_thread.runtime = load_runtime(MODEL)
        classify_chunk(chunk, task, of_thread.runtime)

    chunks = [files[start : start + CHUNK_SIZE] for start in range(0, len(files), CHUNK_SIZE)]
    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(classify, chunks):
            pass


def in_workers(task: Task[bytes], jobs: int, forked: bool, files: list[str]) -> None:
    """Classify with the local engine, whose workers are forked or spawned."""
    while forked and not may_fork():  # a thread may still run after its join, and a lock it holds would stay locked
        time.sleep(0.001)
    worker.may_fork = lambda: forked  # type: ignore[attr-defined]
    with closing(classify(files, task, jobs)) as results:
        for _ in results:
            pass


if __name__ == "__main__":
    main()
