"""Pack the layers of a network whose weights have sixteen levels: two weights in a byte, for `digits_nano.c`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchdigits.device.layers import INT8_MAX, INT8_MIN, Layer
from batchdigits.device.numbers import array
from batchdigits.errors import BatchdigitsError

# The integers into which int8 quantization turns the levels of `learning/weight_levels.py`.
LEVELS: NDArray[np.int8] = np.rint(np.arange(-15, 16, 2) / 15 * INT8_MAX).astype(np.int8)
MAX_MEMORY = (1 << 16) - 1  # bytes of activations, so that 16 bits hold a layer's offset


def is_packable(layers: Sequence[Layer]) -> bool:
    """Whether the weights have the sixteen levels, each layer has one multiplier, and relus are between the layers."""
    return all(
        np.isin(layer.weights, LEVELS).all()
        and len(set(layer.multipliers.tolist())) == 1
        and (layer.input_zero, layer.output_min) == (INT8_MIN, INT8_MIN)
        for layer in layers
    ) and all(layer.output_zero == INT8_MIN for layer in layers[:-1])


def packed_layers(layers: Sequence[Layer]) -> str:
    """The C arrays and the table of packable layers.

    Raises:
        BatchdigitsError: the activations need more than MAX_MEMORY.
    """
    rows_kept, offsets, memory = _places(layers)
    if memory > MAX_MEMORY:
        raise BatchdigitsError(f"C sources are for networks with at most {MAX_MEMORY:,} bytes of activations")
    arrays = [array("static const int8_t levels[16]", LEVELS.tolist())]
    rows = []
    for number, layer in enumerate(layers):
        codes = _codes(layer.weights)
        units, inputs = layer.weights.shape
        shifts = np.broadcast_to(layer.shifts, units)
        arrays += [
            array(f"static const uint8_t codes_{number}[{len(codes)}]", codes.tolist()),
            array(f"static const int32_t biases_{number}[{units}]", layer.biases.tolist()),
            array(f"static const int8_t shifts_{number}[{units}]", shifts.tolist()),
        ]
        window = layer.window
        shape = (*window, window.padding, window.output_side) if window else (0, 0, 0, 0, 0, 0)
        side, channels, kernel, stride, padding, output_side = shape
        numbers = (int(layer.multipliers[0]), layer.output_zero, inputs, units)
        places = (side, channels, kernel, stride, padding, output_side, rows_kept[number], offsets[number])
        texts = (f"codes_{number}", f"biases_{number}", f"shifts_{number}", *map(str, (*numbers, *places)))
        rows.append(f"    {{{', '.join(texts)}}},")
    convolutions = sum(layer.window is not None for layer in layers)
    return f"""#define DIGITS_LAYERS {len(layers)}
#define DIGITS_CONVOLUTIONS {convolutions} /* the first layers */
#define DIGITS_MEMORY {memory} /* bytes of activations */

{"".join(arrays)}
static const layer layers[DIGITS_LAYERS] = {{
{chr(10).join(rows)}
}};
"""


def _codes(weights: NDArray[np.int8]) -> NDArray[np.uint8]:
    """The positions of weights (units, inputs) in LEVELS, two in a byte, the first in the low half."""
    positions = np.searchsorted(LEVELS, weights.ravel()).astype(np.uint8)
    pairs = np.append(positions, np.zeros(positions.size % 2, np.uint8)).reshape(-1, 2)
    return np.asarray(pairs[:, 0] | pairs[:, 1] << 4, np.uint8)


def _places(layers: Sequence[Layer]) -> tuple[list[int], list[int], int]:
    """For each layer the rows of its output that are kept and their offset in memory, and the bytes of memory.

    A convolution keeps as many rows as a window of the next one has, and the last one all. The output of a fully
    connected layer goes to the start of memory, or behind its input if that is there.
    """
    rows, offsets, memory = [], [], 0
    start, end = 0, 0  # of the layer's input in memory
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        units, window = len(layer.weights), layer.window
        next_window = following.window if following else None
        if window:
            side = window.output_side
            rows.append(min(side, next_window.kernel) if next_window else side)
            start, end = end, end + rows[-1] * side * units
        else:
            rows.append(0)
            start = 0 if start >= units else end
            end = start + units
        offsets.append(start)
        memory = max(memory, end)
    return rows, offsets, memory
