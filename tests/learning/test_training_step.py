"""What the training step takes for the error of an answer."""

from __future__ import annotations

import numpy as np
import pytest

from batchdigits.inference.decide import softmax
from batchdigits.learning.training_step import loss_of

tf = pytest.importorskip("tensorflow")

LOGITS = np.array([[3.0, -1.0, 0.5], [-2.0, -4.0, -1.0]], np.float32)
TARGETS = np.array([[0.9, 0.1, 0.0], [0.0, 0.0, 0.0]], np.float32)  # a digit, and none


def test_a_network_that_rejects_learns_one_class_more_whose_logit_is_0() -> None:
    found = loss_of(tf, tf.constant(LOGITS), TARGETS, heat=1.0, rejects=True)
    answers = np.log(softmax(np.concatenate([LOGITS, np.zeros((2, 1), np.float32)], axis=1)))
    wanted = np.concatenate([TARGETS, 1 - TARGETS.sum(axis=1, keepdims=True)], axis=1)
    assert np.allclose(found, -(wanted * answers).sum(axis=1), rtol=1e-5)


def test_another_network_learns_nothing_from_what_is_no_digit() -> None:
    digit, none = loss_of(tf, tf.constant(LOGITS), TARGETS, heat=1.0, rejects=False).numpy()
    assert digit == pytest.approx(-(TARGETS[0] * np.log(softmax(LOGITS[0]))).sum())
    assert none == 0.0


@pytest.mark.parametrize("heat", [1.0, 3.0])
def test_warm_logits_have_gradients_of_their_own_size(heat: float) -> None:
    logits = tf.Variable(LOGITS[:1])
    with tf.GradientTape() as tape:
        loss = loss_of(tf, logits, TARGETS[:1], heat, rejects=False)
    found = tape.gradient(loss, logits).numpy()
    assert np.allclose(found, heat * (softmax(LOGITS[:1] / heat) - TARGETS[:1]), atol=1e-6)
