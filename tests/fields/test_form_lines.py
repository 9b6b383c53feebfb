"""Shortcuts in the search for printed lines change nothing: each is held to what it stands for."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from composed_fields import KINDS, compose_field
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from batchdigits.fields.lines import grain as paper_grain
from batchdigits.fields.lines.comb import Comb, find_comb
from batchdigits.fields.lines.guides import remove_guides
from batchdigits.fields.lines.walls import MIN_WALL_SHARE, Strokes, is_narrow
from batchdigits.vision import strokes
from batchdigits.vision.contrast import LEVELS, histogram
from batchdigits.vision.median_level import median_level
from batchdigits.vision.straight_part import straight_part
from tests.fields.conftest import Digits
from tests.fields.drawn import walls

SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from(KINDS))
def test_strokes_that_may_be_walls_are_those_among_all(mnist_digits: Digits, seed: int, kind: str) -> None:
    glyphs, labels = mnist_digits
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(glyphs), rng.integers(1, 7))
    ink = 255 - compose_field(kind, glyphs[chosen], labels[chosen], rng).scan
    for column in rng.integers(2, ink.shape[1] - 2, rng.integers(0, 6)).tolist():
        top, bottom = sorted(rng.integers(0, len(ink), 2).tolist())
        cv2.line(ink, (column, top), (column + int(rng.integers(-3, 4)), bottom), 200, int(rng.integers(1, 4)))
    few, every = Strokes(ink).dark(), Strokes(ink)
    whole = every._dark_of(every.upright.select())
    tall = max([stroke.length for stroke in whole if is_narrow(stroke)], default=0)
    assert {*map(_place, few)} <= {*map(_place, whole)}
    assert [_place(one) for one in few if one.length >= MIN_WALL_SHARE * tall] == [
        _place(one) for one in whole if one.length >= MIN_WALL_SHARE * tall
    ]


def test_short_strokes_between_walls_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = np.zeros((120, 600), np.uint8)
    walls(scan, 10, 60, 9, level=255)
    for column in range(40, 540, 60):
        scan[35:90, column : column + 4] = 255
    found = Strokes(scan)
    looked: list[int] = []

    def look(*part: Any) -> Any:
        looked.append(part[2])
        return straight_part(*part)

    monkeypatch.setattr(strokes, "straight_part", look)
    assert len(found.dark()) == len(looked) == 10
    assert len(found.upright.select()) == 19


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.floats(0, 160), st.floats(0, 12))
def test_ink_on_even_paper_is_distinct(seed: int, darker: float, grain: float) -> None:
    rng = np.random.default_rng(seed)
    ink = rng.normal(rng.uniform(0, 12), grain, (40, 80))
    ink[10:30, 20:40][rng.random((20, 20)) < 0.3] += darker
    ink = np.clip(ink, 0, 255).astype(np.uint8)
    level, mask = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    counts = histogram(ink)
    bright = np.where(level < LEVELS, counts, 0)
    assert paper_grain._is_distinct(bright, counts - bright) or not paper_grain._is_on_even_paper(ink, mask, level)


@pytest.mark.parametrize(
    ("ink", "level", "is_even"),
    [(100, 50, True), (100, 17, True), (100, 16, False), (0, 50, False)],
    ids=["plain", "enough", "faint", "none"],
)
def test_plain_paper_is_even_where_ink_is_dark(ink: int, level: int, is_even: bool) -> None:
    scan = np.zeros((40, 80), np.uint8)
    scan[10:30, 20:24] = ink
    mask = cv2.threshold(scan, level, 255, cv2.THRESH_BINARY)[1]
    assert paper_grain._is_on_even_paper(scan, mask, level) is is_even


@pytest.mark.parametrize(("share", "is_even"), [(0.2, True), (0.4, False)])
def test_paper_with_much_grain_is_not_even(share: float, is_even: bool) -> None:
    scan = np.zeros((40, 80), np.uint8)
    scan[: round(40 * share)] = 30
    scan[30:36, 20:24] = 200
    mask = cv2.threshold(scan, 100, 255, cv2.THRESH_BINARY)[1]
    assert paper_grain._is_on_even_paper(scan, mask, 100) is is_even


@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_the_grey_level_of_a_line_is_its_median(count: int) -> None:
    levels = np.random.default_rng(count).integers(0, 256, count).astype(np.uint8)
    levels[0] = 255
    assert median_level(levels) == np.median(levels)
    assert median_level(levels, 100) == np.median(levels[levels >= 100])


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_guides_are_those_of_each_box_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.array([4.0, 44, 85, 125, 166])
    ink = rng.integers(0, 30, (60, 170)).astype(np.uint8)
    for left, right in pairwise(edges.astype(int).tolist()):
        cv2.ellipse(ink, ((left + right) // 2, 30), (9, 14), 0, 0, 360, 60, 2)
    ink[20:40, 50:56] = 255
    common: NDArray[np.uint8] = np.full((60, 40), 255, np.uint8)
    for left, right in pairwise(edges.astype(int).tolist()):
        common = np.minimum(common, cv2.dilate(cv2.resize(ink[:, left:right], (40, 60)), np.ones((5, 5), np.uint8)))
    level = 1.4 * np.median(common[common >= 12])
    expected = ink.copy()
    for left, right in pairwise(edges.astype(int).tolist()):
        guide = np.minimum(common, level).astype(np.uint8)
        expected[:, left:right] = cv2.subtract(ink[:, left:right], cv2.resize(guide, (right - left, 60)))
    found = remove_guides(ink, Comb(edges, 40.4, [], None))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("level", "is_guide"), [(60, True), (255, False)])
def test_the_same_ink_in_each_box_is_a_guide_if_it_is_faint(level: int, is_guide: bool) -> None:
    ink = np.zeros((60, 160), np.uint8)
    for left in range(0, 160, 40):
        ink[20:40, left + 15 : left + 20] = level
    ink[10:50, 5:8] = 255
    found = remove_guides(ink, Comb(np.arange(0, 161, 40.0), 40.0, [], None))
    assert bool(found[20:40, 15:20].max() < level) is is_guide


@pytest.mark.parametrize(("darker", "is_guide"), [(1.6, False), (2.0, True)])
def test_digits_that_overlap_in_all_boxes_are_no_guide(darker: float, is_guide: bool) -> None:
    ink = np.zeros((60, 160), np.uint8)
    for left in range(0, 160, 40):
        ink[20:40, left + 15 : left + 20] = 80
    ink[10:50, 5:13] = round(80 * 1.4 * darker)
    found = remove_guides(ink, Comb(np.arange(0, 161, 40.0), 40.0, [], None))
    assert bool(found[20:40, 55:60].max() < 80) is is_guide


@pytest.mark.parametrize(("shift", "lines", "is_guide"), [(0, 120, True), (6, 120, False), (0, 60, False)])
def test_a_guide_alone_is_alike_in_all_boxes_and_fainter_than_lines(shift: int, lines: int, is_guide: bool) -> None:
    ink = np.zeros((60, 160), np.uint8)
    for box, left in enumerate(range(0, 160, 40)):
        cv2.ellipse(ink, (left + 20, 30 + shift * (box % 2)), (10, 15), 0, 0, 360, 50, 2)
    found = remove_guides(ink, Comb(np.arange(0, 161, 40.0), 40.0, [], None), lines)
    assert (not found.any()) is is_guide


@pytest.mark.parametrize("grey", [0, 11])
def test_grain_that_is_common_to_all_boxes_stays(grey: int) -> None:
    ink = np.full((60, 160), grey, np.uint8)
    ink[10:50, 5:8] = 255
    assert remove_guides(ink, Comb(np.arange(0, 161, 40.0), 40.0, [], None)) is ink


def _place(stroke: strokes.Stroke) -> tuple[int, int, int, int]:
    return stroke.near, stroke.far, stroke.start, stroke.end


@pytest.mark.parametrize(
    ("is_as_wide", "edges"), [(False, [80.0, 150.0, 220.0, 289.0]), (True, [0.0, 104.0, 208.0, 312.0])]
)
def test_a_comb_as_wide_as_its_field_has_no_boxes_that_are_much_narrower(is_as_wide: bool, edges: list[float]) -> None:
    scan = np.zeros((103, 312), np.uint8)
    for column in (11, 80, 150, 220, 289):  # strokes of crosses, at regular distances
        cv2.line(scan, (column, 5), (column, 97), 255, 3)
    comb = find_comb(Strokes(scan), scan, 3, is_as_wide=is_as_wide)
    assert comb is not None
    assert comb.edges == pytest.approx(edges, abs=1.5)


def test_boxes_that_stand_apart_are_no_strokes_in_a_comb_as_wide_as_its_field() -> None:
    scan = np.zeros((46, 224), np.uint8)
    for box in range(4):  # of 40 pixels, 18 apart
        cv2.rectangle(scan, (5 + 58 * box, 3), (44 + 58 * box, 42), 200, 1)
    some, others = (find_comb(Strokes(scan), scan, 4, is_as_wide=is_as_wide) for is_as_wide in (True, False))
    assert some is not None
    assert others is not None
    assert some.edges.tolist() == others.edges.tolist()
    assert some.boxes == 4
