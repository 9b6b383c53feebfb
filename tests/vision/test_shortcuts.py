"""Parts of the normaliser: shortcuts give the results of plain computations, and strokes and digits are of the mask."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from batchdigits.vision import polarity
from batchdigits.vision.artifacts import find_digits
from batchdigits.vision.components import Components, components_of, may_have_more_lines, parts_of, select
from batchdigits.vision.framing import stroke_width
from batchdigits.vision.illumination import MAX_SHADOW, MAX_STROKE_SHARE, remove_background
from batchdigits.vision.long_parts import MIN_LENGTH_SHARE
from batchdigits.vision.straight_part import MAX_SLOPE
from batchdigits.vision.strokes import Stroke, find_strokes, placed

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


def slope_of(stroke: Stroke) -> float:
    """Rise over run of a stroke along its own axis, by least squares over its pixels."""
    ink = np.asarray(stroke.ink if stroke.is_level else cv2.transpose(stroke.ink))
    rows, columns = np.nonzero(ink)
    return float(np.polyfit(columns, rows, 1)[0])


@given(pages())
@settings(max_examples=200)
def test_strokes_are_long_thin_and_straight_parts_of_the_mask(mask: Picture) -> None:
    for stroke in find_strokes(mask):
        height, width = stroke.ink.shape
        part = mask[stroke.place]
        assert part.shape == (height, width)
        assert not np.asarray(stroke.ink)[part == 0].any()
        along, across = (width, height) if stroke.is_level else (height, width)
        assert stroke.length == along >= MIN_LENGTH_SHARE * stroke.along
        assert stroke.start <= (stroke.left if stroke.is_level else stroke.top)
        assert 0 <= stroke.start < stroke.end <= stroke.along
        assert stroke.far - stroke.near == across
        assert 0.0 <= stroke.margin <= 0.5
        assert abs(slope_of(stroke)) <= 1.5 * MAX_SLOPE


@given(pages())
def test_the_strokes_of_a_transposed_mask_are_the_transposed_strokes(mask: Picture) -> None:
    def boxes(strokes: list[Stroke]) -> set[tuple[bool, int, int, tuple[int, ...]]]:
        return {(stroke.is_level, stroke.top, stroke.left, stroke.ink.shape) for stroke in strokes}

    if mask.shape[0] == mask.shape[1]:
        turned = find_strokes(np.ascontiguousarray(mask.T))
        expected = {(not level, left, top, shape[::-1]) for level, top, left, shape in boxes(find_strokes(mask))}
        assert boxes(turned) == expected


@given(pages(), st.integers(0, 20), st.integers(0, 20))
def test_a_stroke_of_a_part_is_placed_in_the_whole(mask: Picture, top: int, left: int) -> None:
    part = np.ascontiguousarray(mask[top : top + 48, left : left + 48])
    if min(part.shape) >= 24:
        for stroke in find_strokes(part):
            moved = placed(stroke, top, left, mask.shape)
            assert not np.asarray(moved.ink)[mask[moved.place] == 0].any()


@given(pages())
def test_digits_are_parts_of_the_mask_with_its_boxes(mask: Picture) -> None:
    digits = find_digits(mask, parts_of(mask))
    assert [digit.prior for digit in digits] == sorted([digit.prior for digit in digits], reverse=True)
    for digit in digits:
        assert tuple(digit.box) == cv2.boundingRect(digit.mask)
        assert digit.box[2] > 0
        assert not np.asarray(digit.mask)[mask == 0].any()


def test_an_empty_mask_has_no_digit() -> None:
    empty = np.zeros((60, 60), np.uint8)
    assert find_digits(empty, parts_of(empty)) == []


@given(pages())
def test_an_only_component_is_told_from_several(mask: Picture) -> None:
    count = cv2.connectedComponents(mask)[0] - 1
    parts = parts_of(mask)
    assert isinstance(parts, Components) == (count > 1)
    if isinstance(parts, Components):
        assert len(parts.x) == count
        assert np.array_equal(select(parts, np.ones(count, np.bool_)), mask)


@given(pages())
def test_few_components_are_measured_as_many_are(mask: Picture) -> None:
    parts, components = parts_of(mask), components_of(mask)
    if isinstance(parts, Components):
        assert sorted(zip(*parts[1:], strict=True)) == sorted(zip(*components[1:], strict=True))
        for index in range(len(parts.x)):
            one = select(parts, np.arange(len(parts.x)) == index)
            assert cv2.boundingRect(one) == tuple(int(numbers[index]) for numbers in parts[1:5])
    elif parts[2]:
        assert may_have_more_lines(parts, *mask.shape) == may_have_more_lines(components, *mask.shape)


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
