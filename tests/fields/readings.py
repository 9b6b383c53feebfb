"""Readings of fields for tests: one row of log probabilities for each box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LABELS = 3  # of a box in the alternatives


class BoxReading(NamedTuple):
    """The reading of a comb.

    Attributes:
        log_p: the logarithm of the probability of each digit in each box, float64 (boxes, 10).
        alternatives: the likeliest values.
    """

    log_p: NDArray[np.float64]
    alternatives: Sequence[tuple[str, float]]

    def log_probability(self, value: str) -> float:
        if len(value) != len(self.log_p) or not value.isdigit():
            return -math.inf
        return float(self.log_p[np.arange(len(value)), [int(digit) for digit in value]].sum())


class NamedReading(NamedTuple):
    """A reading with the probabilities of some values."""

    alternatives: Sequence[tuple[str, float]]

    def log_probability(self, value: str) -> float:
        share = dict(self.alternatives).get(value, 0.0)
        return math.log(share) if share else -math.inf


def read_boxes(log_p: NDArray[np.float64], most: int = 12) -> BoxReading:
    """The reading of some boxes, from log probabilities (boxes, 10)."""
    paths = [("", 0.0)]
    for row in log_p:
        labels = np.argsort(-row)[:LABELS].tolist()
        longer = [(text + str(label), log + float(row[label])) for (text, log), label in product(paths, labels)]
        paths = sorted(longer, key=lambda path: -path[1])[:most]
    return BoxReading(log_p, [(text, math.exp(log)) for text, log in paths])
