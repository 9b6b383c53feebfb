"""Read the fully connected layers of an int8 flatbuffer, with their scales as integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.flatbuffer import Graph, Operator, Tensor, read_graph
from batchdigits.inference.runtime import GLYPH_PIXELS

INT8_MIN, INT8_MAX = -128, 127
NO_OPERAND = -1  # TFLite's index of an optional operand that is absent


class Layer(NamedTuple):
    """A layer in integers: output = clip(output_zero + scale * (weights @ (input - input_zero) + biases)).

    Attributes:
        weights: int8 (units, inputs).
        biases: int32 (units,).
        multipliers: int32 (1,) or (units,), the mantissa of the scale in units of 2**-31.
        shifts: int32 of the same shape, the exponent of the scale.
        input_zero: zero point of the input.
        output_zero: zero point of the output.
        output_min: the lowest output: output_zero with a relu, else -128.
    """

    weights: NDArray[np.int8]
    biases: NDArray[np.int32]
    multipliers: NDArray[np.int32]
    shifts: NDArray[np.int32]
    input_zero: int
    output_zero: int
    output_min: int


def read_layers(flatbuffer: bytes) -> list[Layer]:
    """Read the layers of an int8 flatbuffer, in the order from glyph to logits.

    Raises:
        ModelFileError: it is not a TFLite flatbuffer, or it is damaged.
        BatchdigitsError: the network is not a chain of fully connected int8 layers with relu or no activation.
    """
    graph = read_graph(flatbuffer)
    unsupported = {operator.name for operator in graph.operators} - {"FULLY_CONNECTED"}
    if unsupported:
        raise BatchdigitsError(
            f"C sources and pages are for layers with relu or no activation; this network has {min(unsupported)}"
        )
    chain = (*graph.inputs, *(operator.outputs[0] for operator in graph.operators))
    if chain[-1:] != graph.outputs or [operator.inputs[0] for operator in graph.operators] != list(chain[:-1]):
        raise BatchdigitsError("C sources and pages are for a chain of layers")
    return [_layer(graph, operator) for operator in graph.operators]


def require_fit(layers: Sequence[Layer], classes: int) -> None:
    """Check that layers take a glyph, fit each other and give a logit for each class, so that no array is too short.

    Raises:
        BatchdigitsError: they do not.
    """
    shapes = [layer.weights.shape for layer in layers]
    fits = all(before[0] == after[1] for before, after in pairwise(shapes))
    if not (fits and shapes and shapes[0][1] == GLYPH_PIXELS and shapes[-1][0] == classes):
        raise BatchdigitsError("its layers do not fit each other, a glyph of 28x28 pixels and the card's labels")


def _layer(graph: Graph, operator: Operator) -> Layer:
    entry, weights = (graph.tensors[i] for i in operator.inputs[:2])
    exit_ = graph.tensors[operator.outputs[0]]
    if (entry.type, weights.type, exit_.type) != ("int8", "int8", "int8"):
        raise BatchdigitsError("C sources and pages are for int8 layers")
    if operator.activation not in ("none", "relu"):
        raise BatchdigitsError(
            f"C sources and pages are for layers with relu or no activation, not {operator.activation}"
        )
    multipliers, shifts = zip(*(fixed_point(scale) for scale in _scales(entry, weights, exit_)), strict=True)
    zero = int(exit_.zero_points[0])
    return Layer(
        weights=weights.data.view(np.int8).reshape(weights.shape),
        biases=_biases(graph, operator, len(weights.data) // weights.shape[1]),
        multipliers=np.array(multipliers, np.int32),
        shifts=np.array(shifts, np.int32),
        input_zero=int(entry.zero_points[0]),
        output_zero=zero,
        output_min=max(INT8_MIN, zero) if operator.activation == "relu" else INT8_MIN,
    )


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


def fixed_point(scale: float) -> tuple[int, int]:
    """A positive scale as (multiplier, shift): multiplier * 2**(shift - 31), with 2**30 <= multiplier < 2**31."""
    mantissa, shift = math.frexp(scale)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        return 1 << 30, shift + 1
    return multiplier, shift
