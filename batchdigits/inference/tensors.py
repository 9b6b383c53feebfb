"""What goes into and comes out of a TFLite network's tensors, whatever their types."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from batchdigits.inference.runtime import GLYPH_PIXELS, Glyphs, Logits

INPUT_TYPES = (np.uint8, np.int8, np.float32)
OUTPUT_TYPES = (np.int8, np.float32)
# What stands for a probability of 0 before its logarithm: far below the least step of int8, 1/256.
LEAST = float(np.finfo(np.float32).tiny)


def as_network_input(glyphs: Glyphs) -> NDArray[np.float32]:
    """Glyphs, uint8 (N, 28, 28) or (N, 784), as the float32 networks take them: float32 (N, 784), 0-1."""
    return glyphs.reshape(-1, GLYPH_PIXELS).astype(np.float32) / np.float32(255)


def to_input(glyphs: Glyphs, dtype: DTypeLike) -> NDArray[np.generic]:
    """Glyphs, uint8 (N, 28, 28), as (N, 784) of `dtype`: uint8 as they are, int8 less 128, float32 over 255."""
    flat = glyphs.reshape(-1, GLYPH_PIXELS)
    if dtype == np.uint8:
        return flat
    if dtype == np.int8:
        return (flat ^ 0x80).view(np.int8)  # flipping the top bit is subtracting 128
    return as_network_input(glyphs)


def from_output(values: NDArray[np.generic], scale: float, zero_point: int, head: str) -> Logits:
    """Logits, float32 (N, classes), from what a network gives: int8 with its scale, or float32.

    With the head `probabilities` they are the probabilities' logarithms, which softmax turns back into them.
    """
    wide = values.astype(np.float32)
    if values.dtype == np.int8:
        wide = (wide - np.float32(zero_point)) * np.float32(scale)
    if head == "probabilities":
        return np.log(np.maximum(wide, np.float32(LEAST)))
    return wide
