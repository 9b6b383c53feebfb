"""An output that cannot be replaced or resumed: stdout, a pipe, a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO


class StreamOutput:
    """The interface of `ResumableOutput` for a stream that the caller owns."""

    def __init__(self, stream: BinaryIO, header: bytes) -> None:
        """An output to `stream`. The header is written with the first rows, so that without rows nothing is written."""
        self._stream = stream
        self._header = header
        self.resumed = self.rows_before = 0
        self.old = None

    def unfinished(self, files: Iterable[str]) -> Iterator[str]:
        """All files."""
        return iter(files)

    def write(self, rows: Sequence[bytes], stamps: Sequence[int]) -> None:
        """Write the rows of the next files, and flush them, as a reader may be waiting."""
        self._stream.writelines([self._header, *rows])
        self._header = b""
        self._stream.flush()

    def finish(self, convert: object = None) -> None:
        """Do nothing, as all rows are written."""
