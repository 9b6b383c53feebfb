"""A finished output that a later run adds to: which of its rows stay as they are, hand-edited ones too.

Beside it lies `.NAME.done`. It begins with a line of JSON that says what the rows depend on. A stamp (see `journal`)
follows for each source, 8 bytes, so 8 MB for a million. The rows are read from the output itself: a person may have
edited them.
"""

from __future__ import annotations

import hashlib
import json
import os
from array import array
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.output.atomic import replace_atomically
from batchdigits.output.journal import Extent, Identity, failed_stamp

STAMP_BYTES = 8


class RowHead(NamedTuple):
    """What matters of a row for a later run: its path, and whether it is an error that nobody has answered."""

    path: str
    is_open_error: bool


class Reader(Protocol):
    """How a finished output of some format is read again."""

    def pieces(self, path: Path) -> Iterator[bytes]:
        """The header, which may be empty, then each row, in the form in which runs write them.

        Raises:
            BatchdigitsError: the file has other columns, or cannot be taken apart.
        """

    def head(self, row: bytes) -> RowHead:
        """The head of a row."""


class FinishedOutput:
    """The rows of a finished output by source.

    Attributes:
        header: the bytes before the first row.
        added: number of sources that were not in it.
        changed: number of sources whose rows are replaced.
        kept: number of sources whose rows stay.
        unnamed: number of sources with rows that this run did not name.
    """

    def __init__(self, path: Path, reader: Reader) -> None:
        """Read an output.

        Raises:
            BatchdigitsError: it is not a finished output of this version, or its content cannot be taken apart.
        """
        self.identity, self._stamps = _read_done(path)
        pieces = reader.pieces(path)
        self.header = next(pieces)
        self._sources, self._starts, self._ends, self._is_open = _by_source(pieces, reader, len(self.header))
        self._position = {source: index for index, source in reversed(list(enumerate(self._sources)))}
        self._placed = (array("Q"), array("Q"), array("Q"))  # source, start and end of rows, in the order of this run
        self.added = self.changed = self.kept = self.unnamed = 0

    @property
    def end(self) -> int:
        """The number of its bytes."""
        return self._ends[-1] if self._ends else len(self.header)

    @property
    def stamps(self) -> NDArray[np.uint64]:
        """The stamps of its sources."""
        return self._stamps

    def find(self, path: str, stamp: int) -> Extent | None:
        """The rows of a source that stay; None if it is new, has changed, or is an error that nobody has answered."""
        index = self._position.get(source_id(path))
        if index is None:
            self.added += 1
            return None
        if self._is_open[index] or not (self._knows(stamp) or self._knows(failed_stamp(stamp))):
            self.changed += 1
            return None
        self.kept += 1
        return self._starts[index], self._ends[index]

    def _knows(self, stamp: int) -> bool:
        at = int(np.searchsorted(self._stamps, np.uint64(stamp)))
        return at < len(self._stamps) and int(self._stamps[at]) == stamp

    def place(self, path: str, extent: Extent) -> None:
        """Say where the rows of the run's next source are."""
        for numbers, number in zip(self._placed, (source_id(path), *extent), strict=True):
            numbers.append(number)

    def woven(self, prune: bool) -> Iterator[Extent]:
        """All rows: the run's in its order, and those of sources that it did not name behind the rows they followed.

        Args:
            prune: whether the latter are dropped.
        """
        named = set(self._placed[0])
        following = 0

        def unnamed_before(index: int) -> Iterator[Extent]:
            for other in range(following, index):
                if self._sources[other] not in named:
                    self.unnamed += 1
                    if not prune:
                        yield self._starts[other], self._ends[other]

        for source, start, end in zip(*self._placed, strict=True):
            index = self._position.get(source, -1)
            if index >= following:
                yield from unnamed_before(index)
                following = index + 1
            yield start, end
        yield from unnamed_before(len(self._sources))


def source_id(path: str) -> int:
    """A 64-bit hash of a source's path."""
    return int.from_bytes(hashlib.blake2b(os.fsencode(path), digest_size=8).digest(), "little")


def write_done(path: Path, identity: Identity, stamps: NDArray[np.uint64]) -> None:
    """Write down what a later run needs to know of the finished output `path`.

    Raises:
        BatchdigitsError: it cannot be written.
    """
    with replace_atomically(done_path(path)) as beside:
        beside.write_bytes((json.dumps(identity) + "\n").encode() + np.unique(stamps).astype("<u8").tobytes())


def done_path(path: Path) -> Path:
    """The file beside an output."""
    return path.with_name(f".{path.name}.done")


def _read_done(path: Path) -> tuple[Mapping[str, Any], NDArray[np.uint64]]:
    try:
        first, _, rest = done_path(path).read_bytes().partition(b"\n")
        identity = json.loads(first)
    except (OSError, ValueError, RecursionError):
        identity = None
    if not isinstance(identity, dict) or len(rest) % STAMP_BYTES:
        raise BatchdigitsError(
            f"cannot add to {path}: {done_path(path).name} beside it is missing or damaged; "
            "give another name, or --overwrite"
        )
    return identity, np.frombuffer(rest, "<u8").astype(np.uint64)


def _by_source(
    pieces: Iterable[bytes], reader: Reader, start: int
) -> tuple[array[int], array[int], array[int], bytearray]:
    """For each source in order: its id, start and end of its rows, and whether it is an error nobody has answered.

    The pages of a file, `#1`, `#2`…, are one source.
    """
    sources, starts, ends, is_open = array("Q"), array("Q"), array("Q"), bytearray()
    file, pages = "", 0
    for piece in pieces:
        path, is_open_error = reader.head(piece)
        end = start + len(piece)
        if pages and path == f"{file}#{pages + 1}":
            pages += 1
            sources[-1], ends[-1] = source_id(file), end
            is_open[-1] |= is_open_error
        else:
            file, pages = path.removesuffix("#1"), int(path.endswith("#1"))
            for numbers, number in ((sources, source_id(path)), (starts, start), (ends, end)):
                numbers.append(number)
            is_open.append(is_open_error)
        start = end
    return sources, starts, ends, is_open


def together(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of a megabyte or more, but for the last, since each one is a system call."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) >= 1 << 20:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)
