"""Train a network, as the command `train` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from numbers import Integral, Real
from typing import Literal

from batchdigits.api.argument_names import names_arguments
from batchdigits.api.arguments import (
    AnyPath,
    Paths,
    as_path,
    check_class,
    check_flags,
    check_given,
    check_range,
    check_types,
    keras_models,
    path_or_paths,
)
from batchdigits.inference.card import Card
from batchdigits.learning.export import export_trained, write_export
from batchdigits.learning.save import save
from batchdigits.learning.train import check_export, prepare_training
from batchdigits.learning.training import Progress

MAX_UNITS = 1 << 16  # of a layer, and glyphs of a minibatch
MAX_LEARNING_RATE = 10


@names_arguments
def train(
    output: AnyPath = "exports/digits.keras",
    *,
    recipe: str | None = None,
    data: Paths = (),
    corrections: Paths = (),
    as_class: Literal["not_digit"] | None = None,
    seed: int = 1,
    init: Paths = (),
    only_classes: bool = False,
    teacher: Paths = (),
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
        init: a .keras file to start from, or `built-in`, or several; training starts from the mean of their weights.
            Fine-tuning takes one, keeps its labels, and adds those that only the data has.
        only_classes: whether fine-tuning gives a model of the classes of the data alone.
        teacher: a .keras file whose probabilities are learned in place of the labels, or `built-in`, or several: the
            mean of theirs.
        hidden: units of each hidden layer, 1-65,536; an empty sequence for a network without hidden layers.
        activation: of the hidden layers, Keras's name; `none` for none.
        learning_rate: of Adam at the start, over 0 and up to 10.
        iterations: training steps, each with one minibatch.
        epochs: in place of iterations, passes over the images to learn from, at least 1.
        batch_size: glyphs in a minibatch, 1-65,536.
        dropout: share of the last hidden layer's units that are dropped, from 0 and under 1.
        unchanged: share of the images that are not augmented, where the recipe augments, 0-1.
        tflite: whether the model is also exported, to a .tflite file beside it, as `export` does by default.
        on_progress: called every 50 iterations, after each measurement on the validation split, and after the last
            iteration, with an object that has the attributes `iteration`, `loss`, `accuracy`, `validation` (accuracy,
            or None) and `learning_rate`.
        on_note: called before training with each line about the data that the command prints: what is left out, copied,
            labelled twice, or rare.

    Returns:
        The model card, with the accuracy on the test images.

    Raises:
        TypeError: a path is neither text nor `os.PathLike`, or another argument has another type.
        ValueError: a number is out of its range.
        BatchdigitsError: data or a model cannot be used, arguments exclude each other, or the file cannot be written.
        OSError: the folder of `output` cannot be made.
    """
    path = as_path(output, "output", ".keras")
    check_class(as_class)
    check_flags(only_classes=only_classes, tflite=tflite)
    check_types(str, recipe=recipe, activation=activation)
    _check_numbers(seed, hidden, learning_rate, iterations, epochs, batch_size, dropout, unchanged)
    for name, function in (("on_progress", on_progress), ("on_note", on_note)):
        if function is not None and not callable(function):
            raise TypeError(f"{name} is a function, not {function!r}")
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
        path_or_paths(data, "data"),
        seed,
        keras_models(init, "init"),
        keras_models(teacher, "teacher"),
        values,
        epochs,
        path_or_paths(corrections, "corrections"),
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


def _check_numbers(
    seed: int,
    hidden: Sequence[int] | None,
    learning_rate: float | None,
    iterations: int | None,
    epochs: int | None,
    batch_size: int | None,
    dropout: float | None,
    unchanged: float | None,
) -> None:
    """Check the numbers among the arguments of `train`."""
    check_given(Integral, seed=seed)
    check_types(Integral, iterations=iterations, epochs=epochs, batch_size=batch_size)
    check_types(Real, learning_rate=learning_rate, dropout=dropout, unchanged=unchanged)
    check_types(Sequence, hidden=hidden)
    for units in hidden or ():
        check_given(Integral, hidden=units)
        check_range(units, "hidden", 1, MAX_UNITS)
    check_range(seed, "seed", 0, (1 << 31) - 1)
    check_range(learning_rate, "learning_rate", 0, MAX_LEARNING_RATE, over=True)
    check_range(iterations, "iterations", 0)
    check_range(epochs, "epochs", 1)
    check_range(batch_size, "batch_size", 1, MAX_UNITS)
    check_range(dropout, "dropout", 0, 1, under=True)
    check_range(unchanged, "unchanged", 0, 1)
