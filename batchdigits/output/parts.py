"""An output of many parts, for runs of many machines: a folder of files, and a manifest that is written last.

A part's name tells its place in the order of the sources and, by a hash, which sources are in it. A run that resumes
needs no journal: what has the right name is done.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from batchdigits.errors import BatchdigitsError
from batchdigits.output.columns import Columns
from batchdigits.output.formats import FORMATS, FormatName
from batchdigits.output.journal import Identity, refuse_others
from batchdigits.output.parts_folder import open_folder
from batchdigits.output.prediction_parquet import import_pyarrow
from batchdigits.text import without_secrets

MANIFEST = "manifest.json"
UNFINISHED = "unfinished.json"  # there from the first moment of a run to its last: what the parts depend on

_is_part = re.compile(r"part-\d+-\d+-[0-9a-f]{16}\.\w+").fullmatch


def part_name(group: int, number: int, sources: Sequence[str], form: FormatName) -> str:
    """The name of the part with those sources, the `number`th of the `group`th group of paths."""
    digest = hashlib.blake2b("\0".join(sources).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    return f"part-{group:04d}-{number:06d}-{digest}.{form}"


def encode_part(form: FormatName, columns: Columns, rows: Iterable[bytes]) -> bytes:
    """A part, whole.

    Args:
        form: its format.
        columns: its columns.
        rows: what the format's `encode` made of each source.
    """
    header, convert = FORMATS[form].header, FORMATS[form].convert
    if convert is None:
        return header(columns) + b"".join(rows)
    with tempfile.TemporaryDirectory(prefix="batchdigits-") as folder:
        path = Path(folder) / "part"
        convert(columns, (line for lines in rows for line in lines.splitlines(keepends=True)), path)
        return path.read_bytes()


def count_statuses(form: FormatName, content: bytes) -> Counter[str]:
    """How many rows of each status a part has."""
    if form == "parquet":
        _, parquet = import_pyarrow()
        return Counter(parquet.read_table(io.BytesIO(content), columns=["status"])["status"].to_pylist())
    text = content.decode("utf-8", "surrogateescape")
    rows = csv.DictReader(io.StringIO(text, newline="")) if form == "csv" else map(json.loads, text.splitlines())
    return Counter(row["status"] for row in rows)


class PartsOutput:
    """A folder to write parts to."""

    def __init__(self, place: str, form: FormatName, identity: Identity, resume: bool | None) -> None:
        """Start an output, or go on with one.

        Args:
            place: the folder, as a path or a URL.
            form: the format of the parts.
            identity: all that names and content of parts depend on; keys and values are for people to read.
            resume: whether to go on with what there is; False to remove it, None to refuse to decide that.

        Raises:
            BatchdigitsError: it cannot be written, or not be resumed.
        """
        self.place = without_secrets(place)
        self._form = form
        self._folder = open_folder(place)
        names = self._folder.names()
        ours = {name for name in names if _is_part(name)}
        begun = names & {MANIFEST, UNFINISHED}
        if names and not begun:
            raise BatchdigitsError(f"{self.place} holds other things; give a folder of its own")
        if begun and resume is None:
            self._refuse_to_decide(MANIFEST in begun and UNFINISHED not in begun, len(ours))
        if begun and resume:
            self._refuse_others(identity, UNFINISHED if UNFINISHED in begun else MANIFEST)
        self._folder.write(UNFINISHED, _json({"options": identity}))
        for name in begun - {UNFINISHED} | (set() if resume else ours):
            self._folder.remove(name)
        self.parts: dict[str, Counter[str]] = {}
        for name in ours if resume else ():
            self.parts[name] = count_statuses(form, self._folder.read(name))

    def _refuse_to_decide(self, whole: bool, parts: int) -> None:
        if whole:
            raise BatchdigitsError(f"{self.place} holds a finished run: give another folder, or --start-over")
        raise BatchdigitsError(
            f"{self.place} was begun before, and {parts:,} parts of it are done: add --resume to go on, or --start-over"
        )

    def _refuse_others(self, identity: Identity, name: str) -> None:
        try:
            before = dict(json.loads(self._folder.read(name))["options"])
        except (ValueError, KeyError, TypeError):
            raise BatchdigitsError(f"{name} in {self.place} is not of batchdigits; give another folder") from None
        refuse_others(self.place, before, identity)

    def write(self, name: str, content: bytes, statuses: Counter[str]) -> None:
        """Write a part; one that is there is replaced.

        Raises:
            BatchdigitsError: it cannot be written.
        """
        self._folder.write(name, content)
        self.parts[name] = statuses

    def finish(self, listed: Iterable[str], about: Mapping[str, Any]) -> Counter[str]:
        """Write the manifest; how many rows of each status there are.

        Args:
            listed: the names of all parts of the run; others, of sources that have gone since, are removed.
            about: what else the manifest says.

        Raises:
            BatchdigitsError: it cannot be written.
        """
        names = sorted(listed)
        if lost := [name for name in names if name not in self.parts]:
            raise BatchdigitsError(f"{len(lost):,} parts did not come, {lost[0]} first; to go on, add --resume")
        whole = {name: self.parts[name] for name in names}
        for name in self.parts.keys() - whole.keys():
            self._folder.remove(name)
        statuses: Counter[str] = sum(whole.values(), Counter())
        manifest = {
            **about,
            "rows": statuses.total(),
            "statuses": dict(sorted(statuses.items())),
            "parts": [{"name": name, "rows": part.total()} for name, part in whole.items()],
        }
        self._folder.write(MANIFEST, _json(manifest))
        self._folder.remove(UNFINISHED)
        return statuses

    def __enter__(self) -> PartsOutput:
        """The output itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep what is not finished, unless it is nothing."""
        if not self.parts:
            self._folder.remove(UNFINISHED)


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
