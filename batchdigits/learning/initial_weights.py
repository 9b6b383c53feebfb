"""What a network is before training: its shape, and its weights, drawn or from other model files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.recipes import Recipe


def network_of(recipe: Recipe) -> dict[str, Any]:
    """The shape of a recipe's network, in JSON's types for a card's `network`."""
    shape: dict[str, Any] = {"hidden": list(recipe.hidden), "activation": recipe.activation}
    convolutions = {"filters": recipe.filters, "kernels": recipe.kernels, "strides": recipe.strides}
    shape |= {name: list(numbers) for name, numbers in convolutions.items() if numbers}
    return {**shape, "weight_bits": recipe.weight_bits} if recipe.weight_bits else shape


def shaped_like(model: ModelFile, recipe: Recipe) -> Recipe:
    """The recipe, with the network shape of a model."""
    network = model.card.network
    return replace(
        recipe,
        filters=tuple(network.get("filters", ())),
        kernels=tuple(network.get("kernels", ())),
        strides=tuple(network.get("strides", ())),
        hidden=tuple(network["hidden"]),
        activation=network["activation"],
        weight_bits=network.get("weight_bits", 0),
    )


def mean_weights(models: Sequence[ModelFile]) -> list[NDArray[np.float32]]:
    """The mean of the weights of networks of the same shape, an array for each kernel and bias."""
    weights = [load_network(model).get_weights() for model in models]
    return [np.mean(arrays, axis=0) for arrays in zip(*weights, strict=True)]


def drawn_weights(like: list[NDArray[np.float32]], initialiser: str, seed: int) -> list[NDArray[np.float32]]:
    """Random initial weights, float32, in the shapes of `like`: kernels (…, units) and biases (units,)."""
    rng = np.random.default_rng(seed)
    lesson = initialiser == "lesson"
    weights = []
    for array in like:
        if array.ndim == 1:
            weights.append(np.full(array.shape, 0.1 if lesson else 0.0, np.float32))
        else:
            stddev = 0.1 if lesson else np.sqrt(2.0 / np.prod(array.shape[:-1]))
            weights.append((stddev * _truncated_normal(rng, array.shape)).astype(np.float32))
    return weights


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Standard normal values; those beyond two standard deviations are drawn again, as in TensorFlow."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values
