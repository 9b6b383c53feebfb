"""Find out whether a separator that was told of may stand in a number without being read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, takewhile

import numpy as np

from batchdigits.fields.cut_field import Cut
from batchdigits.fields.dates import may_lack_separators
from batchdigits.fields.field_options import POINT_OR_COMMA
from batchdigits.fields.lattice import Path, Step
from batchdigits.fields.left_out import LeftOut
from batchdigits.fields.pieces import Pieces
from batchdigits.fields.reading import ReadOptions
from batchdigits.fields.separators import CLEAR_WEIGHT, MARK_WEIGHT, marks_of

# A gap between digits in which a faint point may stand: its width in heights, and over that of any other gap.
MIN_GAP, GAP_RATIO = 0.4, 2.0
MAX_HEIGHT = 25.0  # pixels of digits in the scan: the points of higher ones are seen


def unread_mark(path: Path, cut: Cut, options: ReadOptions) -> str:
    """What may be unread: `minus`, `point` before the digits, one in a `gap` between them, one of a `date`, or none.

    Args:
        path: the value, and how it was read.
        cut: the field.
        options: what was told of it.
    """
    if cut.has_minus_apart and options.signed:
        return "minus"
    if cut.pieces is not None and may_lack_separators(path.value, options.separators):
        return "date"
    return _unread_point(path, cut, options)


def unsure_slash(path: Path, by_shape: Path) -> str:
    """`slash` if a value has slashes that make it a date, and another value is likelier by its shape; else empty.

    Args:
        path: the value, and how it was read.
        by_shape: the same of the likeliest value as if dates were like other numbers.
    """
    return "slash" if "/" in path.value and path.value != by_shape.value else ""


def marks_left_out(steps: Sequence[Step], cut: Cut, options: ReadOptions) -> tuple[LeftOut, ...]:
    """The clear marks that are left out, as nobody told of such; see `unread_mark` for those that somebody told of."""
    has_minus, has_point = cut.has_minus_apart, False
    if cut.pieces is None or cut.close is None:
        return ("boxed minus",) if has_minus and not options.signed else ()
    digits = [place for place, step in enumerate(steps) if step.text.isdigit()]
    left_out = {(step.start, step.end): place for place, step in enumerate(steps[: digits[-1]]) if not step.text}
    if left_out:
        for mark in marks_of(cut.pieces, cut.close, ReadOptions(separators=POINT_OR_COMMA, signed=True)):
            place = left_out.get((mark.start, mark.end), -1)
            if place >= 0 and mark.text == "-":
                has_minus |= mark.log_weight >= MARK_WEIGHT
            elif place > digits[0]:
                has_point |= mark.log_weight >= CLEAR_WEIGHT
    found: dict[LeftOut, bool] = {"minus": has_minus and not options.signed, "point": has_point and not options.points}
    return tuple(name for name, is_found in found.items() if is_found)


def _unread_point(path: Path, cut: Cut, options: ReadOptions) -> str:
    if cut.pieces is None or cut.close is None or not options.points:
        return ""
    steps = path.steps
    if _begins_with_point(steps, cut.separators):
        return "point"
    if not path.value.removeprefix("-").isdigit():
        return ""  # a separator was read
    points = [step for step in cut.separators if step.text == options.points[0]]
    if _reads_as_digit(steps, points):
        return "gap"
    is_small = cut.close.height * float(np.hypot(*cut.close.back[:, 1])) / cut.view.scale < MAX_HEIGHT
    is_gap = is_small and _has_wide_gap(steps, cut.pieces, cut.close.height)
    return "gap" if is_gap or _leaves_low_ink_out(steps, cut.pieces, cut.close.middle) else ""


def _begins_with_point(steps: Sequence[Step], separators: Sequence[Step]) -> bool:
    """Whether ink before the first digit has the shape of a point, as in .75: separators are read between digits."""
    points = {(step.start, step.end) for step in separators if step.text in set(POINT_OR_COMMA)}
    before = takewhile(lambda step: not step.text.isdigit(), steps)
    return any((step.start, step.end) in points for step in before)


def _reads_as_digit(steps: Sequence[Step], points: Sequence[Step]) -> bool:
    """Whether ink that has the shape and place of a point is read as a digit, or as a part of one."""
    digits = [(step.start, step.end) for step in steps if step.text.isdigit()]
    return any(start <= point.start and point.end <= end for point in points for start, end in digits)


def _leaves_low_ink_out(steps: Sequence[Step], pieces: Pieces, middle: float) -> bool:
    """Whether ink between digits that lies below their middle is left out, too small or too high for a point."""
    digits = [place for place, step in enumerate(steps) if step.text.isdigit()]
    left_out = [
        piece for step in steps[digits[0] : digits[-1]] if not step.text for piece in range(step.start, step.end)
    ]
    _, top, _, bottom = pieces.boxes[left_out].T
    return bool(((top + bottom > 2 * middle) & ~pieces.doubtful[left_out]).any())


def _has_wide_gap(steps: Sequence[Step], pieces: Pieces, height: float) -> bool:
    """Whether one gap between neighbouring digits is much wider than the others."""
    ends = [pieces.boxes[step.start : step.end] for step in steps if step.text.isdigit()]
    gaps = sorted((right[:, 0].min() - left[:, 2].max()) / height for left, right in pairwise(ends))
    return bool(gaps) and gaps[-1] >= max(MIN_GAP, GAP_RATIO * (gaps[-2] if len(gaps) > 1 else 0.0))
