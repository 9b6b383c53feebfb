"""Choose the values of all fields together, where no two fields have the same one.

It goes on from the predictions that `decide_fields` leaves where values are unique.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from batchdigits.fields.values.expected_values import Belief, Choice
from batchdigits.fields.values.unique_values import choose_unique
from batchdigits.inference.decide import SCORE_DECIMALS, Prediction, Status
from batchdigits.text import as_unicode


class UniqueRows(NamedTuple):
    """The rows of all fields.

    Attributes:
        rows: in order.
        choices: of the fields in which a number was read, each with its name.
    """

    rows: list[Prediction]
    choices: list[tuple[str, Choice]]


def decide_together(read: Sequence[Prediction], threshold: float) -> UniqueRows:
    """Choose values so that no two fields have the same one. Rows without a value stay as they are.

    Args:
        read: the row of each field, with the value as it was read.
        threshold: score (0-1) below which a row is `review`.
    """
    rows = list(read)
    fields = [index for index, row in enumerate(rows) if row.label]
    names = [as_unicode(rows[index].path) for index in fields]
    choices = choose_unique([_belief(rows[index]) for index in fields], names, threshold)
    for index, choice in zip(fields, choices, strict=True):
        rows[index] = _row(rows[index], choice)
    return UniqueRows(rows, list(zip(names, choices, strict=True)))


def _belief(row: Prediction) -> Belief:
    values = tuple(row.probabilities.items())
    other = max(0.0, 1.0 - sum(share for _, share in values))
    return Belief(row.label, row.confidence or 0.0, values, other, _note_and_fault(row)[1])


def _note_and_fault(row: Prediction) -> tuple[str, str]:
    """What is wrong with a field, and what with the value that was read, from the detail of `decide_fields`."""
    note, _, fault = row.detail.rpartition("; ")
    return note, fault


def _row(row: Prediction, choice: Choice) -> Prediction:
    """The row with the value that was chosen. A row that is for review already, by its boxes, stays for review."""
    status = Status.REVIEW if row.status is Status.REVIEW else choice.status
    note = _note_and_fault(row)[0] if status is Status.REVIEW else ""
    detail = "; ".join(filter(None, [note, choice.detail]))
    digits = row.digits if choice.value == row.label else ""
    score = round(choice.confidence, SCORE_DECIMALS)
    return Prediction(row.path, choice.value, choice.confidence, status, detail, score=score, digits=digits)
