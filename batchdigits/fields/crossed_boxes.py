"""Find boxes of a comb that one straight line from corner to corner crosses out, and that are empty."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from batchdigits.fields.boxes import BoxGlyph
from batchdigits.fields.line_digits import MAX_SPREAD, lean_of_ink
from batchdigits.fields.lines.comb import Comb

MIN_LEAN, MIN_WIDTH = 0.35, 0.5  # columns for each row, and of the pitch: most 1s have less
# Of the height of walls: one such line, and the median of several; where walls are ticks, lines are higher.
MIN_HEIGHT, MEDIAN_HEIGHTS = 0.75, (0.82, 1.2)
# Of the height of digits in other boxes, and columns for each row beyond their lean: 1s are like other digits.
OVER_HEIGHT, OVER_LEAN = 1.15, 0.3
MIN_CROSSED, MIN_ALL = 2, 3  # boxes beside others with digits, and without: fewer may be 1s that lean far


def without_crossed(found: Sequence[BoxGlyph | None], comb: Comb) -> tuple[list[BoxGlyph | None], bool]:
    """Take the lines out of a comb's glyphs that cross out empty boxes.

    Args:
        found: the glyph of each box; None for an empty one.
        comb: the boxes.

    Returns:
        The same without such lines, and whether there are some that may be 1s as well, and stay.
    """
    walls = median([wall.length for wall in comb.walls] or [0])
    kept = [None if glyph and _is_crossed(glyph, comb.pitch, walls) else glyph for glyph in found]
    crossed = [glyph for glyph, own in zip(found, kept, strict=True) if glyph is not own and glyph]
    others = [glyph for glyph in kept if glyph]
    if not crossed:
        return list(found), False
    height, lean = _shape(crossed)
    is_sure = MEDIAN_HEIGHTS[0] * walls <= height <= MEDIAN_HEIGHTS[1] * walls
    if others:
        digit_height, digit_lean = _shape(others)
        is_higher = height >= OVER_HEIGHT * digit_height
        is_like_digits = abs(lean - digit_lean) < OVER_LEAN or height > MEDIAN_HEIGHTS[1] * walls
        if is_like_digits and not is_higher:
            return list(found), False
        is_sure &= is_higher and len(crossed) >= MIN_CROSSED and not any(_is_line(glyph) for glyph in others)
    else:
        is_sure &= len(crossed) >= max(MIN_ALL, len(found))
    return (kept, False) if is_sure else (list(found), True)


def _is_crossed(glyph: BoxGlyph, pitch: float, walls: float) -> bool:
    """Whether the ink of a box is a line that leans as far, and is as wide and high, as one across the box."""
    tall, wide = glyph.own.shape
    if wide < MIN_WIDTH * pitch or tall < MIN_HEIGHT * walls:
        return False
    return _is_line(glyph)


def _is_line(glyph: BoxGlyph) -> bool:
    """Whether ink is a straight line that leans far."""
    lean, spread = lean_of_ink(glyph.own)
    return abs(lean) >= MIN_LEAN and spread <= MAX_SPREAD


def _shape(glyphs: Sequence[BoxGlyph]) -> tuple[float, float]:
    """The median height of some ink, and its median lean."""
    return median(len(glyph.own) for glyph in glyphs), median(lean_of_ink(glyph.own)[0] for glyph in glyphs)
