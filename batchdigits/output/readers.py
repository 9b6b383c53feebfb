"""Read the rows of a finished output again, in each format; a person may have edited them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.decide import Status
from batchdigits.output.columns import Cell, Columns, amount_of, number_of
from batchdigits.output.compression import Compression, read_lines
from batchdigits.output.prediction_csv import Dialect, delimiter_of, dialect_with
from batchdigits.output.prediction_jsonl import json_line, path_of
from batchdigits.output.prediction_parquet import import_pyarrow, schema_of
from batchdigits.output.reader_protocol import RowForm, RowHead, line_end
from batchdigits.text import SAVE_AS_UTF8, is_utf16

MAX_QUOTED_ROW = 1 << 24  # bytes of a row with line breaks in its cells; one with more has a stray quote


@dataclass(frozen=True)
class CsvReader:
    """Rows of CSV, their bytes as they are: a spreadsheet may have added a byte order mark and CRLF.

    Attributes:
        dialect: of the rows that are read.
        written: that of the rows that a run writes, if it is another one.
    """

    dialect: Dialect
    columns: Columns
    compression: Compression | None = None
    written: Dialect | None = None
    can_add: ClassVar[bool] = True

    @property
    def delimiter(self) -> str:
        """What is between two cells."""
        return self.dialect.delimiter

    def for_file(self, path: Path) -> CsvReader:
        """The reader for a file as it is: a spreadsheet may have put another delimiter between its columns."""
        delimiter = delimiter_of(next(read_lines(path, self.compression), b""), self._is_header)
        if delimiter in (None, self.delimiter):
            return self
        dialect = dialect_with(delimiter, self.dialect.formula is not None)
        return replace(self, dialect=dialect, written=self.dialect)

    def pieces(self, path: Path) -> Iterator[bytes]:
        """The header, then each row.

        Raises:
            BatchdigitsError: the file has other columns, or a quote that is not closed.
        """
        lines = _whole_lines(read_lines(path, self.compression))
        header = next(lines, b"")
        if delimiter_of(header, self._is_header) != self.delimiter:
            if is_utf16(header):
                raise BatchdigitsError(f"cannot read {path}: it is in UTF-16; {SAVE_AS_UTF8}")
            raise BatchdigitsError(
                f"cannot read {path}: its columns are not {','.join(self.columns.names)}; save it with these first"
            )
        yield header
        for row in _whole_rows(lines):
            if row.count(b'"') % 2:
                raise BatchdigitsError(
                    f"cannot read {path}: a quote in it is not closed, from {row[:40]!r} on; close it, or take it out"
                )
            yield row

    def rows_in(self, rows: bytes) -> Iterator[bytes]:
        """Each of several rows that stand one behind the other."""
        return _whole_rows(io.BytesIO(rows))

    def in_form(self, rows: bytes, form: RowForm) -> bytes:
        """Rows that a run wrote, in another form. A line break in a cell, between quotes, stays."""
        if form == RowForm(delimiter=self.delimiter):
            return rows
        if (form.delimiter, form.decimal) != (self.delimiter, "."):
            rows = self._in_dialect(rows, form)
        parts = rows.split(b'"')
        parts[::2] = [part.replace(b"\n", form.line_end) for part in parts[::2]]
        return b'"'.join(parts)

    def _in_dialect(self, rows: bytes, form: RowForm) -> bytes:
        dialect = replace(dialect_with(form.delimiter, for_excel=True), formula=None)  # apostrophes are there
        lines = []
        for cells in self._cells(rows):
            for place in self._numbers:
                cells[place] = cells[place].replace(".", form.decimal)
            lines.append(dialect.line(cells))
        return b"".join(lines)

    def as_written(self, rows: bytes) -> bytes:
        """Rows as a run wrote them, before a spreadsheet gave them another form.

        It has made `0,998` of `0.998000` and `12,5` of the amount `12.50`, put semicolons for commas, and empty cells
        under a column of a person's.
        """
        try:
            return b"".join(map(self._line_as_written, self._cells(rows)))
        except csv.Error:  # no run wrote these
            return rows

    def _line_as_written(self, texts: Sequence[str]) -> bytes:
        width = len(self.columns.names)
        texts = [*texts, *[""] * (width - len(texts))]
        cells: list[Cell] = [*texts]
        for place in self._numbers:
            number = number_of(cells[place])
            cells[place] = cells[place] if number is None else number
        for place, decimals in self.columns.amounts(texts):
            cells[place] = amount_of(texts[place], decimals)
        return self._written.line(cells if any(cells[width:]) else cells[:width])

    def _cells(self, rows: bytes) -> Iterator[list[str]]:
        text = io.StringIO(rows.decode("utf-8", "surrogateescape"), newline="")
        return csv.reader(text, delimiter=self.delimiter)

    @cached_property
    def _written(self) -> Dialect:
        return replace(self.written or self.dialect, formula=None)  # apostrophes are there

    @cached_property
    def _numbers(self) -> list[int]:
        """The places of the columns with numbers."""
        return [place for place, name in enumerate(self.columns.names) if name not in self.columns.texts]

    def head(self, row: bytes) -> RowHead:
        """The head of a row.

        Raises:
            BatchdigitsError: it is not CSV.
        """
        text = row.decode("utf-8", "surrogateescape").rstrip("\r\n")
        end = self.dialect.delimiter
        places, answers, most = self._places
        try:  # splitting takes a third of the time
            cells = text.split(end, most) if '"' not in text else next(csv.reader([text], delimiter=end), [])
        except csv.Error:
            raise BatchdigitsError(f"cannot read the table: mend the quotes in its row {row[:40]!r}…") from None
        cells += [""] * (most - len(cells))
        path, status, score, detail, *field = (cells[place] for place in places)
        is_open_error = status == Status.ERROR and not any(cells[place] for place in answers)
        return RowHead(self.dialect.original(path), is_open_error, status, score, detail, *field)

    @cached_property
    def _places(self) -> tuple[list[int], list[int], int]:
        """The places of what a head has, of the answers, and one past the last of all, among the cells."""
        place = self.columns.names.index
        names = ("path", "status", "score", "detail", *(["field"] if self.columns.by_field else []))
        heads, answers = list(map(place, names)), list(map(place, self.columns.answers))
        return heads, answers, 1 + max(*heads, *answers)

    def other_columns(self, path: Path) -> int:
        """How many columns a person has added behind ours, by the header; 0 if there is no file."""
        if not path.is_file():
            return 0
        header = next(read_lines(path, self.compression), b"").decode("utf-8", "replace").rstrip("\r\n")
        names = next(csv.reader([header], delimiter=self.for_file(path).delimiter), [])
        return max(0, len(names) - len(self.columns.names))

    def _is_header(self, names: Sequence[str]) -> bool:
        """Whether these are our columns, behind which a person may have added some."""
        ours = self.columns.names
        return tuple(names[: len(ours)]) == ours


@dataclass(frozen=True)
class JsonlReader:
    """Rows of JSON lines, their bytes as they are."""

    columns: Columns
    compression: Compression | None = None
    can_add: ClassVar[bool] = True
    delimiter: ClassVar[str] = ""

    def for_file(self, path: Path) -> JsonlReader:
        """The same."""
        return self

    def pieces(self, path: Path) -> Iterator[bytes]:
        """An empty header, then each row."""
        yield b""
        yield from _whole_lines(read_lines(path, self.compression))

    def rows_in(self, rows: bytes) -> Iterator[bytes]:
        """Each of several rows that stand one behind the other."""
        return io.BytesIO(rows)

    def in_form(self, rows: bytes, form: RowForm) -> bytes:
        """Rows that a run wrote, in another form."""
        return rows.replace(b"\n", form.line_end)

    def as_written(self, rows: bytes) -> bytes:
        """The same: no spreadsheet saves them."""
        return rows

    def head(self, row: bytes) -> RowHead:
        """The head of a row; an empty path for one that is not JSON any more, which stays as it is."""
        try:
            document = json.loads(row)
            path = path_of(document)
            is_answered = any(document[name] for name in self.columns.answers)
            is_open_error = document["status"] == Status.ERROR and not is_answered
            status, detail = str(document["status"]), str(document.get("detail") or "")
            field = str(document["field"] or "") if self.columns.by_field else ""
            return RowHead(path, is_open_error, status, document.get("score"), detail, field)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return RowHead("", False)


class ParquetReader(JsonlReader):
    """Rows of Parquet, as the JSON lines that they are made from."""

    def pieces(self, path: Path) -> Iterator[bytes]:
        """An empty header, then each row.

        Raises:
            BatchdigitsError: the file is not Parquet, or has other columns.
        """
        arrow, parquet = import_pyarrow()
        yield b""
        try:
            with parquet.ParquetFile(path) as file:
                if not file.schema_arrow.equals(schema_of(self.columns)):
                    raise BatchdigitsError(f"cannot add to {path}: it has other columns")
                for batch in file.iter_batches():
                    for row in batch.to_pylist():
                        yield json_line({name: row[name] for name in row if name != "path_bytes" or row[name]}).encode()
        except arrow.ArrowException:
            raise BatchdigitsError(f"cannot read {path}: it is not a Parquet file") from None


class XlsxReader(JsonlReader):
    """No rows: what a person makes of a workbook cannot be kept."""

    can_add = False

    def pieces(self, path: Path) -> Iterator[bytes]:
        """Nothing.

        Raises:
            BatchdigitsError: always.
        """
        raise BatchdigitsError(
            f"cannot add to {path}: a finished workbook stays as it is; give another name, or --overwrite"
        )


def _whole_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines with their ends; the last one, which may lack its own after editing, with that of the one before."""
    end = b"\n"
    for line in lines:
        if line.endswith(b"\n"):
            end = line_end(line)
            yield line
        else:
            yield line + end


def _whole_rows(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Rows of CSV, some of which have line breaks between quotes; a quote of the last one may be open."""
    row: list[bytes] = []  # its lines so far
    size, is_open = 0, False  # its bytes, and whether a quote of it is not closed yet
    for line in lines:
        row.append(line)
        size += len(line)
        is_open ^= line.count(b'"') % 2 == 1
        if is_open and size > MAX_QUOTED_ROW:
            break
        if not is_open:
            yield b"".join(row)
            row, size = [], 0
    if row:
        yield b"".join(row)
