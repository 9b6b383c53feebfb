"""Export: convert a .keras model file to TFLite, check its parity, and write it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import load
from batchdigits.datasets.labelled import DIGIT_NAMES, Splits
from batchdigits.datasets.layout import names_class
from batchdigits.datasets.scans import Scans, read_scans
from batchdigits.errors import DataError, ModelFileError
from batchdigits.inference.model_file import ModelFile, add_card, read_model_file
from batchdigits.learning.convert import convert
from batchdigits.learning.corrections import load_own
from batchdigits.learning.export_options import ExportOptions
from batchdigits.learning.fine_tuning import apart_from_mnist, with_mnist
from batchdigits.learning.parity_check import (
    LITERT,
    ParityRow,
    check_parity,
    default_min_agreement,
    require_agreement,
)
from batchdigits.learning.representative_dataset import representative_glyphs
from batchdigits.learning.save import library_versions
from batchdigits.output.atomic import replace_atomically


class Export(NamedTuple):
    """A converted model in memory, with the result of its parity check.

    Attributes:
        keras: the .keras model file.
        model: the .tflite model, with the path that it will have.
        parity: the rows of the parity check.
        scans: someone's own scans that set the ranges of int8 and int16x8; None if the training split did.
    """

    keras: ModelFile
    model: ModelFile
    parity: list[ParityRow]
    scans: Scans | None


def prepare_export(
    model: Path,
    output: Path,
    options: ExportOptions,
    data: Sequence[Path] = (),
    calibrate: Path | None = None,
    check: Path | None = None,
    corrections: Sequence[Path] = (),
    as_class: str | None = None,
) -> Export:
    """Read a .keras model file, convert it, and compare both; nothing is written.

    `require_agreement` judges the parity check, and `write_export` writes the file.

    Args:
        model: the .keras model file.
        output: the .tflite file that will be written.
        options: what kind of .tflite file to make.
        data: the data sets that the model was trained on, see `datasets.load`; none for the MNIST of the package.
        calibrate: folder of someone's own scans, which set the ranges of int8 and int16x8.
        check: folder of someone's own scans, on which the labels must agree, too.
        corrections: logs of reviews that the model was trained on.
        as_class: whether the folder `not_digit` of the data is a class, see `datasets.load`.

    Raises:
        ModelFileError: `model` cannot be read, or is no .keras file.
        DataError: the data cannot be read, it has other classes than the model, or a folder has no scans with ink.
        MissingExtraError: TensorFlow is not installed.
        BatchdigitsError: see `convert`.
    """
    keras = read_model_file(model)
    if not keras.is_keras:
        raise ModelFileError(f"{model}: only a .keras file can be exported")
    splits = _data_of(keras, data, corrections, names_class(as_class, keras.card.labels))
    own = read_scans(check, keras.card.labels) if check else None
    scans = read_scans(calibrate, keras.card.labels) if calibrate else None
    glyphs = scans.glyphs if scans else representative_glyphs(splits.train, classes=splits.classes)
    exported = convert_model(keras, options, glyphs, output)
    return Export(keras, exported, check_parity(keras, exported, splits, own), scans)


def export_trained(model: Path, splits: Splits, output: Path) -> Export:
    """Export a .keras model file with the default options; the parity check must pass. Nothing is written.

    Args:
        model: the .keras model file.
        splits: what it was trained on.
        output: the .tflite file that will be written.

    Raises:
        BatchdigitsError: see `convert`, or the parity check fails.
    """
    keras = read_model_file(model)
    options = ExportOptions("int8", "int8", "int8")
    exported = convert_model(keras, options, representative_glyphs(splits.train, classes=splits.classes), output)
    parity = check_parity(keras, exported, splits, None)
    require_agreement(parity, default_min_agreement(keras.card))
    return Export(keras, exported, parity, None)


def convert_model(
    keras: ModelFile, options: ExportOptions, representative: NDArray[np.uint8], output: Path
) -> ModelFile:
    """The .tflite model for the path `output`, in memory.

    Args:
        keras: the .keras model file.
        options: what kind of .tflite file to make.
        representative: glyphs, uint8 (N, 28, 28), that set the ranges of int8 and int16x8; unused in other modes.
        output: the path that the result gets; nothing is written there.

    Raises:
        BatchdigitsError: see `convert`.
    """
    flatbuffer = convert(keras, options, representative)
    count = len(representative) if options.has_activation_ranges else 0
    card = replace(
        keras.card,
        rejects=keras.card.rejects and options.head == "logits",  # probabilities add up to 1 even for an outlier
        quantization={**options.as_quantization(), "calibration_glyphs": count},
        sha256={"keras": keras.card.sha256["payload"], "payload": hashlib.sha256(flatbuffer).hexdigest()},
        libraries=library_versions("tensorflow", "keras", "numpy", "opencv-python-headless"),
    )
    return ModelFile(output, card, flatbuffer)


def write_export(exported: ModelFile, parity: Sequence[ParityRow]) -> None:
    """Write a .tflite model whole or not at all; its card has the result of the parity check under LiteRT.

    Raises:
        BatchdigitsError: the file cannot be written there.
    """
    agreement = {row.images.name.replace(" ", "_"): _figures(row) for row in parity if row.runtime == LITERT}
    card = replace(exported.card, quantization={**exported.card.quantization, "agreement": agreement})
    with replace_atomically(exported.path) as temporary:
        temporary.write_bytes(exported.payload)
        add_card(temporary, card)


def _data_of(keras: ModelFile, data: Sequence[Path], corrections: Sequence[Path], as_class: str | None) -> Splits:
    """The data of a model, with the same glyphs held back as in its training."""
    labels, seed = keras.card.labels, keras.card.seed
    if "init" not in keras.card.data:
        splits = load(*data, seed=seed, as_class=as_class)
        _check_classes(splits.name, splits.classes == labels, keras)
        return splits
    if not data and not corrections:
        _check_classes("mnist", set(labels) <= set(DIGIT_NAMES), keras)
        return load().with_classes(labels)
    own = load_own(data, corrections, seed, as_class)
    _check_classes(own.name, set(own.classes) <= set(labels) <= {*own.classes, *DIGIT_NAMES}, keras)
    return with_mnist(*apart_from_mnist(own.with_classes(labels)))


def _check_classes(name: str, is_right: bool, keras: ModelFile) -> None:
    if not is_right:
        raise DataError(f"{name}: its classes are not those of {keras.path}; name the data it was trained on (--data)")


def _figures(row: ParityRow) -> dict[str, Any]:
    """The card's figures of a row, rounded, since float32 results may differ in the last bits between processors."""
    assert row.agreement is not None
    accuracy = row.agreement.export_accuracy
    return {
        "images": row.agreement.images,
        "same_label": round(row.agreement.same_label, 6),
        "accuracy": None if accuracy is None else round(accuracy, 6),
        "largest_probability_difference": round(row.agreement.largest_difference, 3),
    }
