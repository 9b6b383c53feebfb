"""An output of many parts, for clusters: a folder of files, and a manifest that is written last.

A part's name holds its position in the order of the sources, and a hash of its sources' paths. So a run resumes without
a journal: a part that has the right name is done. A run that adds to a finished folder reads from the parts which
sources are done, and puts the others into parts of new groups.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tempfile
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.output.columns import Columns
from batchdigits.output.finished import of_a_page, source_id
from batchdigits.output.formats import FormatName, dialect_of, output_format
from batchdigits.output.journal import Identity, refuse_other_run
from batchdigits.output.parts_folder import open_folder
from batchdigits.output.prediction_jsonl import path_from_bytes
from batchdigits.output.prediction_parquet import import_pyarrow
from batchdigits.output.row_counts import RowCounts
from batchdigits.text import without_secrets

MANIFEST = "manifest.json"
UNFINISHED = "unfinished.json"  # exists while a run is unfinished, and says what the parts depend on

_is_part = re.compile(r"part-\d+-\d+-[0-9a-f]{16}\.\w+").fullmatch


def part_name(group: int, number: int, sources: Sequence[str], file_format: FormatName) -> str:
    """The name of the part with those sources, which is number `number` of group `group` of the typed paths."""
    digest = hashlib.blake2b("\0".join(sources).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return f"part-{group:04d}-{number:06d}-{digest}.{file_format}"


def encode_part(file_format: FormatName, columns: Columns, rows: Iterable[bytes]) -> bytes:
    """The content of a part.

    Args:
        file_format: its format.
        columns: its columns.
        rows: the encoded rows of each source.
    """
    written = output_format(file_format)
    if written.convert is None:
        return written.header(columns) + b"".join(rows)
    with tempfile.TemporaryDirectory(prefix="batchdigits-") as folder:
        path = Path(folder) / "part"
        written.convert(columns, (line for lines in rows for line in lines.splitlines(keepends=True)), path)
        return path.read_bytes()


class PartRows(NamedTuple):
    """What matters of a part's rows for a later run: their counts, and the path of each."""

    counts: RowCounts
    paths: list[str]


def read_part(file_format: FormatName, content: bytes) -> PartRows:
    """Read the rows of a part again; a person may have edited them.

    Raises:
        ValueError: the content is not of this format.
        KeyError: a column is missing.
    """
    rows = list(_rows(file_format, content))
    counts = RowCounts()
    for row in rows:
        counts.add(str(row["status"] or ""), row["score"])
    encoded = [row.get("path_bytes") for row in rows]
    return PartRows(
        counts,
        [path_from_bytes(raw) if raw else str(row["path"]) for raw, row in zip(encoded, rows, strict=True)],
    )


def _rows(file_format: FormatName, content: bytes) -> Iterable[Mapping[str, Any]]:
    if file_format == "parquet":
        _, parquet = import_pyarrow()
        columns = ["path", "status", "score", "path_bytes"]
        return parquet.read_table(io.BytesIO(content), columns=columns).to_pylist()  # type: ignore[no-any-return]
    text = content.decode("utf-8-sig", "surrogateescape")
    if file_format == "jsonl":
        return map(json.loads, io.StringIO(text, newline="\n"))  # `splitlines` would split at letters of names
    delimiter = dialect_of("tsv" if file_format == "tsv" else "csv").delimiter
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if not {"path", "status", "score"} <= set(rows.fieldnames or ()):
        raise KeyError("path, status or score")
    return rows


@dataclass(frozen=True)
class DoneParts:
    """What a run need not do again, in a form that goes to every node: 12 bytes for each source of a finished run.

    Attributes:
        names: parts that this run had done when it was stopped.
        finished: parts of finished runs, which nothing changes.
        first_group: the number of this run's first group, after those of all finished parts.
        sources: uint64 (N,), ascending: the `source_id` of each source in a finished part.
        parts: uint32 (N,): the index in `finished` of the part that holds it.
    """

    names: frozenset[str] = frozenset()
    finished: tuple[str, ...] = ()
    first_group: int = 0
    sources: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    parts: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))

    def part_of(self, source: str) -> str | None:
        """The finished part that holds a source."""
        wanted = np.uint64(source_id(source))
        at = int(np.searchsorted(self.sources, wanted))
        return self.finished[self.parts[at]] if at < len(self.sources) and self.sources[at] == wanted else None


