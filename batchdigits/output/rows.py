"""Read the rows of a finished table, whatever its format; a person may have edited them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from batchdigits.errors import BatchdigitsError
from batchdigits.output.columns import Columns
from batchdigits.output.compression import read_lines
from batchdigits.output.finished import Reader, RowHead
from batchdigits.output.formats import compression_of, dialect_of, format_of
from batchdigits.output.prediction_csv import BYTE_ORDER_MARK
from batchdigits.output.readers import CsvReader, JsonlReader, ParquetReader


def read_rows(path: Path) -> Iterator[RowHead]:
    """The heads of all rows, in the table's order. An empty line is no row.

    Raises:
        BatchdigitsError: the file is no table of `classify` in a format that can be read, or is damaged.
    """
    reader = _reader_of(path)
    pieces = reader.pieces(path)
    next(pieces)  # the header
    for number, piece in enumerate(pieces, 1):
        head = reader.head(piece)
        if head.path or head.status:
            yield head
        elif piece.strip(b',\t"\r\n '):
            raise BatchdigitsError(f"cannot read {path}: its row {number:,} has neither path nor status")


def _reader_of(path: Path) -> Reader:
    name, compression = format_of(path), compression_of(path)
    if name == "parquet" and not compression:
        return ParquetReader(None)
    if name == "jsonl":
        return JsonlReader(None, compression)
    if name == "csv" or name == "tsv":
        # `--excel` writes the mark; where a spreadsheet added it, only texts behind an apostrophe may differ.
        for_excel = next(read_lines(path, compression), b"").startswith(BYTE_ORDER_MARK)
        return CsvReader(dialect_of(name, for_excel), Columns(()), compression)
    kinds = ".csv, .tsv and .jsonl, each also with .gz or .zst behind it, and .parquet"
    raise BatchdigitsError(f"cannot read {path}: tables that can be read are {kinds}")
