"""A model's accuracy on labelled images, and its confusion matrix."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.layout import NOT_DIGIT, class_names, folders_to_give
from batchdigits.errors import DataError, NoImagesError
from batchdigits.inference.decide import Prediction, Status
from batchdigits.reports.confidence import Answers, calibration_error
from batchdigits.text import as_unicode, first_names

UNANSWERED = (Status.BLANK, Status.ERROR)  # the last two columns of the confusion matrix, after the labels
NORMAL_QUANTILE = 1.959964  # 97.5 % quantile of the standard normal distribution, for a two-sided 95 % interval
LAYOUT = "a folder of labelled images has one sub-folder for each class"


@dataclass(frozen=True)
class Evaluation:
    """A model's answers on one folder of labelled images.

    Attributes:
        path: the folder, as the caller named it.
        labels: the labels of the model.
        confusion: int64 (labels, labels + 2), numbers of images. Each row is a true label, each column a label that the
            model gives; the last two columns are `blank` and `error`, which count as wrong.
        statuses: the same images by status. A `review` row counts as right or wrong by its label, like an `ok` row.
        outliers: the images in the folder `not_digit` by status; they are not in `confusion` and `statuses`.
        answers: the confidence of every label that the model gave, and whether it was right.
    """

    path: str
    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    statuses: Counter[Status]
    outliers: Counter[Status]
    answers: Answers

    @property
    def images(self) -> int:
        """The number of images with a label; at least one."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """The number of images that get their true label."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """The share of `images` that is right, 0-1."""
        return self.right / self.images

    @property
    def unreadable(self) -> int:
        """The number of sources with the status `error`, outliers included."""
        return self.statuses[Status.ERROR] + self.outliers[Status.ERROR]

    @property
    def recall(self) -> tuple[float | None, ...]:
        """For each label, the share of its images that is right, 0-1; None if it has no images."""
        return tuple(
            int(row[label]) / total if (total := int(row.sum())) else None for label, row in enumerate(self.confusion)
        )


def class_folders(path: str, labels: Sequence[str], as_class: str | None = None) -> list[str]:
    """The sub-folders of `path` named like a label or `not_digit`, in natural order.

    With `as_class`, `not_digit` is a class, which the model must have.

    Raises:
        DataError: `path` cannot be read, has no sub-folder named like a label, or has a sub-folder with another name.
    """
    try:
        names = class_names(path)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}; {LAYOUT}") from None
    if not set(names) & set(labels):
        better = folders_to_give(path, labels)
        advice = f"give {first_names(better)}" if better else LAYOUT
        raise DataError(f"{path}: no folder in it is named like a label ({first_names(labels, 10)}); {advice}")
    check_classes(path, names, labels, as_class)
    return [os.path.join(path, name) for name in names]  # noqa: PTH118


def check_classes(path: str, names: Iterable[str], labels: Sequence[str], as_class: str | None = None) -> None:
    """Refuse labelled data with classes that the model does not have; `not_digit` is one with `as_class`.

    Raises:
        DataError: one of the names is neither a label nor `not_digit`.
    """
    unknown = [name for name in names if name not in labels and (name != NOT_DIGIT or as_class == NOT_DIGIT)]
    if unknown:
        raise DataError(
            f"{path}: the model has no label {first_names(unknown)}; its labels are {first_names(labels, 10)}"
        )


def evaluate_predictions(
    path: str,
    predictions: Iterable[Prediction],
    labels: Sequence[str],
    true_class: Callable[[str], str] | None = None,
) -> Evaluation:
    """Compare predictions with the classes of their sources.

    Args:
        path: the folder above the class folders, as given to `class_folders`; or other labelled data.
        predictions: the predictions for all sources with a class.
        labels: the model's labels.
        true_class: the name of a source's class, empty if it has none; None for that of its class folder.

    Raises:
        NoImagesError: no image has a label.
    """
    true_class = true_class or partial(class_of, path=path)
    rows = {label: row for row, label in enumerate(labels)}
    confusion = np.zeros((len(labels), len(labels) + len(UNANSWERED)), np.int64)
    statuses: Counter[Status] = Counter()
    outliers: Counter[Status] = Counter()
    confidence, score, right = [], [], []
    for prediction in predictions:
        given = true_class(prediction.path)
        truth = rows.get(given)
        if truth is None:
            if given == NOT_DIGIT:  # else it lies beside the folders of an archive
                outliers[prediction.status] += 1
            continue
        statuses[prediction.status] += 1
        confusion[truth, column_of(prediction, labels)] += 1
        if prediction.label:
            confidence.append(prediction.confidence)
            score.append(prediction.score)
            right.append(rows[prediction.label] == truth)
    if not confusion.any():
        raise NoImagesError(f"no images in the class folders of {path}")
    answers = Answers(np.array(confidence, np.float64), np.array(score, np.float64), np.array(right, bool))
    return Evaluation(path, tuple(labels), confusion, statuses, outliers, answers)


def column_of(prediction: Prediction, labels: Sequence[str]) -> int:
    """The column of the confusion matrix that a prediction counts in: that of its label, `blank` or `error`."""
    if prediction.label:
        return labels.index(prediction.label)
    # a `review` without a label has no column of its own
    return len(labels) + UNANSWERED.index(Status.ERROR if prediction.status is Status.ERROR else Status.BLANK)


def wilson_interval(right: int, images: int) -> tuple[float, float]:
    """The 95 % confidence interval of the share `right / images`, 0-1, after Wilson (1927).

    Unlike the normal approximation it is valid near 0 and 1 too.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    """
    share = right / images
    z = NORMAL_QUANTILE
    scale = 1 + z**2 / images
    centre = (share + z**2 / (2 * images)) / scale
    half_width = z / scale * math.sqrt(share * (1 - share) / images + z**2 / (4 * images**2))
    return max(0.0, centre - half_width), min(1.0, centre + half_width)


def mean_accuracy(evaluations: Iterable[Evaluation]) -> float:
    """The unweighted mean of the folders' accuracies, so that a large folder does not outweigh the small ones."""
    return fmean(evaluation.accuracy for evaluation in evaluations)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation in JSON's types. Shares are 0-1, and None if there are no images to take a share of."""
    return {
        "path": as_unicode(evaluation.path),
        "images": evaluation.images,
        "right": evaluation.right,
        "accuracy": evaluation.accuracy,
        "interval": wilson_interval(evaluation.right, evaluation.images),
        "calibration_error": calibration_error(evaluation.answers),
        "statuses": {status: evaluation.statuses[status] for status in Status},
        "recall": dict(zip(evaluation.labels, evaluation.recall, strict=True)),
        "confusion": {
            "columns": [*evaluation.labels, *UNANSWERED],
            "rows": dict(zip(evaluation.labels, evaluation.confusion.tolist(), strict=True)),
        },
        "not_digit": {status: evaluation.outliers[status] for status in Status},
    }


def class_of(source: str, path: str) -> str:
    """The name of the class folder that a source lies in: the first one below `path`."""
    return source[len(os.path.join(path, "")) :].replace("/", os.sep).split(os.sep, 1)[0]  # noqa: PTH118
