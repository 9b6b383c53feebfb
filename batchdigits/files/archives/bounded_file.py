"""A file for a parser that trusts the lengths that it finds."""

from __future__ import annotations

import io
from typing import IO

from batchdigits.files.source_error import SourceError


class BoundedFile:
    """A seekable binary file from which only so many bytes can be read until `allow` is called again.

    Attributes:
        last: the bytes of the last `read`.
    """

    def __init__(self, file: IO[bytes], allowed: int) -> None:
        """Wrap a file, of which `allowed` bytes can be read at first."""
        self._file = file
        self._left = allowed
        self.last = b""

    def allow(self, size: int) -> None:
        """Let `size` bytes be read from now on."""
        self._left = size

    def read(self, size: int = -1) -> bytes:
        """Read like a file.

        Raises:
            SourceError: these are more bytes than are allowed.
        """
        if size < 0:
            position = self._file.tell()
            size = self._file.seek(0, io.SEEK_END) - position
            self._file.seek(position)
        if size > self._left:
            raise SourceError("too large: its list of members, or a name in it")
        self._left -= size
        self.last = self._file.read(size)
        return self.last

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek like a file."""
        return self._file.seek(offset, whence)

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
