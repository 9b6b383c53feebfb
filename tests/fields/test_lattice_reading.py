"""The likeliest values of a lattice that are on a list."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.fields import lattice_reading
from batchdigits.fields.lattice import Step
from batchdigits.fields.lattice_reading import BEAM, LOST, LatticeReading
from batchdigits.fields.values.expected_values import choose, expect
from batchdigits.fields.values.rules import Rules
from batchdigits.fields.values.value_list import ValueList
from batchdigits.inference.decide import Status


def weights_of(steps: list[Step], pieces: int) -> dict[str, float]:
    """The weight of every value, by walking all ways."""
    weights: dict[str, float] = defaultdict(float)

    def walk(piece: int, value: str, log: float) -> None:
        if piece == pieces:
            weights[value] += math.exp(log)
        for step in steps:
            if step.start == piece:
                walk(step.end, value + step.text, log + step.log_weight)

    walk(0, "", 0.0)
    return weights


STEPS = st.lists(
    st.builds(
        lambda start, more, text, log: Step(start, min(4, start + more), text, log),
        st.integers(0, 3),
        st.integers(1, 2),
        st.sampled_from(["", "1", "2", "."]),
        st.floats(-4, 2),
    ),
    max_size=12,
)


@given(STEPS)
def test_a_listed_value_has_the_probability_of_all_its_ways(steps: list[Step]) -> None:
    weights = weights_of(steps, 4)
    total = sum(weights.values())
    ranked = sorted(((value, math.log(weight)) for value, weight in weights.items()), key=lambda pair: -pair[1])
    reading = LatticeReading(steps, 4, ranked)
    assert dict(reading.alternatives) == pytest.approx({value: weight / total for value, weight in weights.items()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lattice_reading, "LOST", -math.inf)
        patch.setattr(lattice_reading, "BEAM", 1000)
        for value in {*weights, "1", "12", "12.1", "11111", "9"} - {""}:
            expected = {value: weights[value] / total} if value in weights else {}
            assert dict(reading.among(ValueList([value]))) == pytest.approx(expected)


def test_a_list_finds_the_value_in_a_lattice() -> None:
    steps = [
        Step(0, 2, "0", -0.2),
        Step(0, 1, "1", -1.0),
        Step(1, 2, "1", -1.0),
        Step(2, 3, "7", -0.1),
        Step(2, 3, "1", -3),
    ]
    reading = LatticeReading(steps, 3, [("07", -0.3), ("117", -2.1)])
    choice = choose(expect(Rules(), ["111", "117", "08"]).believe(reading), 0.9)
    assert (choice.value, choice.detail) == ("117", "read as 07, by the list")


@pytest.mark.parametrize("value", ["9127", "1297", "1279"])
def test_a_digit_that_was_not_found_may_have_been_lost(value: str) -> None:
    reading = LatticeReading([Step(0, 1, "1", 0), Step(1, 2, "2", 0), Step(2, 3, "7", 0)], 3, [("127", 0.0)])
    assert dict(reading.among(ValueList([value, "3456"]))) == pytest.approx({value: math.exp(LOST)})
    choice = choose(expect(Rules(), [value, "3456"]).believe(reading), 0.99)
    assert (choice.value, choice.status) == ("127", Status.REVIEW)
    assert choice.detail.startswith(f"not on the list; likeliest: {value} (0.47)")


def test_a_long_list_is_searched_for_what_was_misread() -> None:
    labels = "123456789"
    steps = [
        Step(box, box + 1, text, math.log(0.9 if text == labels[box] else 0.01))
        for box in range(9)
        for text in "0123456789"
    ]
    reading = LatticeReading(steps, 9, [(labels, 9 * math.log(0.9))])
    others = [f"{number:09}" for number in range(200_000_000, 200_050_000)]
    found = reading.among(ValueList(["903456789", *others, "123056780"]))
    assert {value for value, _ in found[:2]} == {"903456789", "123056780"}
    assert len(found) <= BEAM


def test_a_blank_field_has_no_alternatives() -> None:
    reading = LatticeReading([], 0, [])
    assert reading.alternatives == ()
    assert reading.among(ValueList(["12"])) == []
