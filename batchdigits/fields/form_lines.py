"""Remove the printed lines of a field: rules, the sides of its cell, the walls of a comb. What crosses them stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.comb import TOLERANCE, Comb, find_comb
from batchdigits.fields.guides import remove_guides
from batchdigits.fields.ruled_lines import find_rules
from batchdigits.fields.walls import Apart, Strokes
from batchdigits.vision.cell import erased
from batchdigits.vision.components import Flags, components_of
from batchdigits.vision.contrast import MIN_CONTRAST, histogram
from batchdigits.vision.illumination import otsu_level
from batchdigits.vision.lines import CORNER_SHARE, OUTER_MARGIN_SHARE
from batchdigits.vision.strokes import Stroke, find_upright_strokes

MAX_PASSES = 3  # each finds the lines that are fainter than those before
MIN_WALL_SPAN, SPANNING_SHARE = 0.5, 0.92  # of the height: of a wall between rules or edges, and of one anywhere
MAX_THICKNESS, MAX_FREE_THICKNESS = 0.1, 0.06  # of the height: of a wall between rules or edges, and of one anywhere
AT_END = 3  # pixels from a rule or edge to the end of a wall that is not in the margin
MIN_DARKER = 1.33  # darkness of ink that lies on a line, over the line's
MIN_CROSSING = 0.12  # of the pitch: how far ink reaches on both sides of a comb's edge if it crosses that
MAX_CROSSED_SHARE = 0.34  # of a comb's inner edges
MIN_DIGIT_HEIGHT, MAX_DIGIT_HEIGHT = 0.3, 0.92  # of the height of a comb's walls
MIN_SIGNAL = 4.0  # contrast of ink in standard deviations of the paper's grain


class Ruled(NamedTuple):
    """The ink of a field without its printed lines.

    Attributes:
        ink: uint8 (H, W), bright on 0.
        mask: of its pixels over Otsu's threshold, 255 on 0.
        rules: its level lines.
        walls: its upright lines.
        comb: the boxes that they form, if they do.
    """

    ink: MatLike
    mask: MatLike
    rules: list[Stroke]
    walls: list[Stroke]
    comb: Comb | None


def remove_form_lines(ink: MatLike, boxes: int | None = None) -> Ruled:
    """Remove the printed lines from the ink of a view.

    Args:
        ink: uint8 (H, W), bright on 0.
        boxes: how many boxes its comb has; None if that is to be found out, or there is none.
    """
    strokes = Strokes(ink)
    comb = find_comb(strokes, ink, boxes)
    if comb:
        ruled = _without_lines(ink, strokes, comb)
        if boxes or not (_crosses(comb, ruled.mask) or _is_as_tall(comb, ruled.mask)):
            return ruled
    return _without_lines(ink, strokes, None)


def _without_lines(ink: MatLike, strokes: Strokes, comb: Comb | None) -> Ruled:
    """Remove the lines, and with a comb its walls and guides alone."""
    mask = _mask(ink)
    found = strokes.rules + _walls(strokes.upright, strokes.rules, mask, comb)
    lines: list[Stroke] = []
    for _ in range(MAX_PASSES):
        if not found:
            break
        lines += found
        gone = erased(found, lines, mask)
        gone[_strokes_along(found, ink, mask, gone)] = 0
        ink = cv2.bitwise_and(ink, cv2.bitwise_not(gone))
        mask = _mask(ink)
        rules = find_rules(mask)
        across = rules + [line for line in lines if line.is_level]
        found = rules + _walls(find_upright_strokes(mask), across, mask, comb)
    if comb:
        ink = remove_guides(ink, comb)
    rules, walls = [line for line in lines if line.is_level], [line for line in lines if not line.is_level]
    mask = _mask(ink)
    if not is_ink(ink, mask, cv2.bitwise_not(mask)):
        mask = np.zeros_like(mask)
    return Ruled(ink, mask, rules, walls, comb)


def _strokes_along(lines: Sequence[Stroke], ink: MatLike, mask: MatLike, gone: NDArray[np.uint8]) -> Flags:
    """Which pixels of lines are those of darker strokes that run along them, and go on outside of them.

    Args:
        lines: the lines.
        ink: uint8 (H, W), bright on 0.
        mask: of the ink, 255 on 0.
        gone: the mask of the lines with their soft edges.
    """
    pixels = np.asarray(ink)
    darker = np.zeros(gone.shape, np.bool_)
    for line in lines:
        level = float(np.median(pixels[line.place][np.asarray(line.ink) > 0]))
        rows, columns = (slice(max(0, axis.start - 2), axis.stop + 2) for axis in line.place)
        darker[rows, columns] |= pixels[rows, columns] > MIN_DARKER * level
    darker &= gone > 0
    outside = (np.asarray(mask) > 0) & (gone == 0)
    labels = cv2.connectedComponents((darker | outside).astype(np.uint8))[1]
    inner, outer = (np.bincount(labels[where], minlength=int(labels.max()) + 1) for where in (darker, outside))
    return np.asarray(darker & (outer >= inner)[labels], np.bool_)


def _crosses(comb: Comb, mask: MatLike) -> bool:
    """Whether the ink between lines crosses many edges of a comb, so that it was not written into its boxes."""
    inner = np.clip(np.round(comb.edges[1:-1]).astype(int), 0, mask.shape[1] - 1)
    height = len(mask)
    labels = cv2.connectedComponents(mask[height // 4 : height - height // 4])[1]
    reach = max(2, round(MIN_CROSSING * comb.pitch))
    crossed = 0
    for column in inner.tolist():
        before, after = labels[:, max(0, column - reach)], labels[:, min(mask.shape[1] - 1, column + reach)]
        at = labels[:, column]
        on_all = np.intersect1d(np.intersect1d(before, after), at)
        crossed += bool((on_all > 0).any())
    return crossed > MAX_CROSSED_SHARE * len(inner)


def _is_as_tall(comb: Comb, mask: MatLike) -> bool:
    """Whether the ink between lines is as tall as the walls of a comb, as if its strokes were taken for these."""
    if not comb.walls:
        return False
    tall = float(np.median([wall.length for wall in comb.walls]))
    heights = components_of(mask).height if cv2.hasNonZero(mask) else np.zeros(0)
    heights = heights[heights >= MIN_DIGIT_HEIGHT * tall]
    return bool(heights.size and np.median(heights) > MAX_DIGIT_HEIGHT * tall)


def _mask(ink: MatLike) -> MatLike:
    """The mask of the ink over Otsu's threshold."""
    return cv2.threshold(ink, otsu_level(ink), 255, cv2.THRESH_BINARY)[1]


