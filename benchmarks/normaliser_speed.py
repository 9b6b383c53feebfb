"""What normalising costs beside decoding: `python benchmarks/normaliser_speed.py`.

One core, one process, the same pictures; the two are timed in turn, so that a slow moment of the machine meets both.
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
PICTURES = 300
WIDE, HIGH = 300, 200
PITCH = 40  # of a grid, in pixels
SPECKS = 30

Scan = NDArray[np.uint8]


def main() -> None:
    """Print a line for each kind of scan: microseconds a picture, and the ratio; then the same for many together."""
    cv2.setNumThreads(1)
    digits = read_idx(Path(MNIST / f"{TEST_IMAGES}.gz"))[:PICTURES]
    rng = np.random.default_rng(1)
    print(f"{'us a picture, median of rounds':32} normalise  imdecode  ratio")
    for name, suffix, scan in (
        ("28x28, light on black, PNG", ".png", lambda digit: digit),
        ("28x28, dark on white, PNG", ".png", lambda digit: 255 - digit),
        ("300x200, clean, PNG", ".png", page),
        ("300x200, clean, JPEG", ".jpg", page),
        ("300x200, grainy, JPEG", ".jpg", lambda digit: grainy(page(digit), rng)),
        ("300x200, sloping light, JPEG", ".jpg", lambda digit: sloping(grainy(page(digit), rng))),
        ("300x200, printed grid, PNG", ".png", lambda digit: squared(page(digit))),
        ("300x200, specks, PNG", ".png", lambda digit: specked(page(digit), rng)),
    ):
        scans = [scan(digit) for digit in digits]
        files = [cv2.imencode(suffix, picture)[1] for picture in scans]
        normal, decode = in_turns(partial(normalise_all, scans), partial(decode_all, files))
        print(f"{name:32} {normal:9.0f} {decode:9.0f} {normal / decode:6.2f}")
    print(f"\n{'us a picture, median of rounds':32} alone  together  ratio")
    for name, stack in (("28x28, light on black", digits), ("28x28, dark on white", 255 - digits)):
        alone, together = in_turns(partial(normalise_all, list(stack)), partial(normalise_stack, stack))
        print(f"{name:32} {alone:5.0f} {together:9.0f} {alone / together:6.2f}")
    files = [cv2.imencode(".png", digit)[1] for digit in digits]
    whole = [file.tobytes() for file in files]
    alone, together = in_turns(partial(decode_all, files), lambda: list(unpack_small_pngs(whole)))
    print(f"{'28x28, PNG by OpenCV, decoded':32} {alone:5.0f} {together:9.0f} {alone / together:6.2f}")


def normalise_all(scans: list[Scan]) -> None:
    """Every scan to its glyph."""
    for scan in scans:
        normalise(scan)


def decode_all(files: list[Scan]) -> None:
    """Every file's bytes to its scan."""
    for file in files:
        cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)


def page(digit: Scan) -> Scan:
    """A digit on a white page of 300x200."""
    large = cv2.resize(digit, (150, 150), interpolation=cv2.INTER_CUBIC)
    canvas = np.full((HIGH, WIDE), 255, np.uint8)
    canvas[25:175, 75:225] = 255 - np.asarray(large, np.uint8)
    return canvas


def grainy(scan: Scan, rng: np.random.Generator) -> Scan:
    """The same with the grain of paper."""
    return np.clip(0.85 * scan + rng.normal(0, 4, scan.shape), 0, 255).astype(np.uint8)


def sloping(scan: Scan) -> Scan:
    """The same under light from one side."""
    return (scan * np.linspace(0.5, 1.0, scan.shape[1])).astype(np.uint8)


def squared(scan: Scan) -> Scan:
    """The same on paper with a printed grid as dark as the ink."""
    paper = scan.copy()
    for line in (0, 1):
        paper[10 + line :: PITCH] = paper[:, 14 + line :: PITCH] = 0
    return paper


def specked(scan: Scan, rng: np.random.Generator) -> Scan:
    """The same with dirt."""
    paper = scan.copy()
    for x, y, radius in rng.integers(0, (WIDE, HIGH, 4), (SPECKS, 3)).tolist():
        cv2.circle(paper, (x, y), radius, 0, cv2.FILLED)
    return paper


def in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Median microseconds a picture of two pieces of work."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, taken in zip((first, second), times, strict=True):
            start = time.perf_counter()
            work()
            taken.append((time.perf_counter() - start) / PICTURES * 1e6)
    return float(np.median(times[0])), float(np.median(times[1]))


if __name__ == "__main__":
    main()
