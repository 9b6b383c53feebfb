from __future__ import annotations

import numpy as np
import pytest

from batchdigits.learning.logits import cross_entropy


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_their_number() -> None:
    assert cross_entropy(np.zeros((3, 10), np.float32), np.array([0, 5, 9])) == pytest.approx(np.log(10))


def test_cross_entropy_of_large_logits_does_not_overflow() -> None:
    assert cross_entropy(np.array([[1000.0, 0.0]], np.float32), np.array([1])) == pytest.approx(1000)
