"""Logits of Keras networks, and measures of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.runtime import Glyphs, Logits, in_padded_batches
from batchdigits.inference.tensors import as_network_input

BATCH_SIZE = 1_000  # glyphs


def logits_of(network: Any, glyphs: Glyphs) -> Logits:
    """Logits, float32 (N, classes), that a Keras network gives for glyphs, uint8 (N, 28, 28).

    Keras's own `predict` would compile the network anew for each call.
    """

    def run(batch: Glyphs) -> Logits:
        logits: Logits = network(as_network_input(batch), training=False).numpy()
        return logits

    return in_padded_batches(run, glyphs, BATCH_SIZE, network.output_shape[-1])


def cross_entropy(logits: Logits, labels: NDArray[np.int64]) -> float:
    """Mean cross-entropy, in nats, of the softmax of logits (N, classes) with labels, int64 (N,)."""
    return float(np.mean(log_sum_exp(logits) - logits[np.arange(len(labels)), labels]))


def log_sum_exp(logits: Logits) -> Logits:
    """The logarithm of the sum of the exponentials of each row of logits (N, classes): float32 (N,)."""
    top = logits.max(axis=1, keepdims=True)
    logarithms: Logits = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return logarithms
