"""A second look at doubtful glyphs: the mean of the logits of a few small changes of the glyph.

A network errs where it is in doubt, and errs differently on a glyph that is turned or moved by a little (test-time
augmentation, Krizhevsky et al. 2012). Few glyphs are doubtful, so this takes little time.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.card import Card
from batchdigits.inference.decide import scores
from batchdigits.inference.runtime import Glyphs, Logits, Runtime
from batchdigits.vision.framing import SIDE
from batchdigits.vision.normalise import Glyph

DOUBT = 0.6  # score under which a glyph is looked at again
# The changes: rotation in radians, shear as tan(slant) and shift in pixels, each both ways; and the logarithm of the
# stretch, of the width or of the height.
ROTATION, SHEAR, STRETCH, SHIFT = 0.075, 0.11, 0.1, 0.75
# A glyph is enlarged so many times by cubic interpolation; from there linear interpolation is as good, and faster.
FINENESS = 4


class SecondLook:
    """A runtime that looks again at glyphs in doubt."""

    def __init__(self, runtime: Runtime, runtime_of_views: Runtime) -> None:
        """Look with one runtime, and again with another of the same network, whose batches are the VIEWS of a glyph."""
        self.card: Card = runtime.card
        self._runtime, self._runtime_of_views = runtime, runtime_of_views

    def logits(self, glyphs: Glyphs) -> Logits:
        """Logits, float32 (N, classes), of glyphs, uint8 (N, 28, 28)."""
        logits = self._runtime.logits(glyphs)
        return look_again(logits, glyphs, self.card.rejects, self._runtime_of_views.logits)


def look_again(logits: Logits, glyphs: Glyphs, rejects: bool, run: Callable[[Glyphs], Logits]) -> Logits:
    """The same logits, but for glyphs in doubt, which get the mean over all their views.

    Args:
        logits: float32 (N, classes), of the glyphs themselves.
        glyphs: uint8 (N, 28, 28).
        rejects: the card's `rejects`: whether there is one more class, for outliers, with the logit 0.
        run: gives the logits of views.
    """
    doubtful = np.flatnonzero(scores(logits, rejects) < DOUBT)
    if not len(doubtful):
        return logits
    views = np.concatenate([_views(glyphs[index]) for index in doubtful])
    of_views = run(views).reshape(len(doubtful), len(VIEWS), -1)
    again = logits.copy()
    again[doubtful] = (logits[doubtful] + of_views.sum(axis=1)) / (1 + len(VIEWS))
    return again


def _views(glyph: Glyph) -> Glyphs:
    """The views of a glyph, uint8 (len(VIEWS), 28, 28)."""
    fine = cv2.resize(glyph, (FINENESS * SIDE, FINENESS * SIDE), interpolation=cv2.INTER_CUBIC)
    in_a_column = cv2.remap(fine, *ORIGINS, cv2.INTER_LINEAR)
    return np.asarray(in_a_column.reshape(len(VIEWS), SIDE, SIDE), np.uint8)


def _origins(rotation: float, shear: float, width: float, height: float, shift: float) -> NDArray[np.float64]:
    """Where each pixel of a view comes from, float64 (28, 28, 2), x before y: an affine map about the middle."""
    cos, sin = np.cos(rotation), np.sin(rotation)
    linear = np.array([[cos * width, (shear - sin) * height], [sin * width, cos * height]])
    middle = (SIDE - 1) / 2
    y, x = np.mgrid[:SIDE, :SIDE] - middle
    return np.asarray(np.stack([x - shift, y], axis=-1) @ np.linalg.inv(linear).T + middle)


VIEWS = (
    _origins(ROTATION, 0, 1, 1, 0),
    _origins(-ROTATION, 0, 1, 1, 0),
    _origins(0, SHEAR, 1, 1, 0),
    _origins(0, -SHEAR, 1, 1, 0),
    _origins(0, 0, np.exp(-STRETCH), 1, 0),
    _origins(0, 0, 1, np.exp(-STRETCH), 0),
    _origins(0, 0, 1, 1, SHIFT),
    _origins(0, 0, 1, 1, -SHIFT),
)
_FINE_ORIGINS = ((np.concatenate(VIEWS) + 0.5) * FINENESS - 0.5).astype(np.float32)
ORIGINS = cv2.convertMaps(_FINE_ORIGINS[..., 0], _FINE_ORIGINS[..., 1], cv2.CV_16SC2)  # in OpenCV's fast form
