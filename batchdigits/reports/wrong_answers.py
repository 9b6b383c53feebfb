"""Labelled images that a model answers wrongly; some of them have a wrong label."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.inference.decide import Prediction, Status
from batchdigits.output.prediction_csv import CSV

COLUMNS = ("path", "given", "label", "confidence", "status", "score")


class WrongAnswer(NamedTuple):
    """An image that a model answers wrongly.

    Attributes:
        given: the name of its class.
        prediction: the row that the model gives it, with another label or none.
    """

    given: str
    prediction: Prediction

    @property
    def is_suspect(self) -> bool:
        """Whether the model gives another label, so that the given one may be what is wrong."""
        return bool(self.prediction.label)


def note_wrong_answers(
    predictions: Iterable[Prediction],
    true_class: Callable[[str], str],
    labels: Collection[str],
    wrong: list[WrongAnswer],
) -> Iterator[Prediction]:
    """Yield the same predictions, and append those that contradict their source's class to `wrong`.

    Args:
        predictions: for labelled sources.
        true_class: the name of a source's class, empty if it has none.
        labels: the model's labels.
        wrong: where wrong answers go. In the class `not_digit` these are the rows with the status `ok`.
    """
    for prediction in predictions:
        given = true_class(prediction.path)
        is_wrong = prediction.label != given if given in labels else prediction.status is Status.OK
        if is_wrong and (given in labels or given == NOT_DIGIT):  # else it lies beside the folders of an archive
            wrong.append(WrongAnswer(given, prediction))
        yield prediction


def ranked(wrong: Iterable[WrongAnswer]) -> list[WrongAnswer]:
    """The surest answers first, since these are the likeliest to have a wrong label; those without a label last."""
    return sorted(wrong, key=lambda answer: (-(answer.prediction.score or 0.0), answer.prediction.path))


def as_csv(wrong: Iterable[WrongAnswer]) -> bytes:
    """One row for each, with the columns COLUMNS; `given` is the folder's name, `label` the model's."""
    rows = [CSV.line((row.path, given, row.label, row.confidence, row.status, row.score)) for given, row in wrong]
    return CSV.line(COLUMNS) + b"".join(rows)
