"""The formats that predictions are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from batchdigits.inference.decide import Prediction
from batchdigits.output.columns import Columns
from batchdigits.output.finished import Reader
from batchdigits.output.prediction_csv import csv_header, encode_csv
from batchdigits.output.prediction_jsonl import encode_jsonl
from batchdigits.output.prediction_parquet import write_parquet
from batchdigits.output.readers import CsvReader, JsonlReader, ParquetReader

FormatName = Literal["csv", "jsonl", "parquet"]
Encode = Callable[[Columns, Sequence[Prediction]], bytes]


class Format(NamedTuple):
    """How predictions become a file.

    Attributes:
        header: the bytes before the first row.
        encode: the lines of some predictions.
        reader: reads a finished file of this format again.
        convert: writes the file from all lines, for a format that is not a sequence of lines.
    """

    header: Callable[[Columns], bytes]
    encode: Encode
    reader: Callable[[Columns], Reader]
    convert: Callable[[Columns, Iterator[bytes], Path], None] | None = None


def _no_header(columns: Columns) -> bytes:
    return b""


FORMATS: dict[FormatName, Format] = {
    "csv": Format(csv_header, encode_csv, CsvReader),
    "jsonl": Format(_no_header, encode_jsonl, JsonlReader),
    "parquet": Format(_no_header, encode_jsonl, ParquetReader, write_parquet),
}


def format_of(name: FormatName | None, output: Path | None) -> FormatName:
    """The format by its name, else by the output's suffix, else CSV."""
    by_suffix: dict[str, FormatName] = {f".{known}": known for known in FORMATS}
    return name or by_suffix.get(output.suffix if output else "", "csv")
