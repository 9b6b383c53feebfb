"""Train a network, and convert it to TFLite, as the commands `train` and `export` do."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, get_args

from batchdigits.api.arguments import as_path, check_class, check_types
from batchdigits.inference.card import Card
from batchdigits.learning.export import Export, export_trained, prepare_export, write_export
from batchdigits.learning.export_options import Batch, Head, InputType, OutputType, Quantize, export_options
from batchdigits.learning.parity_check import default_min_agreement, require_agreement
from batchdigits.learning.save import save
from batchdigits.learning.train import check_export, prepare_training
from batchdigits.learning.training import Progress

AnyPath = str | os.PathLike[str]

MAX_UNITS = 1 << 16  # of a layer, and glyphs of a minibatch
MAX_LEARNING_RATE = 10.0


def train(
    output: AnyPath = "exports/digits.keras",
    *,
    recipe: str | None = None,
    data: AnyPath | Sequence[AnyPath] = (),
    corrections: AnyPath | Sequence[AnyPath] = (),
    as_class: Literal["not_digit"] | None = None,
    seed: int = 1,
    init: AnyPath | Sequence[AnyPath] = (),
    only_classes: bool = False,
    teacher: AnyPath | Sequence[AnyPath] = (),
    hidden: Sequence[int] | None = None,
    activation: str | None = None,
    learning_rate: float | None = None,
    iterations: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    dropout: float | None = None,
    unchanged: float | None = None,
    tflite: bool = False,
    on_progress: Callable[[Progress], object] | None = None,
    on_note: Callable[[str], object] | None = None,
) -> Card:
    """Train a network on labelled digits, and write it as a .keras model file. Needs the extra `tensorflow`.

    Args:
        output: the .keras file to write; it appears when the training is complete. Its folder is made. Beside it the
            history of the training is written (`digits.history.csv` for `digits.keras`). A model file of another
            training that is there is kept, under a name such as `digits.1.keras`.
        recipe: `default`, `lesson`, `best`, `tiny`, `nano` or `teacher`, whose values the other arguments replace; None
            for `default`, or with `init` and `data` for that of fine-tuning.
        data: labelled digits: a folder with a sub-folder for each class, or with splits (train, val, test) of such, a
            folder of IDX files, or an .npz in Keras's layout; or several, which are joined. `mnist`, where there is no
            such path, is the MNIST of the package, and what is taken without any.
        corrections: a log of `batchdigits review`, or several, to fine-tune `init` on; paths in them are seen from the
            current folder.
        as_class: `not_digit` if the folder of this name is a class; otherwise it holds outliers.
        seed: decides everything random, 0 to 2**31 - 1.
        init: a .keras file to start from, or several; training starts from the mean of their weights.
            Fine-tuning takes one, keeps its labels, and adds those that only the data has.
        only_classes: whether fine-tuning gives a model of the classes of the data alone.
        teacher: a .keras file whose probabilities are learned in place of the labels, or several: the mean of theirs.
        hidden: units of each hidden layer, 1-65,536.
        activation: of the hidden layers, Keras's name; `none` for none.
        learning_rate: of Adam at the start, over 0 and up to 10.
        iterations: training steps, each with one minibatch.
        epochs: in place of iterations, passes over the images to learn from, at least 1.
        batch_size: glyphs in a minibatch, 1-65,536.
        dropout: share of the last hidden layer's units that are dropped, from 0 and under 1.
        unchanged: share of the images that are not augmented, where the recipe augments, 0-1.
        tflite: whether the model is also exported, to a .tflite file beside it, as `export` does by default.
        on_progress: called every 50 iterations and after the last one, with an object that has the attributes
            `iteration`, `loss`, `accuracy`, `validation` (accuracy, or None) and `learning_rate`.
        on_note: called before training with each line about the data that the command prints: what is left out, copied,
            labelled twice, or rare.

    Returns:
        The model card, with the accuracy on the test images.

    Raises:
        TypeError: a path is neither text nor `os.PathLike`, or a number is none.
        ValueError: a number is out of its range.
        BatchdigitsError: data or a model cannot be used, arguments exclude each other, or the file cannot be written.
        OSError: the folder of `output` cannot be made.
    """
    path = as_path(output, "output", ".keras")
    check_class(as_class)
    check_types(Integral, seed=seed, iterations=iterations, epochs=epochs, batch_size=batch_size)
    check_types(Real, learning_rate=learning_rate, dropout=dropout, unchanged=unchanged)
    check_types(Sequence, hidden=hidden)
    for units in hidden or ():
        check_types(Integral, hidden=units)
    _check("seed", seed, 0 <= seed < 1 << 31)
    _check("hidden", hidden, hidden is None or all(0 < units <= MAX_UNITS for units in hidden))
    _check("learning_rate", learning_rate, learning_rate is None or 0 < learning_rate <= MAX_LEARNING_RATE)
    _check("iterations", iterations, iterations is None or iterations >= 0)
    _check("epochs", epochs, epochs is None or epochs > 0)
    _check("batch_size", batch_size, batch_size is None or 0 < batch_size <= MAX_UNITS)
    _check("dropout", dropout, dropout is None or 0 <= dropout < 1)
    _check("unchanged", unchanged, unchanged is None or 0 <= unchanged <= 1)
    values = {
        "hidden": None if hidden is None else tuple(hidden),
        "activation": activation,
        "learning_rate": learning_rate,
        "iterations": iterations,
        "batch_size": batch_size,
        "dropout": dropout,
        "unchanged": unchanged,
    }
    training = prepare_training(
        recipe,
        _paths(data, "data"),
        seed,
        _paths(init, "init"),
        _paths(teacher, "teacher"),
        values,
        epochs,
        _paths(corrections, "corrections"),
        as_class,
        only_classes,
    )
    if tflite:
        check_export(training.recipe)
    if on_note:
        for note in training.splits.notes:
            on_note(note)
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(training.run()) as steps:
        for progress in steps:
            if on_progress:
                on_progress(progress)
    card = save(training, path)
    if tflite:
        exported = export_trained(path, training.splits, path.with_suffix(".tflite"))
        write_export(exported.model, exported.parity)
    return card


def export(
    model: AnyPath = "exports/digits.keras",
    output: AnyPath = "exports/digits.tflite",
    *,
    quantize: Quantize = "int8",
    input_type: InputType | None = None,
    output_type: OutputType | None = None,
    head: Head = "logits",
    batch: Batch = "1",
    per_tensor: bool = False,
    data: AnyPath | Sequence[AnyPath] = (),
    corrections: AnyPath | Sequence[AnyPath] = (),
    as_class: Literal["not_digit"] | None = None,
    calibrate: AnyPath | None = None,
    check: AnyPath | None = None,
    min_agreement: float | None = None,
    c_array: AnyPath | None = None,
) -> Export:
    """Convert a .keras model file to TFLite, and check that both give the same labels. Needs the extra `tensorflow`.

    Args:
        model: the .keras model file.
        output: the .tflite file to write. Its folder is made.
        quantize: `int8`, `int16x8`, `dynamic`, `float16` or `none`.
        input_type: of the network, `uint8`, `int8` or `float32`; None for int8 if `quantize` is `int8`, else float32.
        output_type: of the network, `int8` or `float32`; None for int8 if `quantize` is `int8`, else float32.
        head: what the network gives, `logits`, or `probabilities` by a softmax at its end.
        batch: `1`, or `dynamic` for any number of glyphs at once.
        per_tensor: whether all weights of a layer have one scale, in place of one for each unit.
        data: the labelled data that the model was trained on, one or several; none for the MNIST of the package.
        corrections: logs of reviews that the model was trained on, one or several.
        as_class: `not_digit` if the folder of this name in the data is a class.
        calibrate: a folder of scans that set the ranges of int8 and int16x8; None for the training split.
        check: a folder of scans on which the labels must agree, too.
        min_agreement: least share of images with the same label, 0-1; None for 0.998, or 0.99 for a network without
            activation.
        c_array: a folder for the model as C99 sources; None for none.

    Returns:
        An object with the exported model (`model`) and the rows of the parity check (`parity`).

    Raises:
        TypeError: a path is neither text nor `os.PathLike`, or `min_agreement` no number.
        ValueError: another argument has none of its values.
        BatchdigitsError: the model or data cannot be used, arguments exclude each other, the parity check fails, or a
            file cannot be written. If the parity check fails, nothing is written.
        OSError: the folder of `output` cannot be made.
    """
    target = as_path(output, "output", ".tflite")
    for name, value, values in (
        ("quantize", quantize, Quantize),
        ("input_type", input_type, InputType),
        ("output_type", output_type, OutputType),
        ("head", head, Head),
        ("batch", batch, Batch),
    ):
        if value is not None and value not in get_args(values):
            raise ValueError(f"{name} is one of {', '.join(get_args(values))}, not {value!r}")
    check_class(as_class)
    check_types(Real, min_agreement=min_agreement)
    _check("min_agreement", min_agreement, min_agreement is None or 0 <= min_agreement <= 1)
    options = export_options(
        quantize,
        input_type,
        output_type,
        head,
        batch,
        per_tensor,
        calibrate=calibrate is not None,
        c_array=c_array is not None,
    )
    calibrate_path, check_path, folder = (
        None if value is None else as_path(value, name)
        for name, value in (("calibrate", calibrate), ("check", check), ("c_array", c_array))
    )
    exported = prepare_export(
        as_path(model, "model"),
        target,
        options,
        _paths(data, "data"),
        calibrate_path,
        check_path,
        _paths(corrections, "corrections"),
        as_class,
    )
    share = default_min_agreement(exported.keras.card) if min_agreement is None else min_agreement
    require_agreement(exported.parity, share)
    _write(exported, folder)
    return exported


def _write(exported: Export, c_array: Path | None) -> None:
    """Write the model and the C sources. The sources are made first: if that fails, nothing is written."""
    from batchdigits.device.write import c_sources, write_sources

    sources = c_sources(exported.model) if c_array else {}
    exported.model.path.parent.mkdir(parents=True, exist_ok=True)
    write_export(exported.model, exported.parity)
    if c_array:
        write_sources(sources, c_array)


def _paths(value: AnyPath | Sequence[AnyPath], name: str) -> list[Path]:
    """The paths of an argument that is one path or several."""
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [as_path(one, name) for one in several]


def _check(name: str, value: Any, is_valid: bool) -> None:
    if not is_valid:
        raise ValueError(f"{name} cannot be {value!r}; see help(batchdigits)")
