"""Export: a .keras model file becomes a .tflite one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.model_file import ModelFile, add_card
from batchdigits.learning.convert import convert
from batchdigits.learning.export_options import Target
from batchdigits.learning.parity_check import LITERT, Row
from batchdigits.learning.save import library_versions
from batchdigits.output.atomic import replace_atomically


def make(model: ModelFile, target: Target, calibration: NDArray[np.uint8], path: Path) -> ModelFile:
    """The .tflite model that `path` is to hold, in memory: nothing is written yet.

    Args:
        model: the .keras model file.
        target: what kind of file it is to be.
        calibration: glyphs, uint8 (N, 28, 28), for the ranges of int8 and int16x8; else unused.
        path: where it will go.

    Raises:
        BatchdigitsError: see `convert`.
    """
    flatbuffer = convert(model, target, calibration)
    card = replace(
        model.card,
        rejects=model.card.rejects and target.head == "logits",  # probabilities add up to 1, whatever it is
        quantization={**target.described(), "calibration_glyphs": len(calibration) if target.is_calibrated else 0},
        sha256={"keras": model.card.sha256["payload"], "payload": hashlib.sha256(flatbuffer).hexdigest()},
        libraries=library_versions("tensorflow", "keras", "numpy", "opencv-python-headless"),
    )
    return ModelFile(path, card, flatbuffer)


def write(exported: ModelFile, proof: Sequence[Row]) -> None:
    """Write a .tflite model with its card, which says what the proof found, whole or not at all.

    Raises:
        BatchdigitsError: the file cannot be written there.
    """
    found = {row.images.name.replace(" ", "_"): _figures(row) for row in proof if row.runtime == LITERT}
    card = replace(exported.card, quantization={**exported.card.quantization, "agreement": found})
    with replace_atomically(exported.path) as beside:
        beside.write_bytes(exported.payload)
        add_card(beside, card)


def _figures(row: Row) -> dict[str, Any]:
    """What the card says about a row; rounded, since float32 may differ in the last bits between processors."""
    assert row.agreement is not None
    images, _, accuracy, difference, _ = row.agreement
    return {
        "images": images,
        "same_label": round(row.agreement.same, 6),
        "accuracy": None if accuracy is None else round(accuracy, 6),
        "largest_probability_difference": round(difference, 3),
    }
