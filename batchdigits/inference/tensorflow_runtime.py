"""The tensorflow runtime for .keras files. The only module of this package that imports TensorFlow."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

from batchdigits.errors import MissingExtraError, ModelFileError, needs_extra
from batchdigits.inference.card import Card
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.runtime import GLYPH_PIXELS, Glyphs, Logits, in_padded_batches
from batchdigits.inference.tensors import as_network_input
from batchdigits.quiet import silent_stderr
from batchdigits.vision.framing import SIDE


class TensorFlowRuntime:
    """A .keras network in TensorFlow."""

    def __init__(self, model: ModelFile, batch_size: int) -> None:
        """Build the network from its card, and load its weights.

        Raises:
            MissingExtraError: TensorFlow is not installed.
            ModelFileError: the weights do not fit the network of the card.
        """
        self.card = model.card
        self._batch_size = batch_size
        self._network = load_network(model)

    def logits(self, glyphs: Glyphs) -> Logits:
        """Logits, float32 (N, classes), of glyphs, uint8 (N, 28, 28)."""
        return in_padded_batches(self._run, glyphs, self._batch_size, len(self.card.labels))

    def _run(self, glyphs: Glyphs) -> Logits:
        logits: Logits = self._network(as_network_input(glyphs), training=False).numpy()
        return logits


def import_tensorflow(feature: str) -> Any:
    """Import `tensorflow` without its start-up log; an error message names the `feature` that needs it.

    Raises:
        MissingExtraError: TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with silent_stderr():  # TensorFlow logs some lines before it reads the level
        with needs_extra(feature, "tensorflow"):
            import tensorflow
        tensorflow.keras  # noqa: B018 - `keras` is imported on first access, and logs too
    return tensorflow


def build_network(card: Card) -> Any:
    """Build the network that a card describes, with Keras's initial weights.

    A `keras.Sequential` of Dense layers, float32 (N, 784) in 0-1 -> logits, float32 (N, classes). Before them may be
    convolutions, of the card's kernels and strides. A teacher's card has none of these, and its convolutions are in
    pairs: one of 5x5 with a stride of 2, and one of 3x3.

    Raises:
        MissingExtraError: TensorFlow is not installed.
    """
    keras = import_tensorflow("the tensorflow runtime").keras
    activation = card.network["activation"] or None
    layers = [keras.layers.Dense(n, activation, name=f"hidden_{i}") for i, n in enumerate(card.network["hidden"], 1)]
    convolutions = [
        keras.layers.Conv2D(filters, kernel, stride, "same", activation=activation, name=f"convolution_{i}")
        for i, (filters, kernel, stride) in enumerate(_convolutions(card), 1)
    ]
    if convolutions:
        convolutions = [keras.layers.Reshape((SIDE, SIDE, 1)), *convolutions, keras.layers.Flatten()]
    return keras.Sequential(
        [
            keras.Input((GLYPH_PIXELS,), name="glyph"),
            *convolutions,
            *layers,
            keras.layers.Dense(len(card.labels), name="logits", dtype="float32"),  # whatever the others compute in
        ],
        name="digits",  # Keras's default name has a counter, and would change the file's bytes
    )


def load_network(model: ModelFile) -> Any:
    """Build a network from its card, and load its weights.

    Only the weights are read from the file: deserialising a whole Keras model of unknown origin can run code, and fails
    across versions of Keras.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelFileError: the weights do not fit the network of the card.
    """
    if _weight_bytes(model.card) > len(model.payload):
        raise ModelFileError(f"{model.path}: its weights are fewer than its card says")
    try:
        network = build_network(model.card)
        network.load_weights(model.path)
    except MissingExtraError:
        raise
    except Exception as error:  # Keras and h5py raise many types on a malformed file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelFileError(f"{model.path}: its weights do not fit its card: {reason}") from None
    return network


def _convolutions(card: Card) -> list[tuple[int, int, int]]:
    """Filters, side of the kernel and stride of each convolution."""
    filters = card.network.get("filters", [])
    kernels = card.network.get("kernels") or [(5, 3)[i % 2] for i in range(len(filters))]
    strides = card.network.get("strides") or [(2, 1)[i % 2] for i in range(len(filters))]
    return list(zip(filters, kernels, strides, strict=True))


def _weight_bytes(card: Card) -> int:
    """The bytes of the weights: no memory is allocated for a shape that the file cannot fill."""
    weights: int = 0
    side, inputs = SIDE, 1
    for filters, kernel, stride in _convolutions(card):
        weights += (kernel * kernel * inputs + 1) * filters
        side, inputs = -(-side // stride), filters
    widths: list[int] = [side * side * inputs, *card.network["hidden"], len(card.labels)]
    return 4 * (weights + sum((inputs + 1) * units for inputs, units in pairwise(widths)))
