"""Prepare a training from files and options, for the command line and for Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from math import ceil
from pathlib import Path
from typing import Any

from batchdigits.datasets import load
from batchdigits.datasets.layout import names_class
from batchdigits.errors import DataError, ModelFileError, OptionError
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.learning.corrections import load_own
from batchdigits.learning.fine_tuning import FineTuning
from batchdigits.learning.initial_weights import shaped_like
from batchdigits.learning.minibatches import outlier_share
from batchdigits.learning.recipes import ACTIVATIONS, RECIPES, Recipe
from batchdigits.learning.training import Training

DEFAULT_RECIPE = "default"


def prepare_training(
    recipe: str | None = None,
    data: Sequence[Path] = (),
    seed: int = 1,
    init: Sequence[Path] = (),
    teacher: Sequence[Path] = (),
    values: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    corrections: Sequence[Path] = (),
    as_class: str | None = None,
    only_classes: bool = False,
) -> Training:
    """Read the data and the models, and return a training that is ready to run.

    With `init` and `data` or `corrections`, but no recipe, it is a `FineTuning`.

    Args:
        recipe: a name in RECIPES; None is `default`, or with `init` and `data` that of fine-tuning.
        data: data sets, which are joined, see `datasets.load`; without any, it is the MNIST of the package.
        seed: decides everything random.
        init: .keras files to start from; with several, training starts from the mean of their weights. Fine-tuning
            takes one.
        teacher: .keras files; the network learns the mean of their probabilities.
        values: attributes of `Recipe` that replace the recipe's; a value of None replaces nothing. `activation` may be
            `none`.
        epochs: passes over the training split, in place of the recipe's iterations: the number of minibatches that hold
            as many glyphs as it has, rounded up, times `epochs`.
        corrections: logs of reviews, see `load_corrections`.
        as_class: whether the folder `not_digit` of the data is a class, see `datasets.load`.
        only_classes: whether a fine-tuned model has the classes of the data alone, without others of `init`.

    Raises:
        OptionError: see `check_training_options`.
        DataError: the data cannot be used, or does not fit a model.
        ModelFileError: a model cannot be read, or is no .keras file.
        MissingExtraError: TensorFlow is not installed.
    """
    check_training_options(recipe, data, init, teacher, values, epochs, corrections, only_classes)
    given = {name: value for name, value in (values or {}).items() if value is not None}
    if given.get("activation") == "none":
        given["activation"] = ""
    if init and (data or corrections) and recipe is None:
        model = read_model_file(init[0])
        own = load_own(data, corrections, seed, names_class(as_class, model.card.labels))
        return FineTuning(model, own, seed, only_classes, **given)
    teachers = [_read_keras(path, "a teacher is a .keras file") for path in teacher]
    models = [_read_keras(path, "only a .keras file can be trained further") for path in init]
    chosen = RECIPES[recipe or DEFAULT_RECIPE]
    if models:
        chosen = shaped_like(models[0], chosen)
        as_class = names_class(as_class, models[0].card.labels)
    chosen, splits = replace(chosen, **given), load(*data, seed=seed, as_class=as_class)
    for one in teachers:
        if one.card.labels != splits.classes:
            raise DataError(f"{one.path}: its classes are not those of the data")
    if epochs is not None:
        chosen = replace(chosen, iterations=epochs * ceil(len(splits.train) / chosen.batch_size))
    if splits.outliers and not outlier_share(chosen, splits):
        note = f"{splits.name}: the recipe {chosen.name} learns nothing from outliers; those of the data are left out"
        splits = replace(splits, notes=(*splits.notes, note))
    return Training(chosen, splits, seed, teachers, models)


def check_export(recipe: Recipe) -> None:
    """Check before a training that its network can be exported.

    Raises:
        OptionError: it is a teacher.
    """
    if recipe.is_for_teaching:
        raise OptionError("--export: a teacher is not exported; export a network that was trained with it (--teacher)")


def check_training_options(
    recipe: str | None,
    data: Sequence[Path],
    init: Sequence[Path],
    teacher: Sequence[Path],
    values: Mapping[str, Any] | None,
    epochs: int | None = None,
    corrections: Sequence[Path] = (),
    only_classes: bool = False,
) -> None:
    """Check that the options of `prepare_training` are known and go together.

    A model to start from fixes the shape of the network. With data of one's own and no recipe, it is its own teacher.

    Raises:
        OptionError: an option is unknown or excludes another; the message names the first.
    """
    given = {name: value for name, value in (values or {}).items() if value is not None}
    if recipe is not None and recipe not in RECIPES:
        raise OptionError(f"there is no recipe {recipe!r}; choose one of {', '.join(RECIPES)}")
    for name in sorted(given.keys() - {field.name for field in fields(Recipe)}):
        raise OptionError(f"a recipe has no value {name!r}")
    if given.get("activation", "none") not in ACTIVATIONS:
        raise OptionError(f"--activation is one of {', '.join(ACTIVATIONS)}, not {given['activation']!r}")
    if given.get("iterations") == 0 and not init:
        raise OptionError("--iterations 0, which trains nothing, needs --init")
    if corrections and not init:
        raise OptionError("--corrections needs a model to correct, such as --init built-in")
    if corrections and recipe is not None:
        raise OptionError("--corrections does not go with --recipe; a model is fine-tuned on them")
    is_fine_tuning = bool(init and (data or corrections) and recipe is None)
    if only_classes and not is_fine_tuning:
        raise OptionError("--only-classes needs --init and --data, without --recipe")
    if epochs is not None and "iterations" in given:
        raise OptionError("--epochs and --iterations both say how long to train; give one")
    if epochs is not None and is_fine_tuning:
        raise OptionError("--epochs does not go with fine-tuning, which mixes MNIST's images in; give --iterations")
    if is_fine_tuning and len(init) > 1:
        raise OptionError(f"{'--data' if data else '--corrections'} needs a single --init")
    chosen = {"teacher": teacher or None, **given}
    for name in ("hidden", "activation", *(("teacher",) if is_fine_tuning else ())):
        if init and chosen.get(name) is not None:
            raise OptionError(f"--{name} does not go with --init, which trains the model's own network further")


def _read_keras(path: Path, requirement: str) -> ModelFile:
    if path.suffix != ".keras":
        raise ModelFileError(f"{path}: {requirement}")
    return read_model_file(path)
