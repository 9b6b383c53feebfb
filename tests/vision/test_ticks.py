"""The ticks of a comb: told from digits, and removed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TRAIN_IMAGES, read_idx
from batchdigits.vision.components import parts_of
from batchdigits.vision.normalise import normalise, propose
from batchdigits.vision.ticks import find_ticks
from tests.vision.test_normalise import likeness

Mask = NDArray[np.uint8]
Bar = tuple[int, int, int, int]  # x, y, width and height

LEFT, RIGHT = (6, 60, 3, 30), (90, 60, 3, 30)  # of a mask of 100x100 pixels


def _mask(*bars: Bar, side: int = 100) -> Mask:
    mask = np.zeros((side, side), np.uint8)
    for x, y, width, height in bars:
        mask[y : y + height, x : x + width] = 255
    return mask


def _comb(base: bool) -> Mask:
    """The scan of an empty cell of a comb."""
    ink = _mask(LEFT, RIGHT, *([(0, 90, 100, 3)] if base else []))
    return np.asarray(cv2.GaussianBlur(230 - ink // 255 * np.uint8(150), (0, 0), 0.7), np.uint8)


def _ticks(mask: Mask) -> int:
    ticks = find_ticks(parts_of(mask))
    return 0 if ticks is None else int(np.count_nonzero(ticks))


def test_ticks_are_found_with_a_digit_between_them_and_without() -> None:
    assert _ticks(_mask(LEFT, RIGHT)) == 2
    assert _ticks(_mask(LEFT, RIGHT, (40, 20, 25, 50), (48, 75, 5, 5))) == 2


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((6, 28, 3, 62), (90, 28, 3, 62)),  # as high as a digit
        ((6, 86, 3, 4), (90, 86, 3, 4)),  # dots
        ((6, 60, 12, 30), (86, 60, 12, 30)),  # thick
        ((6, 84, 8, 6), (86, 84, 8, 6)),  # level
        ((6, 30, 3, 30), (90, 30, 3, 30)),  # at the top
        ((25, 60, 3, 30), (90, 60, 3, 30)),  # not in the margin
        ((6, 60, 3, 30), (72, 60, 3, 30)),
        ((6, 50, 3, 40), (90, 60, 3, 30)),  # one higher
        ((6, 60, 3, 30), (90, 60, 3, 38)),  # one longer
        ((6, 60, 3, 30), (90, 60, 6, 30)),  # one wider, as where a 1 clings to it
    ],
)
def test_other_bars_are_no_ticks(left: Bar, right: Bar) -> None:
    assert not _ticks(_mask(left, right))


def test_slanted_strokes_are_no_ticks() -> None:
    mask = _mask()
    for x in (6, 86):
        cv2.line(mask, (x, 89), (x + 8, 60), 255, 2)
    assert not _ticks(mask)


def test_a_stroke_alone_and_a_stroke_with_a_dot_are_no_ticks() -> None:
    assert not _ticks(_mask(LEFT))
    assert not _ticks(_mask(LEFT, (91, 88, 2, 2)))


def test_grain_and_tight_crops_have_no_ticks() -> None:
    specks = [(12 * (n % 7) + 12, 4 * (n // 7) + 4, 2, 2) for n in range(19)]
    assert not _ticks(_mask(LEFT, RIGHT, *specks))
    assert _ticks(_mask(LEFT, RIGHT, *specks[:18])) == 2
    assert not _ticks(_mask((1, 12, 2, 9), (20, 12, 2, 9), side=23))
    assert _ticks(_mask((1, 12, 2, 9), (21, 12, 2, 9), side=24)) == 2


@pytest.mark.parametrize("base", [True, False])
def test_an_empty_cell_of_a_comb_is_blank(base: bool) -> None:
    for scan in (_comb(base), 255 - _comb(base)):
        found = propose(np.asarray(scan, np.uint8))
        assert found.glyphs == ()
        assert found.has_lines


@pytest.mark.parametrize("base", [True, False])
@pytest.mark.parametrize("contrast", [150, 60])  # as dark as the ticks, and fainter
def test_a_digit_in_a_comb_is_read_without_the_ticks(base: bool, contrast: int) -> None:
    for digit in read_idx(MNIST / f"{TRAIN_IMAGES}.gz")[:10]:
        scan = _comb(base)
        ink = cv2.resize(digit, (70, 70), interpolation=cv2.INTER_CUBIC)
        part = scan[10:80, 15:85]
        part[:] = np.minimum(part, 230 - ink * (contrast / 255))
        assert likeness(normalise(scan)[0], normalise(digit, "light")[0]) > 0.85


def test_a_pair_of_ones_is_no_empty_comb() -> None:
    assert normalise(255 - _mask((35, 30, 4, 50), (60, 30, 4, 50)))


def test_what_is_left_of_a_small_digit_at_a_tick_is_not_blank() -> None:
    scan = _comb(base=True)
    cv2.line(scan, (74, 80), (84, 74), 80, 2)  # shorter than a digit is
    assert len(normalise(scan)) == 1
