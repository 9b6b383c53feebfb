"""Whether two forms of a model say the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batchdigits.datasets.labelled import Labelled
from batchdigits.inference.runtime import Runtime


@dataclass(frozen=True)
class Agreement:
    """Two runtimes on the same labelled glyphs; all figures are shares, 0-1.

    Attributes:
        images: how many glyphs.
        first: the first one's accuracy.
        second: the second one's accuracy.
        same: how often both give the same label.
    """

    images: int
    first: float
    second: float
    same: float


def compare(first: Runtime, second: Runtime, data: Labelled) -> Agreement:
    """Run both over `data`."""
    a, b = (runtime.logits(data.glyphs).argmax(axis=1) for runtime in (first, second))
    return Agreement(
        len(data), float(np.mean(a == data.labels)), float(np.mean(b == data.labels)), float(np.mean(a == b))
    )
