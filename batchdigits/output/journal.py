"""The journal of an unfinished output: which sources are done, and where their rows are.

It begins with a line of JSON that says what it is and what the run depends on. A record of 24 bytes follows for each
finished source: a stamp of its path, size and modification time, and the extent of its rows in the output. Rows are
written before their record, so every row that the journal knows is there. Rows without a record were interrupted, and
are dropped.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.files.content import file_status
from batchdigits.files.disk import is_irregular
from batchdigits.files.plain_path import plain_path
from batchdigits.output.file_lock import is_at, lock
from batchdigits.text import path_bytes

Identity = Mapping[str, str | int | float | bool]
Extent = tuple[int, int]  # first byte, and the one after the last

HASHED = {"--template": "none", "--values": "any"}  # options with a hash of a file, and what they have without one
NO_STAMP = 0  # in place of the stamp of a source that nothing is known of
MARK = {"journal of": "batchdigits"}
START = json.dumps(MARK).encode()[:-1]  # of each journal, but for those of older code
VERSION = "the version of batchdigits"  # a key of the identity, by which these are known

RECORD = np.dtype([("stamp", "<u8"), ("start", "<u8"), ("end", "<u8")])


def stamp(path: str, status: os.stat_result | None) -> int:
    """A 64-bit hash of a path, however it is spelled, and of its file's size and modification time, always odd.

    Among a million sources, a changed one has a chance of 1 in 10^13 of being taken for unchanged.
    """
    state = b"%d %d " % (status.st_size, status.st_mtime_ns) if status else b"none "
    digest = hashlib.blake2b(state + path_bytes(plain_path(path)), digest_size=8).digest()
    return int.from_bytes(digest, "little") | 1


def failed_stamp(stamp: int) -> int:
    """The stamp, even, of a source with an error, which a resumed run classifies again: its cause may be gone."""
    return stamp - 1


def stamp_of(path: str) -> int:
    """The stamp of a file as it is now."""
    return stamp(path, file_status(path))


def refuse_other_run(place: str | Path, before: Mapping[str, Any], now: Identity) -> None:
    """Check that an output can be resumed.

    Args:
        place: the output, for the error's text.
        before: the identity of the run that began it.
        now: the identity of this run.

    Raises:
        BatchdigitsError: the identities differ; the text names the first option that does.
    """
    for name, value in now.items():
        if before.get(name) != value:
            raise BatchdigitsError(
                f"cannot resume {place}: {_difference(name, before.get(name), value)}; use the same, or give another "
                "name; --overwrite drops all rows, with what was corrected in them"
            )


def _difference(name: str, before: Any, now: Any) -> str:
    if name in HASHED and before is not None and HASHED[name] not in (before, now):
        return f"the contents of {name} have changed since it was begun"
    return f"{name} was {_shown(before)} when it was begun, and is {_shown(now)} now"


def _shown(value: Any) -> str:
    if value is None:
        return "not known"  # to an older version
    return ("off", "on")[value] if isinstance(value, bool) else str(value)


class Journal:
    """A locked journal, with its records; it takes 32 bytes of memory for each finished source.

    Attributes:
        identity: that of the run; empty where its line is incomplete.
        is_new: whether it was empty.
    """

    def __init__(self, path: Path) -> None:
        """Open a journal, or create an empty one.

        Raises:
            BlockingIOError: another process has it open.
            OSError: it cannot be opened.
            ValueError: it is no journal.
        """
        self._path = path
        self._file = _open_locked(path)
        try:
            content = self._file.readall()
            self.is_new = not content
            self.identity, self._first_record, records = _read(content)
        except BaseException:
            self._file.close()
            raise
        self._set(records)

    def __len__(self) -> int:
        """The number of sources that an earlier run finished without an error."""
        return int((self._records["stamp"] & np.uint64(1)).sum())

    def keep(self, size: int) -> int:
        """Keep the records whose rows a file of `size` bytes can hold; return where in that file the rows end."""
        start, end = self._records["start"], self._records["end"]
        beyond = np.flatnonzero((end > size) | (start > end))
        self._set(self._records[: beyond[0] if len(beyond) else None])
        self._file.truncate(self._first_record + self._records.nbytes)
        self._file.seek(0, os.SEEK_END)
        return int(self._records["end"].max(initial=0))

    def begin(self, identity: Identity) -> None:
        """Drop all records, and start a run with this identity."""
        self._file.truncate(0)
        self._file.seek(0)
        line = (json.dumps({**MARK, **identity}) + "\n").encode()
        write_all(self._file, line)
        self.identity, self._first_record = dict(identity), len(line)
        self._set(self._records[:0])

    def find(self, stamps: Sequence[int]) -> list[Extent | None]:
        """The extent of each source's rows; None for a source without a record, or with an error.

        The journal must have a record.
        """
        wanted = np.array(stamps, np.uint64)
        at = np.searchsorted(self._records["stamp"], wanted, sorter=self._by_stamp)
        found = self._records[self._by_stamp[at.clip(max=len(self._records) - 1)]].tolist()
        return [
            (start, end) if known == sought else None for (known, start, end), sought in zip(found, stamps, strict=True)
        ]

    def add(self, stamps: Sequence[int], extents: Sequence[Extent] | NDArray[np.int64]) -> None:
        """Append records of finished sources, but none for NO_STAMP; `find` knows them once the journal is reopened."""
        records = np.empty(len(stamps), RECORD)
        records["stamp"] = np.array(stamps, np.uint64)
        records["start"], records["end"] = np.asarray(extents).T
        write_all(self._file, records[records["stamp"] != NO_STAMP].tobytes())

    def _set(self, records: NDArray[Any]) -> None:
        self._records = records
        self._by_stamp = np.argsort(records["stamp"], kind="stable")

    def remove(self) -> None:
        """Remove it, before it is unlocked where the system allows that, so that no other run opens it meanwhile."""
        try:
            self._path.unlink(missing_ok=True)
        except PermissionError:  # Windows removes no open file, of whichever process
            self.close()
            with suppress(PermissionError):
                self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close and unlock it."""
        self._file.close()


