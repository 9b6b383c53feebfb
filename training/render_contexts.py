"""Render the training data of the network that reads digits in their context (`batchdigits.fields.context`).

    python training/render_contexts.py -o exports/contexts.npz

Numbers are rendered from the digits of MNIST and of this folder, and cut as `batchdigits read` cuts them. The context
of each segment is kept with its digit, or as a part: no whole digit, or several together. Digits that training holds
back for validation are in the validation split alone. It takes a quarter of an hour on two cores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from written_numbers import WrittenNumber, render_number

from batchdigits.datasets import BUNDLED, load
from batchdigits.datasets.labelled import LabelledGlyphs
from batchdigits.datasets.packed import load as load_packed
from batchdigits.fields.cut_field import Cut, cut_field
from batchdigits.fields.reading import ReadOptions
from batchdigits.learning.augment import augment, shapes_of

SEED = 9_000
FIELDS = {"train": 96_000, "validation": 2_000}
CHUNK = 500  # fields of one task
# How often a number is of each source; `drawn` are MNIST's digits in the shapes of other hands, see `augment`.
SOURCES = {
    "mnist": 0.31,
    "pendigits": 0.2,
    "uji2": 0.08,
    "pen_small": 0.07,
    "swiss_forms": 0.13,
    "swiss_crops": 0.08,
    "drawn": 0.13,
}
DRAWN = 12_000  # digits
LENGTHS = 1, 8  # digits of a number: at least 1, less than 8
NEIGHBOURS = 40  # of a source's digits, among which those of one writer mostly are
PART = 10  # the label of what is no whole digit, or several
# A segment is a digit if it is like its ink (intersection over union) by so much or more, a part if by so much or less.
MIN_DIGIT, MAX_PART = 0.84, 0.72
MAX_CLUTTER = 0.45  # of a segment's ink: what belongs to no digit


class Rendered(NamedTuple):
    """Contexts, uint8 (N, 28, 28), and their labels, int8 (N,): a digit or PART."""

    contexts: NDArray[np.uint8]
    labels: NDArray[np.int8]


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .npz to write.")
def main(output: Path) -> None:
    """Write the contexts of both splits."""
    arrays: dict[str, NDArray[np.generic]] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for split, count in FIELDS.items():
            starts = range(0, count, CHUNK)
            parts = list(pool.map(_render, [split] * len(starts), starts))
            arrays[f"x_{split}"] = np.concatenate([part.contexts for part in parts])
            arrays[f"y_{split}"] = np.concatenate([part.labels for part in parts])
            click.echo(f"{split}: {np.bincount(arrays[f'y_{split}'].astype(int)).tolist()}")
    np.savez_compressed(output, **arrays)  # type: ignore[arg-type]


def _render(split: str, start: int) -> Rendered:
    """The contexts of CHUNK fields from a field on."""
    cv2.setNumThreads(1)
    contexts, labels = [], []
    for index in range(start, start + CHUNK):
        rng = np.random.default_rng([SEED, split == "validation", index])
        names = [name for name in SOURCES if len(_source(name, split))]
        shares = np.array([SOURCES[name] for name in names])
        source = _source(names[int(rng.choice(len(names), p=shares / shares.sum()))], split)
        chosen = _choose(len(source), rng)
        number = render_number(source.glyphs[chosen], rng)
        cut = cut_field(number.scan, ReadOptions())
        for segment, label in _labels(cut, number, source.labels[chosen]):
            contexts.append(cut.contexts[segment])
            labels.append(label)
    return Rendered(np.array(contexts, np.uint8), np.array(labels, np.int8))


def _choose(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Which digits of a source make a number: mostly such as stand near to each other, often of one writer."""
    length = int(rng.integers(*LENGTHS))
    if rng.random() < 0.6:
        return np.asarray((rng.integers(count) + rng.integers(0, NEIGHBOURS, length)) % count, np.int64)
    return np.asarray(rng.integers(0, count, length), np.int64)


@cache
def _source(name: str, split: str) -> LabelledGlyphs:
    """The digits of a source that training learns from, or holds back for validation."""
    if name in ("mnist", "drawn"):
        splits = load(BUNDLED)
    else:
        path = Path(__file__).parent / f"{name}.npz"
        with np.load(path) as arrays:
            splits = load_packed(path, dict(arrays))
    digits = splits.train if split == "train" else splits.validation
    if name == "drawn":
        rng = np.random.default_rng([SEED, split == "validation"])
        some = digits[rng.choice(len(digits), min(DRAWN, len(digits)), replace=False)]
        drawn = augment(some.glyphs, shapes_of(splits.classes)[some.labels], rng)
        digits = LabelledGlyphs(drawn, some.labels)
    has_ink = digits.glyphs.max(axis=(1, 2)) > 128
    return digits[np.flatnonzero(has_ink)]


def _labels(cut: Cut, number: WrittenNumber, labels: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """The glyphs of a cut that are clearly a digit or clearly none, with their labels."""
    if cut.close is None or cut.pieces is None:
        digits = _in_view(number.digits, cut, np.eye(2, 3))
        full = digits.sum(axis=(1, 2))
        for glyph, (left, top, right, bottom) in enumerate(cut.places):
            own = digits[:, top:bottom, left:right].sum(axis=(1, 2))
            yield from _label(glyph, own, full, 0.0, labels)
        return
    digits = _in_view(number.digits, cut, cut.close.back)
    full = digits.sum(axis=(1, 2))
    pieces = len(cut.pieces.boxes)
    ink = cut.pieces.labels
    by_piece = np.array([np.bincount(ink[digit], minlength=pieces + 1)[1:] for digit in digits])
    of_any = np.bincount(ink[digits.any(axis=0)], minlength=pieces + 1)[1:]
    of_all = np.bincount(ink.ravel(), minlength=pieces + 1)[1:]
    for glyph, (start, end, _, _) in enumerate(cut.segments):
        clutter = 1 - of_any[start:end].sum() / max(1, of_all[start:end].sum())
        yield from _label(glyph, by_piece[:, start:end].sum(axis=1), full, clutter, labels)


def _in_view(layers: NDArray[np.float32], cut: Cut, back: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the ink of each digit is in a view, or in the close-up that `back` leads to the view from."""
    view = cut.view
    shear = view.lean * view.scale
    to_view = np.array(
        [
            [view.scale, shear, view.shift - view.scale * view.left - shear * view.top],
            [0.0, view.scale, -view.scale * view.top],
            [0.0, 0.0, 1.0],
        ]
    )
    affine = (np.linalg.inv(np.vstack([back, [0.0, 0.0, 1.0]])) @ to_view)[:2]
    tall, wide = (view.ink if cut.close is None else cut.close.mask).shape
    return np.stack([cv2.warpAffine(layer, affine, (wide, tall)) > 0.5 for layer in layers])


def _label(
    glyph: int, own: NDArray[np.int64], full: NDArray[np.int64], clutter: float, labels: NDArray[np.int64]
) -> Iterator[tuple[int, int]]:
    """A glyph and its label, if it is clear.

    Args:
        glyph: which glyph of a cut.
        own: how many of its pixels belong to each digit.
        full: how many pixels each digit has.
        clutter: the share of its ink that belongs to none, 0-1.
        labels: those of the digits.
    """
    digit = int(own.argmax())
    likeness = own[digit] / max(1, full[digit] + own.sum() - own[digit])
    if likeness >= MIN_DIGIT and clutter <= MAX_CLUTTER:
        yield glyph, int(labels[digit])
    elif likeness <= MAX_PART:
        yield glyph, PART


if __name__ == "__main__":
    main()
