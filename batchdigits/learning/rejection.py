"""The rejection offset: a shift of all logits, after which a chosen share of digits is rejected as outliers."""

from __future__ import annotations

import numpy as np

from batchdigits.inference.runtime import Logits
from batchdigits.learning.logits import log_sum_exp

# Share of degraded validation digits that are rejected. With a smaller share more outliers get the status `ok`; with a
# larger one more digits with a wrong label do.
REJECTED_SHARE = 0.014


def rejection_offset(logits: Logits) -> float:
    """The number to subtract from logits, float32 (N, classes), so that REJECTED_SHARE of these digits is rejected.

    A glyph is rejected if it is more probably an outlier than a digit. The outlier's logit is fixed at 0, so a shift of
    the classes' logits decides which glyphs are rejected; it changes no confidence. Without the shift, the share of
    outliers in training would decide, which says nothing about other people's scans.
    """
    return float(np.quantile(log_sum_exp(logits), REJECTED_SHARE))
