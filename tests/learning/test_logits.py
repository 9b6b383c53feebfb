from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from batchdigits.inference.load import load_runtime
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.logits import BATCH_SIZE, cross_entropy, logits_of


@pytest.mark.parametrize("count", [0, 3, BATCH_SIZE + 1])
def test_logits_of_any_number_of_glyphs_are_those_of_the_runtime(trained: Path, count: int) -> None:
    glyphs = np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)
    logits = logits_of(load_network(read_model_file(trained)), glyphs)
    assert logits.shape == (count, 10)
    assert logits == pytest.approx(load_runtime(trained).logits(glyphs), abs=1e-4)


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_their_number() -> None:
    assert cross_entropy(np.zeros((3, 10), np.float32), np.array([0, 5, 9])) == pytest.approx(np.log(10))


def test_cross_entropy_of_large_logits_does_not_overflow() -> None:
    assert cross_entropy(np.array([[1000.0, 0.0]], np.float32), np.array([1])) == pytest.approx(1000)
