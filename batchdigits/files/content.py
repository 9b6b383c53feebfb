"""The bytes of a source: a file of this machine, or one behind a URL."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO, NamedTuple

from batchdigits.files.remote import is_url, read_url
from batchdigits.files.source_error import SourceError

FIRST_READ = 1 << 18  # bytes read before the format is known: nearly every scan, whole


class Content(NamedTuple):
    """What is known of a file before it is decoded.

    Attributes:
        source: the path or URL, as typed.
        data: the first `FIRST_READ` bytes of a file; all of what a URL leads to.
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
        """A stream of the whole file, from the disk."""
        return Path(self.source).open("rb")


def file_status(path: str) -> os.stat_result | None:
    """What the system knows of a file; None for a URL, and for a file that it does not know."""
    try:
        return os.stat(path)  # noqa: PTH116 - a Path takes longer than the call
    except (OSError, ValueError):
        return None


def read_content(path: str, status: os.stat_result | None = None) -> Content:
    """Read a file's beginning, or all of what a URL leads to.

    Args:
        path: the file, or its URL, as the user typed it.
        status: of the file, from `file_status`, where it is known.

    Raises:
        SourceError: there is no such file, or it is empty or not a regular one; or the URL cannot be read.
        OSError: the file cannot be opened or read.
    """
    if is_url(path):
        data = read_url(path)
        return Content(path, data, len(data))
    size = _regular_size(path, status)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # with less overhead than `open`
    try:
        return Content(path, os.read(descriptor, min(size, FIRST_READ)), size)
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
