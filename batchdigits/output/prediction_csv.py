"""Predictions as CSV: RFC 4180 quoting, LF line ends, UTF-8.

A file name that is not UTF-8 is written as its own bytes, so that the column always names the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from batchdigits.inference.decide import Prediction
from batchdigits.output.columns import Cell, Columns


def csv_header(columns: Columns) -> bytes:
    """The header line."""
    return csv_line(columns.names)


def encode_csv(columns: Columns, predictions: Sequence[Prediction]) -> bytes:
    """One line for each prediction."""
    return b"".join([_row(columns, prediction) for prediction in predictions])


def _row(columns: Columns, prediction: Prediction) -> bytes:
    path, label, confidence, status, detail, _, score = prediction
    if confidence is None or score is None or columns.needs_probabilities or _needs_quotes(f"{path}{label}{detail}"):
        return csv_line(columns.cells(prediction))
    # Most rows take this fast path.
    return f"{path},{label},{confidence:.6f},{status},{detail},{score:.6f}\n".encode("utf-8", "surrogateescape")


def csv_line(cells: Iterable[Cell]) -> bytes:
    """One line of cells; a number has six decimals, and None is an empty cell."""
    fields = ["" if cell is None else cell if isinstance(cell, str) else f"{cell:.6f}" for cell in cells]
    if _needs_quotes("".join(fields)):
        fields = [_quoted(field) if _needs_quotes(field) else field for field in fields]
    return (",".join(fields) + "\n").encode("utf-8", "surrogateescape")


def _quoted(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'


_needs_quotes = re.compile('[",\r\n]').search
