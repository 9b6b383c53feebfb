"""Evaluate a model on labelled images."""

from __future__ import annotations

import os
from typing import Literal

from batchdigits.api.argument_names import names_arguments
from batchdigits.api.arguments import as_path, check_class, check_counts, check_flags, check_ink, model_path
from batchdigits.engines.local import predict
from batchdigits.inference.model_file import read_model_file
from batchdigits.reports.evaluation import Evaluation, evaluate_predictions
from batchdigits.reports.labelled_sources import labelled_sources
from batchdigits.vision.normalise import Ink


@names_arguments
def evaluate(
    path: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    ink: Ink = "auto",
    as_class: Literal["not_digit"] | None = None,
    second_look: bool | None = None,
    jobs: int | None = None,
) -> Evaluation:
    """Classify labelled images, and compare the labels with their classes.

    Args:
        path: a folder, or a zip or tar archive, with a sub-folder for each class, named like the model's labels;
            `not_digit` holds outliers, unless the model has this label. Or a folder of IDX files, an .npz in Keras's
            layout, or `mnist`, the MNIST of the package: their test images.
        model: the model file, or `tiny` or `nano`; None for the built-in one.
        ink: whether ink is `dark`, `light`, or to be found out for each image (`auto`).
        as_class: `not_digit` if the folder of this name is a class, which the model must have.
        second_look: whether an image in doubt is classified again by a second network, and the mean of both counts;
            None if the model's card decides.
        jobs: worker processes at most; None for one for each core, or one in all for a .keras model.

    Returns:
        Accuracy, confusion matrix and confidence; see `Evaluation`.

    Raises:
        TypeError: `path` or `model` is no path, `jobs` no whole number, or `second_look` no flag.
        ValueError: `ink` or `as_class` is none of its values, or `jobs` is less than 1.
        DataError: the data has no class named like a label, one with another name, or is malformed.
        NoImagesError: no image has a label.
        BatchdigitsError: the model file cannot be used, or no worker can start.
    """
    check_ink(ink)
    check_class(as_class)
    check_flags(second_look=second_look)
    check_counts(jobs=jobs)
    chosen = read_model_file(model_path(model))
    folder = os.fspath(as_path(path, "path"))
    labels = chosen.card.labels
    sources, true_class = labelled_sources(folder, labels, as_class)
    predictions = predict(sources, chosen, ink, jobs=jobs, second_look=second_look)
    return evaluate_predictions(folder, predictions, labels, true_class)
