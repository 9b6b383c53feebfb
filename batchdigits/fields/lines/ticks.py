"""Find the boxes of a comb whose walls are short: ticks between digits higher than they are, mostly on a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.lines.comb import MIN_WALLS, Comb, fit_boxes
from batchdigits.fields.lines.printed import are_alike
from batchdigits.fields.lines.walls import AT_RULE
from batchdigits.vision.components import Components, Flags, components_of, select
from batchdigits.vision.morphology import rectangle
from batchdigits.vision.strokes import Stroke

MIN_LENGTH, MAX_LENGTH = 0.1, 0.7  # of the height of the picture over the rule
MAX_WIDTH = 0.6  # of its length: a wider component is no tick
MAX_DEVIATION = 0.25  # of the median length and width: all ticks are alike
MIN_DIGIT_HEIGHT = 1.15  # median height of the digits, in lengths of ticks; as ones on a rule are no ticks
SOFT = 3  # pixels: a square around a tick with its soft edge
MIN_ALIKE = 0.8  # length and width of ticks that stand on no rule, over those of others
MAX_LEAN = 0.14  # columns for each row of such ticks
MIN_EMPTY = 4  # ticks without a rule and digits, or they may be 1s


class Ticks(NamedTuple):
    """A comb with short walls.

    Attributes:
        comb: its boxes.
        mask: of its ticks with their soft edges, 255 on 0.
    """

    comb: Comb
    mask: MatLike


def find_ticks(mask: MatLike, rules: Sequence[Stroke]) -> Ticks | None:
    """The ticks in the ink of a view; None without such a comb.

    Args:
        mask: of the ink without its rules, uint8 (H, W), 255 on 0.
        rules: level lines.
    """
    if not cv2.hasNonZero(mask):
        return None
    parts = components_of(mask)
    low = [rule for rule in rules if rule.near > len(mask) / 2]
    return _on_rules(low, mask, parts) if low else _without_rule(mask, parts)


def _on_rules(low: Sequence[Stroke], mask: MatLike, parts: Components) -> Ticks | None:
    """Ticks that stand on low rules."""
    width = mask.shape[1]
    base, reach = min(rule.near for rule in low), max(rule.thickness for rule in low) + AT_RULE
    is_tick = _may_be_ticks(parts, base) & (parts.y + parts.height >= base - reach)
    for _ in range(2):  # the second time without digits
        if np.count_nonzero(is_tick) < MIN_WALLS:
            return None
        is_tick &= _are_like(parts, is_tick)
    edges = _boxes_of(parts, is_tick, base, width)
    if edges is None:
        return None
    middles = (parts.x + parts.width / 2)[is_tick]
    ends = min(rule.left for rule in low), max(rule.place[1].stop for rule in low)
    first, last = float(middles.min()), float(middles.max())
    is_corner = ends[0] > 0 and first - ends[0] <= reach and ends[1] < width and ends[1] - last <= reach
    return _ticks(parts, is_tick, edges) if is_corner or _are_below_digits(parts, is_tick) else None


def _without_rule(mask: MatLike, parts: Components) -> Ticks | None:
    """Ticks that stand on nothing: those that are as alike as if they were printed."""
    height, width = mask.shape
    thickness = parts.area / parts.height
    is_tick = _may_be_ticks(parts, height) & (parts.width <= thickness + MAX_LEAN * parts.height + 2)
    length, thick = parts.height + 2, thickness + 2  # pixels that any may be off
    is_like = (
        (length[:, None] >= MIN_ALIKE * length) & (thick[:, None] >= MIN_ALIKE * thick) & is_tick & is_tick[:, None]
    )
    is_like &= is_like.T
    if not is_like.size or (count := is_like.sum(axis=1)).max() < MIN_WALLS:
        return None
    is_tick = is_like[int(count.argmax())]
    middles, ends = parts.x + parts.width / 2, parts.y + parts.height
    is_tick[is_tick] = are_alike(middles[is_tick], parts.y[is_tick], ends[is_tick], thickness[is_tick])
    if np.count_nonzero(is_tick) < MIN_WALLS:
        return None
    edges = _boxes_of(parts, is_tick, float(np.median(ends[is_tick])), width)
    if edges is None:
        return None
    has_digits = bool((~is_tick & (parts.height >= np.median(parts.height[is_tick]) / 2)).any())
    is_comb = _are_below_digits(parts, is_tick) if has_digits else np.count_nonzero(is_tick) >= MIN_EMPTY
    return _ticks(parts, is_tick, edges) if is_comb else None


def _may_be_ticks(parts: Components, base: float) -> Flags:
    """Which components are as narrow as ticks, and as high in a picture of so many rows."""
    is_narrow = parts.width <= MAX_WIDTH * parts.height
    return np.asarray(is_narrow & (parts.height >= MIN_LENGTH * base) & (parts.height <= MAX_LENGTH * base), np.bool_)


def _boxes_of(parts: Components, is_tick: Flags, base: float, width: int) -> NDArray[np.float64] | None:
    """The edges of the boxes between ticks; None if few of these are at regular distances.

    Args:
        parts: all components.
        is_tick: which are ticks; changed in place to those that stand at edges, with others there that are like them.
        base: the height of the boxes.
        width: of the view.
    """
    middles = parts.x + parts.width / 2
    edges = fit_boxes(sorted(middles[is_tick].tolist()), base, width)
    if edges is not None:
        reach = MAX_DEVIATION * float(np.median(np.diff(edges))) / 2
        is_tick[:] = _are_like(parts, is_tick) & (np.abs(edges[:, None] - middles).min(axis=0) <= reach)
    return edges


def _are_like(parts: Components, is_tick: Flags) -> Flags:
    """Which components are about as high and as wide as most ticks."""
    length, thick = (float(np.median(sizes[is_tick])) for sizes in (parts.height, parts.width))
    is_like = np.abs(parts.height - length) <= MAX_DEVIATION * length + 1
    return np.asarray(is_like & (np.abs(parts.width - thick) <= MAX_DEVIATION * thick + 1), np.bool_)


def _are_below_digits(parts: Components, is_tick: Flags) -> bool:
    """Whether the other components are higher than ticks."""
    length = float(np.median(parts.height[is_tick]))
    others = parts.height[~is_tick & (parts.height >= length / 2)]
    return bool(others.size and np.median(others) >= MIN_DIGIT_HEIGHT * length)


def _ticks(parts: Components, is_tick: Flags, edges: NDArray[np.float64]) -> Ticks:
    comb = Comb(edges, float(np.median(np.diff(edges))), [], edges)
    return Ticks(comb, cv2.dilate(select(parts, is_tick), rectangle(SOFT, SOFT)))
