"""The value of one field, by what was read and what is expected."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.fields.values.checks import parse_check
from batchdigits.fields.values.expected_values import ExpectedValues, choose, expect
from batchdigits.fields.values.rules import Rules, parse_length, parse_range
from batchdigits.inference.decide import Status
from tests.fields.readings import NamedReading, read_boxes

OK, REVIEW = Status.OK, Status.REVIEW


def reading(**shares: float) -> NamedReading:
    """A reading of values such as _12=0.9, the likeliest first."""
    return NamedReading([(name.removeprefix("_"), share) for name, share in shares.items()])


def test_a_value_that_is_expected_and_was_read_needs_no_detail() -> None:
    choice = choose(expect(Rules(), ["1234", "5678"]).believe(reading(_1234=0.9, _1284=0.1)), 0.99)
    assert (choice.value, choice.status, choice.detail, choice.is_expected) == ("1234", OK, "", True)
    assert 0.99 < choice.confidence < 1


def test_a_value_that_the_list_changes_says_so() -> None:
    choice = choose(expect(Rules(), ["1284", "5678"]).believe(reading(_1234=0.7, _1284=0.3)), 0.99)
    assert (choice.value, choice.status, choice.is_expected) == ("1284", OK, True)
    assert choice.detail == "read as 1234, by the list"


def test_several_listed_values_are_shown_for_review() -> None:
    listed = ["11", "12", "13", "14"]
    choice = choose(expect(Rules(), listed).believe(reading(_11=0.5, _12=0.3, _13=0.15, _14=0.05)), 0.9)
    assert (choice.value, choice.status, choice.is_expected) == ("11", REVIEW, True)
    assert choice.detail == "likeliest: 11 (0.50), 12 (0.30), 13 (0.15)"
    assert choice.confidence == pytest.approx(0.5)


def test_a_changed_value_in_doubt_says_both() -> None:
    choice = choose(expect(Rules(), ["11", "12"]).believe(reading(_10=0.4, _11=0.4, _12=0.2)), 0.9)
    assert choice.detail == "read as 10, by the list; likeliest: 11 (0.67), 12 (0.33)"
    assert (choice.value, choice.status) == ("11", REVIEW)


def test_a_value_that_is_not_on_the_list_is_for_review_as_read() -> None:
    choice = choose(expect(Rules(), ["1284", "5678"]).believe(reading(_1234=0.9999, _1284=1e-7)), 0.5)
    assert (choice.value, choice.status, choice.is_expected) == ("1234", REVIEW, False)
    assert choice.confidence > 0.9
    assert choice.detail.startswith("not on the list; likeliest: 1284 (0.00)")


def test_a_list_of_all_values_changes_none() -> None:
    listed = [f"{number:03}" for number in range(1000)]
    choice = choose(expect(Rules(), listed).believe(reading(_123=0.6, _124=0.4)), 0.5)
    assert choice.value == "123"
    assert choice.confidence == pytest.approx(0.6)


def test_a_dense_list_changes_less_than_a_sparse_one() -> None:
    field = reading(_350=0.95, _250=0.05)
    dense = expect(Rules(), [f"{number:03}" for number in range(1, 301)]).believe(field)
    sparse = expect(Rules(), ["250", "999"]).believe(field)
    assert dense.other > 2 * sparse.other


@pytest.mark.parametrize(
    ("rules", "shares", "value", "detail"),
    [
        (Rules(checks=(parse_check("luhn"),)), {"_12": 0.6, "_18": 0.4}, "18", "read as 12, by the check"),
        (Rules(bounds=parse_range("0-300")), {"_712": 0.6, "_112": 0.4}, "112", "read as 712, by the range"),
        (Rules(length=parse_length("3")), {"_12": 0.6, "_112": 0.4}, "112", "read as 12, by the length"),
    ],
)
def test_rules_choose_among_what_was_read(rules: Rules, shares: dict[str, float], value: str, detail: str) -> None:
    choice = choose(expect(rules).believe(reading(**shares)), 0.9)
    assert (choice.value, choice.status, choice.detail) == (value, OK, detail)


def test_a_value_that_breaks_the_rules_is_for_review() -> None:
    choice = choose(expect(Rules(bounds=parse_range("0-300"))).believe(reading(_712=0.999, _112=0.0001)), 0.5)
    assert (choice.value, choice.status, choice.is_expected) == ("712", REVIEW, False)
    assert choice.detail == "fails the range; likeliest: 112 (0.00)"
    assert choice.confidence > 0.98
    alone = choose(expect(Rules(bounds=parse_range("0-300"))).believe(reading(_712=0.9)), 0.5)
    assert (alone.value, alone.status, alone.detail) == ("712", REVIEW, "fails the range")


def test_without_rules_the_likeliest_value_stays() -> None:
    for rules in (Rules(), Rules(length=parse_length("2"))):
        belief = expect(rules).believe(reading(_12=0.9, _13=0.05))
        assert belief.other == pytest.approx(0.05)
        choice = choose(belief, 0.9)
        assert (choice.value, choice.status, choice.detail, choice.is_expected) == ("12", OK, "", True)
        assert choice.confidence == pytest.approx(0.9)


def test_listed_values_that_break_the_rules_are_left_out_and_named() -> None:
    expected = expect(Rules(length=parse_length("2")), ["12", "123", "13"])
    assert expected.left_out == ("123",)
    choice = choose(expected.believe(reading(_123=0.6, _12=0.4)), 0.9)
    assert (choice.value, choice.detail) == ("12", "read as 123, by the length")
    with pytest.raises(BatchdigitsError, match="every value of the list fails the length: 123, 1234"):
        expect(Rules(length=parse_length("2")), ["123", "1234"])


def test_a_blank_field_holds_nothing() -> None:
    assert expect(Rules(), ["12"]).believe(NamedReading(())) == ("", 0.0, (), 1.0, "")


def noisy(written: str, noise: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Log probabilities (boxes, 10) of a number whose digits are more or less clear."""
    logits = rng.normal(0, noise, (len(written), 10))
    logits[np.arange(len(written)), [int(digit) for digit in written]] += 8
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def test_a_misread_value_is_found_in_a_long_list() -> None:
    rng = np.random.default_rng(0)
    listed = [f"{number:09}" for number in rng.choice(10**9, 20_000, replace=False)]
    expected = pickle.loads(pickle.dumps(expect(Rules(), listed)))
    changed = 0
    for written in listed[:100]:
        log_p = noisy(written, 0.5, rng)
        wrong = rng.permutation(9)[:2]  # two digits that were read as others
        log_p[wrong] = np.log(0.01 / 8)
        log_p[wrong, [(int(written[place]) + 1) % 10 for place in wrong]] = np.log(0.9)
        log_p[wrong, [int(written[place]) for place in wrong]] = np.log(0.09)
        field = read_boxes(log_p)
        choice = choose(expected.believe(field), 0.9)
        assert choice.value == written
        changed += field.alternatives[0][0] != written
    assert changed > 50


