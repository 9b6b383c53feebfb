"""Remove the printed lines of a field: rules, the sides of its cell, the walls of a comb. What crosses them stays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.fields.lines.cell_walls import AT_END, MIN_WALL_SPAN, cell_walls
from batchdigits.fields.lines.comb import MIN_WALLS, TOLERANCE, Comb, find_comb
from batchdigits.fields.lines.comb_walls import columns_of_walls, comb_walls
from batchdigits.fields.lines.grain import is_ink_over
from batchdigits.fields.lines.guides import remove_guides
from batchdigits.fields.lines.line_pixels import pixels_of
from batchdigits.fields.lines.printed import are_printed
from batchdigits.fields.lines.ruled_lines import find_rules
from batchdigits.fields.lines.ticks import Ticks, find_ticks
from batchdigits.fields.lines.walls import MaskComponents, Strokes
from batchdigits.vision.components import Components, components_of
from batchdigits.vision.illumination import otsu_split
from batchdigits.vision.strokes import Stroke, UprightStrokes

MAX_PASSES = 3  # each finds the lines that are fainter than those before
MIN_CROSSING = 0.12  # of the pitch: how far ink reaches on both sides of a comb's edge if it crosses that
MAX_CROSSED_SHARE = 0.34  # of a comb's inner edges
MIN_MEMBER_HEIGHT = 0.6  # of the highest component: digits, which show how a number stands in the boxes of a comb
MIN_MEMBERS, MAX_OFF = 3, 0.2  # how many do so; and how far off the middle they are, as a share of the pitch
MIN_DIGIT_HEIGHT, MAX_DIGIT_HEIGHT = 0.3, 0.92  # of the height of a comb's walls
MIN_TICK_DIGIT_HEIGHT, MIN_TICK_SHARE = 1.15, 0.75  # the same, if they are ticks; and how many end at the edge
MIN_PRINTED_SHARE = 0.7  # of a comb's edges: those with walls that are alike, as no strokes of a pen are
# Where so many components are left, and are so much fainter than the lines that were removed, they are grain.
MAX_SPECKS, MAX_GRAIN = 20, 0.22
MAX_REST_WIDTH = 0.2  # of its height: the rest of a wall
WALL_DEPTH = 0.15  # of a box's side: what lies this near to a wall or rail, whole, is the rest of it


class Ruled(NamedTuple):
    """The ink of a field without its printed lines.

    Attributes:
        ink: uint8 (H, W), bright on 0.
        mask: of its pixels over Otsu's threshold, 255 on 0.
        rules: its level lines.
        walls: its upright lines.
        comb: the boxes that they form, if they do.
        components: those of the mask; None without ink.
        has_walls: whether the walls of the comb were found, and not only told of.
    """

    ink: MatLike
    mask: MatLike
    rules: list[Stroke]
    walls: list[Stroke]
    comb: Comb | None
    components: Components | None
    has_walls: bool = False


def remove_form_lines(ink: MatLike, boxes: int | None = None, *, is_as_wide: bool = False) -> Ruled:
    """Remove the printed lines from the ink of a view.

    Args:
        ink: uint8 (H, W), bright on 0.
        boxes: how many boxes its comb has; None if that is to be found out, or there is none.
        is_as_wide: whether these boxes are about as wide as the view.
    """
    strokes = Strokes(ink)
    comb = find_comb(strokes, ink, boxes, is_as_wide=is_as_wide)
    has_walls = comb is not None and (boxes is None or (comb.shown is not None and len(comb.walls) > boxes / 2))
    if comb and has_walls:
        ruled = _without_lines(ink, strokes, comb)
        if boxes or not (
            _crosses(comb, ruled.mask)
            or _is_off(comb, ruled.components)
            or _may_be_digits(comb, strokes, ruled.components)
            or _is_crowded(comb, ruled.components)
        ):
            return ruled._replace(has_walls=True)
    ticks = find_ticks(strokes.without_rules, strokes.rules)
    if ticks and boxes in (None, ticks.comb.boxes):
        plain = cv2.bitwise_and(ink, cv2.bitwise_not(ticks.mask))
        ruled = _without_lines(plain, strokes, ticks.comb)
        if boxes or not _is_crowded(_between_ticks(ticks), ruled.components):
            return ruled._replace(has_walls=True)
    return _without_lines(ink, strokes, comb if boxes else None)


def _without_lines(ink: MatLike, strokes: Strokes, comb: Comb | None) -> Ruled:
    """Remove the lines, and with a comb its walls and guides alone."""
    level, mask = strokes.level, strokes.mask
    columns = columns_of_walls(comb, mask.shape[1]) if comb else b""
    least = 0.0 if comb else MIN_WALL_SPAN * len(mask)
    upright = strokes.upright.select(least, columns)
    walls = comb_walls(upright, comb, ink, mask) if comb else cell_walls(upright, strokes.rules, strokes.components)
    found, lines, removed = strokes.rules + walls, list[Stroke](), 0
    for _ in range(MAX_PASSES):
        if not found:
            break
        lines += found
        gone = pixels_of(found, lines, ink, mask)
        ink = cv2.bitwise_and(ink, cv2.bitwise_not(gone))
        removed += cv2.countNonZero(gone)
        level, mask = otsu_split(ink)
        if not is_ink_over(level, ink, mask, removed):
            break
        found = _fainter_lines(ink, mask, comb, lines, columns, least)
    plain = remove_guides(ink, comb, strokes.level) if comb else ink
    if plain is not ink:
        level, mask = otsu_split(plain)
    if not is_ink_over(level, plain, mask, removed):
        mask = np.zeros_like(mask)
    rules, walls = [line for line in lines if line.is_level], [line for line in lines if not line.is_level]
    components = components_of(mask) if cv2.hasNonZero(mask) else None
    if components and len(components.x) > MAX_SPECKS and level < MAX_GRAIN * strokes.level:
        mask, components = np.zeros_like(mask), None
    return Ruled(plain, mask, rules, walls, comb, components)


def _fainter_lines(
    ink: MatLike, mask: MatLike, comb: Comb | None, lines: Sequence[Stroke], columns: bytes, least: float
) -> list[Stroke]:
    """The lines of a mask from which others were removed.

    Args:
        ink: that is left, uint8 (H, W), bright on 0.
        mask: of it, 255 on 0.
        comb: the boxes, if there are any.
        lines: those that were removed.
        columns: 1 for each column in which walls are looked for, else 0; empty for all.
        least: pixels of the length of walls.
    """
    strokes = UprightStrokes(mask, columns)
    rules, upright = find_rules(mask, strokes), strokes.select(least)
    if comb:
        return rules + comb_walls(upright, comb, ink, mask, lines)
    across = rules + [line for line in lines if line.is_level]
    return rules + cell_walls(upright, across, MaskComponents(mask), lines)


def _crosses(comb: Comb, mask: MatLike) -> bool:
    """Whether the ink between lines crosses many edges of a comb, so that it was not written into its boxes."""
    height, width = mask.shape
    band = mask[height // 4 : height - height // 4]
    reach = max(2, round(MIN_CROSSING * comb.pitch))
    inner = np.clip(np.round(comb.edges[1:-1]).astype(int), 0, width - 1)
    around = np.stack((inner, (inner - reach).clip(0), (inner + reach).clip(max=width - 1)))
    is_inked = np.asarray(cv2.reduce(band, 0, cv2.REDUCE_MAX)).ravel()[around].all(axis=0)
    most = MAX_CROSSED_SHARE * len(inner)
    if np.count_nonzero(is_inked) <= most:
        return False
    labels = cv2.connectedComponents(band, ltype=cv2.CV_16U)[1]
    crossing = [set.intersection(*(set(labels[:, at].tolist()) for at in ends)) - {0} for ends in around.T[is_inked]]
    return sum(map(bool, crossing)) > most


def _is_off(comb: Comb, components: Components | None) -> bool:
    """Whether the ink between lines stands off the middles of a comb's boxes, as on checked paper."""
    if components is None:
        return False
    least = MIN_DIGIT_HEIGHT * min([wall.length for wall in comb.walls], default=0)
    is_digit = components.height >= max(least, MIN_MEMBER_HEIGHT * components.height.max())
    middles = (components.x + components.width / 2)[is_digit]
    boxes = (comb.edges[:-1] + comb.edges[1:]) / 2
    off = np.abs(boxes[:, None] - middles).min(axis=0)
    return len(middles) >= MIN_MEMBERS and median(off.tolist()) > MAX_OFF * comb.pitch


