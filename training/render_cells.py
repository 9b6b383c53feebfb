"""Render cells of forms for training, with MNIST's digits and empty, into a file of packed data.

    python training/render_cells.py -o exports/rendered_cells.npz

Of a cell with a digit is kept what the normaliser makes the digit of; of empty ones, those that it does not find empty:
these are outliers. The kinds are those of `rendered_cells`. It takes two minutes.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rendered_cells import KINDS, MIN_SIDE, render_cell

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TRAIN_IMAGES, TRAIN_LABELS, read_idx
from batchdigits.datasets.labelled import OUTLIER, VALIDATION_DIVISOR
from batchdigits.datasets.packed import GREY_STEP, TRAIN
from batchdigits.vision.normalise import normalise

SEED = 7_000  # unlike those of benchmarks/form_cells.py
WITH_DIGIT, EMPTY = 15_000, 15_000  # cells to render
MAX_SIDE = 100  # pixels of a scan's longer side
MIN_ALIKE = 0.55  # cosine between a glyph and that of the digit alone: with less, the normaliser found something else

Scan = NDArray[np.uint8]
Kept = tuple[Scan, int]  # a scan and its label


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .npz to write.")
def main(output: Path) -> None:
    """Write the packed file."""
    images, labels = read_idx(MNIST / f"{TRAIN_IMAGES}.gz"), read_idx(MNIST / f"{TRAIN_LABELS}.gz")
    first_held_out = len(images) - len(images) // VALIDATION_DIVISOR
    kept: list[Kept] = []
    for index in range(WITH_DIGIT):
        rng = np.random.default_rng([SEED, index])
        chosen = int(rng.integers(first_held_out))
        kept += _with_digit(images[chosen], int(labels[chosen]), rng)
    for index in range(EMPTY):
        kept += _empty(np.random.default_rng([SEED, WITH_DIGIT + index]))
    np.savez_compressed(
        output,
        labels=np.array([label for _, label in kept], np.int8),
        splits=np.full(len(kept), TRAIN, np.uint8),
        levels=np.concatenate([np.rint(scan.ravel() / GREY_STEP) for scan, _ in kept]).astype(np.uint8),
        sizes=np.array([scan.shape for scan, _ in kept], np.uint16),
    )
    digits = sum(label != OUTLIER for _, label in kept)
    click.echo(f"{output}: {digits:,} digits, {len(kept) - digits:,} outliers")


def _render(digit: Scan | None, rng: np.random.Generator) -> Scan:
    """A cell of any kind."""
    kind = list(KINDS.values())[int(rng.integers(len(KINDS)))]
    side = int(np.exp(rng.uniform(np.log(MIN_SIDE), np.log(MAX_SIDE + 1))))
    aspect = 1.0 if rng.random() < 0.5 else rng.uniform(0.8, 1.0)
    return render_cell(kind, digit, rng, (side, max(MIN_SIDE, int(side * aspect))))


def _with_digit(digit: Scan, label: int, rng: np.random.Generator) -> list[Kept]:
    scan = _render(digit, rng)
    glyphs, alone = normalise(scan), normalise(digit, "light")
    return [(scan, label)] if glyphs and alone and _alike(glyphs[0], alone[0]) >= MIN_ALIKE else []


def _empty(rng: np.random.Generator) -> list[Kept]:
    scan = _render(None, rng)
    return [(scan, OUTLIER)] if normalise(scan) else []


def _alike(glyph: Scan, other: Scan) -> float:
    first, second = glyph.astype(float).ravel(), other.astype(float).ravel()
    return float(first @ second / np.sqrt((first @ first) * (second @ second)))


if __name__ == "__main__":
    main()
