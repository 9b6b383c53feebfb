"""TFLite Micro's integer arithmetic in NumPy; it computes the logits of the golden vectors.

It is exact to the bit for weights with a scale for each channel. With one scale for all weights, a logit in some
thousands differs by 1.
TFLite Micro and, by default, CMSIS-NN scale a sum in two steps and round after each, like gemmlowp. LiteRT rounds once.
https://github.com/google/gemmlowp/blob/master/doc/quantization.md
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchdigits.device.layers import INT8_MAX, Layer, Window
from batchdigits.inference.runtime import Glyphs
from batchdigits.inference.tensors import to_input


def run(layers: Sequence[Layer], glyphs: Glyphs) -> NDArray[np.int8]:
    """Run the layers one after the other on glyphs, uint8 (N, 28, 28).

    Returns:
        The quantized logits, int8 (N, classes).
    """
    values = to_input(glyphs, np.int8).astype(np.int64)
    for layer in layers:
        inputs = values.reshape(len(values), -1) - layer.input_zero
        if layer.window:
            inputs = _windows(inputs, layer.window)
        sums = inputs @ layer.weights.astype(np.int64).T + layer.biases
        scaled = scale(sums, layer.multipliers, layer.shifts)
        values = np.clip(scaled + layer.output_zero, layer.output_min, INT8_MAX)
    return values.astype(np.int8)


def _windows(values: NDArray[np.int64], window: Window) -> NDArray[np.int64]:
    """The windows (N, output side, output side, kernel * kernel * channels) of values (N, side * side * channels)."""
    side, channels, kernel, stride = window
    before, ends = window.padding, window.output_side * stride
    after = max(0, ends - stride + kernel - before - side)
    padded = np.pad(values.reshape(-1, side, side, channels), ((0, 0), (before, after), (before, after), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[:, ::stride, ::stride]
    return views.transpose(0, 1, 2, 4, 5, 3).reshape(*views.shape[:3], -1)


def scale(sums: NDArray[np.int64], multipliers: NDArray[np.int32], shifts: NDArray[np.int32]) -> NDArray[np.int64]:
    """Multiply sums (…, units) by multipliers * 2**(shifts - 31), and round after the product and after the shift."""
    products = (sums << np.maximum(shifts, 0)) * multipliers.astype(np.int64)
    nudged = products + np.where(products >= 0, 1 << 30, 1 - (1 << 30))
    high = np.sign(nudged) * (np.abs(nudged) >> 31)  # C's division rounds towards zero
    right = np.maximum(-shifts, 0).astype(np.int64)
    mask = (np.int64(1) << right) - 1
    round_up = (high & mask) > (mask >> 1) + (high < 0)
    rounded: NDArray[np.int64] = (high >> right) + round_up
    return rounded
