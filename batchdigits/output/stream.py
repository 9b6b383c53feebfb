"""An output that cannot be taken back: stdout, a pipe, a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO


class StreamOutput:
    """What `ResumableOutput` is, for a stream that the caller owns."""

    def __init__(self, stream: BinaryIO, header: bytes) -> None:
        """Keep the header for the first rows: without any, nothing is to be written."""
        self._stream = stream
        self._header = header
        self.resumed = 0

    def unfinished(self, files: Iterable[str]) -> Iterator[str]:
        """All of them."""
        return iter(files)

    def write(self, rows: Sequence[bytes], stamps: Sequence[int]) -> None:
        """Write the rows of the next files, and push them out: somebody may be watching."""
        self._stream.writelines([self._header, *rows])
        self._header = b""
        self._stream.flush()

    def finish(self, convert: object = None) -> None:
        """Nothing: what is written is there."""
