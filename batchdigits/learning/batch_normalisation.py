"""Batch normalisation (Ioffe and Szegedy 2015), which the trained network has in its weights.

While a network learns, what a hidden layer gives its activation is normalised over the minibatch, so that it learns in
fewer iterations. Afterwards the running means and variances do not change any more, and are put into kernel and bias.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.tensorflow_runtime import import_tensorflow

Weights = list[NDArray[np.float32]]

EPSILON = 1e-3  # is added to variances
MOMENTUM = 0.99  # of the running means and variances
LAYER_ARRAYS = 2  # kernel and bias
NORMALISED_ARRAYS = 6  # of a hidden layer: kernel, bias, scale, offset, running mean and variance


def with_batch_normalisation(network: Any) -> Any:
    """A Keras network of the same layers, which normalises what each hidden one gives its activation."""
    keras = import_tensorflow("training").keras
    *hidden, last = network.layers
    normalised = []
    for layer in hidden:
        if not layer.weights:
            normalised.append(layer)
            continue
        config = layer.get_config()
        normalised += [
            type(layer).from_config({**config, "activation": None}),
            keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=f"{layer.name}_normalisation"),
            keras.layers.Activation(config["activation"], name=f"{layer.name}_activation"),
        ]
    return keras.Sequential([keras.Input(network.input_shape[1:]), *normalised, last], name=network.name)


def unfolded(weights: Weights) -> Weights:
    """The weights from which a network `with_batch_normalisation` starts as the one without, of these weights."""
    arrays: Weights = []
    for kernel, bias in _layers(weights[:-LAYER_ARRAYS], LAYER_ARRAYS):
        ones, zeros = np.ones_like(bias), np.zeros_like(bias)
        arrays += [kernel, bias, ones, zeros, zeros, ones]
    return arrays + weights[-LAYER_ARRAYS:]


def folded(weights: Weights) -> Weights:
    """The weights of a network without batch normalisation that gives the same logits."""
    arrays: Weights = []
    for kernel, bias, scale, offset, mean, variance in _layers(weights[:-LAYER_ARRAYS], NORMALISED_ARRAYS):
        factor = scale / np.sqrt(variance + np.float32(EPSILON))
        arrays += [kernel * factor, (bias - mean) * factor + offset]
    return arrays + weights[-LAYER_ARRAYS:]


def _layers(weights: Weights, count: int) -> list[Weights]:
    """The weights in groups of `count`, one for each layer."""
    return [weights[first : first + count] for first in range(0, len(weights), count)]
