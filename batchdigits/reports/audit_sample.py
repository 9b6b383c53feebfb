"""The file of an audit's sample, which a person keys blind: path, an empty truth, stratum, and no label.

It is made for spreadsheets. The rows are in the table's order and the strata have numbers in random order, so that
neither tells the class.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from random import Random

from batchdigits.errors import BatchdigitsError
from batchdigits.output.formats import dialect_of
from batchdigits.output.prediction_csv import BYTE_ORDER_MARK
from batchdigits.reports.audit import OkRow

COLUMNS = ("path", "truth", "stratum")

_DIALECT = dialect_of("csv", for_excel=True)


def write_sample(rows: Sequence[OkRow], drawn: Sequence[int], seed: int) -> bytes:
    """The file of the rows at the positions `drawn`, those of the first stratum first."""
    strata = list(range(1, len(drawn) + 1))
    Random(seed).shuffle(strata)
    lines = [(rows[row].path, "", str(stratum)) for row, stratum in sorted(zip(drawn, strata, strict=True))]
    return BYTE_ORDER_MARK + b"".join(map(_DIALECT.line, [COLUMNS, *lines]))


def read_sample(content: bytes) -> list[tuple[str, str]]:
    """Path and truth of each row, in the file's order. Spreadsheets may have put semicolons or tabs for commas.

    Raises:
        BatchdigitsError: it has other columns, or is not CSV.
    """
    text = content.decode("utf-8-sig", "surrogateescape")
    delimiter = next((mark for mark in ",;\t" if text.startswith((f"path{mark}", f'"path"{mark}'))), ",")
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        header, rows = [], []
    if header[:2] != list(COLUMNS[:2]):
        raise BatchdigitsError(f"the sample is not a CSV with the columns {','.join(COLUMNS)}")
    cells = [(*row, "") for row in rows if any(row)]
    return [(_DIALECT.original(path), _DIALECT.original(truth.strip())) for path, truth, *_ in cells]
