"""The file of an audit's sample, which a person keys blind: path, an empty truth, and no label.

It is made for spreadsheets. The rows are in the table's order.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from batchdigits.errors import BatchdigitsError
from batchdigits.output.formats import dialect_of
from batchdigits.output.prediction_csv import BYTE_ORDER_MARK, delimiter_of
from batchdigits.output.review_answers import Answer, Settled
from batchdigits.reports.audit import OkRow, Table
from batchdigits.reports.number_notation import TypedNumber, may_lack_zeros, typed_number
from batchdigits.reports.truths import TYPED_BLANK, TYPED_NO_DIGIT
from batchdigits.text import SAVE_AS_UTF8, counted, first_names, is_utf8, printable, without_sep_line

COLUMNS = ("path", "truth")

_DIALECT = dialect_of("csv", for_excel=True)


class Keyed(NamedTuple):
    """A sample with what was keyed in its review.

    Attributes:
        truths: path and truth of each row; empty where it is open.
        in_file: how many truths the sample itself has.
        blind: the answers of the review that are used, one for each other row that is keyed.
        not_blind: how many open rows have an answer by a person who saw the prediction, which does not count.
        unsure: how many open rows a person, or two who differ, could not decide.
        without_zeros: how many truths of the sample are taken as the value whose leading zeros they lack.
    """

    truths: list[tuple[str, str]]
    in_file: int
    blind: list[Settled]
    not_blind: int
    unsure: int
    without_zeros: int = 0

    @property
    def changed(self) -> int:
        """How many answers of the review are others than what was keyed blind, since the label was shown."""
        return sum(settled.is_changed for settled in self.blind)


def write_sample(rows: Sequence[OkRow], drawn: Sequence[int]) -> bytes:
    """The file of the rows at the positions `drawn`."""
    return BYTE_ORDER_MARK + b"".join(map(_DIALECT.line, [COLUMNS, *((rows[row].path, "") for row in sorted(drawn))]))


def read_sample(content: bytes) -> list[tuple[str, str]]:
    """Path and truth of each row, in the file's order. Spreadsheets may have put semicolons or tabs for commas.

    Raises:
        BatchdigitsError: it has other columns, is not CSV, or a spreadsheet has saved it in another encoding.
    """
    content = without_sep_line(content)
    text = content.decode("utf-8-sig", "surrogateescape")
    if not content.startswith(BYTE_ORDER_MARK) and not is_utf8(text):
        raise BatchdigitsError(f"the sample is not in UTF-8 any more: {SAVE_AS_UTF8}")
    delimiter = delimiter_of(content, lambda names: tuple(names[:2]) == COLUMNS) or ","
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        header, rows = [], []
    if header[:2] != list(COLUMNS):
        raise BatchdigitsError(f"the sample is not a CSV with the columns {','.join(COLUMNS)}")
    cells = [(*row, "") for row in rows if any(row)]
    return [(_DIALECT.original(path), _DIALECT.original(truth.strip())) for path, truth, *_ in cells]


def as_in_table(truths: Sequence[tuple[str, str]], table: Table) -> tuple[list[tuple[str, str]], int]:
    """The truths of a sample, its numbers in the notation of the table.

    Returns:
        Path and truth of each row, and how many are the value of their row but for leading zeros.

    Raises:
        BatchdigitsError: some are numbers that cannot be brought into that notation. They may be right or wrong.
    """
    if not table.are_numbers:
        return list(truths), 0
    rows = defaultdict(list)
    for row in table.rows:
        rows[row.path].append(row)
    lack_zeros = may_lack_zeros(truth for _, truth in truths)
    found, unsure, without_zeros = [], [], 0
    for path, truth in truths:
        numbers = [
            typed_number(truth, row.label, table.notations.of(row.field), lack_zeros) for row in rows[path] if truth
        ]
        number = min(numbers, key=lambda number: not number.lacks_zeros, default=TypedNumber(truth))
        found.append((path, number.text))
        unsure += [f"{printable(path)}: {truth}"] if number.is_unsure else []
        without_zeros += number.lacks_zeros
    if unsure:
        raise BatchdigitsError(
            f"the sample has {counted(len(unsure), 'number')} in another notation than the table, which a spreadsheet "
            f"may have changed: {first_names(unsure)}; type these as in the table, or x for no number"
        )
    return found, without_zeros


def with_review(truths: Sequence[tuple[str, str]], answers: Mapping[str, Settled]) -> Keyed:
    """The truths of a sample, and where it has none, what was keyed blind.

    Args:
        truths: path and truth of each row of the sample.
        answers: what the answers of the table's review come to, by path.
    """
    found: list[tuple[str, str]] = []
    blind: list[Settled] = []
    not_blind = unsure = 0
    for path, truth in truths:
        settled = None if truth else answers.get(path)
        if settled is None:
            found.append((path, truth))
        elif settled.answer.kind == "unsure" or not settled.is_blind:
            unsure += settled.answer.kind == "unsure"
            not_blind += settled.answer.kind != "unsure"
            found.append((path, ""))
        else:
            blind.append(settled)
            found.append((path, _truth(settled.answer)))
    return Keyed(found, sum(bool(truth) for _, truth in truths), blind, not_blind, unsure)


def _truth(answer: Answer) -> str:
    if answer.kind == "blank":
        return TYPED_BLANK
    if answer.kind == "not_digit":
        return TYPED_NO_DIGIT if answer.predicted != TYPED_NO_DIGIT else answer.kind  # a class may have that name
    return answer.label
