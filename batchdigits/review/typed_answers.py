"""What a person has typed into a spreadsheet as answers: into the sample of an audit, or a column of the table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from batchdigits.errors import BatchdigitsError
from batchdigits.fields.values.rules import is_number
from batchdigits.inference.decide import Status
from batchdigits.output.review_answers import Answer, Kind, Settled
from batchdigits.output.table import TableRow, fixed_columns, known_format, read_table, text_of
from batchdigits.output.table_records import open_records
from batchdigits.reports.audit_sample import read_sample
from batchdigits.reports.number_notation import TypedNumber, may_lack_zeros, typed_number
from batchdigits.reports.truths import NO_DIGIT_WORDS, TYPED_BLANK, plain_digit
from batchdigits.review.rows import Rows
from batchdigits.text import SAVE_AS_UTF8, as_unicode, counted, first_names, is_utf8, printable


class TypedAnswers(NamedTuple):
    """What a person has typed.

    Attributes:
        answers: by path.
        without_zeros: the paths of the numbers that are taken as the row's value, whose leading zeros they lack.
    """

    answers: dict[str, Settled]
    without_zeros: list[str]


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


def answers_of_sample(table: Path, sample: Path, reviewer: str, labels: Sequence[str] = ()) -> TypedAnswers:
    """What a person has typed into a sample.

    A truth that is no label of the table, or a number in another notation, is `unsure`, and so is a path with two
    truths that differ.

    Args:
        table: the table that the sample was drawn from; only `ok` rows are.
        sample: the file, whose time of change is that of the answers.
        reviewer: who typed.
        labels: more labels than those of the table.

    Raises:
        BatchdigitsError: see `rows_of_sample`; or the table cannot be read.
    """
    truths = defaultdict(list)
    for path, truth in read_sample(sample.read_bytes()):
        truths[path].append(truth)
    rows = Rows(read_table(str(table)), labels)
    drawn = [row._replace(status=Status.OK.value) for row in rows_of_sample(rows.rows, sample)]
    typed = [(row, truth) for row in drawn for truth in truths[row.path]]
    return _answers(typed, rows, _Typed(reviewer, sample, is_blind=True))


def answers_of_column(table: Path, column: str, reviewer: str, labels: Sequence[str] = ()) -> TypedAnswers:
    """What a person has typed into a column of their own.

    What is no label of the table, or a number in another notation, is `unsure`, and so is a path with two answers that
    differ.

    Args:
        table: the table, whose time of change is that of the answers.
        column: its name; a row whose cell is empty has no answer.
        reviewer: who typed.
        labels: more labels than those of the table.

    Raises:
        BatchdigitsError: the table cannot be read, or has no such column.
    """
    records = open_records(table, known_format(str(table)))
    own = [name for name in records.names if name not in fixed_columns(records.names)]
    if column not in own:
        named = f": it has {first_names([printable(as_unicode(name)) for name in own])}" if own else ""
        remedy = "" if all(map(is_utf8, own)) else f"; if it is one of these, {SAVE_AS_UTF8}"
        raise BatchdigitsError(f"{table} has no column {printable(column)} that a person has added{named}{remedy}")
    cells = [(record.row, text_of(record.cells.get(column)).strip()) for record in records.records() if record.row]
    return _answers(cells, Rows((row for row, _ in cells), labels), _Typed(reviewer, table, is_blind=False))


class _Typed(NamedTuple):
    """Who typed, into which file, and whether without seeing the labels."""

    reviewer: str
    file: Path
    is_blind: bool


def _answers(cells: Sequence[tuple[TableRow, str]], rows: Rows, typed: _Typed) -> TypedAnswers:
    at = datetime.fromtimestamp(typed.file.stat().st_mtime, UTC).isoformat(timespec="seconds")
    answers: dict[str, Settled] = {}
    lack_zeros = may_lack_zeros(truth for _, truth in cells)
    without_zeros = []
    for row, truth in cells:
        if truth:
            notation = rows.notations.of(row.field)
            number = typed_number(truth, row.label, notation, lack_zeros) if rows.are_numbers else None
            kind, label = _number(number, row) if number else _digit(truth, row, rows)
            if number and number.lacks_zeros:
                without_zeros.append(row.path)
            answer = Answer(row.path, kind, label, row.label, row.status)
            if row.path in answers and not answers[row.path].answer.says_the_same(answer):
                answer = answer._replace(kind="unsure", label="")
            answers[row.path] = Settled(answer, typed.reviewer, at, typed.is_blind)
    return TypedAnswers(answers, without_zeros)


def _number(number: TypedNumber, row: TableRow) -> tuple[Kind, str]:
    if number.text == row.label or (is_number(number.text) and not number.is_unsure):
        return "label", number.text
    return _kind_of_word(number.text), ""


def _digit(truth: str, row: TableRow, rows: Rows) -> tuple[Kind, str]:
    for label in (truth, plain_digit(truth)):
        if label == row.label or label in rows.classes:
            return "label", label
    return _kind_of_word(truth), ""


def _kind_of_word(truth: str) -> Kind:
    if truth.casefold() in NO_DIGIT_WORDS:
        return "not_digit"
    return "blank" if truth.casefold() == TYPED_BLANK else "unsure"
