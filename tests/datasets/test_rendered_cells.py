"""Rendered cells have the size asked for, depend on the seed alone, and differ from empty ones by the digit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rendered_cells import KINDS, MAX_SIDE, MIN_SIDE, Scan, render_cell

BLOCK = np.pad(np.full((20, 12), 255, np.uint8), ((4, 4), (8, 8)))  # ink whose shape is easy to measure
SIZES = [(28, 28), (64, 64), (90, 120), None]


def rendered(kind: str, digit: Scan | None, seed: int, size: tuple[int, int] | None = (64, 64)) -> Scan:
    return render_cell(KINDS[kind], digit, np.random.default_rng(seed), size)


@pytest.mark.parametrize("kind", KINDS)
def test_size_and_seed(kind: str) -> None:
    for seed, size in enumerate(SIZES * 3):
        scan = rendered(kind, BLOCK, seed, size)
        assert scan.dtype == np.uint8
        assert scan.shape == size or (size is None and MIN_SIDE <= min(scan.shape) <= max(scan.shape) <= MAX_SIDE)
        np.testing.assert_array_equal(scan, rendered(kind, BLOCK, seed, size))
        assert not np.array_equal(scan, rendered(kind, BLOCK, seed + 100, size))


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_digit_distinguishes_a_cell_from_an_empty_one(kind: str) -> None:
    for seed in range(12):
        empty = rendered(kind, None, seed)
        np.testing.assert_array_equal(empty, rendered(kind, np.zeros((28, 28), np.uint8), seed))
        change = cv2.absdiff(empty, rendered(kind, BLOCK, seed))
        ink = (change > 0.4 * np.quantile(change, 0.99)).astype(np.uint8)
        ink = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))  # losses of JPEG are elsewhere
        _, _, width, height = cv2.boundingRect(ink)
        assert height >= 0.2 * 64
        assert cv2.countNonZero(ink) >= 0.6 * width * height


def test_bare_paper_is_flat() -> None:
    for seed in range(20):
        assert np.ptp(cv2.blur(rendered("plain", None, seed), (9, 9))) < 10


def test_a_digit_is_dark_on_light_in_most_cells() -> None:
    darker = [np.mean(rendered("plain", BLOCK, seed)) < np.mean(rendered("plain", None, seed)) for seed in range(60)]
    assert 0.8 < np.mean(darker) < 1.0
