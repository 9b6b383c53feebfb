"""An output of many parts, for clusters: a folder of files, and a manifest that is written last.

A part's name holds its position in the order of the sources, and a hash of its sources' paths. So a run resumes without
a journal: a part that has the right name is done. A run that adds to a finished folder reads from the parts which
sources are done, and puts new ones, changed ones and open errors into parts of new groups. Last, it writes finished
parts anew without the rows of sources that it has done again.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.output.columns import Columns
from batchdigits.output.done_file import NO_SOURCE
from batchdigits.output.done_parts import done_parts
from batchdigits.output.formats import FormatName, output_format
from batchdigits.output.journal import Identity, refuse_other_run
from batchdigits.output.part_rows import KNOWN, PartRows, read_part
from batchdigits.output.parts_folder import open_folder
from batchdigits.output.row_counts import RowCounts, count_heads
from batchdigits.output.table import TableRow, read_table
from batchdigits.output.unread import Unread
from batchdigits.text import without_secrets

MANIFEST = "manifest.json"
UNFINISHED = "unfinished.json"  # exists while a run is unfinished, and says what the parts depend on

_PART = r"part-\d+-\d+-[0-9a-f]{16}\.\w+"
_is_part = re.compile(_PART).fullmatch
_is_ours = re.compile(rf"{_PART}|\.{_PART}\.done").fullmatch


def part_name(group: int, number: int, sources: Sequence[str], file_format: FormatName) -> str:
    """The name of the part with those sources, which is number `number` of group `group` of the typed paths."""
    digest = hashlib.blake2b("\0".join(sources).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return f"part-{group:04d}-{number:06d}-{digest}.{file_format}"


def done_name(name: str) -> str:
    """The name of the file beside a part, which has a record for each of its sources."""
    return f".{name}.done"


def encode_part(file_format: FormatName, columns: Columns, rows: Iterable[bytes], header: bytes | None = None) -> bytes:
    """The content of a part.

    Args:
        file_format: its format.
        columns: its columns.
        rows: the encoded rows of each source.
        header: the bytes before the first row; None for those of the columns.
    """
    written = output_format(file_format)
    if written.convert is None:
        return (written.header(columns) if header is None else header) + b"".join(rows)
    with tempfile.TemporaryDirectory(prefix="batchdigits-") as folder:
        path = Path(folder) / "part"
        written.convert(columns, (line for lines in rows for line in lines.splitlines(keepends=True)), path)
        return path.read_bytes()


class PartsOutput:
    """A folder to write parts to.

    A run that adds to a finished folder writes parts of its own, and changes none that is there, since a person may
    have edited it. A part with sources that were done again is replaced by one of another name, with its other rows as
    they are. The manifest stays until it is replaced by that of all parts, and so do all parts that it lists.
    """

    def __init__(
        self,
        place: str,
        file_format: FormatName,
        columns: Columns,
        identity: Identity,
        sources: Identity,
        resume: bool | None,
    ) -> None:
        """Start an output, resume one, or add to one. What is there stays until the first part is written.

        Args:
            place: the folder, as a path or a URL.
            file_format: the format of the parts.
            columns: their columns.
            identity: all that the rows of a source depend on; keys and values are for people to read.
            sources: all that says which sources are in which part.
            resume: True to resume or to add, False to replace what is there, None to refuse if there is anything.

        Raises:
            BatchdigitsError: it cannot be written, resumed or added to.
        """
        self.place = without_secrets(place)
        self._format = file_format
        self._columns = columns
        self._folder = open_folder(place)
        self._options = {**identity, **sources}
        names = self._folder.names()
        ours = {name for name in names if _is_part(name)}
        self._files = {name for name in names if _is_ours(name)}
        begun = names & {MANIFEST, UNFINISHED}
        if names and not begun:
            raise BatchdigitsError(f"{self.place} holds files of another program; give an empty folder")
        if begun and resume is None:
            self._refuse_existing(is_finished=UNFINISHED not in begun, parts=len(ours))
        marks = {name: self._read_json(name) for name in begun}
        before: set[str] = set()
        if resume and UNFINISHED in begun:
            refuse_other_run(self.place, marks[UNFINISHED]["options"], self._options)
        if resume and MANIFEST in begun:
            manifest = marks[MANIFEST]
            refuse_other_run(self.place, manifest["options"], identity)
            before = {part["name"] for part in manifest["parts"]} & ours
        self._hashes: dict[str, int] = {}  # of the contents of parts, as this run first read them
        read = {name: self._counts_and_known(name) for name in sorted(ours)} if resume else {}
        self._replaced = set() if resume else self._files | begun - {UNFINISHED}
        self._is_marked = UNFINISHED not in begun  # by this run
        if self._is_marked:
            self._mark()
        self.finished = {name: counts for name, (counts, _) in read.items() if name in before}
        self.parts = {name: counts for name, (counts, _) in read.items() if name not in before}
        self._sources = {name: read[name][1]["source"] for name in self.parts}
        self.done = done_parts({name: read[name][1] for name in self.finished}, frozenset(self.parts))
        known = np.concatenate([np.empty(0, KNOWN), *(read[name][1] for name in self.finished)])
        self._rows = known["rows"][np.argsort(known["source"], kind="stable")]  # as in `done.sources`
        # Without an error, of earlier runs; those that this run makes again are left out as it does.
        self.rows_before = sum(int(part["rows"].sum()) for _, part in read.values())
        for again in self._sources.values():
            self._leave_out(again)
        self.names: list[str] = []  # of all parts, in order, once it is finished
        self.unnamed = 0  # sources in finished parts that this run did not name
        self.unread = 0  # others that are not pruned, as the folder or archive that they are in could not be read

    def _refuse_existing(self, is_finished: bool, parts: int) -> None:
        if is_finished:
            raise BatchdigitsError(
                f"{self.place} holds a finished run: add --resume to add what is new and keep the rest, or --overwrite"
            )
        raise BatchdigitsError(
            f"{self.place} is unfinished, and {parts:,} parts of it are done: add --resume to continue, or --overwrite"
        )

    def _read_json(self, name: str) -> Any:
        """The content of the manifest, or of the mark of an unfinished run, which has no parts."""
        try:
            content = json.loads(self._folder.read(name))
            names = [str(part["name"]) for part in content.get("parts", [])]
            return {"options": dict(content["options"]), "parts": [{"name": name} for name in names]}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BatchdigitsError(f"{name} in {self.place} is not of batchdigits; give another folder") from None

    def _counts_and_known(self, name: str) -> tuple[RowCounts, NDArray[Any]]:
        """The counts of a part's rows, and what is known of its sources."""
        part = self._read_part(name)
        return count_heads(part.heads), part.known()

    def _read_part(self, name: str) -> PartRows:
        content = self._folder.read(name)
        if self._hashes.setdefault(name, hash(content)) != hash(content):
            raise BatchdigitsError(f"{name} in {self.place} was edited during this run, and is left as it is")
        beside = self._folder.read(done_name(name)) if done_name(name) in self._files else b"missing"
        try:
            return read_part(name, content, beside, output_format(self._format).reader(self._columns))
        except ValueError:
            raise BatchdigitsError(
                f"cannot add to {self.place}: {done_name(name)} in it is missing or damaged; "
                "give another folder, or --overwrite"
            ) from None
        except BatchdigitsError as error:
            why = str(error).rpartition(f"{name}: ")[2]
            raise BatchdigitsError(f"cannot add to {self.place}: {name} cannot be read any more: {why}") from None

    def _mark(self) -> None:
        self._folder.write(UNFINISHED, _json({"options": self._options}))
        self._is_marked = True

    def _begin(self) -> None:
        """Remove what this run replaces."""
        if not self._is_marked:
            self._mark()
        self._remove(self._replaced)
        self._replaced = set()

    def _remove(self, names: Iterable[str]) -> None:
        """Remove files, parts before the files beside them."""
        for name in sorted(names, key=lambda name: (name.startswith("."), name)):
            self._folder.remove(name)
            self._files.discard(name)

    def write(self, name: str, content: bytes, counts: RowCounts, done: NDArray[Any]) -> None:
        """Write or replace a part.

        Args:
            name: its name.
            content: its content.
            counts: the counts of its rows.
            done: the records of its sources.

        Raises:
            BatchdigitsError: it cannot be written.
        """
        self._begin()
        self._write(name, content, done)
        self.parts[name] = counts
        self._sources[name] = done["source"]
        self._leave_out(done["source"])

    def _leave_out(self, again: NDArray[np.uint64]) -> None:
        """Take the rows in finished parts of sources that were done again out of `rows_before`."""
        first, end = (np.searchsorted(self.done.sources, again, side) for side in ("left", "right"))
        at = np.unique(first[first < end])
        self.rows_before -= int(self._rows[at].sum())
        self._rows[at] = 0

    def _write(self, name: str, content: bytes, done: NDArray[Any]) -> None:
        """Write a part, and before it the file beside it, so that no part is without one."""
        self._folder.write(done_name(name), done.tobytes())
        self._folder.write(name, content)
        self._files |= {name, done_name(name)}

    def finish(
        self,
        listed: Iterable[str],
        about: Mapping[str, Any],
        named: Sequence[int] | NDArray[np.uint64] = (),
        readable: Sequence[int] | NDArray[np.uint64] = (),
        prune: bool = False,
    ) -> RowCounts:
        """Write the manifest, and return the counts of all rows.

        Args:
            listed: the names of all parts of the run. Its other parts, whose sources are gone, are removed.
            about: the manifest's entries about the run; those about its rows and parts are added.
            named: the `source_id` of each source in finished parts that this run named.
            readable: those of folders and archives whose error in finished parts is gone.
            prune: whether the rows of the other sources are dropped, if they have a path, and are not in a folder or
                archive that could not be read.

        Raises:
            BatchdigitsError: a part is missing, or the manifest cannot be written.
        """
        names = sorted(listed)
        if lost := [name for name in names if name not in self.parts]:
            raise BatchdigitsError(f"{len(lost):,} parts are missing, {lost[0]} first; to continue, add --resume")
        self._begin()
        known = [np.array(sources, np.uint64) for sources in (named, readable, [NO_SOURCE])]
        again = [self._sources[name] for name in names]
        unnamed = np.setdiff1d(self.done.sources, np.concatenate(known))
        if prune:
            unread = self._unread(unnamed, Unread(np.concatenate([known[0], *again])))
            self.unread = len(unread)
            unnamed = np.setdiff1d(unnamed, unread)
        self.unnamed = len(unnamed)
        gone = [known[1], *again, *([unnamed] if prune else [])]
        kept = dict(self.finished)
        self._drop(np.concatenate(gone), kept)
        kept = dict(sorted({**kept, **{name: self.parts[name] for name in names}}.items()))
        self.names = list(kept)
        total = RowCounts()
        for part in kept.values():
            total.update(part)
        manifest = {
            **about,
            "rows": total.rows,
            "statuses": dict(sorted(total.statuses.items())),
            "parts": [{"name": name, "rows": part.rows} for name, part in kept.items()],
        }
        self._folder.write(MANIFEST, _json(manifest))
        self._remove(self._files - kept.keys() - set(map(done_name, kept)))
        self._folder.remove(UNFINISHED)
        self._is_marked = False
        return total

    def rows(self) -> Iterator[TableRow]:
        """All rows of a finished output, in order.

        Raises:
            BatchdigitsError: a part cannot be read.
        """
        with tempfile.TemporaryDirectory(prefix="batchdigits-") as folder:
            for name in self.names:
                path = Path(folder) / name
                path.write_bytes(self._folder.read(name))
                yield from read_table(str(path))
                path.unlink()

    def _unread(self, sources: NDArray[np.uint64], unread: Unread) -> NDArray[np.uint64]:
        """Those of the sources in finished parts that are in folders and archives that could not be read."""
        held = set()
        for number in np.unique(self.done.parts[np.isin(self.done.sources, sources)]).tolist():
            part = self._read_part(self.done.finished[number])
            held |= {source for source, head in zip(part.sources, part.heads, strict=True) if unread.holds(head.path)}
        return np.intersect1d(sources, np.array(list(held), np.uint64))

    def _drop(self, gone: NDArray[np.uint64], kept: dict[str, RowCounts]) -> None:
        """Replace, among the kept finished parts, those with sources that are gone by new ones without these."""
        numbers = np.unique(self.done.parts[np.isin(self.done.sources, gone)]).tolist()
        sources = set(gone.tolist()) if numbers else set()
        for name in sorted(kept.keys() & {self.done.finished[number] for number in numbers}):
            del kept[name]
            rest = self._read_part(name).without(sources)
            if rest.rows:
                _, group, number, _ = name.split("-")
                new = part_name(int(group), int(number), [str(source) for source in rest.sources], self._format)
                self._write(new, encode_part(self._format, self._columns, rest.rows, rest.header), rest.done)
                kept[new] = count_heads(rest.heads)

    def __enter__(self) -> PartsOutput:
        """The output itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the parts for a resumed run; without any, remove the mark of an unfinished run."""
        if self._is_marked and not self.parts:
            self._folder.remove(UNFINISHED)


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
