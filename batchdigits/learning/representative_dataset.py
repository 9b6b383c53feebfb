"""The representative dataset: the glyphs that set the ranges of a quantized network's activations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import DIGIT_NAMES, LabelledGlyphs
from batchdigits.learning.augment import augment, shapes_of

GLYPHS_PER_CLASS = 100  # three times as many change the agreement by at most 2 glyphs in 5,000


def representative_glyphs(
    data: LabelledGlyphs, per_class: int = GLYPHS_PER_CLASS, classes: tuple[str, ...] = DIGIT_NAMES
) -> NDArray[np.uint8]:
    """The first glyphs of each class, as many of each, followed by an augmented copy of each: uint8 (N, 28, 28).

    The augmented copies stand for other hands and pens. Their seed is fixed.

    Args:
        data: labelled glyphs.
        per_class: how many glyphs of each class at most, without the augmented copies.
        classes: the names of the classes.
    """
    by_class = [data.glyphs[data.labels == label] for label in np.unique(data.labels)]
    count = min(per_class, *(len(glyphs) for glyphs in by_class))
    plain = np.stack([glyphs[:count] for glyphs in by_class], axis=1).reshape(-1, 28, 28)
    shapes = shapes_of(classes)[np.tile(np.unique(data.labels), count)]
    return np.concatenate([plain, augment(plain, shapes, np.random.default_rng(0))])