def _between_ticks(ticks: Ticks) -> Comb:
    """The boxes between the first tick and the last: others may hold print beside the field."""
    x, _, width, _ = cv2.boundingRect(ticks.mask)
    edges = ticks.comb.edges
    return replace(ticks.comb, edges=edges[(edges >= x) & (edges <= x + width)])


def _is_crowded(comb: Comb, components: Components | None) -> bool:
    """Whether two digits stand side by side in a box of a comb, as on checked paper."""
    if components is None:
        return False
    tall = median([wall.length for wall in comb.walls]) if comb.walls else math.inf
    is_low = components.height <= MAX_DIGIT_HEIGHT * tall
    is_rest = ~is_low & (components.width <= MAX_REST_WIDTH * components.height)  # of a wall
    highest = components.height[is_low if is_low.any() else ~is_rest].max(initial=0)
    is_digit = ~is_rest & (components.height >= MIN_MEMBER_HEIGHT * highest)
    left, right = components.x[is_digit], (components.x + components.width)[is_digit]
    middles, depth = (left + right) / 2, WALL_DEPTH * comb.pitch
    starts, ends = comb.edges[:-1, None][comb.is_box], comb.edges[1:, None][comb.is_box]
    is_own = (middles >= starts) & (middles < ends) & (right > starts + depth) & (left < ends - depth)
    last, first = (
        np.where(is_own, left, -1).max(axis=1, initial=-1),
        np.where(is_own, right, np.inf).min(axis=1, initial=np.inf),
    )
    return bool((last >= first).any())


