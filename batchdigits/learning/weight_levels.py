"""Weights of few levels, which a microcontroller stores in few bits.

A unit's weights have 2**bits levels, evenly spaced from -scale to scale, and its scale is a power of two. The largest
weight of a unit lies on an outermost level, so int8 quantization turns the levels of every unit into the same integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.tensorflow_runtime import import_tensorflow

MIN_SCALE = 2.0**-20  # of a unit without weights
EXPONENT_MASK = 0x7F800000  # of a float32


def levels_of(tf: Any, kernel: Any, bits: int) -> Any:
    """The level nearest to each weight of a kernel, float32 (..., units)."""
    top = tf.reduce_max(tf.abs(kernel), axis=list(range(len(kernel.shape) - 1)), keepdims=True)
    # A float32 without its mantissa is the power of two below it.
    bits_of_top = tf.bitcast(tf.maximum(top, MIN_SCALE), tf.int32)
    scale = tf.bitcast(tf.bitwise.bitwise_and(bits_of_top, EXPONENT_MASK), tf.float32)
    steps = np.float32(2**bits - 1)  # between the outermost levels
    return tf.clip_by_value(2.0 * tf.floor(kernel / scale * steps / 2.0) + 1.0, -steps, steps) / steps * scale


def on_levels(array: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """A kernel (..., units), each weight moved to the nearest level; biases (units,) as they are."""
    if array.ndim == 1:
        return array
    moved: NDArray[np.float32] = levels_of(import_tensorflow("training"), array, bits).numpy()
    return moved
