"""Conversions between glyphs or logits and the input and output tensors of a TFLite network."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from batchdigits.inference.runtime import GLYPH_PIXELS, Glyphs, Logits

INPUT_TYPES = (np.uint8, np.int8, np.float32)
OUTPUT_TYPES = (np.int8, np.float32)
# Replaces a probability of 0, which has no logarithm; far below an int8 step, 1/256.
MIN_PROBABILITY = float(np.finfo(np.float32).tiny)


def as_network_input(glyphs: Glyphs) -> NDArray[np.float32]:
    """Glyphs, uint8 (N, 28, 28) or (N, 784), as the float32 networks take them: float32 (N, 784), 0-1."""
    return glyphs.reshape(-1, GLYPH_PIXELS).astype(np.float32) / np.float32(255)


def to_input(glyphs: Glyphs, dtype: DTypeLike) -> NDArray[np.generic]:
    """Glyphs, uint8 (N, 28, 28), as (N, 784) of `dtype`: uint8 unchanged, int8 minus 128, float32 divided by 255."""
    flat = glyphs.reshape(-1, GLYPH_PIXELS)
    if dtype == np.uint8:
        return flat
    if dtype == np.int8:
        return (flat ^ 0x80).view(np.int8)  # flipping the top bit is subtracting 128
    return as_network_input(glyphs)


def from_output(values: NDArray[np.generic], scale: float, zero_point: int, head: str) -> Logits:
    """Logits, float32 (N, classes), from a network's output (N, classes), which is float32, or int8 with its scale.

    If the `head` is `probabilities`, the logits are their logarithms: softmax turns these back into the probabilities.
    """
    floats = values.astype(np.float32)
    if values.dtype == np.int8:
        floats = (floats - np.float32(zero_point)) * np.float32(scale)
    if head == "probabilities":
        return np.log(np.maximum(floats, np.float32(MIN_PROBABILITY)))
    return floats
