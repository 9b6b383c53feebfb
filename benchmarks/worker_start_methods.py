"""Processes or threads, forked or spawned: `python benchmarks/worker_start_methods.py FOLDER`.

The same files by the same code; the ways take turns, so that a slow moment of the machine meets all of them.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the command does: a process of one thread can be forked

import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice

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
from batchdigits.output.prediction_csv import encode_csv
from batchdigits.quiet import show_library_output

MODEL = PRETRAINED / "digits.tflite"
CHUNK = 256


@click.command()
@click.argument("folder", type=click.Path(exists=True))
@click.option("--rounds", default=7, show_default=True)
@click.option("--jobs", default=len(os.sched_getaffinity(0)), show_default="one a core")
def main(folder: str, rounds: int, jobs: int) -> None:
    """Print the median seconds of each way, for all files and for the first one."""
    cv2.setNumThreads(1)
    show_library_output()  # silencing is for one thread at a time
    card = read_model_file(MODEL).card
    task = Task(MODEL, card, Settings(), partial(encode_csv, Columns(card.labels)), timeout=0)
    files = list(find([folder]))
    ways: dict[str, Callable[[list[str]], None]] = {
        "this process": partial(in_threads, task, 1),
        f"{jobs} threads of this process": partial(in_threads, task, jobs),
        f"{jobs} forked workers": partial(in_workers, task, jobs, True),
        f"{jobs} spawned workers": partial(in_workers, task, jobs, False),
    }
    for some in (files, files[:1]):
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                start = time.perf_counter()
                way(some)
                seconds[name].append(time.perf_counter() - start)
        click.echo(f"{len(some):,} images, seconds: median (least) of {rounds} rounds")
        for name, times in seconds.items():
            click.echo(f"  {name:26} {statistics.median(times):7.3f} ({min(times):.3f})")


def in_threads(task: Task[bytes], jobs: int, files: list[str]) -> None:
    """Threads with a runtime each."""
    mine = threading.local()

    def one(chunk: list[str]) -> None:
        if not hasattr(mine, "runtime"):
            mine.runtime = load_runtime(MODEL)
        classify_chunk(chunk, task, mine.runtime)

    waiting = iter(files)
    chunks = list(iter(lambda: list(islice(waiting, CHUNK)), []))
    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(one, chunks):
            pass


def in_workers(task: Task[bytes], jobs: int, forked: bool, files: list[str]) -> None:
    """The engine, its workers started one way or the other."""
    while forked and not may_fork():  # a thread that was joined still tidies up, and a lock it holds would stay locked
        time.sleep(0.001)
    worker.may_fork = lambda: forked  # type: ignore[attr-defined]
    with closing(classify(files, task, jobs)) as batches:
        for _ in batches:
            pass


if __name__ == "__main__":
    main()
