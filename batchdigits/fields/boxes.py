"""Share out the ink of a field among the boxes of its comb, and frame the digit of each."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.comb import Comb
from batchdigits.fields.form_lines import Ruled
from batchdigits.fields.segments import ink_to_glyph
from batchdigits.vision.components import MAX_GAP_SHARE, Components, Flags, components_of
from batchdigits.vision.lines import MARGIN_SHARE
from batchdigits.vision.normalise import Glyph

MAX_WIDTH = 1.3  # of the pitch: a wider component is cut at the walls, as it lies in several boxes
WALL_DEPTH = 0.15  # of the box's side: what lies this near to a wall or rail, whole, is the rest of it
MIN_DIGIT_SHARE = 0.25  # of the pitch: shorter ink is dust
MIN_STROKE_SHARE = 0.4  # of the longest component's length: one this long belongs to the digit, wherever it is
NEAREST_WALLS = 3  # of a box, whose ends are its rows


class BoxGlyph(NamedTuple):
    """The glyph of a box.

    Attributes:
        glyph: the glyph.
        box: first column and row of its ink in the view, and one past the last.
    """

    glyph: Glyph
    box: tuple[int, int, int, int]


def glyphs_of_boxes(ruled: Ruled, comb: Comb) -> list[BoxGlyph | None]:
    """The glyph of each box of a comb; None for an empty one."""
    edges = np.round(comb.edges).astype(int)
    mask = _cut_wide(ruled.mask, edges, comb.pitch)
    if not cv2.hasNonZero(mask):
        return [None] * (len(edges) - 1)
    components = components_of(mask)
    box_of = np.searchsorted(edges, components.x + components.width / 2) - 1
    return [
        _glyph_of(components, box_of == box, _rows(ruled, comb, edges[box : box + 2]), edges[box : box + 2], ruled.ink)
        for box in range(len(edges) - 1)
    ]


def _cut_wide(mask: MatLike, edges: NDArray[np.intp], pitch: float) -> MatLike:
    """Cut components that are too wide for a box at the walls."""
    components = components_of(mask) if cv2.hasNonZero(mask) else None
    if components is None or not (components.width > MAX_WIDTH * pitch).any():
        return mask
    mask = mask.copy()
    for index in np.flatnonzero(components.width > MAX_WIDTH * pitch).tolist():
        x, width = int(components.x[index]), int(components.width[index])
        for edge in edges[(edges > x) & (edges < x + width - 1)].tolist():
            column = mask[:, edge]
            column[components.labels[:, edge] == index + 1] = 0
    return mask


def _rows(ruled: Ruled, comb: Comb, edges: NDArray[np.intp]) -> tuple[int, int]:
    """The rows between the rules above and below a box, or between the ends of the nearest walls."""
    left, right = edges.tolist()
    nearest = sorted(comb.walls, key=lambda wall: abs(wall.near + wall.far - left - right))[:NEAREST_WALLS]
    ends = [(wall.start, wall.end) for wall in nearest] or [(0, len(ruled.mask))]
    top, bottom = np.median(ends, axis=0).round().astype(int).tolist()
    for rule in ruled.rules:
        if rule.margin < MARGIN_SHARE:
            here = rule.ink[:, max(0, left - rule.left) : max(0, right - rule.left)]
            rows = np.flatnonzero(np.asarray(here).any(axis=1)) + rule.top
            if rows.size and rule.side[1]:
                bottom = min(bottom, int(rows[0]))
            elif rows.size:
                top = max(top, int(rows[-1]) + 1)
    return top, max(top + 1, bottom)


def _glyph_of(
    components: Components, own: Flags, rows: tuple[int, int], edges: NDArray[np.intp], ink: MatLike
) -> BoxGlyph | None:
    """The glyph of a box, of its own components without the rests of its walls and rails."""
    (top, bottom), (left, right) = rows, edges.tolist()
    _, x, y, width, height, _ = components
    deep_x, deep_y = WALL_DEPTH * (right - left) + 1, WALL_DEPTH * (bottom - top) + 1
    at_wall = (x + width <= left + deep_x) | (x >= right - deep_x)
    at_rail = (y + height <= top + deep_y) | (y >= bottom - deep_y)
    own = own & ~at_wall & ~at_rail
    length = components.length * own
    longest = int(length.argmax())
    if length[longest] < MIN_DIGIT_SHARE * (right - left):
        return None
    gap_x = np.maximum(x - x[longest] - width[longest], x[longest] - x - width)
    gap_y = np.maximum(y - y[longest] - height[longest], y[longest] - y - height)
    is_near = np.maximum(gap_x, gap_y) <= MAX_GAP_SHARE * length[longest]
    keep = own & (is_near | (length >= MIN_STROKE_SHARE * length[longest]))
    x0, y0 = int(x[keep].min()), int(y[keep].min())
    x1, y1 = int((x + width)[keep].max()), int((y + height)[keep].max())
    labels = components.labels[y0:y1, x0:x1]
    mask = np.isin(labels, np.flatnonzero(keep) + 1).astype(np.uint8)
    glyph = ink_to_glyph(ink, mask, labels > 0, (x0, y0, x1, y1))
    return None if glyph is None else BoxGlyph(glyph, (x0, y0, x1, y1))
