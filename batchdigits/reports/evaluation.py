"""How often a model is right about labelled images, and what it takes for what."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import DataError, NoImagesError
from batchdigits.files.natural_order import natural_key
from batchdigits.inference.decide import Prediction, Status
from batchdigits.reports.confidence import Answers, calibration_error

NOT_DIGIT = "not_digit"  # a folder of letters and scribbles: no label is right there, so accuracy has no place for it
UNANSWERED = (Status.BLANK, Status.ERROR)  # the confusion matrix's last two columns, behind the labels
Z = 1.959964  # the standard normal's 97.5 % quantile: two-sided, 95 %
NAMED = 5  # folders that an error message names before it counts


@dataclass(frozen=True)
class Evaluation:
    """A model's answers on one folder of labelled images.

    Attributes:
        path: the folder, as typed.
        labels: the model's labels.
        confusion: int64 (labels, labels + 2): images by what they are (row) and by the answer (column); the last two
            columns are `blank` and `error`, which are wrong answers.
        statuses: the same images by status; `review` counts by its label like `ok`.
        not_digits: the images in the folder `not_digit`, which are none of the above, by status. `ok` passed as digits.
        answers: how sure the model was of its labels, and whether they were right.
    """

    path: str
    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    statuses: Counter[Status]
    not_digits: Counter[Status]
    answers: Answers

    @property
    def images(self) -> int:
        """How many images with a label; at least one."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """How many of them got their label."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """Share of right answers, 0-1."""
        return self.right / self.images

    @property
    def unreadable(self) -> int:
        """How many sources of the folder are `error` rows, those in `not_digit` included."""
        return self.statuses[Status.ERROR] + self.not_digits[Status.ERROR]

    @property
    def recall(self) -> tuple[float | None, ...]:
        """For each label the share of its images that were recognised, 0-1; None where there are none."""
        return tuple(
            int(row[label]) / total if (total := int(row.sum())) else None for label, row in enumerate(self.confusion)
        )


def class_folders(path: str, labels: Sequence[str]) -> list[str]:
    """The sub-folders of `path` to classify: those named like labels, and `not_digit`; in natural order.

    Raises:
        DataError: `path` cannot be read, has no folder named like a label, or has one that no label is named like.
    """
    try:
        names = [name for name in os.listdir(path) if os.path.isdir(os.path.join(path, name)) and name[0] != "."]  # noqa: PTH112, PTH118, PTH208 - see sources.find
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}; {_EXPECTED}") from None
    names.sort(key=natural_key)
    if not set(names) & set(labels):
        raise DataError(f"{path}: no folder in it is named like a label ({_some(labels, 10)}); {_EXPECTED}")
    strangers = [name for name in names if name not in labels and name != NOT_DIGIT]
    if strangers:
        raise DataError(f"{path}: the model has no label {_some(strangers)}; its labels are {_some(labels, 10)}")
    return [os.path.join(path, name) for name in names]  # noqa: PTH118


_EXPECTED = "labelled images are a folder with one sub-folder a class"


def evaluate(path: str, predictions: Iterable[Prediction], labels: Sequence[str]) -> Evaluation:
    """Compare predictions with the folders that their sources lie in.

    Args:
        path: the folder above the class folders, as given to `class_folders`.
        predictions: of everything that `find` found in these folders.
        labels: the model's labels.

    Raises:
        NoImagesError: there is no image with a label.
    """
    rows = {label: row for row, label in enumerate(labels)}
    confusion = np.zeros((len(labels), len(labels) + len(UNANSWERED)), np.int64)
    statuses: Counter[Status] = Counter()
    not_digits: Counter[Status] = Counter()
    confidence, score, right = [], [], []
    for prediction in predictions:
        truth = rows.get(_class_of(prediction.path, path))
        if truth is None:  # `class_folders` lets nothing else through
            not_digits[prediction.status] += 1
            continue
        statuses[prediction.status] += 1
        if prediction.status in UNANSWERED:
            confusion[truth, len(labels) + UNANSWERED.index(prediction.status)] += 1
        else:
            confusion[truth, rows[prediction.label]] += 1
            confidence.append(prediction.confidence)
            score.append(prediction.score)
            right.append(rows[prediction.label] == truth)
    if not confusion.any():
        raise NoImagesError(f"no images in the class folders of {path}")
    answers = Answers(np.array(confidence, np.float64), np.array(score, np.float64), np.array(right, bool))
    return Evaluation(path, tuple(labels), confusion, statuses, not_digits, answers)


def wilson(right: int, images: int) -> tuple[float, float]:
    """The 95 % interval of a share, 0-1, after Wilson (1927); unlike the textbook's it holds near 0 and 1.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    """
    share = right / images
    scale = 1 + Z**2 / images
    centre = (share + Z**2 / (2 * images)) / scale
    reach = Z / scale * math.sqrt(share * (1 - share) / images + Z**2 / (4 * images**2))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def mean_accuracy(evaluations: Iterable[Evaluation]) -> float:
    """The mean of the folders' accuracies, each with equal weight: a large set would drown the small ones."""
    return fmean(evaluation.accuracy for evaluation in evaluations)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything that is known, in JSON's types; shares are 0-1, and null where there is nothing to share."""
    return {
        "path": evaluation.path.encode(errors="surrogateescape").decode(errors="replace"),
        "images": evaluation.images,
        "right": evaluation.right,
        "accuracy": evaluation.accuracy,
        "interval": wilson(evaluation.right, evaluation.images),
        "calibration_error": calibration_error(evaluation.answers),
        "statuses": {status: evaluation.statuses[status] for status in Status},
        "recall": dict(zip(evaluation.labels, evaluation.recall, strict=True)),
        "confusion": {
            "columns": [*evaluation.labels, *UNANSWERED],
            "rows": dict(zip(evaluation.labels, evaluation.confusion.tolist(), strict=True)),
        },
        "not_digit": {status: evaluation.not_digits[status] for status in Status},
    }


def _class_of(source: str, path: str) -> str:
    """The name of the folder right below `path` that a source lies in."""
    return source[len(os.path.join(path, "")) :].split(os.sep, 1)[0]  # noqa: PTH118


def _some(names: Sequence[str], most: int = NAMED) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
