"""Compare the speed of `batchdigits read` with that of single digits: `python benchmarks/read_speed.py`.

The fields are combs of nine boxes with MNIST's test digits, 300x60 pixels. Three ways take turns, so that a slow moment
of the machine affects all of them: reading the fields with `--comb 9`, reading them without, and classifying the same
digits as nine crops each, which are cut out beforehand. The times are CPU seconds of one process, without decoding.
Whole runs of the command, with one worker and with two, are timed by the clock, without the start-up: it is the time
for many copies of the fields less that for few. Memory is the peak of the largest process.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from read_fields import CHUNK, read_all

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.fields.reading import ReadOptions
from batchdigits.inference.choose import choose_model
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.normalise import propose

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from composed_fields import compose_field

BOXES = 9
SIZE = 300, 60  # width and height, in pixels

Scan = NDArray[np.uint8]


@click.command()
@click.option("--fields", type=click.IntRange(min=1), default=200, show_default=True, help="Different fields.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Turns; the median counts.")
@click.option("--times", type=click.IntRange(min=2), default=10, show_default=True, help="Copies in whole runs.")
def main(fields: int, rounds: int, times: int) -> None:
    """Compare the speed of `batchdigits read` with that of single digits."""
    cv2.setNumThreads(1)
    runtime = load_runtime(choose_model(None), second_look=False)
    scans = list(compose(fields))
    crops = [crop for scan in scans for crop in _crops(scan)]
    ways: dict[str, Callable[[], object]] = {
        f"read --comb {BOXES}": lambda: read_all(scans, runtime, ReadOptions(boxes=BOXES)),
        "read": lambda: read_all(scans, runtime),
        f"{BOXES} crops, classified": lambda: _classify(crops, runtime),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.process_time()
            way()
            seconds[name].append(time.process_time() - start)
    *_, crops_seconds = (float(np.median(taken)) for taken in seconds.values())
    click.echo("| one process | ms a field | fields/s | time over that of crops |\n| --- | ---: | ---: | ---: |")
    for name, taken in seconds.items():
        median = float(np.median(taken))
        click.echo(f"| {name} | {1000 * median / fields:.2f} | {fields / median:,.0f} | {median / crops_seconds:.2f} |")
    click.echo("\n| command | fields/s |\n| --- | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for jobs in (1, 2):
            click.echo(f"| read --comb {BOXES} --jobs {jobs} | {_steady(Path(folder), scans, times, jobs):,.0f} |")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    click.echo(f"\nThe largest process took {peak} MiB.")


def compose(count: int) -> Iterator[Scan]:
    """Combs of nine boxes with MNIST's test digits."""
    images, labels = (read_idx(MNIST / f"{name}.gz") for name in (TEST_IMAGES, TEST_LABELS))
    rng = np.random.default_rng(0)
    for _ in range(count):
        chosen = rng.integers(0, len(images), BOXES)
        scan = compose_field("comb", images[chosen], labels[chosen], rng).scan
        yield np.asarray(cv2.resize(scan, SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def _crops(scan: Scan) -> list[Scan]:
    """The insides of nine equal boxes, whose walls are cut off."""
    width, height = SIZE[0] // BOXES, SIZE[1]
    return [scan[height // 8 : -height // 8, box * width + 4 : (box + 1) * width - 4] for box in range(BOXES)]


def _classify(crops: list[Scan], runtime: Runtime) -> None:
    for start in range(0, len(crops), CHUNK * BOXES):
        glyphs = [glyph for crop in crops[start : start + CHUNK * BOXES] for glyph in propose(crop).glyphs[:1]]
        runtime.logits(np.array(glyphs))


def _steady(folder: Path, scans: list[Scan], times: int, jobs: int) -> float:
    """Fields a second of the command, without its start-up."""
    for index, scan in enumerate(scans):
        for copy in range(times):
            target = folder / ("once" if copy == 0 else "more") / f"{index}-{copy}.png"
            target.parent.mkdir(exist_ok=True)
            if not target.exists():
                cv2.imwrite(str(target), scan)
    once, more = (_run(folder / name, jobs) for name in ("once", "more"))
    return len(scans) * (times - 2) / max(more - once, 1e-9)


def _run(folder: Path, jobs: int) -> float:
    """Seconds that the command takes for a folder."""
    command = [sys.executable, "-m", "batchdigits", "read", str(folder), "--comb", str(BOXES), "--jobs", str(jobs)]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
