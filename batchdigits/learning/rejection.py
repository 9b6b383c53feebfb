"""The rejection offset: a shift of all logits, after which a chosen share of digits is rejected as outliers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.decide import scores
from batchdigits.inference.runtime import Logits
from batchdigits.learning.logits import log_sum_exp, logits_of

# Share of degraded validation digits that are rejected. With a smaller share more outliers get the status `ok`; with a
# larger one more digits with a wrong label do.
REJECTED_SHARE = 0.014


def ok_share(network: Any, glyphs: NDArray[np.uint8], rejects: bool, review: float) -> float:
    """Share of glyphs, uint8 (N, 28, 28), 0-1, whose score from a Keras network reaches the review threshold."""
    return float(np.mean(scores(logits_of(network, glyphs), rejects) >= review))


def rejection_offset(logits: Logits) -> float:
    """The number to subtract from logits, float32 (N, classes), so that REJECTED_SHARE of these digits is rejected.

    A glyph is rejected if it is more probably an outlier than a digit. The outlier's logit is fixed at 0, so a shift of
    the classes' logits decides which glyphs are rejected; it changes no confidence. Without the shift, the share of
    outliers in training would decide, which says nothing about other people's scans.
    """
    return float(np.quantile(log_sum_exp(logits), REJECTED_SHARE))
