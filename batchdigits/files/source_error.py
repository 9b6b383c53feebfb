"""What is wrong with one source, in plain short words: the `detail` of its error row."""

from __future__ import annotations

import errno
import re
from pathlib import Path

MAX_LENGTH = 200  # characters: a detail is one cell of a table, not a report

_WORDS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.EISDIR: "is a directory",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "a link that points at itself",
    errno.ENAMETOOLONG: "file name too long",
}


class SourceError(Exception):
    """A source that cannot be decoded; the message is its error row's detail."""


def one_line(text: str) -> str:
    """`text` as one printable line of at most `MAX_LENGTH` characters, the same on every run (no memory addresses)."""
    text = re.sub(r"<[^<>]* at 0x[0-9a-fA-F]+>", "the file", text)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 3] + "..."


def describe_os_error(path: str, error: OSError) -> str:
    """Why the operating system would not let us read `path`."""
    if error.errno == errno.ENOENT and Path(path).is_symlink():
        return "a link to a file that does not exist"
    if error.errno in _WORDS:
        return _WORDS[error.errno]
    return one_line(f"cannot be read: {error.strerror or type(error).__name__}")


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture for what its header says.

    Raises:
        SourceError: it has more than `max_pixels` pixels, or none.
    """
    if width < 1 or height < 1:
        raise SourceError("corrupt: an image without pixels")
    if width * height > max_pixels:
        raise SourceError(f"too large: {width} x {height} pixels, and the limit is {max_pixels / 1e6:g} million")
