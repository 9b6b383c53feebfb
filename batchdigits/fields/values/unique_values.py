"""Choose the values of all fields together, so that no value is in two of them; and compare them with a list.

The probabilities are those of the joint assignment, found by belief propagation: Williams and Lau (2014),
"Approximate evaluation of marginal association probabilities with belief propagation", which always converges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.values.expected_values import Belief, Choice, choose
from batchdigits.inference.decide import Status
from batchdigits.text import first_names

TWICE = 0.02  # share of fields that hold a value of another field, before they are looked at
MAX_ITERATIONS = 1000
TOLERANCE = 1e-9

Numbers = NDArray[np.float64]


def choose_unique(beliefs: Sequence[Belief], names: Sequence[str], threshold: float) -> list[Choice]:
    """The value of each field, in order. Fields that hold the same value nevertheless are `review`, all of them.

    Args:
        beliefs: what each field may hold.
        names: of the fields, for details.
        threshold: see `choose`.
    """
    choices = [
        _repeated(choose(shared, threshold), choose(belief, threshold))
        for shared, belief in zip(share_out(beliefs), beliefs, strict=True)
    ]
    holders: dict[str, list[int]] = defaultdict(list)
    for index, choice in enumerate(choices):
        if choice.value:
            holders[choice.value].append(index)
    for indexes in holders.values():
        for index in indexes if len(indexes) > 1 else ():
            also = f"also in {first_names([names[other] for other in indexes if other != index], 3)}"
            detail = "; ".join(filter(None, [also, choices[index].detail]))
            choices[index] = choices[index]._replace(status=Status.REVIEW, detail=detail)
    return choices


def _repeated(choice: Choice, alone: Choice) -> Choice:
    """The value that a field has by itself, where other fields leave it none that is expected: it is there twice."""
    return alone if alone.is_expected and not choice.is_expected else choice


def share_out(beliefs: Sequence[Belief]) -> list[Belief]:
    """What each field may hold, given that other fields hold what they do, and that hardly any value is there twice."""
    edges = [(row, value, share) for row, belief in enumerate(beliefs) for value, share in belief.values]
    if not edges:
        return list(beliefs)
    numbers: dict[str, int] = {}
    rows = np.array([row for row, _, _ in edges])
    columns = np.array([numbers.setdefault(value, len(numbers)) for _, value, _ in edges])
    # A field that holds none of the values that are to be shared out holds another one, or repeats its likeliest one.
    repeats = np.array([TWICE * (belief.values[0][1] if belief.values else 0.0) for belief in beliefs])
    none = np.maximum(np.array([belief.other for belief in beliefs]) + repeats, np.finfo(np.float64).tiny)
    shares, none_shares = _marginals(
        rows, columns, np.array([share for _, _, share in edges]) / none[rows], len(beliefs)
    )
    first = np.searchsorted(rows, np.arange(len(beliefs) + 1))
    return [
        _updated(belief, shares[first[row] : first[row + 1]], float(none_shares[row]), float(repeats[row] / none[row]))
        for row, belief in enumerate(beliefs)
    ]


def _marginals(
    rows: NDArray[np.intp], columns: NDArray[np.intp], weights: Numbers, count: int
) -> tuple[Numbers, Numbers]:
    """The probability of each pair of a row and a column, and of each row to have no column.

    Args:
        rows: of each pair, in order.
        columns: of each pair.
        weights: of each pair, as against none.
        count: of rows.
    """
    free = np.ones(len(rows))  # message to a row: how free the column is of other rows
    for _ in range(MAX_ITERATIONS):
        wanted = weights * free
        wanted /= 1 + np.bincount(rows, wanted, count)[rows] - wanted
        before, free = free, 1 / (1 + np.bincount(columns, wanted)[columns] - wanted)
        if np.abs(free - before).max() < TOLERANCE:
            break
    wanted = weights * free
    total = 1 + np.bincount(rows, wanted, count)
    return wanted / total[rows], 1 / total


def _updated(belief: Belief, shares: Numbers, none: float, repeated: float) -> Belief:
    """A belief with new probabilities.

    Args:
        belief: before.
        shares: the probability of each of its values, as shared out.
        none: the probability that it got none of them.
        repeated: the share of that where it repeats its likeliest value.
    """
    if not belief.values:
        return belief
    shares[0] += none * repeated
    ranked = sorted(zip((value for value, _ in belief.values), shares.tolist(), strict=True), key=lambda pair: -pair[1])
    other = none * (1 - repeated)
    by_value = dict(ranked)
    as_read = by_value.get(belief.as_read, belief.as_read_probability * other / belief.other if belief.other else 0.0)
    return belief._replace(as_read_probability=as_read, values=tuple(ranked), other=other)


class Comparison(NamedTuple):
    """How the values of fields and a list agree.

    Attributes:
        missing: listed values that no field has.
        doubled: listed values that several fields have, with the names of these.
        unexpected: the names of the fields whose value is not expected.
    """

    missing: list[str]
    doubled: dict[str, list[str]]
    unexpected: list[str]


def compare(listed: Iterable[str], fields: Iterable[tuple[str, Choice]]) -> Comparison:
    """Compare the values of fields, each with its name, with a list."""
    holders: dict[str, list[str]] = {value: [] for value in listed}
    unexpected = []
    for name, choice in fields:
        if not choice.is_expected:
            unexpected.append(name)
        if choice.value in holders:
            holders[choice.value].append(name)
    doubled = {value: names for value, names in holders.items() if len(names) > 1}
    return Comparison([value for value, names in holders.items() if not names], doubled, unexpected)