def _may_be_digits(comb: Comb, strokes: Strokes, components: Components | None) -> bool:
    """Whether the walls of a comb may be strokes of digits: as tall as ink, not alike, and without rules."""
    if strokes.join_rules(comb.walls) or not _is_as_tall(comb, components):
        return False
    return not has_printed_walls(comb)


def has_printed_walls(comb: Comb) -> bool:
    """Whether most walls of a comb are alike, as printed lines are."""
    near = [[wall for wall in comb.walls if abs(wall.middle - edge) <= TOLERANCE * comb.pitch] for edge in comb.edges]
    is_printed = are_printed([max(walls, key=lambda wall: wall.thickness) for walls in near if walls])  # no soft edges
    return bool(np.count_nonzero(is_printed) >= max(MIN_WALLS, MIN_PRINTED_SHARE * len(comb.edges)))


def _is_as_tall(comb: Comb, components: Components | None) -> bool:
    """Whether the ink between lines is as tall as the walls of a comb, as if its strokes were taken for these.

    Ink between ticks, which all end at the picture's edge, is taller than these.
    """
    if not comb.walls or components is None:
        return False
    tall = median([wall.length for wall in comb.walls])
    heights = components.height[components.height >= MIN_DIGIT_HEIGHT * tall].tolist()
    height = median(heights) if heights else 0
    if height <= MAX_DIGIT_HEIGHT * tall:
        return False
    at_edge = [wall.along - wall.end <= AT_END for wall in comb.walls]
    return height < MIN_TICK_DIGIT_HEIGHT * tall or sum(at_edge) < MIN_TICK_SHARE * len(at_edge)
