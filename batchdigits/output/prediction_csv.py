"""Predictions as CSV: RFC 4180 quoting, LF line ends, UTF-8. TSV is the same with tabs in place of commas.

A file name that is not UTF-8 is written as its own bytes, so that the column always names the file. Runs write no
semicolons; a spreadsheet puts them where the decimal sign is a comma.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from batchdigits.inference.decide import Prediction
from batchdigits.output.columns import Cell, ColumnNames, Columns

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Dialect:
    """A kind of CSV.

    Attributes:
        delimiter: the character between two cells.
        quoted: found in the cells that need quotes.
        formula: matches the text cells that a spreadsheet could take for a formula, and those that begin with an
            apostrophe; unless they are negative numbers, they get an apostrophe in front. None for a file that no
            spreadsheet opens.
    """

    delimiter: str
    quoted: re.Pattern[str]
    formula: re.Pattern[str] | None = None

    def header(self, columns: ColumnNames) -> bytes:
        """The header line, for spreadsheets behind a byte order mark."""
        return (BYTE_ORDER_MARK if self.formula else b"") + self.line(columns.names)

    def encode(self, columns: Columns, predictions: Sequence[Prediction]) -> bytes:
        """One line for each prediction."""
        if len(predictions) == 1:  # as of most files
            return self._row(columns, predictions[0])
        return b"".join([self._row(columns, prediction) for prediction in predictions])

    def line(self, cells: Iterable[Cell]) -> bytes:
        """One line of cells; a number has six decimals, and None is an empty cell."""
        fields = [
            "" if cell is None else self.harmless(cell) if isinstance(cell, str) else f"{cell:.6f}" for cell in cells
        ]
        if self.quoted.search("".join(fields)):
            fields = [_in_quotes(field) if self.quoted.search(field) else field for field in fields]
        return (self.delimiter.join(fields) + "\n").encode("utf-8", "surrogateescape")

    def harmless(self, cell: str) -> str:
        """A text cell as `line` writes it: with an apostrophe in front where a spreadsheet could see a formula."""
        is_formula = self.formula and self.formula.match(cell) and not _NEGATIVE.fullmatch(cell)
        return f"'{cell}" if is_formula else cell

    def original(self, cell: str) -> str:
        """A text cell as it was before `line` made it harmless."""
        return cell[1:] if self.formula and cell[:1] == "'" and self.formula.match(cell[1:]) else cell

    def _row(self, columns: Columns, prediction: Prediction) -> bytes:
        path, label, confidence, status, detail, _, score, *_ = prediction
        is_number = confidence is not None and score is not None
        if not is_number or not columns.are_fixed or self.formula or self.quoted.search(f"{path}{label}{detail}"):
            return self.line(columns.cells(prediction))
        # Most rows take this fast path.
        cells = path, label, f"{confidence:.6f}", status, detail, f"{score:.6f}\n"
        return self.delimiter.join(cells).encode("utf-8", "surrogateescape")


def _in_quotes(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'


# See OWASP on CSV injection. Where the decimal sign is a comma, spreadsheets split a CSV at semicolons.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]|['\x00-\x1f\x7f]")  # noqa: RUF001 - spreadsheets in Asia take the wide ones
_NEGATIVE = re.compile(r"-[0-9]+([.,][0-9]+)?")
_QUOTED_FOR_SPREADSHEETS = re.compile('[",;\t\r\n]')
_QUOTED_BESIDE_DECIMAL_COMMAS = re.compile('[";\t\r\n]')

CSV = Dialect(",", re.compile('[",\r\n]'))
TSV = Dialect("\t", re.compile('["\t\r\n]'))
SEMICOLONS = Dialect(";", _QUOTED_BESIDE_DECIMAL_COMMAS)
EXCEL_CSV = Dialect(",", _QUOTED_FOR_SPREADSHEETS, _FORMULA)
EXCEL_TSV = Dialect("\t", _QUOTED_FOR_SPREADSHEETS, _FORMULA)
EXCEL_SEMICOLONS = Dialect(";", _QUOTED_BESIDE_DECIMAL_COMMAS, _FORMULA)

_ALL = (CSV, TSV, SEMICOLONS, EXCEL_CSV, EXCEL_TSV, EXCEL_SEMICOLONS)


def dialect_with(delimiter: str, for_excel: bool) -> Dialect:
    """The kind of CSV with a delimiter."""
    return next(one for one in _ALL if one.delimiter == delimiter and bool(one.formula) == for_excel)


def delimiter_of(head: bytes, is_header: Callable[[Sequence[str]], bool]) -> str | None:
    """The delimiter of a table, whoever saved it last.

    Args:
        head: its first bytes, at least those of its header.
        is_header: whether these are the columns of the table.

    Returns:
        The delimiter with which the header has these columns; None if it has them with none.
    """
    lines = [line.decode("utf-8", "replace") for line in head.removeprefix(BYTE_ORDER_MARK).splitlines()[:1]]
    try:
        found = (mark for mark in (",", "\t", ";") if is_header(next(csv.reader(lines, delimiter=mark), [])))
        return next(found, None)
    except csv.Error:  # it is no header, but a very long cell
        return None
