"""The rows of a table with their bytes, so that some can be changed and the others stay as they are."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from batchdigits.errors import BatchdigitsError
from batchdigits.output.compression import write_compressed
from batchdigits.output.finished import in_blocks
from batchdigits.output.formats import compression_of
from batchdigits.output.prediction_csv import BYTE_ORDER_MARK
from batchdigits.output.prediction_jsonl import json_line
from batchdigits.output.prediction_parquet import import_pyarrow, write_rows
from batchdigits.output.table import TableFormat, TableRow, fixed_columns, row_of, table_dialect, table_lines

NEVER_NULL = ("path", "status", "detail")  # in JSON lines and Parquet; other texts are null where they are empty
Change = Mapping[str, str]  # new texts by their columns


class Record(NamedTuple):
    """A row.

    Attributes:
        raw: its bytes with the line end, which the last one may lack; empty in Parquet.
        cells: by column, as the format has them; a text without the apostrophe that makes it harmless.
        row: what it says; None for an empty line.
    """

    raw: bytes
    cells: Mapping[str, Any]
    row: TableRow | None


Changed = tuple[Record, Change | None]  # None: the row stays as it is


class CsvRecords:
    """A table as CSV or TSV.

    Attributes:
        names: its columns, each once.
        for_excel: whether it was written for spreadsheets.
    """

    def __init__(self, path: Path) -> None:
        """Read the header."""
        self._path = path
        self._dialect = table_dialect(next(table_lines(str(path)), b""))
        self.for_excel = self._dialect.formula is not None
        self._header, self._columns = next(self._pieces())
        self.names = list(dict.fromkeys(self._columns))

    def records(self) -> Iterator[Record]:
        """All rows in order.

        Raises:
            BatchdigitsError: the table is damaged.
        """
        pieces = self._pieces()
        next(pieces)
        columns = fixed_columns(self._columns)
        for raw, texts in pieces:
            full = [*texts, *[""] * (len(self._columns) - len(texts))]
            cells = dict(zip(self._columns, map(self._dialect.original, full), strict=False))
            yield Record(raw, cells, row_of({name: cells[name] for name in columns}) if texts else None)

    def rewrite(self, records: Iterable[Changed], added: Sequence[str], path: Path, output: Path) -> None:
        """Write the table with changes and more columns to `path`, in the form that the name of `output` says."""
        write_compressed(compression_of(output), in_blocks(self._lines(records, added)), path)

    def _lines(self, records: Iterable[Changed], added: Sequence[str]) -> Iterator[bytes]:
        delimiter = self._dialect.delimiter
        yield _with_cells(self._header, "".join(f"{delimiter}{name}" for name in added))
        for record, change in records:
            if record.row is None:
                yield record.raw
            elif change is None:
                yield _with_cells(record.raw, delimiter * len(added))
            else:
                yield self._changed(record.raw, change, added)

    def _changed(self, raw: bytes, change: Change, added: Sequence[str]) -> bytes:
        """The line of a row that is changed. Its other cells stay as a spreadsheet made them."""
        width = len(self._columns)
        texts = next(csv.reader([_text(raw)], delimiter=self._dialect.delimiter))
        cells, more = [*texts[:width], *[""] * (width - len(texts))], texts[width:]
        places = {name: place for place, name in enumerate(self._columns)}  # of several with one name, the last
        for name, text in change.items():
            if name in places:
                cells[places[name]] = self._dialect.harmless(text)
        cells += [self._dialect.harmless(change.get(name, "")) for name in added]
        return _with_end(replace(self._dialect, formula=None).line([*cells, *more]), raw)

    def _pieces(self) -> Iterator[tuple[bytes, list[str]]]:
        """The bytes and the cells of the header and of each row; an empty line has no cells."""
        taken: list[bytes] = []

        def texts() -> Iterator[str]:
            for line in table_lines(str(self._path)):
                taken.append(line)
                yield _text(line if line_number else line.removeprefix(BYTE_ORDER_MARK))

        line_number = 0
        reader = csv.reader(texts(), delimiter=self._dialect.delimiter, strict=True)
        try:
            for cells in reader:
                line_number = reader.line_num
                yield b"".join(taken), cells
                taken.clear()
        except csv.Error as error:
            raise BatchdigitsError(f"cannot read {self._path}: the row in line {line_number + 1:,}: {error}") from None


class JsonlRecords:
    """A table as JSON lines; see `CsvRecords`."""

    for_excel = False

    def __init__(self, path: Path) -> None:
        """Look through all rows for their columns."""
        self._path = path
        self.names = list(dict.fromkeys(name for record in self.records() for name in record.cells))

    def records(self) -> Iterator[Record]:
        """All rows in order.

        Raises:
            BatchdigitsError: the table is damaged.
        """
        for number, line in enumerate(table_lines(str(self._path)), 1):
            if not line.strip():
                yield Record(line, {}, None)
                continue
            try:
                cells = json.loads(line)
                yield Record(line, cells, row_of(cells))
            except (ValueError, TypeError, KeyError, RecursionError):
                raise BatchdigitsError(f"cannot read {self._path}: line {number:,} is not a row of classify") from None

    def rewrite(self, records: Iterable[Changed], added: Sequence[str], path: Path, output: Path) -> None:
        """Write the table with changes to `path`. A row that is not changed has no more keys than before."""
        lines = (
            record.raw
            if change is None
            else _with_end(json_line({**record.cells, **_json_cells(change)}).encode(), record.raw)
            for record, change in records
        )
        write_compressed(compression_of(output), in_blocks(lines), path)


class ParquetRecords:
    """A table as Parquet; see `CsvRecords`."""

    for_excel = False

    def __init__(self, path: Path) -> None:
        """Read the schema.

        Raises:
            BatchdigitsError: it is not Parquet.
        """
        self._path = path
        self._arrow, self._parquet = import_pyarrow("a Parquet file")
        try:
            self._schema = self._parquet.read_schema(path)
        except self._arrow.ArrowException:
            raise self._fault() from None
        self.names = list(self._schema.names)
        if missing := [name for name in fixed_columns(self.names) if name not in self.names]:
            raise BatchdigitsError(f"cannot read {path}: it has no column {', '.join(missing)}")

    def records(self) -> Iterator[Record]:
        """All rows in order.

        Raises:
            BatchdigitsError: the table is damaged.
        """
        try:
            with self._parquet.ParquetFile(self._path) as file:
                for batch in file.iter_batches():
                    yield from (Record(b"", cells, row_of(cells)) for cells in batch.to_pylist())
        except (self._arrow.ArrowException, ValueError):
            raise self._fault() from None

    def rewrite(self, records: Iterable[Changed], added: Sequence[str], path: Path, output: Path) -> None:
        """Write the table with changes and more columns, which are texts, to `path`; other columns keep their types."""
        text = self._arrow.string()
        schema = self._schema
        for name in added:
            schema = schema.append(self._arrow.field(name, text))
        empty = dict.fromkeys(added)
        rows = ({**empty, **record.cells, **_json_cells(change or {})} for record, change in records)
        write_rows(schema, rows, path)

    def _fault(self) -> BatchdigitsError:
        return BatchdigitsError(f"cannot read {self._path}: it is not a Parquet file of classify")


Records = CsvRecords | JsonlRecords | ParquetRecords


def open_records(path: Path, name: TableFormat) -> Records:
    """The rows of a table of some format.

    Raises:
        BatchdigitsError: it is damaged, or lacks a column.
    """
    if name == "parquet":
        return ParquetRecords(path)
    return JsonlRecords(path) if name == "jsonl" else CsvRecords(path)


def _with_cells(line: bytes, cells: str) -> bytes:
    """A line with more cells before its end."""
    content = line.rstrip(b"\r\n")
    return content + cells.encode() + line[len(content) :]


def _with_end(line: bytes, old: bytes) -> bytes:
    """A line with the end that it had before."""
    return line.removesuffix(b"\n") + old[len(old.rstrip(b"\r\n")) :]


def _json_cells(change: Change) -> dict[str, str | None]:
    return {name: text if text or name in NEVER_NULL else None for name, text in change.items()}


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
