"""Export: a .keras model file becomes a .tflite one, quantized."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import Labelled
from batchdigits.inference.model_file import ModelFile, add_card
from batchdigits.inference.runtime import GLYPH_PIXELS
from batchdigits.inference.tensorflow_runtime import import_tensorflow, load_network
from batchdigits.learning.save import library_versions
from batchdigits.output.atomic import replacing
from batchdigits.quiet import silent_output

Quantize = Literal["none", "dynamic", "float16", "int8"]
PER_CLASS = 100  # calibration glyphs of each class: the ranges no longer move beyond that


def convert(model: ModelFile, quantize: Quantize, calibration: NDArray[np.uint8]) -> bytes:
    """The flatbuffer of a .keras model.

    Args:
        model: the .keras model file.
        quantize: `int8` is full-integer, int8 (N, 784) in and int8 logits out; the others keep float32 in and out.
        calibration: glyphs, uint8 (N, 28, 28), whose activations set the ranges of int8.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelFileError: the weights do not fit the card.
    """
    tf = import_tensorflow("export")
    network = load_network(model)
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        converter.representative_dataset = lambda: _representative(calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with silent_output(), warnings.catch_warnings():  # the converter prints to stdout, stderr and Python's warnings
        warnings.simplefilter("ignore")
        flatbuffer: bytes = converter.convert()
    return flatbuffer


def export(model: ModelFile, quantize: Quantize, calibration: NDArray[np.uint8], path: Path) -> None:
    """Convert `model` and write it to `path`, a .tflite file with its card, whole or not at all.

    Raises:
        BatchdigitsError: see `convert`; or the file cannot be written there.
    """
    flatbuffer = convert(model, quantize, calibration)
    card = replace(
        model.card,
        quantization={"mode": quantize, "calibration_glyphs": len(calibration) if quantize == "int8" else 0},
        sha256={"keras": model.card.sha256["payload"]},
        libraries=library_versions("tensorflow", "keras", "numpy", "opencv-python-headless"),
    )
    with replacing(path) as beside:
        beside.write_bytes(flatbuffer)
        add_card(beside, card)


def balanced(data: Labelled, per_class: int = PER_CLASS) -> NDArray[np.uint8]:
    """Glyphs, uint8 (N, 28, 28), of one class as often as another: the first ones of each, round and round."""
    by_class = [data.glyphs[data.labels == label] for label in np.unique(data.labels)]
    count = min(per_class, *(len(glyphs) for glyphs in by_class))
    return np.stack([glyphs[:count] for glyphs in by_class], axis=1).reshape(-1, 28, 28)


def _representative(glyphs: NDArray[np.uint8]) -> Iterator[list[Any]]:
    for glyph in glyphs:
        yield [glyph.reshape(1, GLYPH_PIXELS).astype(np.float32) / np.float32(255)]
