"""How probable it is that a field is read right: from the likeliest values and the doubts about their digits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.lattice import Path

# A logistic regression on the two features, on fields composed of digits that training held back, as
# `benchmarks/read_fields.py --calibrate --composed 6000` prints it.
INTERCEPT, LEAD_WEIGHT, DOUBT_WEIGHT = 0.5, 2.8, 1.5
MAX_LEAD = 10.0  # nats: the lead of the only value


def features(paths: Sequence[Path], log_p: NDArray[np.float64]) -> tuple[float, float]:
    """The lead of the first path, and its doubt, as in a FieldReading.

    Args:
        paths: the likeliest first; at least one.
        log_p: of the field's glyphs, float64 (N, 11).
    """
    lead = min([paths[0].best - path.best for path in paths[1:]], default=MAX_LEAD)
    # The last column is that of an outlier, as which a glyph is left out.
    doubts = [float(log_p[step.glyph, int(step.text or -1)]) for step in paths[0].steps if step.glyph >= 0]
    return math.log1p(max(0.0, lead)), min(doubts, default=0.0)


def confidence_of(lead: float, doubt: float) -> float:
    """How probable it is that a value is right, 0-1."""
    return 1.0 / (1.0 + math.exp(-(INTERCEPT + LEAD_WEIGHT * lead + DOUBT_WEIGHT * doubt)))


def alternatives_to(paths: Sequence[Path], confidence: float) -> list[tuple[str, float]]:
    """The values after the first one with their probabilities, the likeliest first; all together have the rest of 1."""
    weights = {path.value: math.exp(path.log_weight - paths[0].log_weight) for path in paths[1:]}
    share = (1.0 - confidence) / max(sum(weights.values()), 1e-12)
    return [(value, share * weight) for value, weight in weights.items()]
