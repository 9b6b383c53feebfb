"""A list of expected values, as a tree of their beginnings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from batchdigits.inference.card import DIGIT_NAMES

MAX_SAMPLED = 1000  # values whose neighbours are counted


class ValueList:
    """Values of which each field holds one.

    Attributes:
        values: all of them.
        following: for each beginning of a value, the characters that may follow it.
        others_each: for each value on the list, how many values off it are one digit away; at least 1. A field that
            holds another value may hold any of them, so each is that much less likely than one on the list.
    """

    def __init__(self, values: Sequence[str]) -> None:
        """Index some values, at least one."""
        self._given = values
        self.values = frozenset(values)
        following: dict[str, set[str]] = defaultdict(set)
        for value in values:
            for place, character in enumerate(value):
                following[value[:place]].add(character)
        self.following: Mapping[str, str] = {start: "".join(sorted(after)) for start, after in following.items()}
        sample = values[:: max(1, len(values) // MAX_SAMPLED)]
        others = sum(other not in self.values for value in sample for other in _neighbours(value))
        self.others_each = max(1.0, others / len(sample))

    def __reduce__(self) -> tuple[Callable[[Sequence[str]], ValueList], tuple[Sequence[str]]]:
        """Pickle the values alone: the rest is many times as large."""
        return ValueList, (self._given,)


def _neighbours(value: str) -> list[str]:
    """All values that differ in one digit."""
    return [
        value[:place] + digit + value[place + 1 :]
        for place, old in enumerate(value)
        if old in DIGIT_NAMES
        for digit in DIGIT_NAMES
        if digit != old
    ]
