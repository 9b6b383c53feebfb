"""How probable it is that a field is read right: from the likeliest values and the doubts about their digits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.lattice import Path

# A logistic regression on the two features below. `benchmarks/read_fields.py --calibrate` prints it.
INTERCEPT, LEAD_WEIGHT, DOUBT_WEIGHT = -1.0, 3.0, 1.0
MAX_LEAD = 10.0  # nats: the lead of the only value


def confidence_of(paths: Sequence[Path], log_p: NDArray[np.float64]) -> tuple[float, list[tuple[str, float]]]:
    """The confidence of the first path's value, and values with other digits with their probabilities.

    Args:
        paths: the likeliest first; at least one.
        log_p: of the field's glyphs, float64 (N, classes + 1).
    """
    lead, doubt = features(paths, log_p)
    confidence = 1.0 / (1.0 + math.exp(-(INTERCEPT + LEAD_WEIGHT * lead + DOUBT_WEIGHT * doubt)))
    weights = np.exp([path.log_weight - paths[0].log_weight for path in paths[1:]])
    shares = (1.0 - confidence) * weights / max(float(weights.sum()), 1e-12)
    others = [(path.value, float(share)) for path, share in zip(paths[1:], shares, strict=True)]
    return confidence, [(paths[0].value, confidence), *others]


def features(paths: Sequence[Path], log_p: NDArray[np.float64]) -> tuple[float, float]:
    """What the confidence depends on: the lead over the next value, and the doubt about the worst digit.

    Returns:
        The logarithm of one more than the lead in nats, and the least log probability of a digit, with outliers.
    """
    digits = _digits(paths[0].value)
    lead = min([paths[0].best - path.best for path in paths if _digits(path.value) != digits], default=MAX_LEAD)
    doubts = [float(log_p[step.glyph, int(step.text)]) for step in paths[0].steps if step.text.isdigit()]
    return math.log1p(max(0.0, lead)), min(doubts, default=0.0)


def _digits(value: str) -> str:
    return "".join(filter(str.isdigit, value))
