"""A finished output that a later run adds to: which of its rows stay as they are, hand-edited ones too.

Beside it lies `.NAME.done`. It begins with a line of JSON that says what the rows depend on. A record of 20 bytes
follows for each source: a hash of its path, a stamp (see `journal`) and the checksum of its rows; 20 MB for a million.
The rows are read from the output itself: a person may have edited them.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.files.page_names import file_of
from batchdigits.files.plain_path import plain_path
from batchdigits.output.atomic import replace_atomically
from batchdigits.output.journal import Extent, Identity, failed_stamp, refuse_other_run
from batchdigits.output.reader_protocol import Reader, RowForm, line_end
from batchdigits.text import SAVE_AS_UTF8, is_utf8, path_bytes

RECORD = np.dtype([("source", "<u8"), ("stamp", "<u8"), ("checksum", "<u4")])
NO_SOURCE = 0  # in place of a source's id, of a row without a path
CHECKSUMS = 1 << 32  # how many there are
NO_RECORD = (NO_SOURCE, 0, 0)
BLOCK_BYTES = 1 << 20  # written at once


class FinishedOutput:
    """The rows of a finished output, and what a run that adds to it makes of them.

    Attributes:
        reader: reads it as it is.
        header: the bytes before the first row.
        end: the number of its bytes.
        form: that of its rows.
        added: number of sources that were not in it.
        changed: number of sources whose rows are replaced.
        kept: number of sources whose rows stay.
        edited: how many of these have changed, but a person has edited their rows.
        unnamed: number of rows whose source this run did not name.
    """

    def __init__(self, path: Path, reader: Reader, identity: Identity) -> None:
        """Read an output, to add to it what a run of this `identity` makes.

        Raises:
            BatchdigitsError: it is not a finished output of this version, its rows depend on something else, its
                content cannot be taken apart, or a spreadsheet has saved it in another encoding.
        """
        before, self._done = _read_done(path)
        refuse_other_run(path, before, identity)  # before the columns, which options may have changed
        self._done_sources = self._done["source"].copy()  # aligned; else NumPy copies all of them for each search
        self.reader = reader.for_file(path)
        pieces = self.reader.pieces(path)
        self.header = next(pieces)
        self._starts, self._is_open, self._sources = array("Q", [len(self.header)]), bytearray(), array("Q")
        self._checksums = array("I")  # of the rows
        self._rows: dict[int, int | list[int]] = {}  # by source: the row, or the rows
        self._open_folders: dict[str, int] = {}  # rows of open errors by path, of which some may be a folder's
        self._folder = ""  # of the source that was placed last
        end = line_end(self.header)
        self._decimal = "."
        for piece in pieces:
            end = line_end(piece)
            self._add_row(piece, path)
        self.form = RowForm(end, self.reader.delimiter, self._decimal)
        self._is_found, self._is_named = bytearray(len(self._sources)), bytearray(len(self._sources))
        self._placed = (array("q"), array("Q"), array("Q"))  # first old row or -1, start and end, in the run's order
        self.end = self._starts[-1]
        self.added = self.changed = self.kept = self.edited = self.unnamed = 0

    def find(self, path: str, stamp: int, copy: BinaryIO) -> list[Extent] | None:
        """The rows of a source that stay; None if it is new, has changed, or is an error that nobody has answered.

        Rows that a person has edited stay though the source has changed. The rows of a source that is named twice come
        the first time.

        Args:
            path: the source.
            stamp: its stamp as it is now.
            copy: begins with a copy of this output's lines.
        """
        rows = self._rows_of(path)
        if not rows:
            self.added += 1
            return None
        has_changed = self._record_of(path)[1] not in (stamp, failed_stamp(stamp))
        if any(self._is_open[row] for row in rows) or (has_changed and not self._is_edited(path, rows, copy)):
            self.changed += 1
            return None
        self.kept += 1
        self.edited += has_changed
        free = [row for row in rows if not self._is_found[row]]
        for row in free:
            self._is_found[row] = True
        return [(self._starts[row], self._starts[row + 1]) for row in free]

    def numbers(self) -> dict[str, int]:
        """The numbers of sources and rows, by the names of the attributes."""
        return {name: getattr(self, name) for name in ("added", "changed", "kept", "edited", "unnamed")}

    def checksum_of(self, path: str) -> int:
        """The checksum of a source's rows as a run wrote them."""
        return self._record_of(path)[2]

    def place(self, path: str, extents: Iterable[Extent]) -> None:
        """Say where the rows of the run's next source are."""
        rows = self._rows_of(path)
        for row in rows:
            self._is_named[row] = True
        self._answer_folders(path)
        first = rows[0] if rows else -1
        for start, end in extents:
            for numbers, number in zip(self._placed, (first, start, end), strict=True):
                numbers.append(number)

    def woven(self, prune: bool) -> Iterator[Extent]:
        """All rows: the run's in its order, and those of sources that it did not name behind the rows they followed.

        Args:
            prune: whether the latter are dropped, if they have a path.
        """
        following = 0
        for first, start, end in zip(*self._placed, strict=True):
            if first >= following:
                yield from self._unnamed(range(following, first), prune)
                following = first + 1
            yield start, end
        yield from self._unnamed(range(following, len(self._sources)), prune)

    def done_of_others(self, sources: NDArray[np.uint64]) -> NDArray[Any]:
        """The records of sources that are not among these, as in the file beside the output."""
        return self._done[~np.isin(self._done_sources, sources)]

    def _unnamed(self, rows: range, prune: bool) -> Iterator[Extent]:
        for row in rows:
            if not self._is_named[row]:
                has_path = self._sources[row] != NO_SOURCE
                self.unnamed += has_path
                if not (prune and has_path):
                    yield self._starts[row], self._starts[row + 1]

    def _answer_folders(self, path: str) -> None:
        """Drop the error rows of the folders and the archive that a source is in: they can be read now."""
        if not self._open_folders:
            return
        folder = plain_path(path).rpartition("/")[0]
        if folder == self._folder:
            return
        self._folder = folder
        while folder:
            row = self._open_folders.get(folder)
            if row is not None:
                self._is_named[row] = True
            folder = folder.rpartition("/")[0]

    def _add_row(self, piece: bytes, table: Path) -> None:
        """Add a row, under its path, and if it may be a page, under its file's path, too.

        Raises:
            BatchdigitsError: the path is not UTF-8, and no run wrote it: its file would be taken for a new one.
        """
        head = self.reader.head(piece)
        path, file = head.path, file_of(head.path)
        if isinstance(head.score, str) and "," in head.score:
            self._decimal = ","
        if not is_utf8(path) and not any(self._record_of(name)[0] for name in (path, file)):
            shown = path.encode(errors="replace").decode()
            raise BatchdigitsError(
                f"cannot add to {table}: the path {shown} in it is not in UTF-8 any more: {SAVE_AS_UTF8}"
            )
        row = len(self._sources)
        for source in {source_id(name) for name in {path, file}} - {NO_SOURCE}:
            others = self._rows.setdefault(source, row)
            if isinstance(others, list):
                others.append(row)
            elif others != row:
                self._rows[source] = [others, row]
        self._sources.append(source_id(path))
        self._starts.append(self._starts[-1] + len(piece))
        self._is_open.append(head.is_open_error)
        self._checksums.append(checksum_of(piece))
        if head.is_open_error:
            self._open_folders[plain_path(path).rstrip("/")] = row

    def _rows_of(self, path: str) -> list[int]:
        rows = self._rows.get(source_id(path), [])
        return rows if isinstance(rows, list) else [rows]

    def _is_edited(self, path: str, rows: Sequence[int], copy: BinaryIO) -> bool:
        """Whether a person has edited, or added, the rows of a source. Saving them in a spreadsheet is no edit."""
        source, _, checksum = self._record_of(path)
        if source == NO_SOURCE:  # the rows may be those of files with names like its pages
            return any(self._sources[row] == source_id(path) for row in rows)
        if sum(self._checksums[row] for row in rows) % CHECKSUMS == checksum:
            return False
        lines = (read_extent(copy, (self._starts[row], self._starts[row + 1])) for row in rows)
        return sum(checksum_of(self.reader.as_written(line)) for line in lines) % CHECKSUMS != checksum

    def _record_of(self, path: str) -> tuple[int, int, int]:
        """A source's id, stamp and checksum; NO_RECORD if no run wrote it."""
        source = source_id(path)
        at = int(np.searchsorted(self._done_sources, np.uint64(source)))
        record: tuple[int, int, int] = self._done[at].tolist() if at < len(self._done) else NO_RECORD
        return record if record[0] == source else NO_RECORD


