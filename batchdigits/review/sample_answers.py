"""The rows of an audit's sample in a review, and the truths that a person has typed into it as answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.decide import Status
from batchdigits.output.review_answers import Answer, Kind, Settled
from batchdigits.output.table import TableRow, read_table
from batchdigits.reports.audit_sample import BLANK, NO_DIGIT, read_sample
from batchdigits.review.numbers import is_number
from batchdigits.review.rows import Rows
from batchdigits.text import counted, printable

NOT_DIGIT = (NO_DIGIT, "not_digit")


def rows_of_sample(rows: Iterable[TableRow], sample: Path) -> Iterator[TableRow]:
    """The rows that a sample has, in the table's order.

    Raises:
        BatchdigitsError: the sample cannot be read, or has rows that the table does not have.
    """
    missing = dict.fromkeys(path for path, _ in read_sample(sample.read_bytes()))
    wanted: Collection[str] = frozenset(missing)
    for row in rows:
        if row.path in wanted:
            missing.pop(row.path, None)
            yield row
    if missing:
        raise BatchdigitsError(
            f"{sample} is of another table: it has {counted(len(missing), 'row')} that this one has not, "
            f"such as {printable(next(iter(missing)))}"
        )


def typed_answers(table: Path, sample: Path, reviewer: str, labels: Sequence[str] = ()) -> dict[str, Settled]:
    """What a person has typed into a sample, by path. A truth that is no label of the table is `unsure`.

    Args:
        table: the table that the sample was drawn from; only `ok` rows are.
        sample: the file, whose time of change is that of the answers.
        reviewer: who typed.
        labels: more labels than those of the table.

    Raises:
        BatchdigitsError: see `rows_of_sample`; or the table cannot be read.
    """
    truths = {path: truth for path, truth in read_sample(sample.read_bytes()) if truth}
    rows = Rows(read_table(str(table)), labels)
    at = datetime.fromtimestamp(sample.stat().st_mtime, UTC).isoformat(timespec="seconds")
    answers = {}
    for row in rows_of_sample(rows.rows, sample):
        if row.path in truths:
            kind = _kind_of(truths[row.path], row, rows)
            label = truths[row.path] if kind == "label" else ""
            answer = Answer(row.path, kind, label, row.label, Status.OK.value)
            answers[row.path] = Settled(answer, reviewer, at, is_blind=True)
    return answers


def _kind_of(truth: str, row: TableRow, rows: Rows) -> Kind:
    is_label = is_number(truth) if rows.are_numbers else truth in rows.classes
    if is_label or truth == row.label:
        return "label"
    if truth.casefold() in NOT_DIGIT:
        return "not_digit"
    return "blank" if truth.casefold() == BLANK else "unsure"
