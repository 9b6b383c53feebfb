"""Calibration glyphs: what runs through a network to set the ranges of its quantized activations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import LabelledGlyphs
from batchdigits.learning.augment import DIGITS, augment, forms_of

PER_CLASS = 100  # glyphs of each class: three times as many change no agreement by more than 2 glyphs in 5,000


def varied(data: LabelledGlyphs, per_class: int = PER_CLASS, classes: tuple[str, ...] = DIGITS) -> NDArray[np.uint8]:
    """Glyphs, uint8 (N, 28, 28), of one class as often as another: the first of each, as they are and deformed.

    The deformed ones stand for other hands and pens. They are drawn from a fixed seed.
    """
    by_class = [data.glyphs[data.labels == label] for label in np.unique(data.labels)]
    count = min(per_class, *(len(glyphs) for glyphs in by_class))
    plain = np.stack([glyphs[:count] for glyphs in by_class], axis=1).reshape(-1, 28, 28)
    forms = forms_of(classes)[np.tile(np.unique(data.labels), count)]
    return np.concatenate([plain, augment(plain, forms, np.random.default_rng(0))])
