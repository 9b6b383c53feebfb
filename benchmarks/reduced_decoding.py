"""Compare the labels of large JPEGs decoded in a reduced size and in full: those of labelled folders, enlarged.

    python benchmarks/reduced_decoding.py --sets SETS [--side 4200] [--every 10]

SETS has one folder for each set of images, and a set one sub-folder for each class. Every `--every`-th image is
enlarged until its longer side has `--side` pixels, gets the noise of a camera, and becomes a JPEG. With `--page` it is
first put on a page up to five times its size, so that its digit is small.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.files.content import Content
from batchdigits.files.sources import find
from batchdigits.inference.choose import choose_model
from batchdigits.inference.decide import decide
from batchdigits.inference.load import load_runtime
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import decode, decode_content
from batchdigits.vision.normalise_batch import Normalised, normalise_page

Scan = NDArray[np.uint8]

MAX_NOISE = 9.0  # grey levels: the largest standard deviation
QUALITIES = 60, 95  # of a JPEG
MAX_PAGE = 5.0  # sides of a page, over those of the picture on it


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
@click.option("--side", default=4200, show_default=True, help="Pixels of the longer side.")
@click.option("--every", default=10, show_default=True, help="Take every so many-th image.")
@click.option("--page", is_flag=True, help="Put each picture on a page.")
def main(sets: str, side: int, every: int, page: bool) -> None:
    """Print the changed labels, and how many of both kinds are right."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    in_full: list[Normalised] = []
    reduced: list[Normalised] = []
    seconds = [0.0, 0.0]
    for path in list(find([sets]))[::every]:
        for scan in _scans(path):
            data = _photograph(_on_page(scan, rng) if page else scan, side, rng)
            for index, (normalised, is_reduced) in enumerate(((in_full, False), (reduced, True))):
                start = time.process_time()
                (decoded,) = decode_content(Content(path, data, len(data)), reduced=is_reduced)
                normalised.append(normalise_page(decoded, "auto"))
                seconds[index] += time.process_time() - start
    runtime = load_runtime(choose_model("tflite"))
    before, after = (decide(normalised, runtime, 0.0)[0] for normalised in (in_full, reduced))
    truths = [Path(prediction.path).parent.name for prediction in before]
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old.label != new.label]
    for old, new in changed:
        click.echo(f"{old.path}: {old.label} ({old.score}), reduced {new.label} ({new.score})")
    right = [sum(one.label == truth for one, truth in zip(some, truths, strict=True)) for some in (before, after)]
    click.echo(f"{len(changed)} of {len(before)} labels change; right are {right[0]} in full and {right[1]} reduced")
    click.echo(f"{seconds[0] / seconds[1]:.2f} times as fast")


def _scans(path: str) -> Iterator[Scan]:
    with silent_stderr():
        yield from (page.scan for page in decode(path) if page.scan is not None)


def _on_page(scan: Scan, rng: np.random.Generator) -> Scan:
    """A page of the scan's own background with the scan anywhere on it."""
    height, width = scan.shape
    edge = np.concatenate((scan[0], scan[-1], scan[:, 0], scan[:, -1]))
    side = round(rng.uniform(2.0, MAX_PAGE) * max(scan.shape))
    page = np.full((side, side), np.median(edge), np.uint8)
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    page[top : top + height, left : left + width] = scan
    return page


def _photograph(scan: Scan, side: int, rng: np.random.Generator) -> bytes:
    """A JPEG file of the scan, enlarged, with noise."""
    scale = side / max(scan.shape)
    size = max(1, round(scan.shape[1] * scale)), max(1, round(scan.shape[0] * scale))
    large = cv2.resize(scan, size, interpolation=cv2.INTER_CUBIC) * 0.85 + 15.0
    grain = rng.normal(0.0, 1.0, (size[1] // 2 + 1, size[0] // 2 + 1)).astype(np.float32)
    noisy = large + rng.uniform(0.0, MAX_NOISE) * np.asarray(cv2.resize(grain, size))
    quality = int(rng.integers(*QUALITIES))
    file = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return file.tobytes()


if __name__ == "__main__":
    main()
