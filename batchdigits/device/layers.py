"""Read the layers of an int8 flatbuffer, fully connected ones and convolutions, with their scales as integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError, ModelFileError
from batchdigits.inference.flatbuffer import Graph, Operator, Tensor, read_graph
from batchdigits.inference.runtime import GLYPH_PIXELS

INT8_MIN, INT8_MAX = -128, 127
NO_OPERAND = -1  # TFLite's index of an optional operand that is absent
INT8_LAYERS = "int8 layers, from input to output; export makes such a file by default"


class Window(NamedTuple):
    """The windows of a convolution, with padding as much as the output needs (TFLite's SAME).

    Attributes:
        side: of the square input, in pixels.
        channels: values of each of its pixels.
        kernel: side of a window in pixels.
        stride: pixels from one window to the next, along x and y.
    """

    side: int
    channels: int
    kernel: int
    stride: int

    @property
    def output_side(self) -> int:
        """The number of windows along x and y."""
        return -(-self.side // self.stride)

    @property
    def padding(self) -> int:
        """Pixels of padding above and left of the input."""
        return max(0, (self.output_side - 1) * self.stride + self.kernel - self.side) // 2


class Layer(NamedTuple):
    """A layer in integers: output = clip(output_zero + scale * (weights @ (input - input_zero) + biases)).

    A convolution does so for each window of its input, whose values are ordered by row, column and channel.

    Attributes:
        weights: int8 (units, inputs).
        biases: int32 (units,).
        multipliers: int32 (1,) or (units,), the mantissa of the scale in units of 2**-31.
        shifts: int32 of the same shape, the exponent of the scale.
        input_zero: zero point of the input.
        output_zero: zero point of the output.
        output_min: the lowest output: output_zero with a relu, else -128.
        window: of a convolution; None for a fully connected layer.
    """

    weights: NDArray[np.int8]
    biases: NDArray[np.int32]
    multipliers: NDArray[np.int32]
    shifts: NDArray[np.int32]
    input_zero: int
    output_zero: int
    output_min: int
    window: Window | None = None

    @property
    def shape(self) -> tuple[int, int, int, int, int, int, int]:
        """Side, channels, kernel, stride, padding, output side and units; a fully connected layer has one window."""
        window = self.window or Window(1, self.weights.shape[1], 1, 1)
        return *window, window.padding, window.output_side, len(self.weights)

    @property
    def inputs(self) -> int:
        """The number of values that it takes."""
        return self.window.side**2 * self.window.channels if self.window else self.weights.shape[1]

    @property
    def outputs(self) -> int:
        """The number of values that it gives."""
        return len(self.weights) * (self.window.output_side**2 if self.window else 1)


def read_layers(flatbuffer: bytes) -> list[Layer]:
    """Read the layers of an int8 flatbuffer, in the order from glyph to logits.

    Raises:
        ModelFileError: it is not a TFLite flatbuffer, or it is damaged.
        BatchdigitsError: the network is not a chain of int8 layers with relu or no activation, first convolutions if it
            has any, then fully connected layers.
    """
    graph = read_graph(flatbuffer)
    try:
        return _layers(graph)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise ModelFileError("the flatbuffer is damaged: its layers cannot be read") from None


def _layers(graph: Graph) -> list[Layer]:
    unsupported = {operator.name for operator in graph.operators} - {"FULLY_CONNECTED", "CONV_2D", "RESHAPE"}
    if unsupported & {"QUANTIZE", "DEQUANTIZE"}:
        raise _only_for(INT8_LAYERS)
    if unsupported:
        raise _only_for(f"layers with relu or no activation; this network has {min(unsupported)}")
    chain = (*graph.inputs, *(operator.outputs[0] for operator in graph.operators))
    if chain[-1:] != graph.outputs or [operator.inputs[0] for operator in graph.operators] != list(chain[:-1]):
        raise _only_for("a chain of layers")
    layers = [_layer(graph, operator) for operator in graph.operators if operator.name != "RESHAPE"]
    windows = [layer.window for layer in layers]
    if None in windows[:-1] and any(windows[windows.index(None) :]):
        raise _only_for("convolutions before the other layers, not behind one")
    return layers


def require_fit(layers: Sequence[Layer], classes: int) -> None:
    """Check that layers take a glyph, fit each other and give a logit for each class, so that no array is too short.

    Raises:
        BatchdigitsError: they do not.
    """
    fits = all(before.outputs == after.inputs for before, after in pairwise(layers))
    if not (fits and layers and layers[0].inputs == GLYPH_PIXELS and layers[-1].outputs == classes):
        raise BatchdigitsError("its layers do not fit each other, a glyph of 28x28 pixels and the card's labels")


def _layer(graph: Graph, operator: Operator) -> Layer:
    entry, weights = (graph.tensors[i] for i in operator.inputs[:2])
    exit_ = graph.tensors[operator.outputs[0]]
    if (entry.type, weights.type, exit_.type) != ("int8", "int8", "int8"):
        raise _only_for(INT8_LAYERS)
    if operator.activation not in ("none", "relu"):
        raise _only_for(f"layers with relu or no activation, not {operator.activation}")
    multipliers, shifts = zip(*(fixed_point(scale) for scale in _scales(entry, weights, exit_)), strict=True)
    zero = int(exit_.zero_points[0])
    return Layer(
        weights=weights.data.view(np.int8).reshape(weights.shape[0], -1),
        biases=_biases(graph, operator, weights.shape[0]),
        multipliers=np.array(multipliers, np.int32),
        shifts=np.array(shifts, np.int32),
        input_zero=int(entry.zero_points[0]),
        output_zero=zero,
        output_min=max(INT8_MIN, zero) if operator.activation == "relu" else INT8_MIN,
        window=_window(entry, weights, operator) if operator.name == "CONV_2D" else None,
    )


def _window(entry: Tensor, weights: Tensor, operator: Operator) -> Window:
    height, width, channels = entry.shape[1:]
    if height != width or len(set(weights.shape[1:3])) > 1 or len(set(operator.strides)) > 1:
        raise _only_for("convolutions of square pictures with square kernels")
    if operator.padding != "same":
        raise _only_for("convolutions whose padding is SAME")
    return Window(height, channels, weights.shape[1], operator.strides[0])


def _biases(graph: Graph, operator: Operator, units: int) -> NDArray[np.int32]:
    """The biases of a layer; zeros where the converter merged them into the next layer's (without activation)."""
    if len(operator.inputs) < 3 or operator.inputs[2] == NO_OPERAND:
        return np.zeros(units, np.int32)
    return graph.tensors[operator.inputs[2]].data.view(np.int32)


def _scales(entry: Tensor, weights: Tensor, exit_: Tensor) -> list[float]:
    """The factors of a layer's sums, one for all units or one per unit, with the rounding of TFLite Micro.

    https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/kernels/kernel_util.cc
    """
    if len(weights.scales) == 1:  # TFLite Micro computes this product in single precision
        return [float(entry.scales[0] * weights.scales[0]) / float(exit_.scales[0])]
    return [float(entry.scales[0]) * float(scale) / float(exit_.scales[0]) for scale in weights.scales]


def _only_for(networks: str) -> BatchdigitsError:
    return BatchdigitsError(f"C sources and pages are for {networks}")


def fixed_point(scale: float) -> tuple[int, int]:
    """A positive scale as (multiplier, shift): multiplier * 2**(shift - 31), with 2**30 <= multiplier < 2**31."""
    mantissa, shift = math.frexp(scale)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        return 1 << 30, shift + 1
    return multiplier, shift
