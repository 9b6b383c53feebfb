"""A finished output that a later run adds to: which of its rows stay as they are, hand-edited ones too.

Which sources are done, `.NAME.done` beside it knows (see `done_file`). The rows are read from the output itself: a
person may have edited them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.files.image_formats import may_have_pages
from batchdigits.files.page_names import file_of, page_name
from batchdigits.files.plain_path import folder_of, folders_of
from batchdigits.output.done_file import CHECKSUMS, NO_SOURCE, Done, checksum_of, read_done, source_id
from batchdigits.output.journal import Extent, Identity, failed_stamp, refuse_other_run
from batchdigits.output.reader_protocol import Reader, RowForm, line_end
from batchdigits.output.unread import Unread
from batchdigits.text import SAVE_AS_UTF8, as_unicode, is_utf8

BLOCK_BYTES = 1 << 20  # written at once
MAX_NAMES = 3  # of sources that a message names
NO_RECORD = Done(NO_SOURCE, 0, 0, 0)


class FinishedOutput:
    """The rows of a finished output, and what a run that adds to it makes of them.

    Attributes:
        reader: reads it as it is.
        header: the bytes before the first row.
        end: the number of its bytes.
        is_counted: whether it is known how many lines each source had, which older versions did not write down.
        form: that of its rows.
        added: number of sources that were not in it.
        changed: number of sources whose rows are replaced.
        kept: number of sources whose rows stay.
        edited: how many of these have changed, but a person has edited their rows.
        short: how many of these had lost rows, which are made again.
        unnamed: number of rows whose source this run did not name.
        unread: number of other rows that `woven` does not drop, as the folder or archive of their source could not be
            read.
        names: the first few sources that are `edited`, and that are `short`.
    """

    def __init__(self, path: Path, reader: Reader, identity: Identity) -> None:
        """Read an output, to add to it what a run of this `identity` makes.

        Raises:
            BatchdigitsError: it is not a finished output of this version, its rows depend on something else, its
                content cannot be taken apart, or a spreadsheet has saved it in another encoding.
        """
        before, self._done = read_done(path)
        refuse_other_run(path, before, identity)  # before the columns, which options may have changed
        self.is_counted = bool(self._done["lines"].all())
        self._done_sources = self._done["source"].copy()  # aligned; else NumPy copies all of them for each search
        self.reader = reader.for_file(path)
        pieces = self.reader.pieces(path)
        self.header = next(pieces)
        self._starts, self._is_open, self._sources = array("Q", [len(self.header)]), bytearray(), array("Q")
        self._checksums = array("I")  # of the rows
        self._rows: dict[int, int | list[int]] = {}  # by source: the row, or the rows
        self._open_folders: dict[int, int] = {}  # rows of open errors by source, of which some may be a folder's
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
        self.added = self.changed = self.kept = self.edited = self.short = self.unnamed = self.unread = 0
        self.names: dict[str, list[str]] = {"edited": [], "short": []}

    def find(self, path: str, stamp: int, copy: BinaryIO) -> list[Extent] | None:
        """The rows of a source that is done; None if it has to be read.

        It is read if it is new or has changed, is an error that nobody has answered, or has lost rows. Rows that a
        person has edited stay though the source has changed; then only its pages can be more than they were, so it is
        read if it may have several. The rows of a source that is named twice come the first time.

        Args:
            path: the source.
            stamp: its stamp as it is now.
            copy: begins with a copy of this output's lines.
        """
        rows = self._rows_of(path)
        if not rows:
            self.added += 1
            return None
        record = self.record_of(path)
        has_changed = record.stamp not in (stamp, failed_stamp(stamp))
        if any(self._is_open[row] for row in rows) or (has_changed and not self._is_edited(path, rows, copy)):
            self.changed += 1
            return None
        is_short = self._are_fewer(rows, record.lines, copy)
        self.kept += 1
        self.edited += has_changed
        self.short += is_short
        for name, is_so in (("edited", has_changed), ("short", is_short)):
            if is_so and len(self.names[name]) < MAX_NAMES:
                self.names[name].append(as_unicode(path))
        may_have_more = may_have_pages(path) or self._sources[rows[0]] != source_id(path)
        if is_short or (has_changed and may_have_more):
            return None
        free = [row for row in rows if not self._is_found[row]]
        for row in free:
            self._is_found[row] = True
        return [self._extent(row) for row in free]

    def numbers(self) -> dict[str, int]:
        """The numbers of sources and rows, by the names of the attributes."""
        names = ("added", "changed", "kept", "edited", "short", "unnamed", "unread")
        return {name: getattr(self, name) for name in names}

    def record_of(self, path: str) -> Done:
        """What is known of a source; NO_RECORD if no run wrote it."""
        source = source_id(path)
        at = int(np.searchsorted(self._done_sources, np.uint64(source)))
        record = Done(*self._done[at].tolist()) if at < len(self._done) else NO_RECORD
        return record if record.source == source else NO_RECORD

    def place(self, path: str, extents: Iterable[Extent], copy: BinaryIO) -> None:
        """Say where the rows of the run's next source are: those that `find` gave, or those that the run made.

        Where a person has edited the rows of a source, the run's rows only fill the gaps, the first time it is named.
        """
        rows = self._rows_of(path)
        extents = list(extents)
        if rows and extents and extents[0][0] >= self.end and self._is_edited(path, rows, copy):
            extents = [] if self._is_named[rows[0]] else self._filled(path, rows, extents, copy)
        for row in rows:
            self._is_named[row] = True
        self._answer_folders(path)
        first = rows[0] if rows else -1
        for start, end in extents:
            for numbers, number in zip(self._placed, (first, start, end), strict=True):
                numbers.append(number)

    def woven(self, unread: Unread | None, copy: BinaryIO) -> Iterator[Extent]:
        """All rows: the run's in its order, and those of sources that it did not name behind the rows they followed.

        Args:
            unread: if given, the latter are dropped, if they have a path, and are not in these folders and archives.
            copy: as in `find`.
        """
        following = 0
        for first, start, end in zip(*self._placed, strict=True):
            if first >= following:
                yield from self._unnamed(range(following, first), unread, copy)
                following = first + 1
            yield start, end
        yield from self._unnamed(range(following, len(self._sources)), unread, copy)

    def done_of_others(self, sources: NDArray[np.uint64]) -> NDArray[Any]:
        """The records of sources that are not among these, as in the file beside the output."""
        return self._done[~np.isin(self._done_sources, sources)]

    def _unnamed(self, rows: range, unread: Unread | None, copy: BinaryIO) -> Iterator[Extent]:
        for row in rows:
            if self._is_named[row]:
                continue
            extent = self._extent(row)
            if self._sources[row] == NO_SOURCE:
                yield extent
            elif unread and unread.holds(self.reader.head(read_extent(copy, extent)).path):
                self.unread += 1
                yield extent
            else:
                self.unnamed += 1
                if not unread:
                    yield extent

    def _answer_folders(self, path: str) -> None:
        """Drop the error rows of the folders and the archive that a source is in: they can be read now."""
        folder = folder_of(path)
        if not self._open_folders or folder == self._folder:
            return
        self._folder = folder
        for name in folders_of(path):
            row = self._open_folders.get(source_id(name))
            if row is not None:
                self._is_named[row] = True

    def _add_row(self, piece: bytes, table: Path) -> None:
        """Add a row, under its path, and if it may be a page, under its file's path, too.

        Raises:
            BatchdigitsError: the path is not UTF-8, and no run wrote it: its file would be taken for a new one.
        """
        head = self.reader.head(piece)
        path, file = head.path, file_of(head.path)
        if isinstance(head.score, str) and "," in head.score:
            self._decimal = ","
        if not is_utf8(path) and not any(self.record_of(name)[0] for name in (path, file)):
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
            self._open_folders[source_id(path)] = row

    def _rows_of(self, path: str) -> list[int]:
        rows = self._rows.get(source_id(path), [])
        return rows if isinstance(rows, list) else [rows]

    def _is_edited(self, path: str, rows: Sequence[int], copy: BinaryIO) -> bool:
        """Whether a person has edited, or added, the rows of a source. Saving them in a spreadsheet is no edit."""
        source, _, checksum, _ = self.record_of(path)
        if source == NO_SOURCE:  # the rows may be those of files with names like its pages
            return any(self._sources[row] == source_id(path) for row in rows)
        if sum(self._checksums[row] for row in rows) % CHECKSUMS == checksum:
            return False
        lines = (read_extent(copy, self._extent(row)) for row in rows)
        return sum(checksum_of(self.reader.as_written(line)) for line in lines) % CHECKSUMS != checksum

    def _are_fewer(self, rows: Sequence[int], lines: int, copy: BinaryIO) -> bool:
        """Whether rows have fewer lines than these; only those whose path has a line break have more than one."""
        return len(rows) < lines and sum(read_extent(copy, self._extent(row)).count(b"\n") for row in rows) < lines

    def _filled(self, path: str, rows: Sequence[int], extents: Sequence[Extent], copy: BinaryIO) -> list[Extent]:
        """The rows of a source that was read again: the old ones, but for open errors, and new ones in the gaps."""
        first_page = source_id(page_name(path, 1))
        old: dict[tuple[int, str], list[Extent]] = {}
        for row in rows:
            if not self._is_open[row]:
                extent = self._extent(row)
                old.setdefault(self._key(read_extent(copy, extent)), []).append(extent)
        filled = []
        for start, end in extents:
            for line in self.reader.rows_in(read_extent(copy, (start, end))):
                source, field = self._key(line)
                if source == first_page and (source, field) not in old:
                    source = source_id(path)  # as its row is called if it was the only one
                filled += old.pop((source, field), [(start, start + len(line))])
                start += len(line)
        return [*filled, *(extent for left in old.values() for extent in left)]

    def _key(self, line: bytes) -> tuple[int, str]:
        """What no two rows of a source have in common."""
        head = self.reader.head(line)
        return source_id(head.path), head.field

    def _extent(self, row: int) -> Extent:
        return self._starts[row], self._starts[row + 1]


def read_extent(file: BinaryIO, extent: Extent) -> bytes:
    """The bytes of an extent."""
    file.seek(extent[0])
    return file.read(extent[1] - extent[0])


def in_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of BLOCK_BYTES or more, but for the last, since each one is a system call."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)
