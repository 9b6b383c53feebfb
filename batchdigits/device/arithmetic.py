"""TFLite Micro's integer arithmetic in NumPy: what the golden vectors are made with, to the bit.

TFLite Micro (and CMSIS-NN by default) scales a sum in two steps and rounds in each, after gemmlowp; LiteRT rounds once.
https://github.com/google/gemmlowp/blob/master/doc/quantization.md
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchdigits.device.layers import HIGHEST, Layer
from batchdigits.inference.runtime import Glyphs
from batchdigits.inference.tensors import to_input


def run(layers: Sequence[Layer], glyphs: Glyphs) -> NDArray[np.int8]:
    """The int8 logits (N, classes) of glyphs, uint8 (N, 28, 28)."""
    values = to_input(glyphs, np.int8).astype(np.int64)
    for layer in layers:
        sums = (values - layer.input_zero) @ layer.weights.astype(np.int64).T + layer.biases
        scaled = scale(sums, layer.multipliers, layer.shifts)
        values = np.clip(scaled + layer.output_zero, layer.least, HIGHEST)
    return values.astype(np.int8)


def scale(sums: NDArray[np.int64], multipliers: NDArray[np.int32], shifts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Sums (N, units) times multipliers * 2**(shifts - 31), rounded after the product and after the shift."""
    product = (sums << np.maximum(shifts, 0)) * multipliers.astype(np.int64)
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.sign(nudged) * (np.abs(nudged) >> 31)  # C's division rounds towards zero
    right = np.maximum(-shifts, 0).astype(np.int64)
    mask = (np.int64(1) << right) - 1
    up = (high & mask) > (mask >> 1) + (high < 0)
    rounded: NDArray[np.int64] = (high >> right) + up
    return rounded
