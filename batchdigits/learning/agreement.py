"""Whether two forms of a network say the same of the same glyphs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.decide import softmax
from batchdigits.inference.runtime import Logits


class Disagreement(NamedTuple):
    """A glyph that gets two labels: which glyph, and each form's label (an index) with its confidence (0-1)."""

    glyph: int
    first: int
    first_confidence: float
    second: int
    second_confidence: float


class Agreement(NamedTuple):
    """Two forms on the same glyphs.

    Attributes:
        images: how many glyphs.
        first: the first one's accuracy, 0-1; None where no glyph's label is known.
        second: the second one's.
        difference: the largest difference between their probabilities, of any class on any glyph, 0-1.
        disagreements: the glyphs that get two labels, in order.
    """

    images: int
    first: float | None
    second: float | None
    difference: float
    disagreements: tuple[Disagreement, ...]

    @property
    def same(self) -> float:
        """Share of glyphs that get the same label from both, 0-1."""
        return 1 - len(self.disagreements) / self.images


def compare(first: Logits, second: Logits, labels: NDArray[np.int64]) -> Agreement:
    """Compare logits, both float32 (N, classes), N at least 1; a label under 0 is one that nobody knows."""
    a, b = softmax(first), softmax(second)
    mine, yours = a.argmax(axis=1), b.argmax(axis=1)
    known = labels >= 0
    return Agreement(
        images=len(labels),
        first=float(np.mean(mine[known] == labels[known])) if known.any() else None,
        second=float(np.mean(yours[known] == labels[known])) if known.any() else None,
        difference=float(np.abs(a - b).max()),
        disagreements=tuple(
            Disagreement(int(i), int(mine[i]), float(a[i, mine[i]]), int(yours[i]), float(b[i, yours[i]]))
            for i in np.flatnonzero(mine != yours)
        ),
    )
