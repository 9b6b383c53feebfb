"""The values of all fields together."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.fields.lattice_reading import LatticeReading
from batchdigits.fields.values.expected_values import Belief, expect
from batchdigits.fields.values.rules import Rules
from batchdigits.fields.values.unique_values import TWICE, Numbers, choose_unique, compare, share_out
from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.decide import Status
from batchdigits.inference.load import load_runtime
from batchdigits.vision.normalise import normalise
from tests.fields.readings import NamedReading, read_boxes

OK, REVIEW = Status.OK, Status.REVIEW
NAMES = "abcdefgh"


def beliefs_of(listed: list[str], *fields: dict[str, float]) -> list[Belief]:
    expected = expect(Rules(), listed)
    return [expected.believe(NamedReading(sorted(shares.items(), key=lambda pair: -pair[1]))) for shares in fields]


def test_a_value_that_another_field_surely_has_is_not_taken_again() -> None:
    beliefs = beliefs_of(["12", "13"], {"12": 0.6, "13": 0.4}, {"12": 0.999})
    first, second = choose_unique(beliefs, NAMES, 0.9)
    assert (first.value, first.status, first.detail) == ("13", OK, "read as 12, by the other fields")
    assert (second.value, second.status, second.detail) == ("12", OK, "")


def test_fields_push_each_other_along_a_chain() -> None:
    fields = [{"12": 0.999}, {"12": 0.7, "13": 0.3}, {"13": 0.7, "14": 0.3}, {"14": 0.7, "15": 0.3}]
    choices = choose_unique(beliefs_of(["12", "13", "14", "15"], *fields), NAMES, 0.0)
    assert [choice.value for choice in choices] == ["12", "13", "14", "15"]


def test_a_value_that_two_fields_clearly_have_is_for_review_in_both() -> None:
    beliefs = beliefs_of(["12", "13"], {"12": 0.999999}, {"13": 0.99}, {"12": 0.98})
    choices = choose_unique(beliefs, NAMES, 0.9)
    assert [choice.value for choice in choices] == ["12", "13", "12"]
    assert [choice.status for choice in choices] == [REVIEW, OK, REVIEW]
    assert choices[0].detail.startswith("also in c")
    assert choices[2].detail.startswith("also in a")


def test_a_second_copy_that_was_read_a_little_wrong_is_named_as_a_copy() -> None:
    """Not as a value off the list, though that is as likely, once another field has its value."""
    listed = ["1234", "9876"]
    misread = {"1734": 0.99, "1234": 0.01}
    alone, *_ = choose_unique(beliefs_of(listed, misread), NAMES, 0.9)
    assert (alone.value, alone.is_expected) == ("1234", True)
    first, second = choose_unique(beliefs_of(listed, {"1234": 0.999999}, misread), NAMES, 0.9)
    assert (first.value, first.status, first.detail) == ("1234", REVIEW, "also in b")
    assert (second.value, second.status) == ("1234", REVIEW)
    assert second.detail.startswith("also in a; read as 1734, by the list")


def test_a_value_off_the_list_is_no_two_fields_either() -> None:
    choices = choose_unique(beliefs_of(["1234"], {"9876": 1.0}, {"9876": 1.0}), NAMES, 0.9)
    assert [choice.detail for choice in choices] == ["also in b; not on the list", "also in a; not on the list"]


def test_more_fields_than_values_leave_some_without() -> None:
    fields = [{"12": 0.5, "13": 0.5}] * 3
    choices = choose_unique(beliefs_of(["12", "13"], *fields), NAMES, 0.5)
    assert {choice.status for choice in choices} == {REVIEW}


def test_blank_fields_stay_as_they_are() -> None:
    blank, field = choose_unique(beliefs_of(["12"], {}, {"12": 1.0}), NAMES, 0.9)
    assert (blank.value, blank.confidence, field.value, field.status) == ("", 0.0, "12", OK)
    assert share_out([]) == []
    assert share_out(beliefs_of(["12"], {})) == beliefs_of(["12"], {})


def test_a_field_that_shares_nothing_keeps_its_probabilities() -> None:
    beliefs = beliefs_of(["12", "34"], {"12": 0.7, "15": 0.3}, {"34": 0.9, "36": 0.1})
    for before, after in zip(beliefs, share_out(beliefs), strict=True):
        assert dict(after.values) == pytest.approx(dict(before.values), abs=1e-3)
        assert after.other == pytest.approx(before.other, abs=1e-3)


def test_a_list_is_compared_with_the_fields() -> None:
    beliefs = beliefs_of(["12", "13", "14"], {"12": 1.0}, {"98": 1.0}, {"12": 1.0}, {"14": 1.0})
    choices = choose_unique(beliefs, NAMES, 0.9)
    comparison = compare(["12", "13", "14"], zip(NAMES, choices, strict=False))
    assert comparison == (["13"], {"12": ["a", "c"]}, ["b"])


def exact_shares(weights: Numbers, none: Numbers) -> Numbers:
    """The probability of each pair, by counting all assignments; none (N,) is the weight of a row without a column."""
    shares, total = np.zeros(weights.shape), 0.0
    for columns in product(range(-1, weights.shape[1]), repeat=len(weights)):
        used = [column for column in columns if column >= 0]
        if len(set(used)) == len(used):
            weight = np.prod([none[row] if c < 0 else weights[row, c] for row, c in enumerate(columns)])
            total += weight
            for row, column in enumerate(columns):
                if column >= 0:
                    shares[row, column] += weight
    return shares / total


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4), st.sampled_from([0.1, 0.3, 1.0]))
def test_what_is_sure_is_near_to_the_exact_probability(seed: int, count: int, values: int, sharpness: float) -> None:
    rng = np.random.default_rng(seed)
    weights = np.maximum(rng.dirichlet(np.full(values + 1, sharpness), count), 1e-12)
    beliefs = []
    for row in weights:
        ranked = sorted(((str(column), share) for column, share in enumerate(row[:-1])), key=lambda pair: -pair[1])
        beliefs.append(Belief("x", 0.0, tuple(ranked), row[-1], "not on the list"))
    repeats = TWICE * weights[:, :-1].max(axis=1)
    none = weights[:, -1] + repeats
    exact = exact_shares(weights[:, :-1], none)
    shared = share_out(beliefs)
    for row, belief in enumerate(shared):
        assert sum(share for _, share in belief.values) + belief.other == pytest.approx(1)
        repeated = (1 - exact[row].sum()) * repeats[row] / none[row]
        for value, share in belief.values:
            sure = exact[row, int(value)] + (repeated if value == beliefs[row].values[0][0] else 0.0)
            if sure > 0.9:
                assert share == pytest.approx(sure, abs=0.1)


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_no_value_is_ok_twice(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    listed = [str(number) for number in range(10, 16)]
    fields = [dict(zip(listed, rng.dirichlet(np.full(6, 0.3)), strict=True)) for _ in range(8)]
    choices = choose_unique(beliefs_of(listed, *fields), NAMES, threshold)
    sure = [choice.value for choice in choices if choice.status is OK]
    assert len(set(sure)) == len(sure)


def fields_of(written: list[str]) -> list[LatticeReading]:
    """Readings of numbers that are composed of MNIST's test digits, each used once."""
    images, labels = read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")
    rng = np.random.default_rng(23)
    left = [rng.permutation(np.flatnonzero(labels == digit)).tolist() for digit in range(10)]
    boxes = [left[int(digit)].pop() for value in written for digit in value]
    logits = load_runtime(BUILT_IN_MODEL).logits(np.array([normalise(images[box])[0] for box in boxes]))
    with_outlier = np.concatenate([logits.astype(np.float64), np.zeros((len(logits), 1))], axis=1) / 2
    log_p = (with_outlier - np.logaddexp.reduce(with_outlier, axis=1, keepdims=True))[:, :10]
    ends = np.cumsum([len(value) for value in written])[:-1]
    return [read_boxes(rows) for rows in np.split(log_p, ends)]


