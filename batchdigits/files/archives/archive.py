"""What the archives of every kind share: their methods, their limits, and their faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from batchdigits.files.source_error import SourceError

MAX_MEMBERS = 1_000_000  # of an archive; each takes a process up to 1 KB
MAX_NAME_BYTES = 1 << 14  # a cell of a spreadsheet holds twice as much, and a cell of CSV eight times
MAX_MEMBER_BYTES = 1 << 28  # of one member: a worker holds it in memory, as it does a file at a URL
# Scans pack to a fiftieth at best; a bomb to a thousandth, the least that deflate can do.
MAX_RATIO = 200
# What any archive may unpack to, whatever its size: an empty page in one colour packs like a bomb.
FREE_BYTES = 1 << 24


class Archive(Protocol):
    """An archive that is open. Reading it in the order of its names is the fastest."""

    def names(self) -> Iterator[str]:
        """The names of all members, each once; to be called once.

        Raises:
            SourceError: the archive is damaged, or beyond a limit; the names before were read.
        """

    def head(self, name: str, size: int) -> bytes | None:
        """The first `size` bytes of a member; empty if they cannot be read, and None for an image of an array."""

    def read(self, name: str) -> bytes:
        """A member's bytes.

        Raises:
            SourceError: there is no such member, or it cannot be read.
        """

    def close(self) -> None:
        """Close the file."""


def check_ratio(unpacked: int, packed: int) -> None:
    """Refuse what unpacks to far more bytes than an image would.

    Raises:
        SourceError: it does.
    """
    if unpacked > FREE_BYTES + MAX_RATIO * packed:
        raise SourceError(f"too large: unpacks to over {MAX_RATIO} times its size")


def check_size(size: int) -> None:
    """Refuse a member that is too large to be held in memory, or empty.

    Raises:
        SourceError: it is.
    """
    if size == 0:
        raise SourceError("empty file")
    if size > MAX_MEMBER_BYTES:
        raise SourceError(f"too large: over {MAX_MEMBER_BYTES / 1e9:.1f} GB, the limit in an archive")


def check_name(name: str) -> None:
    """Refuse an archive with a name that no file could have.

    Raises:
        SourceError: it is too long.
    """
    if len(name) > MAX_NAME_BYTES or len(name.encode(errors="surrogateescape")) > MAX_NAME_BYTES:
        raise SourceError(f"too large: a member's name of more than {MAX_NAME_BYTES:,} bytes")


def as_file_name(name: str) -> str:
    """A member's name as that of a file on this machine would be: where the locale lacks a letter, it has its bytes."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return os.fsdecode(name.encode("utf-8", "surrogateescape"))
    return name


def check_count(members: int) -> None:
    """Refuse an archive with too many members.

    Raises:
        SourceError: it has.
    """
    if members > MAX_MEMBERS:
        raise SourceError(f"too large: more than {MAX_MEMBERS:,} members")


@contextmanager
def faults_of(place: str) -> Iterator[None]:
    """Turn what a library raises on damaged bytes into a `SourceError` that names the place."""
    try:
        yield
    except (SourceError, MemoryError):
        raise
    except Exception as error:  # zipfile, tarfile, gzip and NumPy raise many types
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's
        raise SourceError(f"truncated or corrupt {place}") from None
