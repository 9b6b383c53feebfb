"""An output of many parts, for clusters: a folder of files, and a manifest that is written last.

A part's name holds its position in the order of the sources, and a hash of its sources' paths. So a run resumes without
a journal: a part that has the right name is done.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from batchdigits.errors import BatchdigitsError
from batchdigits.output.columns import Columns
from batchdigits.output.formats import FormatName, dialect_of, output_format
from batchdigits.output.journal import Identity, refuse_other_run
from batchdigits.output.parts_folder import open_folder
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


def count_part(file_format: FormatName, content: bytes) -> RowCounts:
    """The counts of a part's rows."""
    rows: Iterable[Mapping[str, Any]]
    if file_format == "parquet":
        _, parquet = import_pyarrow()
        rows = parquet.read_table(io.BytesIO(content), columns=["status", "score"]).to_pylist()
    else:
        text = content.decode("utf-8", "surrogateescape")
        if file_format == "csv" or file_format == "tsv":
            rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=dialect_of(file_format).delimiter)
        else:
            rows = map(json.loads, text.splitlines())
    counts = RowCounts()
    for row in rows:
        counts.add(row["status"], row["score"])
    return counts


class PartsOutput:
    """A folder to write parts to."""

    def __init__(self, place: str, file_format: FormatName, identity: Identity, resume: bool | None) -> None:
        """Start an output, or resume one.

        Args:
            place: the folder, as a path or a URL.
            file_format: the format of the parts.
            identity: all that names and content of parts depend on; keys and values are for people to read.
            resume: True to resume the output that is there, False to remove it, None to refuse if there is one.

        Raises:
            BatchdigitsError: it cannot be written, or cannot be resumed.
        """
        self.place = without_secrets(place)
        self._format = file_format
        self._folder = open_folder(place)
        names = self._folder.names()
        ours = {name for name in names if _is_part(name)}
        begun = names & {MANIFEST, UNFINISHED}
        if names and not begun:
            raise BatchdigitsError(f"{self.place} holds files of another program; give an empty folder")
        if begun and resume is None:
            self._refuse_existing(is_finished=UNFINISHED not in begun, parts=len(ours))
        if begun and resume:
            self._refuse_other_run(identity, UNFINISHED if UNFINISHED in begun else MANIFEST)
        self._folder.write(UNFINISHED, _json({"options": identity}))
        for name in begun - {UNFINISHED} | (set() if resume else ours):
            self._folder.remove(name)
        self.parts: dict[str, RowCounts] = {}
        for name in ours if resume else ():
            self.parts[name] = count_part(file_format, self._folder.read(name))

    def _refuse_existing(self, is_finished: bool, parts: int) -> None:
        if is_finished:
            raise BatchdigitsError(f"{self.place} holds a finished run: give another folder, or --overwrite")
        raise BatchdigitsError(
            f"{self.place} is unfinished, and {parts:,} parts of it are done: add --resume to continue, or --overwrite"
        )

    def _refuse_other_run(self, identity: Identity, name: str) -> None:
        try:
            before = dict(json.loads(self._folder.read(name))["options"])
        except (ValueError, KeyError, TypeError):
            raise BatchdigitsError(f"{name} in {self.place} is not of batchdigits; give another folder") from None
        refuse_other_run(self.place, before, identity)

    def write(self, name: str, content: bytes, counts: RowCounts) -> None:
        """Write or replace a part.

        Raises:
            BatchdigitsError: it cannot be written.
        """
        self._folder.write(name, content)
        self.parts[name] = counts

    def finish(self, listed: Iterable[str], about: Mapping[str, Any]) -> RowCounts:
        """Write the manifest, and return the counts of all rows.

        Args:
            listed: the names of all parts of the run. Other parts, whose sources are gone, are removed.
            about: the manifest's entries about the run; those about its rows and parts are added.

        Raises:
            BatchdigitsError: a part is missing, or the manifest cannot be written.
        """
        names = sorted(listed)
        if lost := [name for name in names if name not in self.parts]:
            raise BatchdigitsError(f"{len(lost):,} parts are missing, {lost[0]} first; to continue, add --resume")
        kept = {name: self.parts[name] for name in names}
        for name in self.parts.keys() - kept.keys():
            self._folder.remove(name)
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
        self._folder.remove(UNFINISHED)
        return total

    def __enter__(self) -> PartsOutput:
        """The output itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the parts for a resumed run; without any, remove the mark of an unfinished run."""
        if not self.parts:
            self._folder.remove(UNFINISHED)


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
