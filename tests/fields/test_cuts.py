"""Digits that touch are cut apart: along leaning lines, at notches of their outline, and not through loops."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from composed_fields import compose_field
from numpy.typing import NDArray

from batchdigits.fields.close_up import CloseUp
from batchdigits.fields.cuts import lines_to_cut
from batchdigits.fields.pieces import pieces_of
from batchdigits.inference.runtime import Runtime
from tests.fields.conftest import Digits
from tests.fields.readings import read_fields

HEIGHT = 40
Ink = NDArray[np.bool_]


def strokes(width: int, *lines: tuple[tuple[int, int], tuple[int, int]], pen: int = 5) -> Ink:
    """The ink of straight strokes, bool (40, width)."""
    ink = np.zeros((HEIGHT, width), np.uint8)
    for start, end in lines:
        cv2.line(ink, start, end, 1, pen)
    return ink.astype(np.bool_)


def bars(count: int) -> Ink:
    """Upright bars, 10 columns apart, joined by a stroke."""
    ink = np.zeros((HEIGHT, 10 * count), np.bool_)
    for left in range(0, 10 * count, 10):
        ink[:, left + 1 : left + 9] = True
    ink[18:22] = True
    return ink


def close_up_of(ink: Ink) -> CloseUp:
    mask = np.pad(ink.astype(np.uint8) * 255, 4)
    return CloseUp(mask, mask, mask, np.zeros_like(mask), HEIGHT, len(mask) / 2, np.eye(2, 3))


def left_of(ink: Ink, line: NDArray[np.int32]) -> int:
    return int((ink & (np.arange(ink.shape[1]) < line[:, None])).sum())


def least_wrong(left: Ink, right: Ink, lines: NDArray[np.int32]) -> float:
    """The least share of two strokes' ink that lies on the wrong side of a line."""
    ink = np.count_nonzero(left) + np.count_nonzero(right)
    return min((np.count_nonzero(left) - left_of(left, line) + left_of(right, line)) / ink for line in lines)


def test_joined_digits_have_cuts_enough() -> None:
    columns = lines_to_cut(bars(8), HEIGHT)[:, HEIGHT // 2]
    assert all(np.abs(columns - gap).min() <= 1 for gap in range(10, 80, 10))


@pytest.mark.parametrize("mirrored", [False, True])
def test_leaning_digits_are_cut_along_a_leaning_line(mirrored: bool) -> None:
    left, right = strokes(45, ((3, 37), (17, 2))), strokes(45, ((13, 37), (27, 2)), ((20, 20), (40, 20)))
    left |= strokes(45, ((10, 19), (18, 19)))  # touches the other
    right &= ~left
    if mirrored:
        left, right = right[:, ::-1], left[:, ::-1]
    upright = np.repeat(np.arange(46)[:, None], HEIGHT, axis=1).astype(np.int32)
    assert least_wrong(left, right, upright) > 0.12
    assert least_wrong(left, right, lines_to_cut(left | right, HEIGHT)) < 0.08


def test_digits_are_cut_at_the_notches_between_them() -> None:
    ink = np.zeros((HEIGHT, 70), np.uint8)
    for middle in (18, 51):
        cv2.ellipse(ink, (middle, 20), (15, 17), 0, 0, 360, 1, 5)
    ink[14:26, 31:38] = 1  # where they touch, there is more ink in a column than above and below of their loops
    lines = lines_to_cut(ink.astype(np.bool_), HEIGHT)
    assert [line for line in lines if np.abs(line - 34.5).max() <= 9]


def test_a_loop_is_not_cut() -> None:
    ink = np.zeros((HEIGHT, 32), np.uint8)
    cv2.ellipse(ink, (15, 19), (13, 17), 0, 0, 360, 1, 5)
    assert len(lines_to_cut(ink.astype(np.bool_), HEIGHT)) == 0


@pytest.mark.parametrize(("width", "is_cut"), [(26, False), (60, True)])
def test_only_a_wide_component_is_cut_where_no_notch_is(width: int, is_cut: bool) -> None:
    assert bool(len(lines_to_cut(np.ones((HEIGHT, width), np.bool_), HEIGHT))) is is_cut


def test_a_narrow_component_is_one_digit() -> None:
    ink = np.zeros((2 * HEIGHT, 40), np.bool_)
    ink[:, 4:9] = ink[:, 24:29] = ink[38:42, 4:29] = True
    assert len(lines_to_cut(ink[:, 4:29], HEIGHT)) == 0
    assert len(lines_to_cut(ink, HEIGHT)) >= 1


def test_a_wide_loop_is_not_cut_through_its_middle() -> None:
    ink = np.zeros((HEIGHT, 44), np.uint8)
    cv2.ellipse(ink, (21, 19), (20, 18), 0, 0, 360, 1, 3)
    assert not [line for line in lines_to_cut(ink.astype(np.bool_), HEIGHT) if np.abs(line - 22).max() <= 10]


def test_upright_digits_are_cut_along_an_upright_line() -> None:
    lines = lines_to_cut(strokes(26, ((3, 2), (3, 37)), ((22, 2), (22, 37)), ((3, 20), (22, 20))), HEIGHT)
    assert len(lines) >= 1
    assert all(len(set(line)) == 1 for line in lines.tolist())


@pytest.mark.parametrize(("digits", "most"), [(2, 8), (4, 14), (8, 14)])
def test_lines_are_few_and_have_ink_between_them(digits: int, most: int) -> None:
    rng = np.random.default_rng(digits)
    ink = cv2.GaussianBlur(rng.random((HEIGHT, HEIGHT * digits)), (0, 0), 2) > 0.5
    lines = lines_to_cut(ink, HEIGHT)
    shares = [left_of(ink, line) / HEIGHT**2 for line in lines]
    assert 2 <= len(lines) <= most
    assert (np.diff(lines, axis=0) >= 0).all()  # none crosses another
    assert shares[0] > 0.02
    assert all(after > before for before, after in pairwise(shares))


def test_pieces_have_all_ink_in_the_order_of_their_cuts() -> None:
    ink = np.zeros((HEIGHT, 60), np.uint8)
    cv2.ellipse(ink, (14, 20), (11, 16), 0, 0, 360, 1, 5)
    cv2.polylines(ink, [np.array([(28, 4), (56, 4), (40, 37)])], False, 1, 5)
    ink[18:21, 24:47] = 1
    close = close_up_of(ink.astype(np.bool_))
    pieces = pieces_of(close)
    assert len(pieces.boxes) >= 2
    assert ((pieces.labels > 0) == (np.asarray(close.mask) > 0)).all()
    for row in pieces.labels:
        assert (np.diff(row[row > 0]) >= 0).all()


def test_touching_digits_are_read(runtime: Runtime, mnist_digits: Digits) -> None:
    images, labels = mnist_digits
    rng = np.random.default_rng(5)
    fields = []
    for _ in range(80):
        chosen = rng.integers(0, len(images), 5)
        fields.append(compose_field("touching", images[chosen], labels[chosen], rng))
    readings = read_fields([field.scan for field in fields], runtime)
    right = [reading.value == field.value for reading, field in zip(readings, fields, strict=True)]
    assert np.mean(right) >= 0.89
