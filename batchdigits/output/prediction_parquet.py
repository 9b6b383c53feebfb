"""Predictions as Parquet, converted from complete JSON lines, since a Parquet file cannot be resumed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from batchdigits.errors import BatchdigitsError, needs_extra
from batchdigits.output.columns import ColumnNames
from batchdigits.text import first_line

ROW_GROUP_SIZE = 65_536  # rows: a few MB in memory


def import_pyarrow(feature: str = "--format parquet") -> tuple[Any, Any]:
    """The modules `pyarrow` and `pyarrow.parquet`, for what needs them.

    Raises:
        MissingExtraError: they are not installed.
    """
    with needs_extra(feature, "parquet"):
        import pyarrow
        import pyarrow.parquet
    return pyarrow, pyarrow.parquet


def write_parquet(columns: ColumnNames, lines: Iterable[bytes], path: Path) -> None:
    """Write JSON lines to `path`, with a column `path_bytes` that is null where `path` is lossless."""
    write_rows(schema_of(columns), map(json.loads, lines), path)


def write_rows(schema: Any, rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write rows, as cells by their columns, to `path`.

    Raises:
        BatchdigitsError: a cell is not of its column's type.
    """
    arrow, parquet = import_pyarrow()
    rows = iter(rows)
    with parquet.ParquetWriter(path, schema) as writer:
        while group := list(islice(rows, ROW_GROUP_SIZE)):
            try:
                table = arrow.Table.from_pylist(group, schema)
            except arrow.ArrowException as error:
                raise BatchdigitsError(f"cannot write Parquet: {first_line(error)}") from None
            writer.write_table(table)


def schema_of(columns: ColumnNames) -> Any:
    """The types of a file's columns."""
    arrow, _ = import_pyarrow()
    text = columns.texts
    fields = [(name, arrow.string() if name in text else arrow.float64()) for name in columns.names]
    return arrow.schema([*fields, ("path_bytes", arrow.string())])
