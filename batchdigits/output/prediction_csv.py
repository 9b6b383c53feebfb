"""Predictions as CSV: RFC 4180 quoting, LF line ends, UTF-8.

A file name that is not UTF-8 goes out as its own bytes, so that the column always names the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from batchdigits.inference.decide import Prediction
from batchdigits.output.columns import Cell, Columns


def csv_header(columns: Columns) -> bytes:
    """The first line."""
    return _line(columns.names)


def encode_csv(columns: Columns, predictions: Sequence[Prediction]) -> bytes:
    """One line a prediction."""
    return b"".join([_line(columns.cells(prediction)) for prediction in predictions])


def _line(cells: Iterable[Cell]) -> bytes:
    return (",".join(map(_field, cells)) + "\n").encode("utf-8", "surrogateescape")


def _field(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.6f}"
    return '"' + cell.replace('"', '""') + '"' if _needs_quotes(cell) else cell


_needs_quotes = re.compile('[",\r\n]').search
