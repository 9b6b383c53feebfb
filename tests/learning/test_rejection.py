from __future__ import annotations

import numpy as np
import pytest

from batchdigits.inference.decide import scores, softmax
from batchdigits.learning.rejection import REJECTED_SHARE, rejection_offset


def test_shifted_logits_reject_the_chosen_share_and_keep_their_confidence() -> None:
    logits = np.random.default_rng(0).normal(3, 4, (20_000, 10)).astype(np.float32)
    shifted = logits - np.float32(rejection_offset(logits))
    outlier_probability = 1 - scores(shifted, rejects=True) / softmax(shifted).max(axis=1)
    assert np.mean(outlier_probability > 0.5) == pytest.approx(REJECTED_SHARE, abs=1e-3)
    assert np.allclose(softmax(shifted), softmax(logits), atol=1e-6)
