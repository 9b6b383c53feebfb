"""Compare the times of normalising and decoding: `python benchmarks/normaliser_speed.py`.

Both run on one core, in one process and on the same images. They take turns, so that a slow moment of the machine
affects both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, read_idx
from batchdigits.vision.normalise import normalise
from batchdigits.vision.small_images.normalise_stack import normalise_stack
from batchdigits.vision.small_images.png import unpack_small_pngs

ROUNDS = 9
IMAGES = 300
PAGE_WIDTH, PAGE_HEIGHT = 300, 200  # pixels
DIGIT_SIDE = 150  # pixels of a digit on a page
GRID_PITCH = 40  # pixels
SPECKS = 30  # on a page

Scan = NDArray[np.uint8]


def main() -> None:
    """Print microseconds per image and their ratio: normalising and decoding, then one at a time and all together."""
    cv2.setNumThreads(1)
    digits = read_idx(Path(MNIST / f"{TEST_IMAGES}.gz"))[:IMAGES]
    rng = np.random.default_rng(1)
    print(f"{'us per image, median of rounds':32} normalise  imdecode  ratio")
    for name, suffix, scan in (
        ("28x28, light on black, PNG", ".png", lambda digit: digit),
        ("28x28, dark on white, PNG", ".png", lambda digit: 255 - digit),
        ("300x200, clean, PNG", ".png", page),
        ("300x200, clean, JPEG", ".jpg", page),
        ("300x200, noise, JPEG", ".jpg", lambda digit: with_noise(page(digit), rng)),
        ("300x200, uneven light, JPEG", ".jpg", lambda digit: with_uneven_light(with_noise(page(digit), rng))),
        ("300x200, printed grid, PNG", ".png", lambda digit: with_grid(page(digit))),
        ("300x200, specks, PNG", ".png", lambda digit: with_specks(page(digit), rng)),
    ):
        scans = [scan(digit) for digit in digits]
        files = [cv2.imencode(suffix, image)[1] for image in scans]
        normalising, decoding = time_in_turns(partial(normalise_all, scans), partial(decode_all, files))
        print(f"{name:32} {normalising:9.0f} {decoding:9.0f} {normalising / decoding:6.2f}")
    print(f"\n{'us per image, median of rounds':32} alone  together  ratio")
    for name, stack in (("28x28, light on black", digits), ("28x28, dark on white", 255 - digits)):
        alone, together = time_in_turns(partial(normalise_all, list(stack)), partial(normalise_stack, stack))
        print(f"{name:32} {alone:5.0f} {together:9.0f} {alone / together:6.2f}")
    files = [cv2.imencode(".png", digit)[1] for digit in digits]
    contents = [file.tobytes() for file in files]
    alone, together = time_in_turns(partial(decode_all, files), lambda: list(unpack_small_pngs(contents)))
    print(f"{'28x28, PNG by OpenCV, decoded':32} {alone:5.0f} {together:9.0f} {alone / together:6.2f}")


def normalise_all(scans: list[Scan]) -> None:
    """Normalise each scan alone."""
    for scan in scans:
        normalise(scan)


def decode_all(files: list[Scan]) -> None:
    """Decode each file's bytes alone."""
    for file in files:
        cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)


def page(digit: Scan) -> Scan:
    """A white page, uint8 (200, 300), with a digit in black in its middle."""
    large = cv2.resize(digit, (DIGIT_SIDE, DIGIT_SIDE), interpolation=cv2.INTER_CUBIC)
    blank = np.full((PAGE_HEIGHT, PAGE_WIDTH), 255, np.uint8)
    blank[25:175, 75:225] = 255 - np.asarray(large, np.uint8)
    return blank


def with_noise(scan: Scan, rng: np.random.Generator) -> Scan:
    """The scan with the noise that the grain of paper causes."""
    return np.clip(0.85 * scan + rng.normal(0, 4, scan.shape), 0, 255).astype(np.uint8)


def with_uneven_light(scan: Scan) -> Scan:
    """The scan under light from one side."""
    return (scan * np.linspace(0.5, 1.0, scan.shape[1])).astype(np.uint8)


def with_grid(scan: Scan) -> Scan:
    """The scan with a printed grid, two pixels wide and as dark as the ink."""
    copy = scan.copy()
    for line in (0, 1):
        copy[10 + line :: GRID_PITCH] = copy[:, 14 + line :: GRID_PITCH] = 0
    return copy


def with_specks(scan: Scan, rng: np.random.Generator) -> Scan:
    """The scan with black specks."""
    copy = scan.copy()
    for x, y, radius in rng.integers(0, (PAGE_WIDTH, PAGE_HEIGHT, 4), (SPECKS, 3)).tolist():
        cv2.circle(copy, (x, y), radius, 0, cv2.FILLED)
    return copy


def time_in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Median microseconds per image of two functions that each work on all images."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, taken in zip((first, second), times, strict=True):
            start = time.perf_counter()
            work()
            taken.append((time.perf_counter() - start) / IMAGES * 1e6)
    return float(np.median(times[0])), float(np.median(times[1]))


if __name__ == "__main__":
    main()
