"""A runtime turns glyphs into logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.card import Card

BATCH_SIZE = 256  # int8 LiteRT on one core: 40,000 glyphs/s at batch 1, 70,000 at 256, no more beyond
GLYPH_PIXELS = 28 * 28

Glyphs = NDArray[np.uint8]  # (N, 28, 28), ink 255 on 0
Logits = NDArray[np.float32]  # (N, classes)


class Runtime(Protocol):
    """A network that is loaded and ready."""

    card: Card

    def logits(self, glyphs: Glyphs) -> Logits:
        """Logits, float32 (N, classes), of glyphs, uint8 (N, 28, 28)."""


def in_padded_batches(run: Callable[[Glyphs], Logits], glyphs: Glyphs, batch_size: int, classes: int) -> Logits:
    """Apply `run` to batches of exactly `batch_size`, the last padded with empty glyphs.

    A matrix product may round differently for another number of rows, so one size for all means that the same glyph
    gives the same bits whatever else is in the batch.
    """
    logits = np.empty((len(glyphs), classes), np.float32)
    for start in range(0, len(glyphs), batch_size):
        batch = glyphs[start : start + batch_size]
        count = len(batch)
        if count < batch_size:
            batch = np.concatenate([batch, np.zeros((batch_size - count, *glyphs.shape[1:]), np.uint8)])
        logits[start : start + count] = run(batch)[:count]
    return logits
