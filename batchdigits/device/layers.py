"""The fully connected layers of an int8 flatbuffer, as a device without an interpreter computes them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.flatbuffer import Graph, Operator, Tensor, read_graph

LOWEST, HIGHEST = -128, 127  # of int8
LEFT_OUT = -1  # TFLite's index of an operand that is not there


class Layer(NamedTuple):
    """output = clip(zero point + scale * (weights @ (input - input's zero point) + biases)), all in whole numbers.

    Attributes:
        weights: int8 (units, inputs).
        biases: int32 (units,).
        multipliers: int32, the scale's mantissa in units of 2**-31, one for the layer or one a unit.
        shifts: int32, the scale's exponent, as many.
        input_zero: the input's zero point.
        output_zero: the output's.
        least: the lowest output: the zero point behind a relu, else -128.
    """

    weights: NDArray[np.int8]
    biases: NDArray[np.int32]
    multipliers: NDArray[np.int32]
    shifts: NDArray[np.int32]
    input_zero: int
    output_zero: int
    least: int


def read_layers(flatbuffer: bytes) -> list[Layer]:
    """The layers of an int8 flatbuffer, from glyph to logits.

    Raises:
        ModelFileError: it is no flatbuffer.
        BatchdigitsError: it is more than a chain of int8 layers with relu or no activation.
    """
    graph = read_graph(flatbuffer)
    strange = {operator.name for operator in graph.operators} - {"FULLY_CONNECTED"}
    if strange:
        raise BatchdigitsError(f"C sources are for layers with relu or no activation; this network has {min(strange)}")
    ends = (*graph.inputs, *(operator.outputs[0] for operator in graph.operators))
    if ends[-1:] != graph.outputs or [o.inputs[0] for o in graph.operators] != list(ends[:-1]):
        raise BatchdigitsError("C sources are for a chain of layers")
    return [_layer(graph, operator) for operator in graph.operators]


def _layer(graph: Graph, operator: Operator) -> Layer:
    entry, weights = (graph.tensors[i] for i in operator.inputs[:2])
    exit_ = graph.tensors[operator.outputs[0]]
    if (entry.type, weights.type, exit_.type) != ("int8", "int8", "int8"):
        raise BatchdigitsError("C sources are for int8 layers")
    if operator.activation not in ("none", "relu"):
        raise BatchdigitsError(f"C sources are for layers with relu or no activation, not {operator.activation}")
    multipliers, shifts = zip(*(fixed_point(scale) for scale in _scales(entry, weights, exit_)), strict=True)
    zero = int(exit_.zero_points[0])
    return Layer(
        weights=weights.data.view(np.int8).reshape(weights.shape),
        biases=_biases(graph, operator, len(weights.data) // weights.shape[1]),
        multipliers=np.array(multipliers, np.int32),
        shifts=np.array(shifts, np.int32),
        input_zero=int(entry.zero_points[0]),
        output_zero=zero,
        least=max(LOWEST, zero) if operator.activation == "relu" else LOWEST,
    )


def _biases(graph: Graph, operator: Operator, units: int) -> NDArray[np.int32]:
    """A layer's biases; without activations the converter merges some into the next layer's, and leaves them out."""
    if len(operator.inputs) < 3 or operator.inputs[2] == LEFT_OUT:
        return np.zeros(units, np.int32)
    return graph.tensors[operator.inputs[2]].data.view(np.int32)


def _scales(entry: Tensor, weights: Tensor, exit_: Tensor) -> list[float]:
    """What the sums are multiplied with; rounded where TFLite Micro rounds, since bits count here.

    https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/kernels/kernel_util.cc
    """
    if len(weights.scales) == 1:  # the product in single precision
        return [float(entry.scales[0] * weights.scales[0]) / float(exit_.scales[0])]
    return [float(entry.scales[0]) * float(scale) / float(exit_.scales[0]) for scale in weights.scales]


def fixed_point(scale: float) -> tuple[int, int]:
    """A positive scale as (multiplier, shift): multiplier * 2**(shift - 31), the multiplier from 2**30 to 2**31 - 1."""
    mantissa, shift = math.frexp(scale)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        return 1 << 30, shift + 1
    return multiplier, shift
