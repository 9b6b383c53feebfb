"""Readings of fields for tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.cut_field import cut_field
from batchdigits.fields.lattice import Step
from batchdigits.fields.lattice_reading import LatticeReading
from batchdigits.fields.read_field import classify_cuts, read_cut
from batchdigits.fields.reading import FieldReading, ReadOptions
from batchdigits.fields.values.value_list import ValueList
from batchdigits.inference.runtime import Runtime

LABELS = 3  # of a box in the alternatives
NOTHING_KNOWN = ReadOptions()


def read_fields(
    scans: Sequence[NDArray[np.uint8]], runtime: Runtime, options: ReadOptions = NOTHING_KNOWN
) -> list[FieldReading]:
    """The number of each field, from scans, uint8 (H, W); the network gets the glyphs of all together."""
    cuts = [cut_field(scan, options) for scan in scans]
    rows = classify_cuts(cuts, runtime)
    return [read_cut(cut, own, options) for cut, own in zip(cuts, rows, strict=True)]


class NamedReading(NamedTuple):
    """A reading with the probabilities of some values."""

    alternatives: Sequence[tuple[str, float]]

    def among(self, listed: ValueList) -> list[tuple[str, float]]:
        return [(value, share) for value, share in self.alternatives if value in listed.values]


def read_boxes(log_p: NDArray[np.float64], most: int = 12) -> LatticeReading:
    """The reading of a comb, from the logarithm of the probability of each digit in each box, (boxes, 10)."""
    paths = [("", 0.0)]
    for row in log_p:
        labels = np.argsort(-row)[:LABELS].tolist()
        longer = [(text + str(label), log + float(row[label])) for (text, log), label in product(paths, labels)]
        paths = sorted(longer, key=lambda path: -path[1])[:most]
    steps = [
        Step(box, box + 1, str(label), log) for box, row in enumerate(log_p.tolist()) for label, log in enumerate(row)
    ]
    return LatticeReading(steps, len(log_p), paths)
