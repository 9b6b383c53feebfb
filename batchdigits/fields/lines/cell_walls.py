"""Find the upright lines of a field without boxes: the sides of its cell, and lines that go through it."""

from __future__ import annotations

from collections.abc import Sequence

from batchdigits.fields.lines.printed import are_printed, is_even, is_upright_to
from batchdigits.fields.lines.walls import MaskComponents, is_narrow
from batchdigits.vision.lines import CORNER_SHARE, OUTER_MARGIN_SHARE
from batchdigits.vision.strokes import Stroke

MIN_WALL_SPAN, SPANNING_SHARE = 0.5, 0.92  # of the height: of a wall between rules or edges, and of one anywhere
MAX_THICKNESS, MAX_FREE_THICKNESS = 0.1, 0.06  # of the height: of a wall between rules or edges, and of one anywhere
MIN_WALL_LIKENESS = 0.8  # of the highest wall's span: all sides of a cell are as high
MIN_CROSSED = 2  # rules that a stroke from edge to edge crosses if it is a wall, though a digit may touch it
AT_END = 3  # pixels from a rule or edge to the end of a wall that is not in the margin
TOUCHING = 1  # the same for a stroke in the margin that may be a digit's
MAX_OVER_RULES = 1.5  # thickness of a wall over that of rules, if it is no side of a frame: else it may be a 1
MIN_INNER_HEIGHT = 1.3  # of a wall that is not in the margin, over that of digits: else it may be a 1


def cell_walls(
    upright: Sequence[Stroke], rules: Sequence[Stroke], components: MaskComponents, known: Sequence[Stroke] = ()
) -> list[Stroke]:
    """Those of the upright strokes of a mask that are printed lines; what is lower than others is a digit's.

    Args:
        upright: the strokes.
        rules: the level lines.
        components: those of the mask without the rules.
        known: lines that were found before.
    """
    walls = [stroke for stroke in upright if _is_wall(stroke, rules, components)]
    walls = walls if walls or rules else _sides(upright, components)
    highest = max([wall.span for wall in [*walls, *known] if not wall.is_level], default=0.0)
    return [wall for wall in walls if wall.span >= MIN_WALL_LIKENESS * highest]


def _is_wall(stroke: Stroke, rules: Sequence[Stroke], components: MaskComponents) -> bool:
    """Whether an upright stroke is a printed line: it runs through, or from rule to rule, or from one to an edge."""
    height = stroke.along
    if stroke.thickness > MAX_THICKNESS * height + 2 or stroke.length < MIN_WALL_SPAN * height:
        return False
    if not (is_narrow(stroke) or is_even(stroke)):
        return False
    if stroke.span >= SPANNING_SHARE and stroke.thickness <= MAX_FREE_THICKNESS * height + 1:
        crossed = [rule for rule in rules if stroke.start < rule.near - AT_END and rule.far + AT_END < stroke.end]
        return len(crossed) >= MIN_CROSSED or not _may_be_digit(stroke, components)
    is_through = stroke.start == 0 and stroke.end == height and not components.is_digit_of(stroke)
    if is_through and components.height_of_others(stroke) > 0:  # digits do not touch both edges
        return True
    reach: float = AT_END
    if stroke.margin < OUTER_MARGIN_SHARE:
        reach = TOUCHING if _may_be_digit(stroke, components) else CORNER_SHARE * height + 1
    elif not (_is_side_of_frame(stroke, rules) or _is_higher_than_digits(stroke, components)):
        return False
    is_thick = stroke.thickness > MAX_OVER_RULES * max((rule.thickness for rule in rules), default=0.0) + 1
    if is_thick and not _is_side_of_frame(stroke, rules):
        return False
    at_rule = [any(rule.lies_at(end, reach) for rule in rules) for end in (stroke.start, stroke.end)]
    at_edge = stroke.start <= reach, stroke.end >= height - reach
    return any(at_rule) and all(rule or edge for rule, edge in zip(at_rule, at_edge, strict=True))


def _sides(upright: Sequence[Stroke], components: MaskComponents) -> list[Stroke]:
    """The sides of a cell that enclose all ink without rules, which may lie at the picture's edges: they are alike."""
    sides = sorted(upright, key=lambda stroke: stroke.middle)[:: max(1, len(upright) - 1)]
    if len(sides) != 2 or not are_printed(sides).all() or not components.lie_between(*sides):
        return []
    (left, right), apart = sides, sides[1].middle - sides[0].middle
    tilt = (right.top - left.top) / apart
    return sides if all(is_upright_to(side, tilt) for side in sides) else []


def _is_side_of_frame(stroke: Stroke, rules: Sequence[Stroke]) -> bool:
    """Whether two rules end at the two ends of an upright stroke, or begin there."""
    reach = stroke.far - stroke.near + AT_END
    at_end = [rule for rule in rules if min(abs(end - stroke.middle) for end in (rule.start, rule.end)) <= reach]
    return all(any(rule.lies_at(end, AT_END) for rule in at_end) for end in (stroke.start, stroke.end))


def _may_be_digit(stroke: Stroke, components: MaskComponents) -> bool:
    """Whether a stroke is a part of a digit, and not of a corner of a cell."""
    return components.is_digit_of(stroke) and components.has_ink_beside(stroke)


def _is_higher_than_digits(stroke: Stroke, components: MaskComponents) -> bool:
    """Whether a stroke is higher than the digits beside it, or stands alone."""
    height = components.height_of_others(stroke)
    return stroke.length >= MIN_INNER_HEIGHT * height and (height > 0 or not components.is_digit_of(stroke))
