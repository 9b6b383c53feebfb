"""Remove the printed lines of a field: rules, the sides of its cell, the walls of a comb. What crosses them stays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.comb import TOLERANCE, Comb, find_comb
from batchdigits.fields.guides import median_level, remove_guides
from batchdigits.fields.ruled_lines import find_rules
from batchdigits.fields.ticks import find_ticks
from batchdigits.fields.walls import MaskComponents, Strokes
from batchdigits.vision.cell import erased
from batchdigits.vision.components import Components, components_of
from batchdigits.vision.contrast import LEVELS, MIN_CONTRAST, Histogram, histogram
from batchdigits.vision.illumination import otsu_split
from batchdigits.vision.lines import CORNER_SHARE, OUTER_MARGIN_SHARE
from batchdigits.vision.strokes import Stroke, UprightStrokes

MAX_PASSES = 3  # each finds the lines that are fainter than those before
MIN_WALL_SPAN, SPANNING_SHARE = 0.5, 0.92  # of the height: of a wall between rules or edges, and of one anywhere
MAX_THICKNESS, MAX_FREE_THICKNESS = 0.1, 0.06  # of the height: of a wall between rules or edges, and of one anywhere
MIN_WALL_LIKENESS = 0.8  # of the highest wall's span: all sides of a cell are as high
MIN_CROSSED = 2  # rules that a stroke from edge to edge crosses if it is a wall, though a digit may touch it
AT_END = 3  # pixels from a rule or edge to the end of a wall that is not in the margin
MIN_DARKER = 1.33  # darkness of ink that lies on a line, over the line's
MIN_CROSSING = 0.12  # of the pitch: how far ink reaches on both sides of a comb's edge if it crosses that
MAX_CROSSED_SHARE = 0.34  # of a comb's inner edges
MIN_MEMBER_HEIGHT = 0.6  # of the highest component: digits, which show how a number stands in the boxes of a comb
MIN_MEMBERS, MAX_OFF = 3, 0.2  # how many do so; and how far off the middle they are, as a share of the pitch
MIN_DIGIT_HEIGHT, MAX_DIGIT_HEIGHT = 0.3, 0.92  # of the height of a comb's walls
MIN_TICK_DIGIT_HEIGHT, MIN_TICK_SHARE = 1.15, 0.75  # the same, if they are ticks; and how many end at the edge
WALL_DEPTH = 0.15  # of the pitch: what lies this near to a wall, whole, is the rest of it
MIN_SIGNAL = 4.0  # contrast of ink in standard deviations of the paper's grain


class Ruled(NamedTuple):
    """The ink of a field without its printed lines.

    Attributes:
        ink: uint8 (H, W), bright on 0.
        mask: of its pixels over Otsu's threshold, 255 on 0.
        rules: its level lines.
        walls: its upright lines.
        comb: the boxes that they form, if they do.
        components: those of the mask; None without ink.
    """

    ink: MatLike
    mask: MatLike
    rules: list[Stroke]
    walls: list[Stroke]
    comb: Comb | None
    components: Components | None


def remove_form_lines(ink: MatLike, boxes: int | None = None) -> Ruled:
    """Remove the printed lines from the ink of a view.

    Args:
        ink: uint8 (H, W), bright on 0.
        boxes: how many boxes its comb has; None if that is to be found out, or there is none.
    """
    strokes = Strokes(ink)
    comb = find_comb(strokes, ink, boxes)
    has_walls = comb is not None and (boxes is None or len(comb.walls) > boxes / 2)
    if comb and has_walls:
        ruled = _without_lines(ink, strokes, comb)
        if boxes or not (
            _crosses(comb, ruled.mask)
            or _is_off(comb, ruled.components)
            or _is_as_tall(comb, ruled.components)
            or _is_crowded(comb, ruled.components)
        ):
            return ruled
    ticks = find_ticks(strokes.without_rules, strokes.rules)
    if ticks and boxes in (None, ticks.comb.boxes):
        ink = cv2.bitwise_and(ink, cv2.bitwise_not(ticks.mask))
        return _without_lines(ink, strokes, ticks.comb)
    return _without_lines(ink, strokes, comb if boxes else None)


def _without_lines(ink: MatLike, strokes: Strokes, comb: Comb | None) -> Ruled:
    """Remove the lines, and with a comb its walls and guides alone."""
    level, mask = strokes.level, strokes.mask
    columns = _columns_of_walls(comb, mask.shape[1]) if comb else b""
    least = 0.0 if comb else MIN_WALL_SPAN * len(mask)
    found = strokes.rules + _walls(strokes.upright.select(least, columns), strokes.rules, mask, comb, [])
    lines: list[Stroke] = []
    for _ in range(MAX_PASSES):
        if not found:
            break
        lines += found
        gone = erased(found, lines, mask)
        np.put(gone, _strokes_along(found, ink, mask, gone), 0)
        ink = cv2.bitwise_and(ink, cv2.bitwise_not(gone))
        level, mask = otsu_split(ink)
        rules = find_rules(mask)
        across = rules + [line for line in lines if line.is_level]
        found = rules + _walls(UprightStrokes(mask, columns).select(least), across, mask, comb, lines)
    plain = remove_guides(ink, comb) if comb else ink
    if plain is not ink:
        level, mask = otsu_split(plain)
    rules, walls = [line for line in lines if line.is_level], [line for line in lines if not line.is_level]
    if not _is_on_even_paper(plain, mask, level) and not _is_distinct_over(plain, level):
        mask = np.zeros_like(mask)
    return Ruled(plain, mask, rules, walls, comb, components_of(mask) if cv2.hasNonZero(mask) else None)


def _strokes_along(lines: Sequence[Stroke], ink: MatLike, mask: MatLike, gone: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The pixels, in the flat picture, of lines that are those of darker strokes along them, which go on outside.

    Args:
        lines: the lines.
        ink: uint8 (H, W), bright on 0.
        mask: of the ink, 255 on 0.
        gone: the mask of the lines with their soft edges.
    """
    pixels = np.asarray(ink, np.uint8)
    darker = np.zeros(gone.shape, np.bool_)
    for line in lines:
        level = median_level(pixels[line.place][np.asarray(line.ink) > 0])
        rows, columns = (slice(max(0, axis.start - 2), axis.stop + 2) for axis in line.place)
        darker[rows, columns] |= pixels[rows, columns] > int(MIN_DARKER * level)
    darker &= gone > 0
    at = np.flatnonzero(darker)
    if not at.size:
        return at
    strokes = cv2.bitwise_or(cv2.subtract(mask, gone), darker.view(np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(strokes, ltype=cv2.CV_16U)
    of_stroke = np.asarray(labels, np.uint16).ravel()[at]
    inner = np.bincount(of_stroke, minlength=len(stats))
    goes_on = stats[:, cv2.CC_STAT_AREA] >= 2 * inner
    return np.asarray(at[goes_on[of_stroke]], np.intp)


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
    is_digit = components.height >= MIN_MEMBER_HEIGHT * components.height.max()
    middles = (components.x + components.width / 2)[is_digit]
    boxes = (comb.edges[:-1] + comb.edges[1:]) / 2
    off = np.abs(boxes[:, None] - middles).min(axis=0)
    return len(middles) >= MIN_MEMBERS and median(off.tolist()) > MAX_OFF * comb.pitch


def _is_crowded(comb: Comb, components: Components | None) -> bool:
    """Whether two digits stand side by side in a box of a comb, as on checked paper."""
    if not comb.walls or components is None:
        return False
    tall = median([wall.length for wall in comb.walls])
    heights = np.where(components.height <= MAX_DIGIT_HEIGHT * tall, components.height, 0)  # others are rests of walls
    is_digit = heights >= max(1.0, MIN_MEMBER_HEIGHT * heights.max())
    left, right = components.x[is_digit], (components.x + components.width)[is_digit]
    middles, depth = (left + right) / 2, WALL_DEPTH * comb.pitch
    starts, ends = comb.edges[:-1, None][comb.is_box], comb.edges[1:, None][comb.is_box]
    is_own = (middles > starts) & (middles < ends) & (right > starts + depth) & (left < ends - depth)
    last, first = (
        np.where(is_own, left, -1).max(axis=1, initial=-1),
        np.where(is_own, right, np.inf).min(axis=1, initial=np.inf),
    )
    return bool((last >= first).any())


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


def is_ink(ink: MatLike, mask: MatLike, paper: MatLike) -> bool:
    """Whether the pixels of a mask are darker than the grain of the paper, of which faint lines may be a fourth.

    Args:
        ink: uint8 (H, W), bright on 0.
        mask: 255 on 0.
        paper: the mask of the paper, 255 on 0.
    """
    return _is_distinct(histogram(ink, mask), histogram(ink, paper))


def _is_on_even_paper(ink: MatLike, mask: MatLike, level: float) -> bool:
    """Whether so much of the paper is so even that ink over a level is distinct: a quick look that is mostly enough."""
    grain = (level + 1) // (2 * MIN_SIGNAL + 1)
    inked, grainy = cv2.countNonZero(mask), cv2.countNonZero(cv2.threshold(ink, grain, 255, cv2.THRESH_BINARY)[1])
    return inked > 0 and 2 * MIN_SIGNAL * grain >= MIN_CONTRAST and grainy - inked < 0.3 * (mask.size - inked)


def _is_distinct_over(ink: MatLike, level: float) -> bool:
    """Whether the ink over a level is darker than the grain of the rest."""
    counts = histogram(ink)
    return _is_distinct(np.where(level < LEVELS, counts, 0), np.where(level < LEVELS, 0, counts))


def _is_distinct(of_ink: Histogram, of_paper: Histogram) -> bool:
    """The same by the histograms of the ink and of the paper."""
    bright, dark = of_ink.cumsum(), of_paper.cumsum()
    if not bright[-1] or not dark[-1]:
        return False
    low, background, high = dark.searchsorted(np.array((0.16, 0.5, 0.69)) * dark[-1]).tolist()
    grain = max(2.0 * (high - background), background - low, 0.5)
    contrast = float(bright.searchsorted(0.9 * bright[-1])) - background
    return bool(contrast >= max(MIN_CONTRAST, MIN_SIGNAL * grain))


def _walls(
    upright: Sequence[Stroke], rules: Sequence[Stroke], mask: MatLike, comb: Comb | None, known: Sequence[Stroke]
) -> list[Stroke]:
    """Those of the upright strokes of a mask that are printed lines; what is lower than others is a digit's."""
    if comb:
        return [stroke for stroke in upright if _is_wall_of(stroke, comb)]
    components = MaskComponents(mask)
    walls = [stroke for stroke in upright if _is_wall(stroke, rules, components, len(mask))]
    highest = max([wall.span for wall in [*walls, *known] if not wall.is_level], default=0.0)
    return [wall for wall in walls if wall.span >= MIN_WALL_LIKENESS * highest]


def _columns_of_walls(comb: Comb, width: int) -> bytes:
    """For each column of a view whether the middle of a stroke that `_is_wall_of` a comb may lie in it, as 1 or 0."""
    walls = np.array([(wall.near + wall.far) / 2 for wall in comb.walls])
    middles = np.concatenate((comb.edges, walls - comb.pitch, walls + comb.pitch))
    reach = math.ceil(TOLERANCE * comb.pitch + 1) + 2
    near = np.round(middles).astype(int)[:, None] + np.arange(-reach, reach + 1)
    columns = np.zeros(width, np.uint8)
    columns[near[(near >= 0) & (near < width)]] = 1
    return columns.tobytes()


def _is_wall_of(stroke: Stroke, comb: Comb) -> bool:
    """Whether a stroke is a wall of a comb, or of boxes with gaps between them: another one is a box away."""
    middle = (stroke.near + stroke.far) / 2
    reach = TOLERANCE * comb.pitch + 1
    if min(abs(edge - middle) for edge in comb.edges.tolist()) <= reach:
        return True
    if not comb.is_box.all():  # the walls of one group are a box away from the digits of another
        return False
    tall = min([wall.length for wall in comb.walls], default=0)
    distances = [abs((wall.near + wall.far) / 2 - middle) for wall in comb.walls]
    return stroke.length >= tall and any(abs(distance - comb.pitch) <= reach for distance in distances)


def _is_wall(stroke: Stroke, rules: Sequence[Stroke], components: MaskComponents, height: int) -> bool:
    """Whether an upright stroke is a printed line: it runs through, or from rule to rule, or from one to an edge."""
    if stroke.thickness > MAX_THICKNESS * height + 2 or stroke.length < MIN_WALL_SPAN * height:
        return False
    if stroke.span >= SPANNING_SHARE and stroke.thickness <= MAX_FREE_THICKNESS * height + 1:
        crossed = [rule for rule in rules if stroke.start < rule.near - AT_END and rule.far + AT_END < stroke.end]
        return len(crossed) >= MIN_CROSSED or not components.is_digit_of(stroke)
    reach = CORNER_SHARE * height + 1 if stroke.margin < OUTER_MARGIN_SHARE else AT_END
    at_rule = [
        any(rule.near - reach <= end <= rule.far + reach for rule in rules) for end in (stroke.start, stroke.end)
    ]
    at_edge = stroke.start <= reach, stroke.end >= height - reach
    return any(at_rule) and all(rule or edge for rule, edge in zip(at_rule, at_edge, strict=True))
