"""Packed data: scans or pen strokes of several writers in one .npz, as `training/pack.py` writes it.

Two arrays are in every such file: `labels`, int8 (N,), a digit or -1 for an outlier; and `splits`, uint8 (N,), TRAIN,
VALIDATION or TEST. Scans have `levels`, uint8 (P,), grey levels in steps of GREY_STEP, row by row and scan by scan; and
`sizes`, uint16 (N, 2), height and width. Pen strokes have `points`, uint8 (P, 2), x before y; `stroke_sizes`,
uint16 (S,), points in each stroke; and `stroke_counts`, uint16 (N,), strokes in each drawing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import DIGIT_NAMES, LabelledGlyphs, Splits, likeliest_glyph, outliers_of
from batchdigits.datasets.pen import Drawings
from batchdigits.errors import DataError

GREY_STEP, MAX_LEVEL = 17, 15  # 16 levels from 0 to 255
MAX_COUNT = (1 << 16) - 1  # points in a stroke, strokes in a drawing, and pixels of a scan's side
TRAIN, VALIDATION, TEST = range(3)
DRAWING_SEED = 0  # of the drawings of a validation or test split, and of outliers
SCANS = {"labels", "splits", "levels", "sizes"}
STROKES = {"labels", "splits", "points", "stroke_sizes", "stroke_counts"}


def is_packed(names: set[str]) -> bool:
    """Whether arrays of these names are packed data."""
    return names in (SCANS, STROKES)


def load(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Splits:
    """Load packed data. A scan without ink is left out.

    Args:
        path: of the file, for messages and the name of the data.
        arrays: those of the file.

    Raises:
        DataError: the arrays do not fit each other.
    """
    if not _is_valid(arrays):
        raise DataError(f"{path}: its arrays do not fit each other; make it again with training/pack.py")
    labels, splits = arrays["labels"].astype(np.int64), arrays["splits"]
    glyphs, drawings = _scans(arrays) if "levels" in arrays else drawn(arrays)
    has_ink, is_digit = glyphs.any(axis=(1, 2)), labels >= 0

    def part(split: int) -> LabelledGlyphs:
        chosen = has_ink & is_digit & (splits == split)
        return LabelledGlyphs(glyphs[chosen], labels[chosen])

    def outliers(split: int) -> NDArray[np.uint8]:
        chosen: NDArray[np.uint8] = glyphs[has_ink & ~is_digit & (splits == split)]
        return chosen

    return Splits(
        path.stem,
        DIGIT_NAMES,
        part(TRAIN),
        part(VALIDATION),
        part(TEST),
        drawings=_select(drawings, has_ink & is_digit & (splits == TRAIN)) if drawings else None,
        outliers=outliers_of(outliers(TRAIN), outliers(VALIDATION), outliers(TEST)),
    )


def _is_valid(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Whether arrays have the shapes and values of packed data."""
    count = len(arrays["labels"]) if arrays["labels"].ndim else 0
    if not count or not all(np.issubdtype(array.dtype, np.integer) for array in arrays.values()):
        return False
    if not (_is_list(arrays["labels"], count, -1, 9) and _is_list(arrays["splits"], count, TRAIN, TEST)):
        return False
    if "levels" in arrays:
        levels, sizes = arrays["levels"], arrays["sizes"]
        has_sizes = sizes.shape == (count, 2) and sizes.min() > 0 and sizes.max() <= MAX_COUNT
        return bool(has_sizes) and _is_list(levels, int(sizes.astype(np.int64).prod(axis=1).sum()), 0, MAX_LEVEL)
    points, lengths, counts = arrays["points"], arrays["stroke_sizes"], arrays["stroke_counts"]
    if not (_is_list(counts, count, 1) and _is_list(lengths, int(counts.sum()), 1)):
        return False
    return points.dtype == np.uint8 and points.shape == (int(lengths.sum()), 2)


def _is_list(array: NDArray[Any], count: int, least: int, most: int = MAX_COUNT) -> bool:
    return array.shape == (count,) and bool(array.min() >= least and array.max() <= most)


def _scans(arrays: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.uint8], None]:
    """The glyphs of scans, uint8 (N, 28, 28)."""
    sizes = arrays["sizes"].astype(np.int64)
    ends = np.cumsum(sizes.prod(axis=1))
    scans = np.split(arrays["levels"].astype(np.uint8) * np.uint8(GREY_STEP), ends[:-1])
    pairs = zip(scans, sizes.tolist(), strict=True)
    return np.stack([likeliest_glyph(scan.reshape(size), "auto") for scan, size in pairs]), None


def drawn(arrays: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.uint8], Drawings]:
    """The glyphs of one drawing each, uint8 (N, 28, 28), and the drawings."""
    drawings = Drawings(
        arrays["points"].astype(np.uint8),
        np.cumsum(arrays["stroke_sizes"].astype(np.int64)),
        np.cumsum(arrays["stroke_counts"].astype(np.int64)),
    )
    glyphs = [drawings.glyph(index, np.random.default_rng([DRAWING_SEED, index])) for index in range(len(drawings))]
    return np.stack(glyphs), drawings


def _select(drawings: Drawings, chosen: NDArray[np.bool_]) -> Drawings:
    counts = np.diff(drawings.ends, prepend=0)
    sizes = np.diff(drawings.stroke_ends, prepend=0)
    strokes = np.repeat(chosen, counts)
    return Drawings(drawings.points[np.repeat(strokes, sizes)], np.cumsum(sizes[strokes]), np.cumsum(counts[chosen]))