def checksum_of(rows: bytes) -> int:
    """A checksum of rows, whatever their line ends; those of several rows add up, modulo CHECKSUMS."""
    lines = rows.splitlines()
    return crc32(lines[0]) if len(lines) == 1 else sum(map(crc32, lines)) % CHECKSUMS


def read_extent(file: BinaryIO, extent: Extent) -> bytes:
    """The bytes of an extent."""
    file.seek(extent[0])
    return file.read(extent[1] - extent[0])


def source_id(path: str) -> int:
    """A 64-bit hash of a path, however it is spelled; NO_SOURCE for an empty one, or one that no file can have."""
    try:
        digest = hashlib.blake2b(path_bytes(plain_path(path)), digest_size=8).digest()
    except UnicodeEncodeError:
        return NO_SOURCE
    return int.from_bytes(digest, "little") or 1 if path else NO_SOURCE


def write_done(path: Path, identity: Identity, done: NDArray[Any]) -> None:
    """Write down what a later run needs to know of the finished output `path`: a record for each source.

    The record of a source that was named twice has the last stamp, and the checksum of all its rows.

    Raises:
        BatchdigitsError: it cannot be written.
    """
    latest_first = done[::-1]
    _, last, number = np.unique(latest_first["source"], return_index=True, return_inverse=True)
    kept = latest_first[last]
    checksums = np.zeros(len(kept), np.uint32)  # which wrap around at CHECKSUMS
    np.add.at(checksums, number, latest_first["checksum"])
    kept["checksum"] = checksums
    with replace_atomically(done_path(path)) as beside:
        beside.write_bytes((json.dumps(identity) + "\n").encode() + kept.tobytes())


def done_path(path: Path) -> Path:
    """The file beside an output."""
    return path.with_name(f".{path.name}.done")


def records(sources: Sequence[int], stamps: Sequence[int], checksums: Sequence[int]) -> NDArray[Any]:
    """Records of sources, as in the file beside an output."""
    made = np.empty(len(sources), RECORD)
    made["source"], made["stamp"], made["checksum"] = sources, stamps, checksums
    return made


def in_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of BLOCK_BYTES or more, but for the last, since each one is a system call."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _read_done(path: Path) -> tuple[Mapping[str, Any], NDArray[Any]]:
    try:
        first, _, rest = done_path(path).read_bytes().partition(b"\n")
        identity = json.loads(first)
    except (OSError, ValueError, RecursionError):
        identity = None
    if not isinstance(identity, dict) or len(rest) % RECORD.itemsize:
        raise BatchdigitsError(
            f"cannot add to {path}: {done_path(path).name} beside it is missing or damaged; "
            "move or rename it as the table was; if review --apply wrote the table, add to the one that was reviewed, "
            "and apply the review again; else give another name, or --overwrite"
        )
    return identity, np.sort(np.frombuffer(rest, RECORD), order="source")
