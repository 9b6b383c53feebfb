"""Filled boxes on paper of another tone, and dithered pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TRAIN_IMAGES, read_idx
from batchdigits.vision.dither import is_dithered
from batchdigits.vision.illumination import otsu
from batchdigits.vision.normalise import propose
from batchdigits.vision.reduction import Reduction
from batchdigits.vision.view import look_at
from tests.vision.test_normalise import likeness

BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) * 16 + 8  # Bayer's matrix (1973)


@pytest.fixture(scope="module")
def digit() -> NDArray[np.uint8]:
    """A five, ink 255 on 0, 100x100."""
    return np.asarray(cv2.resize(read_idx(MNIST / f"{TRAIN_IMAGES}.gz")[0], (100, 100)), np.uint8)


def in_box(digit: NDArray[np.uint8], paper: int, box: int, ink: int) -> NDArray[np.uint8]:
    """A digit in a filled box on paper, by their grey levels."""
    scan = np.full((200, 200), paper, np.uint8)
    scan[40:160, 30:170] = box
    inside = scan[50:150, 50:150]
    inside[:] = box + (ink - box) * (digit / 255.0)
    return scan


@pytest.mark.parametrize(("paper", "box", "ink"), [(240, 90, 20), (60, 250, 30), (250, 60, 245), (30, 190, 90)])
def test_a_digit_in_a_filled_box_is_found(digit: NDArray[np.uint8], paper: int, box: int, ink: int) -> None:
    scan = in_box(digit, paper, box, ink)
    found = propose(scan)
    assert max(likeness(glyph, propose(digit).glyphs[0]) for glyph in found.glyphs) > 0.9
    assert found.has_lines
    assert [glyph.tolist() for glyph in propose(255 - scan).glyphs] == [glyph.tolist() for glyph in found.glyphs]


@pytest.mark.parametrize(("paper", "box"), [(240, 90), (60, 250)])
def test_an_empty_filled_box_is_blank(digit: NDArray[np.uint8], paper: int, box: int) -> None:
    assert not propose(in_box(np.zeros_like(digit), paper, box, 0)).glyphs


def test_a_small_digit_in_a_filled_box_is_taken_from_the_scan_in_full_size(digit: NDArray[np.uint8]) -> None:
    whole = np.full((2000, 2000), 230, np.uint8)
    whole[400:1600, 300:1700] = 120
    whole[1000:1100, 900:1000] = 120 - 0.4 * digit
    reduced = np.asarray(cv2.resize(whole, (500, 500), interpolation=cv2.INTER_AREA), np.uint8)
    asked: list[bool] = []

    def enlarge() -> NDArray[np.uint8]:
        asked.append(True)
        return whole

    part = look_at(reduced, Reduction(4, enlarge)).part(slice(32, 128), slice(24, 136))
    assert part.scan.shape == (312, 364)
    assert part.enlarged().scan.shape == (1248, 1456)
    del asked[:]
    (glyph, *_) = propose(reduced, reduction=Reduction(4, enlarge)).glyphs
    assert asked
    assert likeness(glyph, propose(digit).glyphs[0]) > 0.9


def test_a_dithered_digit_is_read_and_a_dithered_page_is_blank(digit: NDArray[np.uint8]) -> None:
    for ink, is_blank in ((digit, False), (np.zeros_like(digit), True)):
        grey = np.full((120, 120), 150.0)
        grey[10:110, 10:110] -= 0.5 * ink
        scan = np.where(grey > np.tile(BAYER, (30, 30)), 255, 0).astype(np.uint8)
        assert is_dithered(scan, otsu(scan))
        found = propose(scan)
        assert bool(found.glyphs) != is_blank
        if not is_blank:
            assert max(likeness(glyph, propose(digit).glyphs[0]) for glyph in found.glyphs) > 0.8


def test_grain_is_not_taken_for_a_dithered_page() -> None:
    page = np.random.default_rng(1).normal(200, 8, (120, 120)).clip(0, 255).astype(np.uint8)
    assert not is_dithered(page, otsu(page))
