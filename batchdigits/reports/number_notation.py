"""The notation of the numbers of a table, into which one is brought that a person typed in a spreadsheet."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from batchdigits.fields.field_options import FieldOptions
from batchdigits.fields.values.rules import VALUE
from batchdigits.output.columns import FAILS_DECIMALS
from batchdigits.output.table import TableRow
from batchdigits.reports.truths import without_apostrophe

THOUSANDS = 3  # digits behind a point or comma that may stand before thousands as well
WITHOUT_ZEROS = "without the leading zeros of the value, which a spreadsheet drops: taken as the value"  # in messages

_amount = re.compile(r"-?[0-9]+([.,])([0-9]{1,9})").fullmatch
_integer = re.compile(r"-?[0-9]+").fullmatch
_has_leading_zero = re.compile(r"'?-?0[0-9]").match
_zeros = re.compile(r"^(-?)0+(?=[0-9])")


class NumberNotation(NamedTuple):
    """Amounts with a point or comma before so many decimals, and nothing before thousands."""

    mark: str
    decimals: int

    def has(self, text: str) -> bool:
        """Whether a number has this notation."""
        return _notation_of(text) == self

    def written(self, text: str) -> str:
        """A number in this notation; the text if it has other decimals."""
        number = FieldOptions(decimals=self.decimals).written(text.removeprefix("+"))
        return number.replace(".", self.mark) if NumberNotation(".", self.decimals).has(number) else text

    def restored(self, text: str) -> str:
        """The same, with zeros at the end for those that a spreadsheet has dropped."""
        for decimals in range(self.decimals, 0, -1):
            if decimals == THOUSANDS:
                continue
            shorter = NumberNotation(self.mark, decimals)
            if shorter.has(number := shorter.written(text)):
                return number + "0" * (self.decimals - decimals)
        number = text.removeprefix("+")
        return f"{number}{self.mark}{'0' * self.decimals}" if _integer(number) else text


class NumberNotations:
    """The notations of a table's numbers, by the fields of a form; other tables have one field, without a name.

    Every value counts, also one for review, but those of which the run itself says that they are no amounts.
    """

    def __init__(self, rows: Iterable[TableRow] = ()) -> None:
        """Look at some rows."""
        self._found: dict[str, set[NumberNotation | None]] = defaultdict(set)
        for row in rows:
            self.add(row)

    def add(self, row: TableRow) -> None:
        """Look at one more row."""
        if row.is_number and row.label and FAILS_DECIMALS not in row.detail:
            self._found[row.field].add(_notation_of(row.label))

    def of(self, field: str) -> NumberNotation | None:
        """The notation that all values of a field have; None for several, or for one that is not known."""
        found = self._found.get(field, set())
        return next(iter(found)) if len(found) == 1 else None


class TypedNumber(NamedTuple):
    """What a person has typed as the number of a row.

    Attributes:
        text: in the notation of the table, if it can be brought into that.
        lacks_zeros: whether it was the row's value but for leading zeros, which spreadsheets drop; then it is that.
        is_unsure: whether it is a number that cannot be brought into that, so a spreadsheet may have changed it.
    """

    text: str
    lacks_zeros: bool = False
    is_unsure: bool = False


def may_lack_zeros(truths: Iterable[str]) -> bool:
    """Whether a spreadsheet may have dropped the leading zeros of what was typed into one column: none has any."""
    return not any(map(_has_leading_zero, truths))


def typed_number(truth: str, value: str, notation: NumberNotation | None, may_lack_zeros: bool) -> TypedNumber:
    """A number as a spreadsheet has saved it: `1.386,5` for `1386.50`, `'007` or 7 for `007`.

    Args:
        truth: what was typed.
        value: what the row has.
        notation: see `NumberNotations.of`.
        may_lack_zeros: see there.
    """
    if truth == value:
        return TypedNumber(truth)
    text = without_apostrophe(truth)
    text = notation.restored(text) if notation else text
    lacks_zeros = may_lack_zeros and text != value and text == _zeros.sub(r"\1", value)
    if text == value or lacks_zeros:
        return TypedNumber(value, lacks_zeros)
    return TypedNumber(text, is_unsure=bool(notation and VALUE.fullmatch(text) and not notation.has(text)))


def _notation_of(text: str) -> NumberNotation | None:
    match = _amount(text)
    return NumberNotation(match[1], len(match[2])) if match and len(match[2]) != THOUSANDS else None
