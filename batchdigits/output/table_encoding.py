"""Whether a spreadsheet has saved a table in another encoding than UTF-8, so that letters in it are lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from batchdigits.errors import BatchdigitsError
from batchdigits.output.table import known_format, table_lines
from batchdigits.output.table_records import open_records
from batchdigits.text import SAVE_AS_UTF8, as_unicode, is_utf8, printable

AS_GIVEN = "id"  # a column that holds the bytes of the list that it came from


def check_encoding(table: Path, is_there: Callable[[str], bool]) -> None:
    """Check that a table is in UTF-8, but for paths and ids, which may have any bytes.

    Args:
        table: in any format.
        is_there: whether there is an image of this path.

    Raises:
        BatchdigitsError: other cells are not in UTF-8, or paths that no file has; or it cannot be read.
    """
    name = known_format(str(table))
    if name not in ("csv", "tsv") or all(map(_is_utf8, table_lines(str(table)))):
        return
    records = open_records(table, name)
    _check_cells(table, records.names)
    for record in records.records():
        if record.row is None or _is_utf8(record.raw):
            continue
        _check_cells(table, (cell for name, cell in record.cells.items() if name not in ("path", AS_GIVEN)))
        if not is_utf8(record.row.source) and not is_there(record.row.source):
            raise _fault(table, f"the path {_shown(record.row.source)} in it, which no file has,")


def _check_cells(table: Path, cells: Iterable[str]) -> None:
    for cell in cells:
        if not is_utf8(cell):
            raise _fault(table, f"{_shown(cell)} in it")


def _fault(table: Path, what: str) -> BatchdigitsError:
    return BatchdigitsError(f"cannot use {table}: {what} is not in UTF-8 any more: {SAVE_AS_UTF8}")


def _shown(cell: str) -> str:
    return printable(as_unicode(cell))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