def test_values_of_other_lengths_are_found_in_a_long_list() -> None:
    listed = [f"{number:04}" for number in range(0, 10_000, 7)] + ["123"]
    choice = choose(expect(Rules(), listed).believe(reading(_1234=0.8, _123=0.2)), 0.9)
    assert (choice.value, choice.detail) == ("123", "read as 1234, by the list")


SHARES = st.lists(st.tuples(st.from_regex("[0-3]{1,3}", fullmatch=True), st.floats(1e-6, 1)), min_size=1, max_size=8)


@given(SHARES, st.none() | st.sets(st.from_regex("[0-3]{1,3}", fullmatch=True), min_size=1))
def test_a_belief_is_a_distribution(shares: list[tuple[str, float]], listed: set[str] | None) -> None:
    total = sum(dict(shares).values())
    field = NamedReading(sorted(((v, p / total) for v, p in dict(shares).items()), key=lambda pair: -pair[1]))
    expected: ExpectedValues = expect(Rules(), None if listed is None else sorted(listed))
    belief = expected.believe(field)
    assert sum(share for _, share in belief.values) + belief.other == pytest.approx(1)
    assert [share for _, share in belief.values] == sorted((share for _, share in belief.values), reverse=True)
    choice = choose(belief, 0.9)
    assert 0 <= choice.confidence <= 1 + 1e-9
    assert choice.status is REVIEW or (choice.is_expected and (listed is None or choice.value in listed))
