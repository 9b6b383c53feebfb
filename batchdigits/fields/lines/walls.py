"""Find straight strokes: rules, and what may be the walls of a comb, as dark as the ink or fainter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import compress

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.lines.ruled_lines import find_rules, rails_of_frames
from batchdigits.vision.contrast import histogram
from batchdigits.vision.erasing import erased
from batchdigits.vision.frames import MIN_FILLED_SHARE
from batchdigits.vision.illumination import otsu_level, otsu_split
from batchdigits.vision.morphology import rectangle
from batchdigits.vision.strokes import Stroke, UprightStrokes

HALO, SOFT = 3, 3  # pixels: a square around dark ink without faint lines, and columns beside it with its soft edge
MIN_LINE = 4  # grey levels from paper to line
AT_RULE = 3  # pixels from a rule to the end of a wall between rules
MIN_RAILED_SHARE = 0.75  # of the walls of a comb: those that run from rule to rule if it has two
MIN_WALL_SHARE = 0.75  # of the tallest upright stroke: walls are of one height, and higher than digits
MAX_WIDTH_SHARE = 0.2  # of its length: a wider wall is a shadow
MIN_LIKENESS = 0.9  # of the longest wall's length: walls whose ends show where others end
MAX_EDGE = 1.0  # pixel: the thickness of a soft edge; faint lines are thicker
SCREEN = 5  # pixels: the mean of so many, both ways, makes lines of a printer's dots
MAX_CORNER = 0.25  # of the length of a wall: ink beside it there may be another line
MIN_GRID_WIDTH = 1.3  # width over height of a component with several walls
MIN_DIGIT_SHARE = 0.4  # of the length of a wall: height of digits beside it
MIN_DUST = 0.2  # of the length of a wall: lower components are dust
MAX_WALL_WIDTH = 2.0  # width of a component that is a wall alone, over that of its straight part


class Strokes:
    """Straight strokes in the ink of a view, uint8 (H, W), bright on 0: what may be rules and walls.

    Attributes:
        level: Otsu's threshold.
        mask: of the ink over it, 255 on 0.
        rules: level lines.
        upright: upright strokes as dark as the ink.
    """

    def __init__(self, ink: MatLike) -> None:
        """Find them."""
        self._ink = ink
        self.level, self.mask = otsu_split(ink)
        self.upright = UprightStrokes(self.mask)
        self.rules = find_rules(self.mask, self.upright) or rails_of_frames(self.mask, self.upright)
        self._sure: dict[int, bool] = {}

    @cached_property
    def without_rules(self) -> MatLike:
        """The mask without the rules that digits stand on, but with what crosses them."""
        return cv2.subtract(self.mask, erased(self.rules, self.rules, self.mask)) if self.rules else self.mask

    @cached_property
    def components(self) -> MaskComponents:
        """The components of the ink without the rules."""
        return MaskComponents(self.without_rules)

    def dark(self) -> list[Stroke]:
        """Upright strokes as dark as the ink that run from rule to rule, belong to no digit, or end where those do.

        Strokes that are too short for walls, by the tallest one, may be left out.
        """
        strokes = self.upright.select(MIN_WALL_SHARE * self.upright.longest)
        while True:
            dark = self._dark_of(strokes)
            tall = max([stroke.length for stroke in dark if is_narrow(stroke)], default=0)
            more = self.upright.select(MIN_WALL_SHARE * tall - 2 * AT_RULE)  # what ends like a wall is nearly as long
            if len(more) <= len(strokes):
                return dark
            strokes = more

    def _dark_of(self, strokes: Sequence[Stroke]) -> list[Stroke]:
        is_sure = [self._is_sure(stroke) for stroke in strokes]
        sure = list(compress(strokes, is_sure))
        tall = max((stroke.length for stroke in sure), default=0)
        walls = [stroke for stroke in sure if stroke.length >= MIN_LIKENESS * tall]
        return [
            stroke
            for stroke, own in zip(strokes, is_sure, strict=True)
            if own or any(_ends_like(stroke, wall) for wall in walls)
        ]

    def _is_sure(self, stroke: Stroke) -> bool:
        if id(stroke) not in self._sure:
            self._sure[id(stroke)] = self._joins_rules(stroke) or not self.components.is_digit_of(stroke)
        return self._sure[id(stroke)]

    def join_rules(self, walls: Sequence[Stroke]) -> bool:
        """Whether most walls run from rule to rule."""
        return sum(map(self._joins_rules, walls)) >= MIN_RAILED_SHARE * len(walls)

    def _joins_rules(self, stroke: Stroke) -> bool:
        ends = stroke.start, stroke.end
        return all(any(rule.lies_at(end, AT_RULE) for rule in self.rules) for end in ends)

    def faint(self, least: float = 0.0) -> list[Stroke]:
        """Fainter upright strokes, of so many pixels, that are no soft edges of digits."""
        paper = cv2.bitwise_not(cv2.dilate(self.mask, rectangle(HALO, HALO)))
        smooth = cv2.blur(self._ink, (SCREEN, SCREEN))
        counts = histogram(smooth, paper).astype(np.intp)
        if not counts.any():
            return []
        level = max(MIN_LINE, otsu_level(np.repeat(np.arange(256, dtype=np.uint8), counts)))
        mask = cv2.bitwise_and(cv2.threshold(smooth, level, 255, cv2.THRESH_BINARY)[1], paper)
        return [
            stroke
            for stroke in UprightStrokes(mask).select(least)
            if stroke.thickness > MAX_EDGE or not self.components.is_digit_of(stroke, SOFT)
        ]


def is_narrow(stroke: Stroke) -> bool:
    """Whether a stroke is as narrow as a wall."""
    return stroke.far - stroke.near <= MAX_WIDTH_SHARE * stroke.length


def _ends_like(stroke: Stroke, wall: Stroke) -> bool:
    """Whether a stroke begins and ends in the rows in which a wall does."""
    return abs(stroke.start - wall.start) <= AT_RULE and abs(stroke.end - wall.end) <= AT_RULE


class MaskComponents:
    """The components of a mask, uint8 (H, W), 255 on 0, some of which may be digits."""

    def __init__(self, mask: MatLike) -> None:
        """Nothing is looked for yet."""
        self.mask = mask
        self._filled: dict[int, bool] = {}

    @cached_property
    def _found(self) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
        """The label of each pixel, and of each label the box and area, as OpenCV has them."""
        _, labels, stats, _ = cv2.connectedComponentsWithStats(self.mask, ltype=cv2.CV_16U)
        return np.asarray(labels, np.uint16), np.asarray(stats, np.int32)

    def _label_of(self, stroke: Stroke, reach: int = 0) -> int:
        """The label of which an upright stroke has most pixels; 0 if it has few of any."""
        columns = slice(max(0, stroke.near - reach), stroke.far + reach)
        counts = np.bincount(self._found[0][stroke.place[0], columns].ravel())
        counts[0] = 0
        label = int(counts.argmax())
        return label if counts[label] >= stroke.length / 2 else 0

    def _fills_box(self, label: int) -> bool:
        """Whether the outline of a component fills its box."""
        if label not in self._filled:
            x, y, width, height, _ = self._found[1][label].tolist()
            own = (self._found[0][y : y + height, x : x + width] == label).view(np.uint8)
            outline = max(cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=len)
            self._filled[label] = cv2.contourArea(outline) >= MIN_FILLED_SHARE * width * height
        return self._filled[label]

    def is_digit_of(self, stroke: Stroke, reach: int = 0) -> bool:
        """Whether an upright stroke is a part of a component that may be a digit: no wider than one, and no frame.

        Args:
            stroke: the stroke.
            reach: columns by which it, as a soft edge, may be off the component.
        """
        label = self._label_of(stroke, reach)
        if not label:
            return False
        _, _, width, height, _ = self._found[1][label].tolist()
        if width >= MIN_GRID_WIDTH * height or width <= MAX_WALL_WIDTH * (stroke.far - stroke.near + 2 * reach):
            return False
        return not self._fills_box(label)

    def has_ink_beside(self, stroke: Stroke) -> bool:
        """Whether the component of an upright stroke has ink beside its middle, unlike a corner of a cell."""
        label, end = self._label_of(stroke), round(MAX_CORNER * stroke.length)
        x, _, width, _, _ = self._found[1][label].tolist()
        rows = slice(stroke.place[0].start + end, stroke.place[0].stop - end)
        own = self._found[0][rows, x : x + width] == label
        return bool(own[:, : max(0, stroke.near - SOFT - x)].any() or own[:, stroke.far + SOFT - x :].any())

    def lie_between(self, left: Stroke, right: Stroke) -> bool:
        """Whether all but dust lies between two upright strokes, which are as high and no parts of digits."""
        x, y, width, height, _ = self._found[1][1:].T
        is_other = (height >= MIN_DUST * left.length) & (x + width > left.far + SOFT) & (x < right.near - SOFT)
        is_beyond = (height >= MIN_DUST * left.length) & ((x + width <= left.near) | (x >= right.far))
        top, bottom = min(left.top, right.top) - AT_RULE, max(left.end, right.end) + AT_RULE
        is_inside = (y >= top) & (y + height <= bottom) & (height <= left.length + AT_RULE)
        are_free = not (self.is_digit_of(left) or self.is_digit_of(right))
        return are_free and bool(is_other.any() and is_inside[is_other].all() and not is_beyond.any())

    def height_of_others(self, stroke: Stroke) -> float:
        """The median height of what may be digits beside an upright stroke, and is no wall as it is; 0 without any."""
        widths, heights = self._found[1][1:, cv2.CC_STAT_WIDTH], self._found[1][1:, cv2.CC_STAT_HEIGHT]
        is_wall = (widths <= MAX_WALL_WIDTH * (stroke.far - stroke.near)) | (heights >= MIN_LIKENESS * stroke.length)
        is_other = (heights >= MIN_DIGIT_SHARE * stroke.length) & ~is_wall
        return float(np.median(heights[is_other])) if is_other.any() else 0.0
