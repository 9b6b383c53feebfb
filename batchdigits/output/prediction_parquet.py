"""Predictions as Parquet, made of their JSON lines once these are whole: a Parquet file cannot be gone on with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from batchdigits.errors import MissingExtraError
from batchdigits.output.columns import Columns

ROWS = 65_536  # of a row group: a few MB in memory


def import_pyarrow() -> tuple[Any, Any]:
    """The modules `pyarrow` and `pyarrow.parquet`.

    Raises:
        MissingExtraError: they are not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("--format parquet", "parquet") from None
    return pyarrow, pyarrow.parquet


def write_parquet(columns: Columns, lines: Iterable[bytes], path: Path) -> None:
    """Write JSON lines to `path`, with a column `path_bytes` that is null where `path` says it all."""
    arrow, parquet = import_pyarrow()
    text = columns.texts
    fields = [(name, arrow.string() if name in text else arrow.float64()) for name in columns.names]
    schema = arrow.schema([*fields, ("path_bytes", arrow.string())])
    rows = map(json.loads, lines)
    with parquet.ParquetWriter(path, schema) as writer:
        while group := list(islice(rows, ROWS)):
            writer.write_table(arrow.Table.from_pylist(group, schema))
