"""What a field holds, by how likely each value was read and by what is expected: a list of values, or rules.

By Bayes: a value that is expected counts many times as much as another one. Values that are not expected stay
possible, so that a field that holds one of them is not taken for the nearest expected one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from batchdigits.errors import BatchdigitsError
from batchdigits.fields.values.rules import Rules
from batchdigits.fields.values.value_list import ValueList
from batchdigits.inference.decide import SCORE_DECIMALS, Status
from batchdigits.text import first_names

UNEXPECTED = 0.02  # share of fields that hold no expected value, before they are looked at
MAX_KEPT = 20  # values of a field that are kept
MIN_KEPT = 1e-9  # probability of one that is kept
MIN_TOTAL = 1e-300  # where nothing that was read is possible
SHOWN = 3  # values in a detail


class Reading(Protocol):
    """What was read in one field, before anything is expected of it."""

    @property
    def alternatives(self) -> Sequence[tuple[str, float]]:
        """The value that was read, and others, with their probabilities (0-1, of sum 1 at most); () if blank."""

    def among(self, listed: ValueList) -> Sequence[tuple[str, float]]:
        """The likeliest values of a list with their probabilities, on the same scale."""


class Belief(NamedTuple):
    """What a field may hold. The probabilities of `values` and `other` have the sum 1.

    Attributes:
        as_read: the likeliest value before anything was expected; empty for a blank field.
        as_read_probability: its probability now (0-1).
        values: expected values with their probabilities (0-1), the likeliest first.
        other: the probability (0-1) that the field holds no expected value.
        fault: what is wrong with `as_read`, for a message: `not on the list`, `fails the check`; empty for nothing.
    """

    as_read: str
    as_read_probability: float
    values: tuple[tuple[str, float], ...]
    other: float
    fault: str


class Choice(NamedTuple):
    """The value of a field.

    Attributes:
        value: the likeliest one; as read where no expected one is.
        confidence: its probability (0-1).
        status: `ok`, or `review` where it is too unlikely or not expected.
        detail: how it came about, where it is not simply what was read; else empty.
        is_expected: whether it is on the list and keeps the rules.
    """

    value: str
    confidence: float
    status: Status
    detail: str
    is_expected: bool


@dataclass(frozen=True)
class ExpectedValues:
    """What is expected of every field; made by `expect`, and can be pickled.

    Attributes:
        rules: that its value keeps.
        left_out: listed values that break the rules.
    """

    rules: Rules
    left_out: tuple[str, ...]
    _listed: ValueList | None

    def believe(self, reading: Reading) -> Belief:
        """What a field may hold, by what was read in it."""
        alternatives = reading.alternatives
        if not alternatives:
            return Belief("", 0.0, (), 1.0, "")
        as_read, share = alternatives[0]
        fault = self._fault(as_read)
        most = 1.0 if fault else share  # what was read is the likeliest value if it fits
        odds = (1 - UNEXPECTED) / UNEXPECTED
        unseen = 0.0  # probability of values that may be expected or not, which stays as it is
        if self._listed is None:
            possible = _at_most(most, alternatives)
            expected = [pair for pair in possible if pair[0] and not self.rules.broken(pair[0])]
            unseen = max(0.0, 1 - sum(share for _, share in possible))
        else:
            expected = _at_most(most, reading.among(self._listed))
            odds *= self._listed.others_each
        share_expected = sum(share for _, share in expected)
        share_other = max(0.0, 1 - unseen - share_expected)
        scale = (1 - unseen) / max(odds * share_expected + share_other, MIN_TOTAL)
        ranked = sorted(
            ((value, odds * share * scale) for value, share in expected),
            key=lambda pair: (-pair[1], pair[0] != as_read),
        )
        return Belief(
            as_read,
            min(1.0, share * (1.0 if fault else odds) * scale),
            tuple(pair for pair in ranked[:MAX_KEPT] if pair[1] >= MIN_KEPT or pair in ranked[:SHOWN]),
            share_other * scale + unseen,
            fault,
        )

    def _fault(self, value: str) -> str:
        broken = self.rules.broken(value)
        if broken:
            return f"fails the {broken}"
        return "" if self._listed is None or value in self._listed.values else "not on the list"


def expect(rules: Rules, listed: Sequence[str] | None = None) -> ExpectedValues:
    """What is expected of every field.

    Args:
        rules: that its value keeps.
        listed: values, each once, of which it is one; None for any. Those that break the rules are left out.

    Raises:
        BatchdigitsError: every listed value breaks the rules.
    """
    if listed is None:
        return ExpectedValues(rules, (), None)
    left_out = tuple(value for value in listed if rules.broken(value))
    if len(left_out) == len(listed):
        raise BatchdigitsError(
            f"every value of the list fails the {rules.broken(left_out[0])}: {first_names(left_out)}"
        )
    return ExpectedValues(rules, left_out, ValueList([v for v in listed if not rules.broken(v)]))


def _at_most(most: float, values: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """The same values; none is likelier than `most`."""
    return [(value, min(share, most)) for value, share in values]


def choose(belief: Belief, threshold: float) -> Choice:
    """The likeliest value of a field that is not blank, and whether it is likely enough.

    Args:
        belief: what the field may hold.
        threshold: the probability (0-1) below which a person should look.
    """
    value, confidence = belief.values[0] if belief.values else ("", 0.0)
    best = ", ".join(f"{value} ({share:.2f})" for value, share in belief.values[:SHOWN])
    likeliest = f"likeliest: {best}" if best else ""
    if belief.other >= confidence:
        detail = "; ".join(filter(None, [belief.fault, likeliest]))
        return Choice(belief.as_read, belief.as_read_probability, Status.REVIEW, detail, not belief.fault)
    is_sure = round(confidence, SCORE_DECIMALS) >= threshold
    source = belief.fault.rpartition("the ")[2] or "other fields"
    changed = f"read as {belief.as_read}, by the {source}" if value != belief.as_read else ""
    detail = changed if is_sure else "; ".join(filter(None, [changed, likeliest]))
    return Choice(value, confidence, Status.OK if is_sure else Status.REVIEW, detail, True)
