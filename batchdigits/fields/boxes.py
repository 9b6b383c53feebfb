"""Share out the ink of a field among the boxes of its comb, and frame the digit of each."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.line_digits import MAX_SPREAD, lean_of_ink
from batchdigits.fields.lines.comb import Comb
from batchdigits.fields.lines.form_lines import WALL_DEPTH, Ruled
from batchdigits.fields.lines.pen_strokes import are_of_pen
from batchdigits.fields.lines.row_limits import row_limits
from batchdigits.fields.segments import ink_to_glyph
from batchdigits.vision.components import MAX_GAP_SHARE, Components, components_of
from batchdigits.vision.normalise import Glyph

MAX_WIDTH = 1.0  # of the pitch: a wider component is cut at the walls, as it lies in several boxes
MIN_DIGIT_SHARE = 0.25  # of the pitch: shorter ink is dust
MIN_RAIL_WIDTH = 1.3  # of the pitch: a narrower component is digits that touch, and no rail
MIN_RAIL_SHARE = 0.85  # of a box's width: a row with so much of a component that lies in several boxes is a rail's
MIN_FLATNESS = 0.35  # height over width: what is lower is a dash
MIN_STROKE_SHARE = 0.4  # of the longest component's length: one this long belongs to the digit, wherever it is
MIN_TALL_SHARE = 0.45  # of a box's height: ink along a wall that may be a digit
NEAREST_WALLS = 3  # of a box, whose ends are its rows
# Of the height of the digits in boxes: ink in a gap that may be a digit, and such that is one if it is not straight.
MIN_GAP_INK, MIN_GAP_DIGIT = 0.4, 0.6
MAX_STROKE_WIDTH = 0.35  # of its height, across its lean: a thick straight stroke
MIN_SLASH_LEAN = 0.1  # columns for each row
MAX_SLASH_GAP = 0.65  # of the pitch: in a wider gap that is the only one, a slash may be a 1


class BoxGlyph(NamedTuple):
    """The glyph of a box.

    Attributes:
        glyph: the glyph.
        own: its ink in its box, 1 on 0.
        box: first column and row of its ink in the view, and one past the last.
    """

    glyph: Glyph
    own: NDArray[np.uint8]
    box: tuple[int, int, int, int]


def glyphs_of_boxes(ruled: Ruled, comb: Comb) -> list[BoxGlyph | None]:
    """The glyph of each box of a comb; None for an empty one."""
    edges = np.round(comb.edges).astype(int)
    boxes, is_box = len(edges) - 1, comb.is_box
    components = _cut_wide(ruled, edges, comb.pitch)
    if components is None:
        return [None] * comb.boxes
    left, right = edges[:-1], edges[1:]
    top, bottom = _rows(ruled, comb, edges)
    box_of = np.searchsorted(edges, components.x + components.width / 2) - 1
    is_own = (box_of >= 0) & (box_of < boxes)
    box_of = box_of.clip(0, boxes - 1)
    deep_x, deep_y = WALL_DEPTH * (right - left) + 1, WALL_DEPTH * (bottom - top) + 1
    x0, y0 = components.x, components.y
    x1, y1 = x0 + components.width, y0 + components.height
    is_own &= (y1 > (top + deep_y)[box_of]) & (y0 < (bottom - deep_y)[box_of])  # else it is the rest of a rail
    is_inner = (x1 > (left + deep_x)[box_of]) & (x0 < (right - deep_x)[box_of])
    is_tall = is_own & (components.height >= MIN_TALL_SHARE * (bottom - top)[box_of])
    are_pen = are_of_pen(components, is_tall & ~is_inner, is_tall & is_inner, ruled.ink, comb)
    is_own &= is_inner | are_pen  # else it is the rest of a wall
    ends = np.stack((x0, y0, x1, y1), axis=1).tolist()
    inside: list[dict[int, list[int]]] = [{} for _ in range(boxes)]
    for index in np.flatnonzero(is_own).tolist():
        inside[box_of[index]][index] = ends[index]
    least = (MIN_DIGIT_SHARE * (right - left)).tolist()
    return [
        _glyph_of(own, length, components, ruled.ink)
        for own, length, is_digits in zip(inside, least, is_box.tolist(), strict=True)
        if is_digits
    ]


def fill_gaps(ruled: Ruled, comb: Comb) -> tuple[Comb, bool]:
    """A comb whose gaps are boxes where digits stand in them, and whether other ink in a gap may be a digit."""
    gaps = np.flatnonzero(~comb.is_box).tolist()
    found = glyphs_of_boxes(ruled, replace(comb, filled=tuple(range(len(comb.edges) - 1)))) if gaps else []
    heights = [_height(glyph) for glyph, is_box in zip(found, comb.is_box, strict=False) if glyph and is_box]
    if not heights:
        return comb, False
    height = float(median(heights))
    inked = {gap: glyph for gap in gaps if (glyph := found[gap]) and _height(glyph) >= MIN_GAP_INK * height}
    filled = [
        gap for gap, glyph in inked.items() if _height(glyph) >= MIN_GAP_DIGIT * height and not _is_straight(glyph)
    ]
    slashes = _slashes({gap: glyph for gap, glyph in inked.items() if gap not in filled}, comb)
    return replace(comb, filled=tuple(filled)), len(inked) > len(filled) + len(slashes)


def _slashes(inked: dict[int, BoxGlyph], comb: Comb) -> list[int]:
    """The gaps whose ink is a slash: a straight stroke that leans, in several gaps, or in one too narrow for a 1."""
    leaning = [
        gap for gap, glyph in inked.items() if _is_straight(glyph) and lean_of_ink(glyph.own)[0] >= MIN_SLASH_LEAN
    ]
    widths = comb.edges[1:] - comb.edges[:-1]
    return leaning if len(leaning) > 1 else [gap for gap in leaning if widths[gap] <= MAX_SLASH_GAP * comb.pitch]


def _is_straight(glyph: BoxGlyph) -> bool:
    """Whether the ink of a glyph is one straight stroke, and no thick digit, which is about as wide as it is high."""
    height, spread = len(glyph.own), lean_of_ink(glyph.own)[1]
    width = spread * cv2.countNonZero(glyph.own) / height
    return spread <= MAX_SPREAD and width <= MAX_STROKE_WIDTH * height


def _height(glyph: BoxGlyph) -> int:
    """The height of a glyph's highest component, in pixels: the two dots of a colon are low."""
    stats = cv2.connectedComponentsWithStats(glyph.own, ltype=cv2.CV_16U)[2]
    return int(stats[1:, cv2.CC_STAT_HEIGHT].max())


