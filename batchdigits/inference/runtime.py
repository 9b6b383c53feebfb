"""A runtime turns glyphs into logits; which one reads a model file is told by the file's suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import ModelFileError
from batchdigits.inference.card import Card
from batchdigits.inference.model_file import read_model_file

BATCH_SIZE = 256  # int8 LiteRT on one core: 40,000 glyphs/s at batch 1, 70,000 at 256, no more beyond
GLYPH_PIXELS = 28 * 28

Glyphs = NDArray[np.uint8]  # (N, 28, 28), ink 255 on 0
Logits = NDArray[np.float32]  # (N, classes)


class Runtime(Protocol):
    """A network that is loaded and ready."""

    card: Card

    def logits(self, glyphs: Glyphs) -> Logits:
        """Logits, float32 (N, classes), of glyphs, uint8 (N, 28, 28)."""


def load_runtime(path: Path, batch_size: int = BATCH_SIZE) -> Runtime:
    """The runtime for a model file: LiteRT for a .tflite, TensorFlow for a .keras.

    Raises:
        ModelFileError: see `read_model_file`; or the network does not match its card.
        MissingExtraError: a .keras file where TensorFlow is not installed.
    """
    if path.suffix == ".tflite":
        from batchdigits.inference.litert_runtime import LiteRTRuntime

        return LiteRTRuntime(read_model_file(path), batch_size)
    if path.suffix == ".keras":
        from batchdigits.inference.tensorflow_runtime import TensorFlowRuntime

        return TensorFlowRuntime(read_model_file(path), batch_size)
    raise ModelFileError(f"{path}: a model file ends in .tflite or .keras")


def in_padded_batches(run: Callable[[Glyphs], Logits], glyphs: Glyphs, batch_size: int, classes: int) -> Logits:
    """Apply `run` to batches of exactly `batch_size`, the last padded with empty glyphs.

    A matrix product may round differently for another number of rows, so one size for all means that the same glyph
    gives the same bits whatever else is in the batch.
    """
    logits = np.empty((len(glyphs), classes), np.float32)
    for start in range(0, len(glyphs), batch_size):
        batch = glyphs[start : start + batch_size]
        padded = np.zeros((batch_size, *glyphs.shape[1:]), np.uint8)
        padded[: len(batch)] = batch
        logits[start : start + len(batch)] = run(padded)[: len(batch)]
    return logits
