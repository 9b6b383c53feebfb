"""The network that reads digits in their context: a part of the package, whatever model reads the glyphs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.choose import CONTEXT_NETWORK
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.normalise import Glyph

BATCH_SIZE = 16  # a field has few contexts, and larger batches are hardly faster

_lock = Lock()  # an interpreter runs one inference at a time


def classify_contexts(contexts: Sequence[Glyph]) -> NDArray[np.float64]:
    """The log probabilities of ten digits, and of an outlier, a part of a digit or several digits, float64 (N, 11).

    Args:
        contexts: uint8 (28, 28) each, as `context_of` draws them.
    """
    if not contexts:
        return np.zeros((0, 11))
    with _lock:
        logits = _network().logits(np.array(contexts)).astype(np.float64)
    log_p: NDArray[np.float64] = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return log_p


@cache
def _network() -> Runtime:
    return load_runtime(CONTEXT_NETWORK, BATCH_SIZE)
