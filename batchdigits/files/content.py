"""Read the bytes of a file, on this machine, in an archive or at a URL."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO, NamedTuple

from batchdigits.files.archives import member_status, read_member, split_member
from batchdigits.files.remote import is_url, read_url
from batchdigits.files.source_error import SourceError

READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # without that, Windows changes line ends
FIRST_READ_BYTES = 1 << 24  # read before the format is known; nearly every photograph is smaller


class Content(NamedTuple):
    """A file's path, its size and its first bytes.

    Attributes:
        source: the path or URL, as typed; of bytes in memory a name, or empty.
        data: the first `FIRST_READ_BYTES` of a file on this machine; all bytes of a file in an archive, at a URL or in
            memory.
        size: bytes of the whole file.
    """

    source: str
    data: bytes
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether `data` is the whole file."""
        return len(self.data) >= self.size

    def open(self) -> IO[bytes]:
        """A stream of the whole file, which must be on this machine."""
        return Path(self.source).open("rb")


def file_status(path: str) -> os.stat_result | None:
    """The `os.stat` of a file, for a member `member_status`; None for a URL, and for what is not found."""
    try:
        return os.stat(path)  # noqa: PTH116 - a Path takes longer than the call
    except (OSError, ValueError):
        member = split_member(path)
    try:
        return member_status(member) if member else None
    except OSError:
        return None


def read_content(path: str, status: os.stat_result | None = None) -> Content:
    """Read the beginning of a file on this machine, or the whole of a file in an archive or at a URL.

    Args:
        path: the file, the member of an archive, or the URL, as the user typed it.
        status: the file's status from `file_status`; None if it is not known yet.

    Raises:
        SourceError: the file is empty or not a regular one, its name holds a NUL, or the member or URL cannot be read.
        OSError: the file does not exist, or cannot be opened or read.
    """
    if is_url(path):
        data = read_url(path)
        return Content(path, data, len(data))
    try:
        size = _regular_size(path, status)
        descriptor = os.open(path, READ_FLAGS)  # with less overhead than `open`
    except OSError:
        if member := split_member(path):
            data = read_member(member)
            return Content(path, data, len(data))
        raise
    try:
        return Content(path, os.read(descriptor, min(size, FIRST_READ_BYTES)), size)
    finally:
        os.close(descriptor)


def _regular_size(path: str, status: os.stat_result | None) -> int:
    """Bytes of a regular file. Opening a fifo would wait for its writer, and opening a device may act on it."""
    try:
        status = status or os.stat(path)  # noqa: PTH116 - see `file_status`
    except ValueError:  # a NUL in the name
        raise SourceError("no such file") from None
    if stat.S_ISREG(status.st_mode):
        if status.st_size == 0:
            raise SourceError("empty file")
        return status.st_size
    if stat.S_ISDIR(status.st_mode):
        raise SourceError("is a directory" if os.access(path, os.R_OK | os.X_OK) else "permission denied")
    raise SourceError("not a regular file")