def count_boxes(ruled: Ruled, comb: Comb) -> int:
    """How many boxes a field has by its walls; of those beside its comb, only such with ink count."""
    if comb.shown is None:
        return 0
    as_shown = replace(comb, edges=comb.shown, filled=comb.filled if np.array_equal(comb.shown, comb.edges) else ())
    known, shown = comb.boxes, as_shown.boxes
    if shown <= known:
        return shown
    beside = ((comb.shown[:-1] < comb.edges[0]) | (comb.shown[1:] > comb.edges[-1]))[as_shown.is_box]
    found = glyphs_of_boxes(ruled, as_shown)
    return shown if any(glyph for glyph, is_beside in zip(found, beside, strict=True) if is_beside) else known


def _cut_wide(ruled: Ruled, edges: NDArray[np.intp], pitch: float) -> Components | None:
    """The components of a field, cut at the walls, and from the rails, where too wide for a box; None without ink."""
    components = ruled.components
    if components is None:
        return None
    wide = np.flatnonzero(components.width > MAX_WIDTH * pitch).tolist()
    if not wide:
        return components
    mask = ruled.mask.copy()
    for index in wide:
        x, width = int(components.x[index]), int(components.width[index])
        inner = edges[(edges > x) & (edges < x + width - 1)].tolist()
        ink = components.labels[:, x : x + width] == index + 1
        for left, right in pairwise([x, *inner, x + width]) if width > MIN_RAIL_WIDTH * pitch else ():
            is_rail = ink[:, left - x : right - x].mean(axis=1) >= MIN_RAIL_SHARE
            mask[:, left:right][is_rail[:, None] & ink[:, left - x : right - x]] = 0
        for edge in inner:
            column = mask[:, edge]
            column[components.labels[:, edge] == index + 1] = 0
    return components_of(mask) if cv2.hasNonZero(mask) else None


def _rows(ruled: Ruled, comb: Comb, edges: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first row of each box and one past its last: between the rules, or between the ends of the nearest walls."""
    height = len(ruled.mask)
    highest, lowest = row_limits(ruled.rules, ruled.mask.shape)
    walls = np.array([(wall.near + wall.far, wall.start, wall.end) for wall in comb.walls] or [(0, 0, height)])
    distances = np.abs(walls[:, 0] - (edges[:-1] + edges[1:])[:, None])
    ends = np.sort(walls[distances.argsort(axis=1, kind="stable")[:, :NEAREST_WALLS], 1:], axis=1)
    count = ends.shape[1]
    top, bottom = ((ends[:, (count - 1) // 2] + ends[:, count // 2]) / 2).round().astype(int).T  # the medians
    top = np.maximum(top, np.maximum.reduceat(np.append(highest, 0), edges)[:-1])
    bottom = np.minimum(bottom, np.minimum.reduceat(np.append(lowest, height), edges)[:-1])
    return top, np.maximum(top + 1, bottom)


def _glyph_of(own: dict[int, list[int]], least: float, components: Components, ink: MatLike) -> BoxGlyph | None:
    """The glyph of a box; None if there is nothing but dust, or a dash.

    Args:
        own: its components with their ends: first column and row, and one past the last.
        least: length of a digit.
        components: those of the field.
        ink: that of the field.
    """
    lengths = {index: max(x1 - x0, y1 - y0) for index, (x0, y0, x1, y1) in own.items()}
    longest = max(lengths.values(), default=0)
    if longest < least:
        return None
    left, top, right, bottom = next(own[index] for index, length in lengths.items() if length == longest)
    kept = [
        index
        for index, (x0, y0, x1, y1) in own.items()
        if lengths[index] >= MIN_STROKE_SHARE * longest
        or max(x0 - right, left - x1, y0 - bottom, top - y1) <= MAX_GAP_SHARE * longest
    ]
    firsts_x, firsts_y, ends_x, ends_y = zip(*(own[index] for index in kept), strict=True)
    box = x0, y0, x1, y1 = min(firsts_x), min(firsts_y), max(ends_x), max(ends_y)
    if y1 - y0 < MIN_FLATNESS * (x1 - x0):
        return None
    labels = components.labels[y0:y1, x0:x1]
    mask = labels == kept[0] + 1
    for index in kept[1:]:
        mask |= labels == index + 1
    glyph = ink_to_glyph(ink, mask.view(np.uint8), box)
    return None if glyph is None else BoxGlyph(glyph, mask.view(np.uint8), box)
