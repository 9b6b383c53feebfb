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
MAX_OFFSET = (1 << 16) - 1  # bytes, of a layer's output in memory


def is_packable(layers: Sequence[Layer]) -> bool:
    """Whether the layers' weights have the sixteen levels, with one multiplier for a layer and a relu between layers."""
    return all(
        np.isin(layer.weights, LEVELS).all()
        and len(set(layer.multipliers.tolist())) == 1
        and (layer.input_zero, layer.output_min) == (INT8_MIN, INT8_MIN)
        for layer in layers
    ) and all(layer.output_zero == INT8_MIN for layer in layers[:-1])


def packed_layers(layers: Sequence[Layer]) -> str:
    """The C arrays and the table of packable layers.

    Raises:
        BatchdigitsError: the activations need more memory than a layer's offset can tell.
    """
    offsets = np.cumsum([0, *(_kept(layers, number)[1] for number in range(len(layers) - 1))]).tolist()
    if offsets[-1] > MAX_OFFSET:
        raise BatchdigitsError(f"C sources are for networks with at most {MAX_OFFSET:,} bytes of activations")
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
        places = (side, channels, kernel, stride, padding, output_side, _kept(layers, number)[0], offsets[number])
        texts = (f"codes_{number}", f"biases_{number}", f"shifts_{number}", *map(str, (*numbers, *places)))
        rows.append(f"    {{{', '.join(texts)}}},")
    convolutions = sum(layer.window is not None for layer in layers)
    return f"""#define DIGITS_LAYERS {len(layers)}
#define DIGITS_CONVOLUTIONS {convolutions} /* the first layers */
#define DIGITS_MEMORY {max(1, offsets[-1])} /* bytes of activations */

{"".join(arrays)}
static const layer layers[DIGITS_LAYERS] = {{
{chr(10).join(rows)}
}};
"""


def _codes(weights: NDArray[np.int8]) -> NDArray[np.uint8]:
    """The positions of weights (units, inputs) in LEVELS, two in a byte, the first in the low half."""
    positions = np.searchsorted(LEVELS, weights.ravel()).astype(np.uint8)
    low, high = np.pad(positions, (0, positions.size % 2)).reshape(-1, 2).T
    packed: NDArray[np.uint8] = low | high << 4
    return packed


def _kept(layers: Sequence[Layer], number: int) -> tuple[int, int]:
    """Rows of a convolution's output that are kept, and the bytes of a layer's kept output; the logits need none."""
    layer = layers[number]
    if layer.window is None:
        return 0, 0 if number == len(layers) - 1 else len(layer.weights)
    side, following = layer.window.output_side, layers[number + 1].window
    rows = min(side, following.kernel) if following else side
    return rows, rows * side * len(layer.weights)
