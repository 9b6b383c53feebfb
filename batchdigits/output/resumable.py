"""An output file that gets its name when it is complete, and that can be resumed after its run was killed.

Rows are appended to `.NAME.part` as sources are done, and `.NAME.journal` records which are. A resumed run appends the
missing rows. If those of a source in the middle were missing (it has changed, or could not be read), the rows are no
longer in order; then the file is reassembled from its extents at the end.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from types import TracebackType

import numpy as np

from batchdigits.errors import BatchdigitsError
from batchdigits.output.atomic import explain_os_errors
from batchdigits.output.journal import Extent, Identity, Journal, open_read_write, refuse_other_run, stamp_of, write_all

LOOKUP_SIZE = 1_024  # sources looked up together: NumPy finds so many in the journal about as fast as one


class ResumableOutput:
    """A file to write rows to, source by source. If the `with` block ends before `finish`, the rows stay beside it."""

    def __init__(self, path: Path, identity: Identity, header: bytes, resume: bool | None) -> None:
        """Start the output at `path`, or resume it.

        Args:
            path: its name when it is complete.
            identity: all that its rows depend on besides the sources; keys and values are shown to people.
            header: its first bytes.
            resume: True to resume an unfinished output, False to drop it, None to refuse if there is one.

        Raises:
            BatchdigitsError: it cannot be written, or cannot be resumed.
        """
        self.path = path
        self._plan: deque[Extent | None] = deque()  # the rows of the next files, in order; None for a file without any
        self._extents: list[Extent] = []  # the rows of the complete file so far; adjoining extents are merged
        with explain_os_errors(path), ExitStack() as opened:
            if path.is_dir():
                raise IsADirectoryError(None, "is a directory")
            self._part_path = path.with_name(f".{path.name}.part")
            self._journal_path = path.with_name(f".{path.name}.journal")
            self._journal = opened.enter_context(closing(self._open_journal()))
            self._part = opened.enter_context(open_read_write(self._part_path))
            self._begin(identity, header, resume)
            opened.pop_all()  # on success they stay open

    def _open_journal(self) -> Journal:
        try:
            return Journal(self._journal_path)
        except BlockingIOError:
            raise BatchdigitsError(f"cannot write {self.path}: another run is writing it") from None
        except ValueError:
            raise BatchdigitsError(f"{self._journal_path} is not a journal of batchdigits; remove it") from None

    def _begin(self, identity: Identity, header: bytes, resume: bool | None) -> None:
        end = self._journal.keep(self._part.seek(0, os.SEEK_END))
        if resume is None and end:
            raise BatchdigitsError(
                f"{self.path} is unfinished, and {len(self._journal):,} files of it are done: "
                "add --resume to continue, or --start-over"
            )
        if resume and end:
            refuse_other_run(self.path, self._journal.identity, identity)
        else:
            self._journal.begin(identity)
            end = 0
        self.done = self.resumed = len(self._journal)
        self._part.truncate(end)
        self._end = self._part.seek(end)
        if not end:
            write_all(self._part, header)
            self._end = len(header)
        self._append((0, len(header)))

    def unfinished(self, files: Iterable[str]) -> Iterator[str]:
        """The files that an earlier run did not finish, or that have changed since."""
        if not self.resumed:
            yield from files
            return
        for path, extent in self._with_extents(files):
            self._plan.append(extent)
            if extent is None:
                yield path

    def _with_extents(self, files: Iterable[str]) -> Iterator[tuple[str, Extent | None]]:
        """Each file with the extent of its rows; None if it is not done."""
        waiting = iter(files)
        while paths := list(islice(waiting, LOOKUP_SIZE)):
            yield from zip(paths, self._journal.find([stamp_of(path) for path in paths]), strict=True)

    def write(self, rows: Sequence[bytes], stamps: Sequence[int]) -> None:
        """Append the rows of the next files that `unfinished` yielded.

        Args:
            rows: for each file, all of its rows.
            stamps: for each file, its stamp from before it was read.

        Raises:
            BatchdigitsError: the disk is full or not there.
        """
        ends = np.cumsum([self._end, *map(len, rows)])
        extents = np.stack((ends[:-1], ends[1:]), axis=1)
        with explain_os_errors(self.path):
            write_all(self._part, b"".join(rows))
            self._journal.add(stamps, extents)
        begin, self._end = self._end, int(ends[-1])
        self.done += len(rows)
        if not self.resumed:
            self._append((begin, self._end))
            return
        for start, end in extents.tolist():
            self._append_done()
            self._plan.popleft()
            self._append((start, end))

    def finish(self, convert: Callable[[Iterator[bytes], Path], None] | None = None) -> None:
        """Rename the complete file to its name.

        Args:
            convert: writes the file from its lines, for a format that is not a sequence of lines.

        Raises:
            BatchdigitsError: the file cannot be written.
        """
        self._append_done()
        with explain_os_errors(self.path):
            if convert or self._extents != [(0, self._end)]:
                complete = self.path.with_name(f".{self.path.name}.whole")
                (convert or _write_lines)(self._lines(), complete)
                complete.replace(self.path)
                self._part_path.unlink()
            else:
                self._part_path.replace(self.path)
            self._journal_path.unlink()

    def _append_done(self) -> None:
        """Append the extents of files that an earlier run finished, up to the first that it did not."""
        while self._plan and (extent := self._plan[0]):
            self._plan.popleft()
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

    def __enter__(self) -> ResumableOutput:
        """The output itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all files; without any row, remove them."""
        self._part.close()
        if not self.done:
            self._part_path.unlink(missing_ok=True)
            self._journal_path.unlink(missing_ok=True)
        self._journal.close()


def _write_lines(lines: Iterator[bytes], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(lines)
