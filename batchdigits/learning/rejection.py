"""The rejection offset: a shift of all logits after which a chosen share of digits would be rejected as outliers."""

from __future__ import annotations

import numpy as np

from batchdigits.inference.runtime import Logits
from batchdigits.learning.logits import log_sum_exp

# Share of degraded validation digits that are rejected. A smaller share leaves more outliers `ok`, a larger share more
# digits with a wrong label.
REJECTED_SHARE = 0.014


def rejection_offset(logits: Logits) -> float:
    """The number to subtract from logits (N, classes) so that REJECTED_SHARE of these digits would be rejected.

    The logit of an outlier is fixed at 0, so that the shift of the classes' logits decides which glyphs are rejected.
    It changes no confidence. The network's own logits depend on the share of outliers in training, which says nothing
    about other people's scans; the shifted logits do not.
    """
    return float(np.quantile(log_sum_exp(logits), REJECTED_SHARE))
