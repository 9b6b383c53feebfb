"""Tell underlines from the feet of digits: they are long, even and smooth, and lie under the whole number."""

from __future__ import annotations

import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.strokes import Stroke

# All but the shares of an underline's own length are in heights of the digits over it.
MIN_LENGTH = 1.4  # longer than digits are high
MAX_THICKNESS = 0.4  # and thinner than this: what is over a thicker one is the rough edge of the bar of a 7
MAX_BELOW = 0.35  # how far digits may reach below it
MAX_UNCOVERED = 0.4  # how far they may reach beyond its ends
MIN_ALONE = 0.12  # of its length: columns without ink over it, between digits
# Where digits stand closer: of its length, columns without ink near over it; how near that is; and how far it sticks
# out on both sides, or how long it is.
MIN_FREE, NEAR, MIN_OUTREACH, LONG = 0.3, 0.25, 0.12, 2.2
SOFT = 2  # pixels of its soft edge
# Of these columns, most are as thick as the others, but for a share of its thickness and a pixel.
MIN_EVEN_SHARE, MAX_UNEVENNESS = 0.85, 0.15
# Most of its lower edge is so near to a parabola: a share of its thickness, and pixels.
SMOOTH_SHARE, MAX_ROUGHNESS, MAX_ROUGH_PIXELS = 0.85, 0.15, 0.4
MIN_COLUMNS = 8  # pixels: a shorter stroke is none


def is_underline(stroke: Stroke, mask: MatLike) -> bool:
    """Whether a level stroke of a mask, uint8 (H, W), lies under several digits."""
    above = np.asarray(mask[: stroke.near, stroke.place[1]]) > 0
    rows = np.flatnonzero(above.any(axis=1))
    if not rows.size or stroke.length < MIN_COLUMNS:
        return False
    tall = stroke.near - int(rows[0])
    if stroke.thickness > MAX_THICKNESS * tall:
        return False
    if stroke.length < MIN_LENGTH * tall or not _covers(stroke, mask, tall):
        return False
    free = _free_columns(stroke, above, tall)
    thick = np.count_nonzero(np.asarray(stroke.ink) > 0, axis=0)[free]
    if not thick.size:
        return False
    is_even = np.abs(thick - np.median(thick)) <= MAX_UNEVENNESS * stroke.thickness + 1
    return bool(is_even.mean() >= MIN_EVEN_SHARE) and _is_smooth(stroke)


def _covers(stroke: Stroke, mask: MatLike, tall: int) -> bool:
    """Whether digits, so many pixels high, reach little below a stroke, and none stands beside it."""
    columns, reach = stroke.place[1], round(MAX_UNCOVERED * tall)
    below = mask[stroke.far + SOFT + round(MAX_BELOW * tall) : stroke.far + tall, columns]
    beside = np.asarray(mask[stroke.near - tall : stroke.near])
    is_alone = not beside[:, : max(0, columns.start - reach)].any() and not beside[:, columns.stop + reach :].any()
    return is_alone and not below.any()


def _free_columns(stroke: Stroke, above: NDArray[np.bool_], tall: int) -> NDArray[np.intp]:
    """The columns of a stroke over which no digit is near; none if there are few.

    Args:
        stroke: the stroke.
        above: the ink over it, bool (h, its length).
        tall: height of the digits, in pixels.
    """
    inked = np.flatnonzero(above.any(axis=0))
    first, last = int(inked[0]), int(inked[-1])
    alone = first + np.flatnonzero(~above[:, first:last].any(axis=0))
    if alone.size >= MIN_ALONE * stroke.length:
        return alone
    near = above[max(0, stroke.near - round(NEAR * tall)) : max(0, stroke.near - SOFT)].any(axis=0)
    free = np.flatnonzero(~near)
    sticks_out = min(first, above.shape[1] - 1 - last) >= MIN_OUTREACH * tall or stroke.length >= LONG * tall
    return free if sticks_out and free.size >= MIN_FREE * stroke.length else free[:0]


def _is_smooth(stroke: Stroke) -> bool:
    """Whether the lower edge of a level stroke follows a parabola, as the feet of digits that are joined do not."""
    ink = np.asarray(stroke.ink) > 0
    columns = np.flatnonzero(ink.any(axis=0))
    edge, x = len(ink) - ink[::-1, columns].argmax(axis=0), columns / ink.shape[1]
    keep = np.ones(len(edge), np.bool_)
    for _ in range(2):  # the second time without what hangs down
        deviations = np.abs(edge - np.polyval(np.polyfit(x[keep], edge[keep], 2), x))
        most = np.quantile(deviations, SMOOTH_SHARE)
        keep = deviations <= most
    return bool(most <= MAX_ROUGHNESS * stroke.thickness + MAX_ROUGH_PIXELS)
