"""How long one image takes from Python: `Classifier` on each kind of image, beside the `classify` command.

    python benchmarks/classifier_latency.py

`first call` is the first one after loading. The rows below it are medians of many calls in one thread, for one 28x28
digit; `16 threads` is the time for one image while 16 threads share a classifier. The last row is the whole command, a
new process that classifies one file.
"""

from __future__ import annotations

import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from PIL import Image

import batchdigits
from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, read_idx

THREADS = 16
PROCESSES = 9  # runs of the whole command
_SILENT: Any = {"check": True, "stdout": subprocess.DEVNULL}


@click.command()
@click.option("--calls", default=1_000, show_default=True, help="Calls for each row.")
def main(calls: int) -> None:
    """Print a table of times in milliseconds."""
    digit = read_idx(MNIST / f"{TEST_IMAGES}.gz")[0]
    rows: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digit.png"
        cv2.imwrite(str(path), digit)
        began = time.perf_counter()
        classifier = batchdigits.Classifier()
        rows.append(("load the model", time.perf_counter() - began))
        began = time.perf_counter()
        classifier.classify(digit)
        rows.append(("first call", time.perf_counter() - began))
        for name, image in _kinds(digit, path).items():
            rows.append((name, _median(lambda image=image: classifier.classify(image), calls)))  # type: ignore[misc]
        images = [digit] * calls
        rows.append((f"classify_many, {calls:,} arrays", _median(lambda: classifier.classify_many(images), 5) / calls))
        with ThreadPoolExecutor(THREADS) as pool:
            rows.append((f"{THREADS} threads", _median(lambda: list(pool.map(classifier.classify, images)), 5) / calls))
        command = [sys.executable, "-m", "batchdigits", "classify", "-q", str(path)]
        rows.append(("the classify command", _median(lambda: subprocess.run(command, **_SILENT), PROCESSES)))
    click.echo("| | ms |\n| --- | ---: |")
    for name, seconds in rows:
        click.echo(f"| {name} | {1_000 * seconds:.2f} |")


def _kinds(digit: np.ndarray[Any, np.dtype[np.uint8]], path: Path) -> dict[str, Any]:
    """One digit as every kind of image that can be used again."""
    return {
        "array, uint8 (28, 28)": digit,
        "array, uint8 (28, 28, 3)": np.repeat(digit[:, :, None], 3, axis=2),
        "array, float32 (28, 28)": (digit / 255).astype(np.float32),
        "Pillow image": Image.fromarray(digit),
        "bytes of a PNG file": path.read_bytes(),
        "path of a PNG file": path,
        "file object": _Reread(path.read_bytes()),
    }


class _Reread(io.BytesIO):
    """A file object that is read from its beginning each time."""

    def read(self, size: int | None = -1) -> bytes:
        self.seek(0)
        return super().read(size)


def _median(call: Callable[[], object], times: int) -> float:
    """Seconds of a call."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