def test_two_hundred_ids_are_told_apart_and_what_is_wrong_is_named() -> None:
    rng = np.random.default_rng(9)
    ids = [str(10**8 + number) for number in rng.choice(9 * 10**8, 303, replace=False)]
    listed, strangers, twice = ids[:300], ids[300:], ids[:2]
    written = rng.permutation(listed[:195] + strangers + twice).tolist()
    names = [f"{index}.png" for index in range(len(written))]
    fields = fields_of(written)
    expected = expect(Rules(), listed)

    choices = choose_unique([expected.believe(field) for field in fields], names, 0.95)

    comparison = compare(listed, zip(names, choices, strict=True))
    rest = [index for index, value in enumerate(written) if value not in strangers + twice]
    assert [choices[index].value for index in rest] == [written[index] for index in rest]
    assert sum(fields[index].alternatives[0][0] != written[index] for index in rest) > 5  # as read without the list
    assert sum(choices[index].status is OK for index in rest) > 190
    assert sorted(comparison.doubled) == sorted(twice)
    assert sorted(written[names.index(name)] for name in comparison.unexpected) == sorted(strangers)
    assert set(comparison.missing) == set(listed[195:])
    named = [index for index in range(len(written)) if index not in rest]
    assert {choices[index].status for index in named} == {REVIEW}