def _read(content: bytes) -> tuple[dict[str, Any], int, NDArray[Any]]:
    """The identity (empty where its line is incomplete), the first record's position, and all complete records.

    Raises:
        ValueError: the content is not that of a journal.
    """
    is_marked = content[: len(START)] == START[: len(content)]
    first, newline, rest = content.partition(b"\n")
    if is_marked and not newline:
        return {}, 0, np.empty(0, RECORD)
    try:
        identity = json.loads(first)
    except RecursionError:
        identity = None
    if not (newline and isinstance(identity, dict) and (is_marked or VERSION in identity)):
        raise ValueError("no journal")
    identity = {name: value for name, value in identity.items() if name not in MARK}
    return identity, len(first) + 1, np.frombuffer(rest, RECORD, len(rest) // RECORD.itemsize)


def _open_locked(path: Path) -> FileIO:
    while True:
        file = open_beside(path)
        try:
            lock(file)
            if is_at(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # a run that ended meanwhile has removed it


def open_beside(path: Path) -> FileIO:
    """Open or create a file that a run keeps beside its output, as `open_read_write` does, but no link, pipe or device.

    Raises:
        ValueError: it is one.
    """
    if path.is_symlink() or is_irregular(path):
        raise ValueError("a link, a pipe or a device")
    return open_read_write(path, getattr(os, "O_NOFOLLOW", 0))


def open_read_write(path: Path, more_flags: int = 0) -> FileIO:
    """Open or create an unbuffered file for reading and writing, its content kept."""
    return FileIO(path, "r+", opener=lambda name, flags: os.open(name, flags | os.O_CREAT | more_flags, 0o666))


def write_all(file: FileIO, data: bytes) -> None:
    """Write all bytes; on a disk that is nearly full, one system call may write fewer."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
