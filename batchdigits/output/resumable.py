"""An output file that gets its name when it is complete, and that a later run resumes or adds to.

Rows are appended to `.NAME.part` as sources are done, and `.NAME.journal` records which are. A resumed run appends the
missing rows. If those of a source in the middle were missing (it has changed, or could not be read), the rows are no
longer in order; then the file is reassembled from its extents at the end. A run that adds to a finished output begins
with a copy of its rows, and is like a resumed one from there.
"""

from __future__ import annotations

import os
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from io import FileIO
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.files.disk import is_irregular
from batchdigits.output.atomic import copy_access, explain_os_errors
from batchdigits.output.done_file import CHECKSUMS, checksum_of, counted, done_path, records, source_id, write_done
from batchdigits.output.finished import FinishedOutput, in_blocks, read_extent
from batchdigits.output.journal import Extent, Identity, Journal, open_beside, refuse_other_run, stamp_of, write_all
from batchdigits.output.reader_protocol import Reader
from batchdigits.output.unread import Unread

REPLACES, ADDS = "replaces", "adds"  # marks in a journal: what was at the output's name, and whether the run adds to it
LOOKUP_SIZE = 1_024  # sources looked up together: NumPy finds so many in the journal about as fast as one


class ResumableOutput:
    """A file to write rows to, source by source. If the `with` block ends before `finish`, the rows stay beside it."""

    def __init__(
        self,
        path: Path,
        identity: Identity,
        header: bytes,
        resume: bool | None,
        reader: Reader,
        prune: bool = False,
        keep: bool = True,
    ) -> None:
        """Start the output at `path`, resume it, or add to it.

        Args:
            path: its name when it is complete.
            identity: all that its rows depend on besides the sources; keys and values are shown to people.
            header: its first bytes.
            resume: True to resume or to add, False to replace what is there, None to refuse if anything is.
            reader: reads a finished output.
            prune: whether rows of sources that this run does not name are dropped from a finished output, unless these
                are in a folder or archive that it could not read.
            keep: whether the rows stay if the run fails; without, there is nothing to resume or to add to.

        Raises:
            BatchdigitsError: it cannot be written, resumed or added to.
        """
        self.path = path
        self.old: FinishedOutput | None = None  # the finished output that this run adds to
        self._reader = reader
        self._prune = prune
        self._keep = keep
        self.rows_before = 0  # without an error, of the named files that were done before, as they are found
        self._plan: deque[tuple[str, list[Extent] | None]] = deque()  # the next files, and their rows if these are done
        # Sources that were done before, and those of this run; their stamps, and the checksums and lines of their rows.
        self._done = (array("Q"), array("Q"), array("I"), array("I"))
        self._written = (array("Q"), array("Q"), array("I"), array("I"))
        self._extents: list[Extent] = []  # the rows of the complete file so far; adjoining extents are merged
        with explain_os_errors(path), ExitStack() as opened:
            if path.is_dir():
                raise IsADirectoryError(None, "is a directory")
            self._part_path = path.with_name(f".{path.name}.part")
            self._whole_path = path.with_name(f".{path.name}.whole")
            self._journal_path = path.with_name(f".{path.name}.journal")
            self._journal = opened.enter_context(closing(self._open_journal()))
            self._part = opened.enter_context(self._open_part())
            try:
                self._begin(identity, header, resume, reader)
            except BaseException:
                if not len(self._journal):  # nothing is lost
                    self._remove()
                raise
            opened.pop_all()  # on success they stay open

    def _open_journal(self) -> Journal:
        try:
            return Journal(self._journal_path)
        except BlockingIOError:
            raise BatchdigitsError(f"cannot write {self.path}: another run is writing it") from None
        except ValueError:
            raise BatchdigitsError(
                f"{self._journal_path} is not a journal of batchdigits; move it away, or remove it"
            ) from None

    def _open_part(self) -> FileIO:
        """Open the part.

        Raises:
            BatchdigitsError: a file that no run has left there would be written over: it has no journal, or is a link.
        """
        beside = (self._part_path, self._whole_path, done_path(self.path))
        foreign = [path for path in beside if path.is_symlink() or is_irregular(path)]
        if self._journal.is_new:
            foreign += [path for path in beside[:2] if _state(path)]
        if foreign:
            if self._journal.is_new:
                self._journal.remove()
            raise BatchdigitsError(f"{foreign[0]} is not of a run of batchdigits; move it away, or remove it")
        return open_beside(self._part_path)

    def _begin(self, identity: Identity, header: bytes, resume: bool | None, reader: Reader) -> None:
        state = _state(self.path)
        end = self._journal.keep(self._part.seek(0, os.SEEK_END))
        if resume is None:
            self._refuse_existing(self._keep and end > 0, state is not None, self._keep and reader.can_add)
        if resume and end:
            refuse_other_run(self.path, self._journal.identity, identity)
            if self._journal.identity.get(ADDS) and self._has_changed():
                end = 0  # the rows that were added are made again, with the table as it is now
            else:
                self._refuse_changed()
        if resume and state and not (end and not self._journal.identity.get(ADDS)):
            self.old = FinishedOutput(self.path, reader, identity)
            header = self.old.header
            copy_access(self.path, self._part_path, 0o600)  # which gets its rows, and may have to be opened again
        if not (resume and end):
            end = 0
            self._journal.begin({**identity, REPLACES: state or "", ADDS: bool(self.old)})
        self.done = self.resumed = len(self._journal)
        self._part.truncate(end)
        self._end = self._part.seek(end)
        if not end:
            for block in in_blocks(self.old.reader.pieces(self.path)) if self.old else (header,):
                write_all(self._part, block)
                self._end += len(block)
        if self.old and (_state(self.path) != state or (not end and self._end != self.old.end)):
            raise BatchdigitsError(f"{self.path} is being written; try again when it is complete")
        self._append((0, len(header)))

    def _refuse_existing(self, is_unfinished: bool, is_there: bool, can_add: bool) -> None:
        if is_unfinished:
            raise BatchdigitsError(
                f"{self.path} is unfinished, and {len(self._journal):,} files of it are done: "
                "add --resume to continue, or --overwrite"
            )
        if is_there:
            way = "add --resume to add what is new and keep the rest" if can_add else "give another name"
            raise BatchdigitsError(f"{self.path} exists: {way}, or --overwrite")

    def _has_changed(self) -> bool:
        """Whether there is something at the output's name that was not there when the run began."""
        state = _state(self.path)
        return state is not None and state != self._journal.identity.get(REPLACES)

    def _refuse_changed(self) -> None:
        """Check that nothing is replaced but what was there when the run began."""
        if self._has_changed():
            raise BatchdigitsError(
                f"{self.path} has been written since this run began, and is left as it is; move it away, and add "
                "--resume to the same command"
            )

    def unfinished(self, files: Iterable[str]) -> Iterator[str]:
        """The files that an earlier run did not finish, or that have changed since."""
        if not self.resumed and not self.old:
            for path in files:
                self._written[0].append(source_id(path))
                yield path
            return
        with self._part_path.open("rb") as part:
            for path, stamp, extents in self._with_extents(files, part):
                self._plan.append((path, extents))
                if extents is None:
                    self._written[0].append(source_id(path))
                    yield path
                else:
                    self._note_done(path, stamp, extents, part)

    def _note_done(self, path: str, stamp: int, extents: Sequence[Extent], part: BinaryIO) -> None:
        """Note what a later run needs to know of a source that was done before."""
        if self.old and all(end <= self.old.end for _, end in extents):  # a person may have edited these rows
            done = self.old.record_of(path)
            # A source that is named again has no rows left.
            checksum, lines = (done.checksum, done.lines or len(extents)) if extents else (0, 0)
        else:
            rows = [read_extent(part, extent) for extent in extents]
            checksum, lines = sum(map(self._checksum, rows)) % CHECKSUMS, sum(row.count(b"\n") for row in rows)
        self.rows_before += lines
        for numbers, number in zip(self._done, (source_id(path), stamp, checksum, lines), strict=True):
            numbers.append(number)

    def _checksum(self, rows: bytes) -> int:
        """The checksum of rows that this run wrote, which is the same for whatever form the output has by now."""
        return checksum_of(self.old.reader.as_written(rows) if self.old else rows)

    def _with_extents(self, files: Iterable[str], part: BinaryIO) -> Iterator[tuple[str, int, list[Extent] | None]]:
        """Each file with its stamp and the extents of its rows; None if it is not done."""
        waiting = iter(files)
        while paths := list(islice(waiting, LOOKUP_SIZE)):
            stamps = [stamp_of(path) for path in paths]
            found = self._journal.find(stamps) if len(self._journal) else [None] * len(paths)
            for path, stamp, extent in zip(paths, stamps, found, strict=True):
                if extent:
                    yield path, stamp, [extent]
                else:
                    yield path, stamp, self.old.find(path, stamp, part) if self.old else None

    def write(self, rows: Sequence[bytes], stamps: Sequence[int]) -> None:
        """Append the rows of the next files that `unfinished` yielded.

        Args:
            rows: for each file, all of its rows.
            stamps: for each file, its stamp from before it was read.

        Raises:
            BatchdigitsError: the disk is full or not there.
        """
        if self.old:  # which a spreadsheet may have saved
            rows = [self._reader.in_form(lines, self.old.form) for lines in rows]
        ends = np.cumsum([self._end, *map(len, rows)])
        extents = np.stack((ends[:-1], ends[1:]), axis=1)
        with explain_os_errors(self.path):
            write_all(self._part, b"".join(rows))
            if self._keep:  # else a killed run would be taken for one to resume
                self._journal.add(stamps, extents)
        self._written[1].extend(stamps)
        self._written[2].extend(map(self._checksum, rows))
        self._written[3].extend(lines.count(b"\n") for lines in rows)
        begin, self._end = self._end, int(ends[-1])
        self.done += sum(stamp & 1 for stamp in stamps)  # a later run does those with an error again
        if not self.resumed and not self.old:
            self._append((begin, self._end))
            return
        for start, end in extents.tolist():
            self._place_done()
            path, _ = self._plan.popleft()
            self._place(path, [(start, end)])

    def finish(self, convert: Callable[[Iterator[bytes], Path], None] | None = None) -> None:
        """Rename the complete file to its name.

        Args:
            convert: writes the file from its lines, for a format that is not a sequence of lines.

        Raises:
            BatchdigitsError: the file cannot be written.
        """
        self._place_done()
        if self.old:
            named = np.concatenate([self._done[0], self._written[0]])
            for extent in self.old.woven(Unread(named) if self._prune else None, self._part):
                self._append(extent)
        with explain_os_errors(self.path):
            if self.old and self._extents == [(0, self.old.end)] and not self._written[0]:
                if not self.old.is_counted:
                    write_done(self.path, _without_marks(self._journal.identity), self._records())
                self._remove()  # nothing has changed
                return
            complete = self._part_path
            if convert or self._extents != [(0, self._end)]:
                complete = self._whole_path
                complete.unlink(missing_ok=True)  # of a run that was killed; a link there is not followed
                complete.touch(0o600 if self.old else 0o666)
                try:
                    (convert or _write_lines)(self._lines(), complete)
                except BaseException:
                    complete.unlink(missing_ok=True)  # the rows are in the part
                    raise
            self._refuse_changed()
            # Whenever the run is killed from here on, the next one finds the rows in the part or in the output.
            write_done(self.path, _without_marks(self._journal.identity), self._records())
            if self.old and self.path.exists():
                copy_access(self.path, complete)
            self._part.close()  # Windows does not rename an open file
            complete.replace(self.path)
            self._remove()

    def _records(self) -> NDArray[Any]:
        """What a later run needs to know of the sources."""
        done = np.concatenate([counted(records(*known), lines) for *known, lines in (self._done, self._written)])
        return np.concatenate([self.old.done_of_others(done["source"]), done]) if self.old else done

    def _place_done(self) -> None:
        """Place the files that an earlier run finished, up to the first that it did not."""
        while self._plan and (extents := self._plan[0][1]) is not None:
            path, _ = self._plan.popleft()
            self._place(path, extents)

    def _place(self, path: str, extents: Sequence[Extent]) -> None:
        """Say where the rows of the run's next file are."""
        if self.old:
            self.old.place(path, extents, self._part)
            self._part.seek(self._end)  # `place` may have read from it
            return
        for extent in extents:
            self._append(extent)

    def _append(self, extent: Extent) -> None:
        """Add an extent to the list that the complete file is made from."""
        if self._extents and self._extents[-1][1] == extent[0]:
            extent = self._extents.pop()[0], extent[1]
        self._extents.append(extent)

    def _lines(self) -> Iterator[bytes]:
        with self._part_path.open("rb") as part:
            for start, end in self._extents:
                part.seek(start)
                while start < end:
                    line = part.readline()
                    start += len(line)
                    yield line

    @property
    def kept(self) -> int:
        """The number of files that a later run need not do again, if this one fails: none if their rows are removed."""
        return self.done if self._keep and _state(self._part_path) else 0

    def __enter__(self) -> ResumableOutput:
        """The output itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all files; without any row to keep, remove them."""
        if not (self.done and self._keep) and not self._part.closed:
            self._remove()
        self._part.close()
        self._journal.close()

    def _remove(self) -> None:
        """Remove the rows beside the output, and the journal."""
        self._part.close()
        self._part_path.unlink(missing_ok=True)
        self._whole_path.unlink(missing_ok=True)
        self._journal.remove()


def _state(path: Path) -> str | None:
    """What tells whether a file was written; None if there is none, or it is empty."""
    try:
        status = path.stat()
    except OSError:
        return None
    return f"{status.st_size} bytes, {status.st_mtime_ns}" if status.st_size else None


def _without_marks(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in identity.items() if name not in (REPLACES, ADDS)}


def _write_lines(lines: Iterator[bytes], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(lines)
