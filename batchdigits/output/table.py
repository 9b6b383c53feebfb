"""Recognise and read a table of rows that `classify` wrote, by its content; a person may have edited it.

A row of such a table is data of a person: its status may be a word of theirs, and a number may be missing.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from itertools import chain, islice
from pathlib import Path
from typing import Literal, NamedTuple

from batchdigits.errors import BatchdigitsError
from batchdigits.fields.values.roster import ROUNDED
from batchdigits.files.disk import LOCAL_DISK
from batchdigits.output.columns import Columns, number_of
from batchdigits.output.compression import read_lines
from batchdigits.output.formats import compression_of
from batchdigits.output.prediction_csv import BYTE_ORDER_MARK, Dialect, delimiter_of, dialect_with
from batchdigits.output.prediction_jsonl import path_from_bytes
from batchdigits.output.prediction_parquet import import_pyarrow
from batchdigits.output.prediction_xlsx import is_workbook
from batchdigits.text import SAVE_AS_UTF8, as_unicode, is_utf16, printable, without_sep_line

HEAD_BYTES = 1 << 16  # the header of a thousand probabilities is shorter
TableFormat = Literal["csv", "tsv", "jsonl", "parquet"]
FORM_COLUMNS = ("page", "field", "box")  # of a table with a row a field of a form; a person may have left out `box`
NO_SHARE = 1000.0  # a score that has lost its point is at least this, or 0.001; a person may have typed per cent


def fixed_columns(names: Container[str]) -> tuple[str, ...]:
    """The columns that a row needs: those of digits, or of fields if a table with these names has a `value`.

    Those of a table with a row a field of a form come behind.
    """
    first = Columns(answer="value" if "value" in names and "label" not in names else "label").names
    return (*first, *(name for name in FORM_COLUMNS if name in names)) if _has_fields(names) else first


class TableRow(NamedTuple):
    """A row of a table, with the columns that every table has.

    Attributes:
        path: what tells it from the rows of others: the source, and of a field of a form, behind it `#` and its name.
        label: its label, or the value of a field, which a person may have changed; empty for none.
        confidence: a finite number; None for none.
        status: its status, which a person may have made up.
        detail: as in the table.
        score: a finite number; None for none.
        is_number: whether the label is the value of a field.
        field: the name of a field of a form; empty for others.
        box: where it is on its page, see `forms.corners`; a person may have changed that, too.
    """

    path: str
    label: str
    confidence: float | None
    status: str
    detail: str
    score: float | None
    is_number: bool = False
    field: str = ""
    box: str = ""

    @property
    def source(self) -> str:
        """The image."""
        return self.path.removesuffix(f"#{self.field}") if self.field else self.path


def table_format(path: str) -> TableFormat | None:
    """The format of a table of rows by its first bytes, whatever its name is; None for any other file.

    Only that it is compressed is told by its name.

    Raises:
        BatchdigitsError: it is not compressed as its name says.
    """
    head = _head(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b'{"path":'):
        return "jsonl"
    delimiter = delimiter_of(head, _has_columns)
    return None if delimiter is None else "tsv" if delimiter == "\t" else "csv"


def known_format(path: str) -> TableFormat:
    """The format of a table of rows.

    Raises:
        BatchdigitsError: it is no table, or cannot be read.
    """
    name = table_format(path)
    if name is None:
        reason = "it is not CSV, TSV, JSON lines or Parquet as classify writes it"
        if not Path(path).exists():
            reason = "no such file"
        elif is_utf16(_head(path)):
            reason = f"it is in UTF-16; {SAVE_AS_UTF8}"
        elif Path(path).suffix.lower() == ".xlsx":
            reason = "it is a workbook; give its sheet rows, saved as a .csv in UTF-8, which Excel calls CSV UTF-8"
        raise BatchdigitsError(f"cannot read {path}: {reason}")
    return name


def refuse_other(path: Path) -> None:
    """Check that nothing but a table of rows is written over, in whatever format, or an empty file.

    Raises:
        BatchdigitsError: something else is there.
    """
    try:
        is_own = not path.is_file() or not path.stat().st_size or _is_table(str(path))
    except (BatchdigitsError, OSError, ValueError):  # it is damaged, or not compressed as its name says
        is_own = False
    if not is_own:
        raise BatchdigitsError(f"{path} exists and is no table of batchdigits; move it away, or give -o another name")


def _is_table(path: str) -> bool:
    name = table_format(path)
    if name == "parquet":
        with import_pyarrow("a Parquet file")[1].ParquetFile(path) as file:
            return _has_columns(file.schema_arrow.names)
    has_no_rows = compression_of(Path(path)) is not None and not _head(path)
    return name is not None or has_no_rows or is_workbook(path)


def read_table(path: str) -> Iterator[TableRow]:
    """The rows of a table in its order. Columns may be in any order, and others among them. An empty line is no row.

    Raises:
        BatchdigitsError: it is no table, is damaged, lacks a column, or cannot be read.
    """
    name = known_format(path)
    if name == "parquet":
        rows = _parquet_rows(path)
    elif name == "jsonl":
        rows = _jsonl_rows(path)
    else:
        rows = _csv_rows(path)
    try:
        yield from (row for row in rows if row.path or row.status)
    except OSError as error:
        raise BatchdigitsError(f"cannot read {path}: {error.strerror or error}") from None


def first_rows(rows: Iterable[TableRow], statuses: Collection[str], by_score: bool, limit: int) -> list[TableRow]:
    """The first `limit` rows with one of some statuses, or with any if there are none.

    Args:
        rows: all rows.
        statuses: which rows are wanted.
        by_score: the lowest score first, rows without one last, and otherwise in the order of `rows`.
        limit: of rows.
    """
    wanted = (row for row in rows if not statuses or row.status in statuses)
    if by_score:
        return nsmallest(limit, wanted, key=lambda row: math.inf if row.score is None else row.score)
    return list(islice(wanted, limit))


def _head(path: str) -> bytes:
    """The first bytes of a table, at least those of its header."""
    if compression_of(Path(path)):
        return next(table_lines(path), b"")
    return without_sep_line(LOCAL_DISK.head(path, HEAD_BYTES) or b"")


def _has_columns(names: Sequence[str]) -> bool:
    """Whether a header has the columns of a table."""
    return set(fixed_columns(names)) <= set(names) or _is_of_pages(names)


def table_dialect(header: bytes) -> Dialect:
    """The kind of CSV that a table is, by its header."""
    # `--excel` writes the mark; in another file that has one, only cells like '=1 could differ.
    return dialect_with(delimiter_of(header, _has_columns) or ",", for_excel=header.startswith(BYTE_ORDER_MARK))


def _csv_rows(path: str) -> Iterator[TableRow]:
    lines = table_lines(path)
    header = next(lines, b"")
    dialect = table_dialect(header)
    texts = (line.decode("utf-8", "surrogateescape") for line in chain([header.removeprefix(BYTE_ORDER_MARK)], lines))
    reader = csv.DictReader(texts, delimiter=dialect.delimiter, strict=True)
    try:
        _check_one_answer_a_row(path, reader.fieldnames or ())
        columns = fixed_columns(reader.fieldnames or ())
        for cells in reader:
            yield row_of({column: dialect.original(cells[column] or "") for column in columns})
    except csv.Error as error:
        reason = str(error).partition(" - ")[0]  # behind it stands what Python's programmers can do
        raise BatchdigitsError(f"cannot read {path}: the row in line {reader.line_num + 1:,}: {reason}") from None


def _jsonl_rows(path: str) -> Iterator[TableRow]:
    for number, line in enumerate(table_lines(path), 1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
            _check_one_answer_a_row(path, cells)
            yield row_of(cells)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise BatchdigitsError(f"cannot read {path}: line {number:,} is not a row of classify") from None


def _parquet_rows(path: str) -> Iterator[TableRow]:
    arrow, parquet = import_pyarrow("a Parquet file")
    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            _check_one_answer_a_row(path, names)
            columns = fixed_columns(names)
            if missing := [column for column in columns if column not in names]:
                raise BatchdigitsError(f"cannot read {path}: it has no column {', '.join(missing)}")
            wanted = [name for name in names if name in (*columns, "path_bytes")]
            for batch in file.iter_batches(columns=wanted):
                yield from map(row_of, batch.to_pylist())
    except (arrow.ArrowException, ValueError):
        raise BatchdigitsError(f"cannot read {path}: it is not a Parquet file of classify") from None


def _has_fields(names: Container[str]) -> bool:
    """Whether each row is a field of a form."""
    return all(name in names for name in ("page", "field", "value"))


def _is_of_pages(names: Container[str]) -> bool:
    """Whether each row is a page of a form, with its fields."""
    return all(name in names for name in ("path", "page", "status", "review")) and "confidence" not in names


def _check_one_answer_a_row(path: str, names: Container[str]) -> None:
    """Check that a row has one label or value.

    Raises:
        BatchdigitsError: it has the values of a page.
    """
    if _is_of_pages(names):
        raise BatchdigitsError(
            f"cannot use {path}: it has a row a page; batchdigits read --template with --long writes a row a field"
        )


def table_lines(path: str) -> Iterator[bytes]:
    """The lines of a table, with their ends; a line `sep=;` is none.

    Raises:
        BatchdigitsError: it is truncated, or not compressed as its name says.
    """
    lines = read_lines(Path(path), compression_of(Path(path)))
    first = without_sep_line(next(lines, b""))
    if first in (b"", BYTE_ORDER_MARK):
        first += next(lines, b"")
    yield from chain([first] if first else [], lines)


def row_of(cells: Mapping[str, object]) -> TableRow:
    """A row of cells by their columns.

    Raises:
        KeyError: a column is missing.
        ValueError: `path_bytes` is not base64, or a text has half of a surrogate pair.
        TypeError: the cells have no columns.
        BatchdigitsError: a spreadsheet has made another number of a value, or of a score.
    """
    encoded = cells.get("path_bytes") if isinstance(cells, dict) else None
    path = path_from_bytes(encoded) if encoded else cells["path"]
    text_of(path)  # its bytes that are not UTF-8 stay
    field = text_of(cells.get("field")) if _has_fields(cells) else ""
    row = TableRow(
        ("" if path is None else str(path)) + (f"#{field}" if field else ""),
        text_of(cells["label"] if "label" in cells else cells["value"]),
        number_of(cells["confidence"]),
        text_of(cells["status"]),
        text_of(cells["detail"]),
        number_of(cells["score"]),
        "label" not in cells,
        field,
        text_of(cells.get("box")) if field else "",
    )
    _check_numbers(row)
    return row


def _check_numbers(row: TableRow) -> None:
    """Check that no spreadsheet has made other numbers of those in a row, as they do without being asked.

    Raises:
        BatchdigitsError: digits of its value are lost, or the point of its score.
    """
    name = printable(as_unicode(row.path))
    if row.is_number and ROUNDED.fullmatch(row.label):
        raise BatchdigitsError(
            f"a spreadsheet has made {row.label} of the number of {name}, and its digits are lost: take the table as "
            "read wrote it, and read its values into the spreadsheet as text"
        )
    highest = max(row.confidence or 0.0, row.score or 0.0)
    if highest >= NO_SHARE:
        raise BatchdigitsError(
            f"a spreadsheet has made {highest:.0f} of the score or confidence of {name}: take the table as it was "
            "written, and read it into the spreadsheet with a point as decimal sign"
        )


def text_of(cell: object) -> str:
    """A cell as text; empty for None. U+FFFD replaces bytes that are not UTF-8, as a spreadsheet may save them.

    Raises:
        ValueError: it has half of a surrogate pair.
    """
    return "" if cell is None else as_unicode(str(cell))
