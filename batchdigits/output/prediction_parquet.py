"""Predictions as Parquet, converted from complete JSON lines, since a Parquet file cannot be resumed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from batchdigits.errors import MissingExtraError
from batchdigits.output.columns import Columns

ROW_GROUP_SIZE = 65_536  # rows: a few MB in memory


def import_pyarrow(feature: str = "--format parquet") -> tuple[Any, Any]:
    """The modules `pyarrow` and `pyarrow.parquet`, for what needs them.

    Raises:
        MissingExtraError: they are not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError(feature, "parquet") from None
    return pyarrow, pyarrow.parquet


def write_parquet(columns: Columns, lines: Iterable[bytes], path: Path) -> None:
    """Write JSON lines to `path`, with a column `path_bytes` that is null where `path` is lossless."""
    arrow, parquet = import_pyarrow()
    schema = schema_of(columns)
    rows = map(json.loads, lines)
    with parquet.ParquetWriter(path, schema) as writer:
        while group := list(islice(rows, ROW_GROUP_SIZE)):
            writer.write_table(arrow.Table.from_pylist(group, schema))


def schema_of(columns: Columns) -> Any:
    """The types of a file's columns."""
    arrow, _ = import_pyarrow()
    text = columns.texts
    fields = [(name, arrow.string() if name in text else arrow.float64()) for name in columns.names]
    return arrow.schema([*fields, ("path_bytes", arrow.string())])
