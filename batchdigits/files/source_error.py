"""Why a source cannot be read, in a few plain words: the `detail` of its error row."""

from __future__ import annotations

import errno
import re
from pathlib import Path

MAX_DETAIL_LENGTH = 200  # characters: a detail is one cell of a table, not a report

_OS_ERRORS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.EISDIR: "is a directory",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "a link that points at itself",
    errno.ENAMETOOLONG: "file name too long",
}


class SourceError(Exception):
    """A source cannot be read or decoded; the message is the detail of its error row."""


class MissingMemberError(SourceError):
    """An archive has no member of this name."""


def describe_error(path: str, error: Exception) -> str:
    """The detail of the error row of `path`, whose reading or decoding raised `error`."""
    if isinstance(error, SourceError):
        return str(error)
    if isinstance(error, OSError):
        return _describe_os_error(path, error)
    if isinstance(error, MemoryError):
        return "too large to decode"
    # An unforeseen error, too, costs one row and not the run.
    return f"cannot be decoded ({type(error).__name__})"


def one_line(text: str) -> str:
    """`text` as one printable line of at most `MAX_DETAIL_LENGTH` characters, without memory addresses."""
    text = re.sub(r"<[^<>]* at 0x[0-9a-fA-F]+>", "the file", text)  # addresses differ from run to run
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= MAX_DETAIL_LENGTH else text[: MAX_DETAIL_LENGTH - 3] + "..."


def _describe_os_error(path: str, error: OSError) -> str:
    if error.errno == errno.ENOENT and Path(path).is_symlink():
        return "a link to a file that does not exist"
    if error.errno in _OS_ERRORS:
        return _OS_ERRORS[error.errno]
    return one_line(f"cannot be read: {error.strerror or type(error).__name__}")
