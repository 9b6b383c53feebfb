"""The loss of the training step."""

from __future__ import annotations

import numpy as np
import pytest

from batchdigits.inference.decide import softmax
from batchdigits.learning.training_step import loss_of

tf = pytest.importorskip("tensorflow")

LOGITS = np.array([[3.0, -1.0, 0.5], [-2.0, -4.0, -1.0]], np.float32)
TARGETS = np.array([[0.9, 0.1, 0.0], [0.0, 0.0, 0.0]], np.float32)  # a digit and an outlier


def test_outliers_are_a_further_class_with_logit_0_if_the_network_rejects() -> None:
    found = loss_of(tf, tf.constant(LOGITS), TARGETS, temperature=1.0, rejects=True)
    answers = np.log(softmax(np.concatenate([LOGITS, np.zeros((2, 1), np.float32)], axis=1)))
    wanted = np.concatenate([TARGETS, 1 - TARGETS.sum(axis=1, keepdims=True)], axis=1)
    assert np.allclose(found, -(wanted * answers).sum(axis=1), rtol=1e-5)


def test_an_outlier_has_no_loss_if_the_network_does_not_reject() -> None:
    digit, outlier = loss_of(tf, tf.constant(LOGITS), TARGETS, temperature=1.0, rejects=False).numpy()
    assert digit == pytest.approx(-(TARGETS[0] * np.log(softmax(LOGITS[0]))).sum())
    assert outlier == 0.0


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_size_of_the_gradients_grows_with_the_temperature(temperature: float) -> None:
    logits = tf.Variable(LOGITS[:1])
    with tf.GradientTape() as tape:
        loss = loss_of(tf, logits, TARGETS[:1], temperature, rejects=False)
    found = tape.gradient(loss, logits).numpy()
    assert np.allclose(found, temperature * (softmax(LOGITS[:1] / temperature) - TARGETS[:1]), atol=1e-6)