class PartsOutput:
    """A folder to write parts to.

    A run that adds to a finished folder writes parts of its own, and changes none that is there, since a person may
    have edited it. The manifest stays until it is replaced by that of all parts.
    """

    def __init__(
        self, place: str, file_format: FormatName, identity: Identity, sources: Identity, resume: bool | None
    ) -> None:
        """Start an output, resume one, or add to one. What is there stays until the first part is written.

        Args:
            place: the folder, as a path or a URL.
            file_format: the format of the parts.
            identity: all that the rows of a source depend on; keys and values are for people to read.
            sources: all that says which sources are in which part.
            resume: True to resume or to add, False to replace what is there, None to refuse if there is anything.

        Raises:
            BatchdigitsError: it cannot be written, resumed or added to.
        """
        self.place = without_secrets(place)
        self._format = file_format
        self._folder = open_folder(place)
        self._options = {**identity, **sources}
        names = self._folder.names()
        ours = {name for name in names if _is_part(name)}
        begun = names & {MANIFEST, UNFINISHED}
        if names and not begun:
            raise BatchdigitsError(f"{self.place} holds files of another program; give an empty folder")
        if begun and resume is None:
            self._refuse_existing(is_finished=UNFINISHED not in begun, parts=len(ours))
        before: set[str] = set()
        if resume and UNFINISHED in begun:
            refuse_other_run(self.place, self._read_json(UNFINISHED)["options"], self._options)
        if resume and MANIFEST in begun:
            manifest = self._read_json(MANIFEST)
            refuse_other_run(self.place, manifest["options"], identity)
            before = {part["name"] for part in manifest["parts"]} & ours
        self._replaced = set() if resume else ours | begun - {UNFINISHED}
        self._is_marked = UNFINISHED not in begun  # by this run
        if self._is_marked:
            self._mark()
        read = {name: self._read_part(name) for name in sorted(ours)} if resume else {}
        self.finished = {name: rows.counts for name, rows in read.items() if name in before}
        self.parts = {name: rows.counts for name, rows in read.items() if name not in before}
        self.done = _done({name: read[name].paths for name in self.finished}, frozenset(self.parts))
        self.unnamed = 0  # finished parts of which this run named no source

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
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BatchdigitsError(f"{name} in {self.place} is not of batchdigits; give another folder") from None

    def _read_part(self, name: str) -> PartRows:
        try:
            return read_part(self._format, self._folder.read(name))
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
            raise BatchdigitsError(f"cannot add to {self.place}: {name} cannot be read any more: {error}") from None

    def _mark(self) -> None:
        self._folder.write(UNFINISHED, _json({"options": self._options}))
        self._is_marked = True

    def _begin(self) -> None:
        """Remove what this run replaces."""
        if not self._is_marked:
            self._mark()
        for name in sorted(self._replaced):
            self._folder.remove(name)
        self._replaced = set()

    def write(self, name: str, content: bytes, counts: RowCounts) -> None:
        """Write or replace a part.

        Raises:
            BatchdigitsError: it cannot be written.
        """
        self._begin()
        self._folder.write(name, content)
        self.parts[name] = counts

    def finish(
        self, listed: Iterable[str], about: Mapping[str, Any], named: Iterable[str] = (), prune: bool = False
    ) -> RowCounts:
        """Write the manifest, and return the counts of all rows.

        Args:
            listed: the names of all parts of the run. Its other parts, whose sources are gone, are removed.
            about: the manifest's entries about the run; those about its rows and parts are added.
            named: the finished parts of which this run named a source.
            prune: whether the other finished parts are removed.

        Raises:
            BatchdigitsError: a part is missing, or the manifest cannot be written.
        """
        names = sorted(listed)
        if lost := [name for name in names if name not in self.parts]:
            raise BatchdigitsError(f"{len(lost):,} parts are missing, {lost[0]} first; to continue, add --resume")
        self._begin()
        unnamed = self.finished.keys() - set(named)
        self.unnamed = len(unnamed)
        there = {**self.finished, **self.parts}
        dropped = (self.parts.keys() - set(names)) | (unnamed if prune else set())
        kept = {name: there[name] for name in sorted(there.keys() - dropped)}
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
        for name in sorted(dropped):
            self._folder.remove(name)
        self._folder.remove(UNFINISHED)
        self._is_marked = False
        return total

    def __enter__(self) -> PartsOutput:
        """The output itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the parts for a resumed run; without any, remove the mark of an unfinished run."""
        if self._is_marked and not self.parts:
            self._folder.remove(UNFINISHED)


def _done(paths: Mapping[str, Sequence[str]], names: frozenset[str]) -> DoneParts:
    """What need not be done, given the paths of the rows in each finished part, and this run's own parts."""
    finished = tuple(paths)
    ids, parts = array("Q"), array("L")
    for number, name in enumerate(finished):
        for path in paths[name]:
            page = of_a_page(path)
            for source in (path, page[1]) if page else (path,):
                ids.append(source_id(source))
                parts.append(number)
    sources, first = np.unique(np.array(ids, np.uint64), return_index=True)
    groups = [int(name.split("-")[1]) for name in finished]
    return DoneParts(names, finished, max(groups, default=-1) + 1, sources, np.array(parts, np.uint32)[first])


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
