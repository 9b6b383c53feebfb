"""The rows of a part that is there already, as a person may have edited them, and what a later run does again.

Beside a part lies `.PART.done`: a record for each of its sources, as in the file beside a finished output (see
`done_file`).
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.files.page_names import file_of
from batchdigits.output.done_file import CHECKSUMS, RECORD, checksum_of, source_id
from batchdigits.output.journal import NO_STAMP
from batchdigits.output.reader_protocol import Reader, RowHead

KNOWN = np.dtype([("source", "<u8"), ("stamp", "<u8"), ("is_edited", "?"), ("rows", "<u4")])


@dataclass(frozen=True)
class PartRows:
    """Rows of a part.

    Attributes:
        header: the bytes before the first row.
        rows: the rows, in the form in which runs write them.
        heads: what matters of each row.
        sources: the `source_id` of each row's source.
        done: the records of sources, some of which may have no row.
        reader: reads the part as it is.
    """

    header: bytes
    rows: list[bytes]
    heads: list[RowHead]
    sources: list[int]
    done: NDArray[Any]
    reader: Reader

    def known(self) -> NDArray[Any]:
        """What is known of each source that has rows, as KNOWN.

        The stamp is NO_STAMP if one of the rows is an error that nobody has answered. Rows that a person has added are
        edited ones. The rows are the number of those that are no such error.
        """
        stamps: dict[int, int] = {}
        checksums: Counter[int] = Counter()  # of a source's rows as they were written, less those as they are
        for source, stamp, checksum in self.done.tolist():  # a source that was named twice has two records
            stamps[source] = stamp
            checksums[source] += checksum
        is_open = dict.fromkeys(self.sources, False)
        rows: Counter[int] = Counter()
        for source, row, head in zip(self.sources, self.rows, self.heads, strict=True):
            checksums[source] -= checksum_of(row)
            is_open[source] |= head.is_open_error
            rows[source] += not head.is_open_error
        self._forgive_spreadsheets(checksums)
        known = [
            (
                source,
                NO_STAMP if is_open[source] else stamps.get(source, NO_STAMP) | 1,
                checksums[source] % CHECKSUMS != 0,
                rows[source],
            )
            for source in is_open
        ]
        return np.array(known, KNOWN)

    def _forgive_spreadsheets(self, checksums: Counter[int]) -> None:
        """Count rows that may have been edited as a run wrote them: saving them in a spreadsheet is no edit."""
        suspects = {source for source, checksum in checksums.items() if checksum % CHECKSUMS}
        for source, row in zip(self.sources, self.rows, strict=True):
            if source in suspects:
                checksums[source] += checksum_of(row) - checksum_of(self.reader.as_written(row))

    def without(self, sources: Container[int]) -> PartRows:
        """The rows of all other sources."""
        left = [number for number, source in enumerate(self.sources) if source not in sources]
        rows, heads = [self.rows[number] for number in left], [self.heads[number] for number in left]
        kept = [self.sources[number] for number in left]
        done = self.done[np.isin(self.done["source"], np.array(kept, np.uint64))]
        return PartRows(self.header, rows, heads, kept, done, self.reader)


def read_part(name: str, content: bytes, done: bytes, reader: Reader) -> PartRows:
    """Read the rows of a part again.

    Args:
        name: its name.
        content: its content.
        done: the content of the file beside it.
        reader: reads its format.

    Raises:
        BatchdigitsError: the content is of another format, or has other columns.
        ValueError: `done` is damaged.
    """
    records = np.frombuffer(done, RECORD)
    known = set(records["source"].tolist())
    with tempfile.TemporaryDirectory(prefix="batchdigits-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        reader = reader.for_file(path)
        header, *rows = reader.pieces(path)
    heads = [reader.head(row) for row in rows]
    return PartRows(header, rows, heads, [_source_of(head.path, known) for head in heads], records, reader)


def _source_of(path: str, known: Container[int]) -> int:
    """The `source_id` of the source of a row: of the path without the number of a page, if that is a known one."""
    source = source_id(path)
    if source in known:
        return source
    whole = source_id(file_of(path))
    return whole if whole in known else source
