"""What an earlier run has done of an output of many parts, in a form that goes to every node of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.output.done_file import source_id
from batchdigits.output.journal import NO_STAMP
from batchdigits.output.part_rows import KNOWN


class DoneSource(NamedTuple):
    """A source in a finished part.

    Attributes:
        stamp: its stamp when it was classified; NO_STAMP if an error of it is to be tried again.
        is_edited: whether a person has edited its rows.
    """

    stamp: int
    is_edited: bool

    def is_current(self, stamp: int) -> bool:
        """Whether its rows stay, given the stamp that it has now. Edited ones do, though the file has changed."""
        return self.stamp != NO_STAMP and (self.is_edited or self.stamp == stamp)


@dataclass(frozen=True)
class DoneParts:
    """What a run need not do again, in a form that goes to every node: 21 bytes for each source of a finished run.

    Attributes:
        names: parts that this run had done when it was stopped.
        finished: parts of finished runs.
        first_group: the number of this run's first group, after those of all finished parts.
        sources: uint64 (N,), ascending: the `source_id` of each source in a finished part.
        stamps: uint64 (N,): as in `DoneSource`.
        edited: bool (N,): as in `DoneSource`.
        parts: uint32 (N,): the index in `finished` of the part that holds it.
    """

    names: frozenset[str] = frozenset()
    finished: tuple[str, ...] = ()
    first_group: int = 0
    sources: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    stamps: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    edited: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    parts: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))

    def find(self, source: str) -> DoneSource | None:
        """What is known of a source; None if no finished part holds it."""
        wanted = np.uint64(source_id(source))
        at = int(np.searchsorted(self.sources, wanted))
        if at == len(self.sources) or self.sources[at] != wanted:
            return None
        return DoneSource(int(self.stamps[at]), bool(self.edited[at]))


def done_parts(finished: Mapping[str, NDArray[Any]], names: frozenset[str]) -> DoneParts:
    """What need not be done, given what is known of the sources in each finished part, and this run's own parts."""
    known = np.concatenate([np.empty(0, KNOWN), *finished.values()])
    parts = np.repeat(np.arange(len(finished), dtype=np.uint32), [len(part) for part in finished.values()])
    order = np.argsort(known["source"], kind="stable")
    groups = [int(name.split("-")[1]) for name in finished]
    sources, stamps, edited = (known[field][order] for field in ("source", "stamp", "is_edited"))
    return DoneParts(names, tuple(finished), max(groups, default=-1) + 1, sources, stamps, edited, parts[order])
