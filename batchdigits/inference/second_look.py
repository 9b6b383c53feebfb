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

DOUBT = 0.8  # score under which a glyph is looked at again
# The changes: rotation in radians, shear as tan(slant) and shift in pixels, each both ways; and the logarithm of the
# stretch, of the width or of the height.
ROTATION, SHEAR, STRETCH, SHIFT = 0.075, 0.11, 0.1, 0.75


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
    views = np.stack([_view(glyphs[index], change) for index in doubtful for change in VIEWS])
    of_views = run(views).reshape(len(doubtful), len(VIEWS), -1)
    again = logits.copy()
    again[doubtful] = (logits[doubtful] + of_views.sum(axis=1)) / (1 + len(VIEWS))
    return again


def _view(glyph: Glyph, change: NDArray[np.float64]) -> Glyph:
    return np.asarray(cv2.warpAffine(glyph, change, (SIDE, SIDE), flags=cv2.INTER_CUBIC), np.uint8)


def _change(rotation: float, shear: float, width: float, height: float, shift: float) -> NDArray[np.float64]:
    """The affine map (2, 3) from a glyph to its view, about the glyph's middle."""
    cos, sin = np.cos(rotation), np.sin(rotation)
    linear = np.array([[cos * width, (shear - sin) * height], [sin * width, cos * height]])
    middle = np.full(2, (SIDE - 1) / 2)
    return np.hstack([linear, (middle - linear @ middle + [shift, 0.0])[:, None]])


VIEWS = [
    _change(ROTATION, 0, 1, 1, 0),
    _change(-ROTATION, 0, 1, 1, 0),
    _change(0, SHEAR, 1, 1, 0),
    _change(0, -SHEAR, 1, 1, 0),
    _change(0, 0, np.exp(-STRETCH), 1, 0),
    _change(0, 0, 1, np.exp(-STRETCH), 0),
    _change(0, 0, 1, 1, SHIFT),
    _change(0, 0, 1, 1, -SHIFT),
]
