"""What was read in a field: the likeliest values of its lattice, and the likeliest ones of a list."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from batchdigits.fields.lattice import Step
from batchdigits.fields.values.value_list import ValueList

BEAM = 50  # beginnings of listed values that are kept at each piece
MARGIN = 25.0  # natural logarithm of how much less likely than the likeliest one a beginning may be
LOST = math.log(0.0005)  # of the probability that a digit was written, and none was found


class LatticeReading:
    """A lattice; a `Reading` for `ExpectedValues.believe`.

    Attributes:
        alternatives: the likeliest values with their probabilities (0-1), the likeliest first; () if blank.
    """

    def __init__(self, steps: Iterable[Step], pieces: int, values: Sequence[tuple[str, float]]) -> None:
        """Index a lattice.

        Args:
            steps: ways to read pieces. A listed value is found only if its digits have steps, so a glyph that may be
                misread needs the steps of all ten.
            pieces: how many there are.
            values: the likeliest values with their logarithmic weights, as `best_paths` finds them; () if blank.
        """
        self._from: list[dict[str, list[tuple[int, float]]]] = [defaultdict(list) for _ in range(pieces)]
        for step in steps:
            self._from[step.start][step.text].append((step.end, step.log_weight))
        highest = max((log for _, log in values), default=0.0)
        self._log_total = highest + math.log(sum((math.exp(log - highest) for _, log in values), start=0.0) or 1.0)
        self.alternatives = tuple((value, math.exp(log - self._log_total)) for value, log in values)

    def among(self, listed: ValueList) -> list[tuple[str, float]]:
        """The likeliest values of a list with their probabilities, which are relative to `alternatives`."""
        at: list[dict[str, float]] = [{} for _ in range(len(self._from) + 1)]
        at[0][""] = 0.0
        for piece, steps in enumerate(self._from):
            for beginning, log in _likeliest(at[piece], listed):
                for end, log_weight in steps.get("", ()):
                    _add(at[end], beginning, log + log_weight)
                for character in listed.following.get(beginning, ""):
                    for end, log_weight in steps.get(character, ()):
                        _add(at[end], beginning + character, log + log_weight)
        found = [(value, log) for value, log in _likeliest(at[-1], listed) if value in listed.values]
        return [(value, math.exp(min(0.0, log - self._log_total))) for value, log in found]


def _likeliest(beginnings: dict[str, float], listed: ValueList) -> list[tuple[str, float]]:
    """The likeliest beginnings, also with one more character that was lost; the likeliest first."""
    if not beginnings:
        return []
    least = max(beginnings.values()) - MARGIN
    for beginning, log in _best(beginnings, least - LOST):
        for character in listed.following.get(beginning, ""):
            _add(beginnings, beginning + character, log + LOST)
    return _best(beginnings, least)


def _best(beginnings: dict[str, float], least: float) -> list[tuple[str, float]]:
    """Those of at least some logarithmic weight, up to `BEAM`, the likeliest first."""
    return sorted((pair for pair in beginnings.items() if pair[1] >= least), key=lambda pair: -pair[1])[:BEAM]


def _add(logs: dict[str, float], key: str, log: float) -> None:
    """Add the weight of one more way."""
    before = logs.get(key)
    logs[key] = log if before is None else max(before, log) + math.log1p(math.exp(-abs(before - log)))
