"""Compare the times of normalising and decoding, or of normalising in two versions of the package: processor time.

    python benchmarks/normaliser_speed.py
    python benchmarks/normaliser_speed.py --against CHECKOUT

All run on one core and on the same images. They take turns, so that a slow moment of the machine affects both.
CHECKOUT is another checkout of the repository, whose package is compared with this one's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
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


@click.command()
@click.option("--against", type=click.Path(exists=True, path_type=Path), help="A checkout to compare with.")
@click.option("--scans", type=click.Path(exists=True), hidden=True, help="Time these scans, and print JSON.")
def main(against: Path | None, scans: str | None) -> None:
    """Print microseconds per image and their ratio: normalising and decoding, then one at a time and all together."""
    cv2.setNumThreads(1)
    digits = read_idx(Path(MNIST / f"{TEST_IMAGES}.gz"))[:IMAGES]
    if scans:
        print(json.dumps(time_kinds(scans)))
    elif against:
        compare_packages(digits, against)
    else:
        compare_with_decoding(digits)


def kinds_of(digits: Scan) -> dict[str, list[Scan]]:
    """Scans of each kind, with a digit on each."""
    rng = np.random.default_rng(1)
    pages = [page(digit) for digit in digits]
    return {
        "28x28, light on black": list(digits),
        "28x28, dark on white": [255 - digit for digit in digits],
        "300x200, clean": pages,
        "300x200, noise": [with_noise(scan, rng) for scan in pages],
        "300x200, uneven light": [with_uneven_light(with_noise(scan, rng)) for scan in pages],
        "300x200, specks": [with_specks(scan, rng) for scan in pages],
        "300x200, printed grid": [with_grid(scan) for scan in pages],
        "300x200, box lines": [with_box(scan) for scan in pages],
        "300x200, box lines, noise": [with_noise(with_box(scan), rng) for scan in pages],
    }


def compare_packages(digits: Scan, checkout: Path) -> None:
    """Print the times of this package and of a checkout's, which take turns as processes, and their ratio."""
    times: dict[str, tuple[list[float], list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        scans = Path(folder) / "scans.npz"
        np.savez(scans, **{name: np.stack(some) for name, some in kinds_of(digits).items()})  # type: ignore[arg-type]
        for _ in range(ROUNDS):
            for side, package in enumerate((Path(__file__).parents[1], checkout)):
                command = [sys.executable, __file__, "--scans", str(scans)]
                environment = {**os.environ, "PYTHONPATH": str(package.resolve())}
                output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
                for name, microseconds in json.loads(output).items():
                    times.setdefault(name, ([], []))[side].append(microseconds)
    print(f"{'us per image, median of rounds':32} this package  checkout  ratio")
    for name, (here, there) in times.items():
        mine, theirs = float(np.median(here)), float(np.median(there))
        print(f"{name:32} {mine:12.0f} {theirs:9.0f} {mine / theirs:6.2f}")


def time_kinds(path: str) -> dict[str, float]:
    """Microseconds per image for each array of scans in an .npz file; 28x28 also all together."""
    times = {}
    with np.load(path) as kinds:
        for name in kinds.files:
            scans = list(kinds[name])
            normalise_all(scans)
            start = time.process_time()
            normalise_all(scans)
            times[name] = (time.process_time() - start) / len(scans) * 1e6
            if name.startswith("28x28"):
                start = time.process_time()
                normalise_stack(kinds[name])
                times[f"{name}, together"] = (time.process_time() - start) / len(scans) * 1e6
    return times


def compare_with_decoding(digits: Scan) -> None:
    """Print the times of normalising and decoding, and of one scan at a time and all together."""
    print(f"{'us per image, median of rounds':32} normalise  imdecode  ratio")
    kinds = kinds_of(digits)
    kinds["300x200, clean, JPEG"] = kinds["300x200, clean"]
    for name, scans in kinds.items():
        suffix = ".jpg" if any(word in name for word in ("JPEG", "noise", "uneven")) else ".png"
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


def with_box(scan: Scan) -> Scan:
    """The scan with the lines of a printed box around the digit, three pixels wide and as dark as the ink."""
    copy = scan.copy()
    cv2.rectangle(copy, (40, 12), (260, 188), 0, 3)
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
            start = time.process_time()
            work()
            taken.append((time.process_time() - start) / IMAGES * 1e6)
    return float(np.median(times[0])), float(np.median(times[1]))


if __name__ == "__main__":
    main()
