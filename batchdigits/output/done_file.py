"""What a later run needs to know of a finished output: `.NAME.done` beside it.

It begins with a line of JSON that says what the rows depend on. A record of 24 bytes follows for each source: a hash of
its path, a stamp (see `journal`), and the checksum and number of its lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.files.plain_path import plain_path
from batchdigits.output.atomic import replace_atomically
from batchdigits.output.journal import Identity
from batchdigits.text import path_bytes

RECORD = np.dtype([("source", "<u8"), ("stamp", "<u8"), ("checksum", "<u4")])  # of a part, or of an older version
COUNTED = np.dtype([*RECORD.descr, ("lines", "<u4")])
COUNTS = "the lines of each file"  # marks in the line of JSON that records are COUNTED
NO_SOURCE = 0  # in place of a source's id, of a row without a path
CHECKSUMS = 1 << 32  # how many there are


class Done(NamedTuple):
    """What is known of a source that is done.

    Attributes:
        source: its `source_id`.
        stamp: its stamp when it was read.
        checksum: of its rows as a run wrote them.
        lines: the number of lines of its rows; 0 if it is not known.
    """

    source: int
    stamp: int
    checksum: int
    lines: int


def source_id(path: str) -> int:
    """A 64-bit hash of a path, however it is spelled; NO_SOURCE for an empty one, or one that no file can have."""
    try:
        digest = hashlib.blake2b(path_bytes(plain_path(path)), digest_size=8).digest()
    except UnicodeEncodeError:
        return NO_SOURCE
    return int.from_bytes(digest, "little") or 1 if path else NO_SOURCE


def checksum_of(rows: bytes) -> int:
    """A checksum of rows, whatever their line ends; those of several rows add up, modulo CHECKSUMS."""
    lines = rows.splitlines()
    return crc32(lines[0]) if len(lines) == 1 else sum(map(crc32, lines)) % CHECKSUMS


def records(sources: Sequence[int], stamps: Sequence[int], checksums: Sequence[int]) -> NDArray[Any]:
    """Records of sources, as in the file beside a part."""
    made = np.empty(len(sources), RECORD)
    made["source"], made["stamp"], made["checksum"] = sources, stamps, checksums
    return made


def counted(made: NDArray[Any], lines: Sequence[int] | int) -> NDArray[Any]:
    """Records with the number of lines of each source, as in the file beside an output."""
    more = np.empty(len(made), COUNTED)
    for name in RECORD.names or ():
        more[name] = made[name]
    more["lines"] = lines
    return more


def done_path(path: Path) -> Path:
    """The file beside an output."""
    return path.with_name(f".{path.name}.done")


def write_done(path: Path, identity: Identity, done: NDArray[Any]) -> None:
    """Write down what a later run needs to know of the finished output `path`: a record for each source.

    The record of a source that was named twice has the last stamp, the checksum of all its rows, and the lines of one
    time.

    Raises:
        BatchdigitsError: it cannot be written.
    """
    latest_first = done[::-1]
    _, last, number = np.unique(latest_first["source"], return_index=True, return_inverse=True)
    kept = latest_first[last]
    checksums, lines = np.zeros(len(kept), np.uint32), np.zeros(len(kept), np.uint32)
    np.add.at(checksums, number, latest_first["checksum"])  # which wrap around at CHECKSUMS
    np.maximum.at(lines, number, latest_first["lines"])
    kept["checksum"], kept["lines"] = checksums, lines
    with replace_atomically(done_path(path)) as beside:
        beside.write_bytes((json.dumps({**identity, COUNTS: True}) + "\n").encode() + kept.tobytes())


def read_done(path: Path) -> tuple[Mapping[str, Any], NDArray[Any]]:
    """What the rows of the finished output `path` depend on, and the records of its sources, sorted by these.

    Raises:
        BatchdigitsError: the file beside it is missing or damaged.
    """
    try:
        first, _, rest = done_path(path).read_bytes().partition(b"\n")
        identity = json.loads(first)
    except (OSError, ValueError, RecursionError):
        identity = None
    record = COUNTED if isinstance(identity, dict) and COUNTS in identity else RECORD
    if not isinstance(identity, dict) or len(rest) % record.itemsize:
        raise BatchdigitsError(
            f"cannot add to {path}: {done_path(path).name} beside it is missing or damaged; "
            "move or rename it as the table was; if review --apply wrote the table, add to the one that was reviewed, "
            "and apply the review again; else give another name, or --overwrite"
        )
    done = np.frombuffer(rest, record)
    return identity, np.sort(done if record is COUNTED else counted(done, 0), order="source")
