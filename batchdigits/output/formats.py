"""The formats that predictions are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from batchdigits.inference.decide import Prediction
from batchdigits.output.columns import Cell, Columns
from batchdigits.output.compression import COMPRESSIONS, Compression, write_compressed
from batchdigits.output.finished import in_blocks
from batchdigits.output.prediction_csv import Dialect, dialect_with
from batchdigits.output.prediction_jsonl import encode_jsonl
from batchdigits.output.prediction_parquet import write_parquet
from batchdigits.output.prediction_xlsx import MAX_ROWS, write_xlsx
from batchdigits.output.reader_protocol import Reader
from batchdigits.output.readers import CsvReader, JsonlReader, ParquetReader, XlsxReader

FormatName = Literal["csv", "tsv", "jsonl", "parquet", "xlsx"]
FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)
LINE_FORMATS: tuple[FormatName, ...] = ("csv", "tsv", "jsonl")  # which can be compressed, and written to a pipe
KNOWN_SUFFIXES = ".csv, .tsv and .jsonl, each also with .gz or .zst behind it, .parquet, .xlsx"
Encode = Callable[[Columns, Sequence[Prediction]], bytes]


class Format(NamedTuple):
    """How predictions become a file.

    Attributes:
        header: the bytes before the first row.
        encode: the lines of some predictions.
        reader: reads a finished file of this format again.
        convert: writes the file from all lines, for a format that is not a sequence of lines.
        max_rows: the most rows that a file can hold; None for any number.
    """

    header: Callable[[Columns], bytes]
    encode: Encode
    reader: Callable[[Columns], Reader]
    convert: Callable[[Columns, Iterator[bytes], Path], None] | None = None
    max_rows: int | None = None


def output_format(
    name: FormatName,
    compression: Compression | None = None,
    for_excel: bool = False,
    about: Mapping[str, Cell] | None = None,
) -> Format:
    """A format by its name.

    Args:
        name: its name.
        compression: how the file is compressed; for LINE_FORMATS only.
        for_excel: whether the file is for spreadsheets; for CSV and TSV only.
        about: what an .xlsx says of the run.
    """
    if name == "parquet":
        return Format(_no_header, encode_jsonl, ParquetReader, write_parquet)
    if name == "xlsx":
        return Format(_no_header, encode_jsonl, XlsxReader, partial(write_xlsx, about or {}), MAX_ROWS)
    convert = partial(_compress, compression) if compression else None
    if name == "jsonl":
        return Format(_no_header, encode_jsonl, partial(JsonlReader, compression=compression), convert)
    dialect = dialect_of(name, for_excel)
    reader = partial(CsvReader, dialect, compression=compression)
    return Format(dialect.header, dialect.encode, reader, convert)


def dialect_of(name: Literal["csv", "tsv"], for_excel: bool = False) -> Dialect:
    """The kind of CSV that runs write."""
    return dialect_with("\t" if name == "tsv" else ",", for_excel)


def format_of(output: Path | None) -> FormatName | None:
    """The format by an output's suffix; CSV where it has none, and None for an unknown one."""
    plain = output.with_suffix("") if output and compression_of(output) else output
    suffix = plain.suffix.lower() if plain else ""
    return next((name for name in FORMAT_NAMES if suffix == f".{name}"), None) if suffix else "csv"


def compression_of(output: Path) -> Compression | None:
    """How an output is compressed, by its suffix."""
    return next((name for name in COMPRESSIONS if output.suffix.lower() == f".{name}"), None)


def _no_header(columns: Columns) -> bytes:
    return b""


def _compress(compression: Compression, columns: Columns, lines: Iterator[bytes], path: Path) -> None:
    write_compressed(compression, in_blocks(lines), path)
