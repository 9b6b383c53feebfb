"""The interface of a runtime, which turns glyphs into logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.card import Card

BATCH_SIZE = 256  # larger batches are no faster; `batchdigits benchmark` measures smaller ones
GLYPH_PIXELS = 28 * 28

Glyphs = NDArray[np.uint8]  # (N, 28, 28), ink bright on 0
Logits = NDArray[np.float32]  # (N, classes)


class Runtime(Protocol):
    """A loaded network with its card."""

    card: Card

    def logits(self, glyphs: Glyphs) -> Logits:
        """Logits, float32 (N, classes), of glyphs, uint8 (N, 28, 28)."""


def in_padded_batches(run: Callable[[Glyphs], Logits], glyphs: Glyphs, batch_size: int, classes: int) -> Logits:
    """Apply `run` to batches of exactly `batch_size` glyphs; the last one is padded with empty glyphs.

    A matrix product may round differently for another number of rows. With one size for all batches a glyph's logits
    do not depend on the other glyphs.
    """
    logits = np.empty((len(glyphs), classes), np.float32)
    for start in range(0, len(glyphs), batch_size):
        batch = glyphs[start : start + batch_size]
        count = len(batch)
        if count < batch_size:
            batch = np.concatenate([batch, np.zeros((batch_size - count, *glyphs.shape[1:]), np.uint8)])
        logits[start : start + count] = run(batch)[:count]
    return logits
