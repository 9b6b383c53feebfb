"""Evaluations as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.inference.decide import Status
from batchdigits.reports.confidence import calibration_error
from batchdigits.reports.evaluation import UNANSWERED, Evaluation, mean_accuracy, wilson_interval
from batchdigits.reports.table import table
from batchdigits.text import printable

HEADER = ("", "images", "right", "accuracy", "95% interval", "ECE", "review", *UNANSWERED, f"{NOT_DIGIT} ok")


def summary(evaluations: Sequence[Evaluation]) -> str:
    """One line for each evaluation, and a line with the mean accuracy of several."""
    rows = [HEADER, *(_summary_row(evaluation) for evaluation in evaluations)]
    if len(evaluations) > 1:
        rows.append(("mean", "", "", f"{mean_accuracy(evaluations):.2%}", *[""] * 6))
    return table(rows)


def details(evaluation: Evaluation) -> str:
    """The confusion matrix, with the recall of each label."""
    labels = [printable(label) for label in evaluation.labels]
    rows = [["", *labels, *UNANSWERED, "recall"]]
    for label, counts, recall in zip(labels, evaluation.confusion, evaluation.recall, strict=True):
        cells = [f"{count:,}" if count else "." for count in counts]
        rows.append([label, *cells, "-" if recall is None else f"{recall:.1%}"])
    title = f"{printable(evaluation.path)}: true labels (rows), the model's labels (columns)"
    return f"{title}\n{table(rows)}"


def _summary_row(evaluation: Evaluation) -> tuple[str, ...]:
    outliers = evaluation.outliers
    ece = calibration_error(evaluation.answers)
    low, high = wilson_interval(evaluation.right, evaluation.images)
    return (
        printable(evaluation.path),
        f"{evaluation.images:,}",
        f"{evaluation.right:,}",
        f"{evaluation.accuracy:.2%}",
        f"{low:.1%} - {high:.1%}",
        "-" if ece is None else f"{ece:.2%}",
        *(f"{evaluation.statuses[status]:,}" for status in (Status.REVIEW, *UNANSWERED)),
        f"{outliers[Status.OK]:,} of {outliers.total():,}" if outliers else "-",
    )
