"""How a finished output of some format is read again, and what matters of its rows for a later run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol


class RowHead(NamedTuple):
    """What matters of a row for a later run.

    Attributes:
        path: its path.
        is_open_error: whether it is an error that nobody has answered.
        status: its status, which a person may have made up.
        score: its score as it stands in the row: text, a number, or nothing.
        detail: its detail.
        field: the field of a form that it is about, if rows are fields.
    """

    path: str
    is_open_error: bool
    status: str = ""
    score: object = None
    detail: str = ""
    field: str = ""


class RowForm(NamedTuple):
    """The form of a table's rows, which a spreadsheet may have saved in another one than runs write.

    Attributes:
        line_end: how its lines end.
        delimiter: what is between its columns; empty for a format that has no such thing.
        decimal: the decimal sign of its numbers.
    """

    line_end: bytes = b"\n"
    delimiter: str = ""
    decimal: str = "."


class Reader(Protocol):
    """How a finished output of some format is read again.

    Attributes:
        can_add: whether a run may add to the output.
        delimiter: what is between its columns; empty for a format that has no such thing.
    """

    can_add: ClassVar[bool]

    @property
    def delimiter(self) -> str: ...  # noqa: D102

    def for_file(self, path: Path) -> Reader:
        """The reader for a file as it is: a spreadsheet may have put another delimiter between its columns."""

    def pieces(self, path: Path) -> Iterator[bytes]:
        """The header, which may be empty, then each row, in the form in which runs write them.

        Raises:
            BatchdigitsError: the file has other columns, or cannot be taken apart.
        """

    def rows_in(self, rows: bytes) -> Iterator[bytes]:
        """Each of several rows that stand one behind the other."""

    def in_form(self, rows: bytes, form: RowForm) -> bytes:
        """Rows that a run wrote, in another form."""

    def as_written(self, rows: bytes) -> bytes:
        """Rows as a run wrote them, before a spreadsheet gave them another form.

        What a person has changed in them stays, and so does what they typed into columns of their own.
        """

    def head(self, row: bytes) -> RowHead:
        """The head of a row; its path is empty if it cannot be told."""


def line_end(line: bytes) -> bytes:
    """How a line ends: a spreadsheet or an editor on Windows may have added CR."""
    return b"\r\n" if line.endswith(b"\r\n") else b"\n"
