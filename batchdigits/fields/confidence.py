"""How probable it is that a field is read right: from the likeliest values and the doubts about their digits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.lattice import Path, digits_of

# A logistic regression on the two features, on composed fields: `benchmarks/read_fields.py --calibrate` prints it.
INTERCEPT, LEAD_WEIGHT, DOUBT_WEIGHT = 0.7, 3.9, 1.3
MAX_LEAD = 10.0  # nats: the lead of the only value


def features(paths: Sequence[Path], log_p: NDArray[np.float64]) -> tuple[float, float]:
    """The lead of the first path, and its doubt, as in a FieldReading.

    Args:
        paths: the likeliest first; at least one.
        log_p: of the field's glyphs, float64 (N, classes + 1).
    """
    digits = digits_of(paths[0].value)
    lead = min([paths[0].best - path.best for path in paths if digits_of(path.value) != digits], default=MAX_LEAD)
    doubts = [float(log_p[step.glyph, int(step.text)]) for step in paths[0].steps if step.text.isdigit()]
    return math.log1p(max(0.0, lead)), min(doubts, default=0.0)


def confidence_of(lead: float, doubt: float) -> float:
    """How probable it is that a value is right, 0-1."""
    return 1.0 / (1.0 + math.exp(-(INTERCEPT + LEAD_WEIGHT * lead + DOUBT_WEIGHT * doubt)))


def alternatives_to(paths: Sequence[Path], confidence: float) -> list[tuple[str, float]]:
    """Values with other digits than the first path, and their probabilities; all together they have the rest of 1."""
    best = digits_of(paths[0].value)
    values: dict[str, str] = {}  # the likeliest one with the same digits
    weights: dict[str, float] = {}
    for path in paths:
        digits = digits_of(path.value)
        if digits != best:
            values.setdefault(digits, path.value)
            weights[digits] = weights.get(digits, 0.0) + math.exp(path.log_weight - paths[0].log_weight)
    share = (1.0 - confidence) / max(sum(weights.values()), 1e-12)
    alternatives = [(values[digits], share * weight) for digits, weight in weights.items()]
    return sorted(alternatives, key=lambda alternative: -alternative[1])
