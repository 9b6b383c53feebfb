"""The context of some ink, and the network that reads digits in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.fields.context import context_of
from batchdigits.fields.context_network import classify_contexts
from tests.fields.conftest import Digits

HEIGHT = 40
PART = 10


def bars(*columns: int, wide: int = 100) -> np.ndarray:
    """Upright bars, 4 pixels wide and HEIGHT high."""
    ink = np.zeros((80, wide), np.uint8)
    for column in columns:
        ink[20 : 20 + HEIGHT, column : column + 4] = 200
    return ink


def context_of_bar(ink: np.ndarray, column: int, height: float = HEIGHT) -> np.ndarray:
    return context_of(ink, np.ones((HEIGHT, 4), np.uint8), (column, 20, column + 4, 20 + HEIGHT), height)


def context_of_digits(digits: Digits, *chosen: int, own: slice = slice(None), overlap: int = 0) -> np.ndarray:
    """The context of some columns of a row of digits, 40 pixels high."""
    images, _ = digits
    row = np.zeros((80, 20 + 60 * len(chosen)), np.uint8)
    at = 10
    for index in chosen:
        columns = np.flatnonzero(images[index].max(axis=0) > 0)
        glyph = cv2.resize(images[index][4:24, columns[0] : columns[-1] + 1], None, fx=2, fy=2)
        place = row[20:60, at : at + glyph.shape[1]]
        np.maximum(place, glyph, out=place)
        at += glyph.shape[1] - overlap
    part = np.zeros_like(row)
    part[:, own] = row[:, own] > 100
    left, top, wide, tall = cv2.boundingRect(part)
    mask, others = part[top : top + tall, left : left + wide], row[top : top + tall, left : left + wide] > 100
    return context_of(row, mask, (left, top, left + wide, top + tall), 40, others & (mask == 0))


def test_ink_is_bright_and_other_ink_half_as_bright() -> None:
    context = context_of_bar(bars(40, 54), 40)
    middle = context[14].astype(int)
    own, other = middle[10:17].max(), middle[18:25].max()
    assert own > 140
    assert other == pytest.approx(own / 2, rel=0.2)


def test_ink_that_touches_is_other_ink() -> None:
    ink = np.zeros((80, 100), np.uint8)
    ink[20:60, 40:60] = 200
    left = np.zeros((40, 20), np.uint8)
    left[:, :10] = 1
    context = context_of(ink, left, (40, 20, 60, 60), 40, left == 0)
    assert context[14, 10] > 1.8 * context[14, 17] > 0


@pytest.mark.parametrize(("height", "tall"), [(40, 20), (20, 20), (80, 10)])
def test_a_digit_of_the_numbers_height_has_twenty_pixels(height: int, tall: int) -> None:
    context = context_of_bar(bars(40), 40, height)
    rows = np.flatnonzero(context.max(axis=1) > 40)
    assert rows[-1] - rows[0] + 1 == pytest.approx(tall, abs=2)
    assert abs((rows[-1] + rows[0]) / 2 - 13.5) <= 1


@given(column=st.integers(0, 96), height=st.floats(1, 500))
def test_ink_at_the_edge_has_a_context(column: int, height: float) -> None:
    context = context_of_bar(bars(column), column, height)
    assert context.shape == (28, 28)
    assert context.max() > 0


def test_faint_ink_is_as_bright_as_dark_ink() -> None:
    dark, faint = bars(40, 54), bars(40, 54) // 4
    assert np.abs(context_of_bar(dark, 40).astype(int) - context_of_bar(faint, 40)).max() < 12


def test_digits_are_read_in_their_context(mnist_digits: Digits) -> None:
    labels = mnist_digits[1]
    log_p = classify_contexts([context_of_digits(mnist_digits, index) for index in range(200)])
    assert np.mean(log_p.argmax(axis=1) == labels[:200]) > 0.9
    assert np.exp(log_p).sum(axis=1) == pytest.approx(1)


def test_several_digits_and_half_a_digit_are_parts(mnist_digits: Digits) -> None:
    eights = np.flatnonzero(mnist_digits[1] == 8)[:40]
    two = classify_contexts([context_of_digits(mnist_digits, *pair) for pair in pairwise(eights)])
    half = classify_contexts([context_of_digits(mnist_digits, index, own=slice(0, 24)) for index in eights])
    assert np.mean(two.argmax(axis=1) == PART) > 0.9
    assert np.mean(half.argmax(axis=1) == PART) > 0.85  # some halves are narrow 8s to a person, too


def test_contexts_do_not_depend_on_their_neighbours(mnist_digits: Digits) -> None:
    contexts = [context_of_digits(mnist_digits, index) for index in range(35)]
    together = classify_contexts(contexts)
    assert np.array_equal(together, np.concatenate([classify_contexts([context]) for context in contexts]))


def test_no_contexts_have_no_rows() -> None:
    assert classify_contexts([]).shape == (0, 11)


def test_threads_may_read_at_the_same_time(mnist_digits: Digits) -> None:
    contexts = [context_of_digits(mnist_digits, index) for index in range(40)]
    expected = classify_contexts(contexts)
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(found, expected) for found in pool.map(classify_contexts, [contexts] * 12))
