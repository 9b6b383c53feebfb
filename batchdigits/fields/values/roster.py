"""Read a list of expected values from a CSV file, or from a text file with one value a line."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from batchdigits.errors import BatchdigitsError
from batchdigits.fields.values.rules import VALUE, is_number
from batchdigits.text import SEP_LINE, first_names, is_utf16, likeliest_delimiter, printable

MAX_BYTES = 64 << 20
MAX_VALUES = 100_000
SEVERAL = "a cell with a comma or semicolon in it needs quotes"
ROUNDED = re.compile(r"[0-9][.,]?[0-9]*E\+?[0-9]+", re.IGNORECASE)  # as spreadsheets show long numbers

_FIRST_SEP_LINE = re.compile(rf"\A{SEP_LINE}$", re.IGNORECASE | re.MULTILINE)


class Roster(NamedTuple):
    """Expected values.

    Attributes:
        values: each once, in the order of the file, with their leading zeros.
        doubled: those that the file has more than once.
    """

    values: tuple[str, ...]
    doubled: tuple[str, ...]


class _Cell(NamedTuple):
    line: int
    text: str


def read_roster(name: str) -> Roster:
    """The values of a file, or of the column of a CSV file if the name ends in `:COLUMN`.

    A CSV file has a header; commas, semicolons or tabs are between its columns. Without `:COLUMN` it must have only one
    column, and needs no header. Empty cells are passed over.

    Raises:
        BatchdigitsError: the file cannot be read, is too large, has no such column, or has a cell that is no number.
    """
    path, column = _split(name)
    cells = list(_cells(path, _text(path), column))
    if len(cells) > MAX_VALUES:
        raise BatchdigitsError(f"{path} has {len(cells):,} values; at most {MAX_VALUES:,} can be expected")
    for line, text in cells:
        check_number(path, line, text)
    if not cells:
        raise BatchdigitsError(f"{path} has no values")
    counts = Counter(text for _, text in cells)
    return Roster(tuple(counts), tuple(text for text, count in counts.items() if count > 1))


def check_number(path: Path, line: int, text: str) -> None:
    """Check that a cell of a file is a number.

    Raises:
        BatchdigitsError: it is none.
    """
    if not is_number(text):
        hint = ": a spreadsheet has rounded it; format the column as text" if ROUNDED.fullmatch(text) else ""
        raise BatchdigitsError(f"{path}, line {line}: {text[:40]!r} is no number{hint}")


def _split(name: str) -> tuple[Path, str | None]:
    """The path and the column; a file's own name may have a colon."""
    path, colon, column = name.rpartition(":")
    if not colon or Path(name).is_file() or not Path(path).is_file():
        return Path(name), None
    return Path(path), column.strip()


def _text(path: Path) -> str:
    """The text of a file: UTF-16 by its byte order mark, UTF-8, or else Latin-1, as old spreadsheets write."""
    try:
        if not path.is_file():
            raise BatchdigitsError(f"{path} is no file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise BatchdigitsError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise BatchdigitsError(f"{path} is larger than {MAX_BYTES >> 20} MiB")
    if is_utf16(data):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    if "\0" in text or data.startswith(b"PK\3\4"):
        raise BatchdigitsError(f"{path} is no text; save the list as CSV")
    return _FIRST_SEP_LINE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _cells(path: Path, text: str, column: str | None) -> Iterator[_Cell]:
    """The cells that are not empty, with the number of their line."""
    lines = text.split("\n")
    if column is None and all(_is_plain(line) for line in lines):
        yield from (_Cell(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())
        return
    reader = csv.reader(io.StringIO(text), delimiter=likeliest_delimiter(text.strip().partition("\n")[0]), strict=True)
    try:
        header = next(filter(None, reader), [])
        index = _index(path, header, column)
        if column is None and VALUE.fullmatch(header[0].strip()):  # the only column has no name
            yield _Cell(reader.line_num, header[0].strip())
        for row in reader:
            if any(cell.strip() for cell in row[len(header) :]):
                raise BatchdigitsError(f"{path}, line {reader.line_num}: more cells than the first line has: {SEVERAL}")
            if index < len(row) and (cell := row[index].strip()):
                yield _Cell(reader.line_num, cell)
    except csv.Error as error:
        raise BatchdigitsError(f"{path}, line {reader.line_num}: {error}") from None


def _is_plain(line: str) -> bool:
    """Whether a line is a value, or nothing. A comma would be between two columns."""
    return not line.strip() or ("," not in line and bool(VALUE.fullmatch(line.strip())))


def _index(path: Path, header: list[str], column: str | None) -> int:
    """The index of a column by its name, or of the only one."""
    names = [name.strip() for name in header]
    if column is None and len(names) == 1:
        return 0
    if column is not None and names.count(column) == 1:
        return names.index(column)
    shown = first_names([printable(name) for name in names if name], 10)
    if column is None:
        raise BatchdigitsError(f"{path} has several columns; name one of {shown}, as in {path}:{printable(names[0])}")
    fault = "several columns" if column in names else "no column"
    raise BatchdigitsError(f"{path} has {fault} {column!r}; its columns are {shown}")
