"""The normaliser's shortcuts give the results of the plain computations, which are written out here."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from cv2.typing import MatLike
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from batchdigits.vision import artifacts, polarity
from batchdigits.vision.artifacts import MAX_LINE_THICKNESS, MIN_LINE_SPAN, MIN_RUN_SHARE, remove_artifacts
from batchdigits.vision.framing import stroke_width
from batchdigits.vision.illumination import MAX_SHADOW, MAX_STROKE_SHARE, remove_background

Picture = NDArray[np.uint8]


@st.composite
def pages(draw: st.DrawFn) -> Picture:
    """Masks with lines of any tilt and width, discs and noise, 255 on 0."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    height, width = draw(st.integers(48, 120)), draw(st.integers(48, 120))
    mask = np.zeros((height, width), np.uint8)
    for _ in range(draw(st.integers(0, 5))):
        start, end = rng.integers(0, height, 2).tolist()
        tilted = start if rng.random() < 0.6 else min(height - 1, start + end % 4)
        cv2.line(mask, (0, start), (width, tilted), 255, int(rng.integers(1, 9)))
    for _ in range(draw(st.integers(0, 4))):
        x, y = rng.integers(0, (width, height)).tolist()
        cv2.circle(mask, (x, y), int(rng.integers(1, 30)), 255, int(rng.integers(-1, 6)) or 1)
    mask[rng.random(mask.shape) < draw(st.sampled_from([0.0, 0.01, 0.5]))] = 255
    if draw(st.booleans()):
        mask = np.ascontiguousarray(mask.T)
    return mask


def all_level_lines(mask: MatLike) -> MatLike:
    """The level ruled lines of a mask, as `artifacts._level_lines` would find them by examining every row."""
    height, width = mask.shape
    runs = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, round(MIN_RUN_SHARE * width)), np.uint8))
    joined = cv2.dilate(runs, np.ones((3, 9), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    across = stats[:, cv2.CC_STAT_WIDTH] >= MIN_LINE_SPAN * width
    across[0] = False
    runs[~across[labels]] = 0
    full = mask.sum(axis=1) / width >= MIN_LINE_SPAN * 255
    edge = np.logical_and.accumulate(full) | np.logical_and.accumulate(full[::-1])[::-1]
    broad = cv2.morphologyEx(
        runs, cv2.MORPH_OPEN, np.ones((round(MAX_LINE_THICKNESS * max(height, width)) + 1, 1), np.uint8)
    )
    broad[edge] = 0
    return cv2.subtract(runs, broad)


@given(pages())
@settings(max_examples=300)
def test_level_lines_are_those_of_all_rows(mask: Picture) -> None:
    assert np.array_equal(artifacts._level_lines(mask), all_level_lines(mask))


@given(pages())
def test_the_box_is_that_of_the_mask_without_artifacts(mask: Picture) -> None:
    kept, box = remove_artifacts(mask)
    assert tuple(box) == cv2.boundingRect(kept)


def test_an_empty_mask_stays_empty() -> None:
    kept, box = remove_artifacts(np.zeros((60, 60), np.uint8))
    assert not kept.any()
    assert not any(box)


@given(pages())
@settings(max_examples=300)
def test_the_bounds_of_the_largest_radius_hold(mask: Picture) -> None:
    for side in (mask, 255 - mask):
        assert (
            polarity._radius_lower_bound(side) <= polarity._largest_radius(side) <= polarity._radius_upper_bound(side)
        )


@given(pages())
@settings(max_examples=300)
def test_the_bounds_decide_as_the_exact_radii_do(mask: Picture) -> None:
    decided = polarity.even_polarities(mask)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polarity, "MIN_PAGE_SIDE", 1 << 30)
        assert decided == polarity.even_polarities(mask)


@given(st.integers(0, 1 << 32), st.integers(48, 100), st.integers(48, 100))
def test_half_a_window_of_padding_is_enough_for_the_background(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    slope = np.linspace(0, rng.uniform(0, 200), width)
    bright = np.clip(slope + rng.normal(30, 9, (height, width)), 0, 255).astype(np.uint8)
    side = round(MAX_STROKE_SHARE * min(bright.shape))
    padded = cv2.copyMakeBorder(bright, side, side, side, side, cv2.BORDER_REPLICATE)
    background = cv2.morphologyEx(padded, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))[side:-side, side:-side]
    ink_range = np.maximum(255 - background, np.uint8(MAX_SHADOW))
    assert np.array_equal(
        remove_background(bright)[0], cv2.divide(cv2.subtract(bright, background), ink_range, scale=255.0)
    )


@given(pages())
def test_stroke_width_is_twice_the_mass_over_the_steps(mask: Picture) -> None:
    padded = np.pad(mask, 1).astype(float)
    steps = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    assert stroke_width(mask) == 2.0 * padded.sum() * (4.0 / np.pi) / max(steps, 1.0)
