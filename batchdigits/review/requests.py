"""Check what the page asks for: the rows and answers of its requests, in types that JSON has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from batchdigits.errors import BatchdigitsError
from batchdigits.fields.values.rules import MAX_VALUE, is_number
from batchdigits.output.review_answers import KINDS, MAX_LABEL, Answer, Kind
from batchdigits.output.table import TableRow
from batchdigits.review.rows import Rows
from batchdigits.text import is_line

NUMBER_RULE = (
    "a number has digits, a space or one of . , - / : between two of them, a sign before them, and at most "
    f"{MAX_VALUE} characters"
)
Json = dict[str, Any]


class RequestError(BatchdigitsError):
    """The page asks for what there is not."""


def asked_row(rows: Rows, position: int) -> TableRow:
    """The row at a position.

    Raises:
        RequestError: there is no such row.
    """
    if not 0 <= position < len(rows):
        raise RequestError(f"there is no row {position}")
    return rows.rows[position]


def given_answer(rows: Rows, fields: Json, digest_of: Callable[[str], str]) -> Answer:
    """An answer of the page.

    Args:
        rows: those of the table.
        fields: `row`, `kind` and, for the kind `label`, `label`.
        digest_of: gives the digest of a source.

    Raises:
        RequestError: it is none.
    """
    position, kind, label = fields.get("row"), fields.get("kind"), fields.get("label", "")
    if not isinstance(position, int) or isinstance(position, bool):
        raise RequestError("an answer has a row")
    row = asked_row(rows, position)
    if kind not in KINDS:
        raise RequestError(f"an answer is one of {', '.join(KINDS)}")
    if kind == "label" and rows.are_numbers:
        is_own = bool(label) and label == row.label and is_line(label)  # a person may have edited the table's value
        if not is_own and not (isinstance(label, str) and is_number(label)):
            raise RequestError(NUMBER_RULE)
        notation = rows.notations.of(row.field)
        label = label if is_own or not notation else notation.written(label)
    elif kind == "label" and label not in rows.classes:
        raise RequestError(f"the label is one of {', '.join(rows.classes)}")
    elif kind == "label" and len(label) > MAX_LABEL and label != row.label:
        raise RequestError(f"a label has at most {MAX_LABEL} characters")
    given = label if kind == "label" else ""
    return Answer(row.path, cast(Kind, kind), given, row.label, row.status, digest_of(row.source))