def is_ink(ink: MatLike, mask: MatLike, paper: MatLike) -> bool:
    """Whether the pixels of a mask are darker than the grain of the paper, of which faint lines may be a fourth.

    Args:
        ink: uint8 (H, W), bright on 0.
        mask: 255 on 0.
        paper: the mask of the paper, 255 on 0.
    """
    bright, dark = histogram(ink, mask).cumsum(), histogram(ink, paper).cumsum()
    if not bright[-1] or not dark[-1]:
        return False
    low, background, high = dark.searchsorted(np.array((0.16, 0.5, 0.69)) * dark[-1]).tolist()
    grain = max(2.0 * (high - background), background - low, 0.5)
    contrast = float(bright.searchsorted(0.9 * bright[-1])) - background
    return bool(contrast >= max(MIN_CONTRAST, MIN_SIGNAL * grain))


def _walls(upright: Sequence[Stroke], rules: Sequence[Stroke], mask: MatLike, comb: Comb | None) -> list[Stroke]:
    """Those of the upright strokes of a mask that are printed lines."""
    if comb:
        return [stroke for stroke in upright if _is_wall_of(stroke, comb)]
    return [stroke for stroke in upright if _is_wall(stroke, rules, mask)]


def _is_wall_of(stroke: Stroke, comb: Comb) -> bool:
    """Whether a stroke is a wall of a comb, or of boxes with gaps between them: another one is a box away."""
    middle = (stroke.near + stroke.far) / 2
    reach = TOLERANCE * comb.pitch + 1
    if np.abs(comb.edges - middle).min() <= reach:
        return True
    tall = min([wall.length for wall in comb.walls], default=0)
    distances = [abs((wall.near + wall.far) / 2 - middle) for wall in comb.walls]
    return stroke.length >= tall and any(abs(distance - comb.pitch) <= reach for distance in distances)


def _is_wall(stroke: Stroke, rules: Sequence[Stroke], mask: MatLike) -> bool:
    """Whether an upright stroke is a printed line: it runs through, or from rule to rule, or from one to an edge."""
    height = len(mask)
    if stroke.thickness > MAX_THICKNESS * height + 2 or stroke.length < MIN_WALL_SPAN * height:
        return False
    if stroke.span >= SPANNING_SHARE and stroke.thickness <= MAX_FREE_THICKNESS * height + 1:
        return not Apart(mask).is_digit_of(stroke)
    reach = CORNER_SHARE * height + 1 if stroke.margin < OUTER_MARGIN_SHARE else AT_END
    at_rule = [
        any(rule.near - reach <= end <= rule.far + reach for rule in rules) for end in (stroke.start, stroke.end)
    ]
    at_edge = stroke.start <= reach, stroke.end >= height - reach
    return any(at_rule) and all(rule or edge for rule, edge in zip(at_rule, at_edge, strict=True))
