"""Natural order: numbers in names count by value, and the fast path gives the order of the keys."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.files.natural_order import in_natural_order, natural_key

NAMES = st.lists(st.sampled_from(["img", "2", "10", "02", "0", "-", ".", "B", "\u0663", "\udcff"]), max_size=6).map(
    "".join
)


@given(NAMES, NAMES, st.integers(0, 10**30), st.integers(0, 10**30))
def test_natural_key_orders_numbers_by_value(before: str, after: str, one: int, other: int) -> None:
    if not before[-1:].isdigit() and not after[:1].isdigit():
        keys = [natural_key(f"{before}{number}{after}") for number in (one, other)]
        assert (keys[0] < keys[1]) == (one < other)


def by_keys(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: (natural_key(name), name))


@given(st.lists(NAMES) | st.lists(st.from_regex("img[0-9]{1,3}(-[0-9]{1,2})?[.]png", fullmatch=True)))
def test_any_names_are_in_the_order_of_their_keys(names: list[str]) -> None:
    assert in_natural_order(names) == by_keys(names)


@pytest.mark.parametrize(
    ("template", "numbers"),
    [
        ("{}.png", 1_000),
        ("img_{:06}.png", 1_000),
        ("{:x}.png", 1_000),
        ("page{}-{}.png", 40),
        ("{:02}-{}.png", 40),
    ],
)
def test_usual_names_are_in_the_order_of_their_keys(template: str, numbers: int) -> None:
    inner = numbers if template.count("{") > 1 else 1
    names = [template.format(one, other) for one in range(numbers) for other in range(inner)]
    shuffled = random.Random(1).sample(names, len(names))
    assert in_natural_order(shuffled) == by_keys(names)
    if ":x" not in template:
        assert in_natural_order(shuffled) == names


def test_names_without_numbers_are_in_plain_order() -> None:
    names = ["".join(letters) for letters in itertools.product("-Bab", repeat=4)]
    assert in_natural_order(random.Random(1).sample(names, len(names))) == names
    assert in_natural_order([]) == []


def test_leading_zeros_break_ties_only() -> None:
    names = ["img02", "img2", "img1", "img10", "img010", "img3"] * 5
    assert list(dict.fromkeys(in_natural_order(names))) == ["img1", "img02", "img2", "img3", "img010", "img10"]
