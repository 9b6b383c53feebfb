"""Draw digits in the stroke shapes that most of the world writes and MNIST's American writers did not.

MNIST has hardly any 1 with an upstroke, crossed 7, slashed 0 or g-like 9. `draw_digit` draws whole digits stroke by
stroke. `add_missing_stroke` adds a stroke to one of MNIST's own digits. Both work on a canvas of twice a glyph's
resolution, so that the drawing has the soft edge of a scan.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Canvas = MatLike
Points = NDArray[np.float64]
Coordinates = NDArray[np.intp]
StrokePoints = list[tuple[float, float]]  # the control points of one stroke, x before y, in canvas pixels

CANVAS_SIDE = 64  # canvas pixels: a glyph at twice its size, and a margin of 4 for ink that deformation moves outward
CANVAS_BOX = 40  # canvas pixels: the box that a digit fills, twice MNIST's 20
FITTING_INK_LEVEL = 96  # grey levels over which a canvas pixel is ink when a stroke is fitted to it
MIN_UPSTROKE_SLOPE = 0.6  # drop of a 1's upstroke over its run: a flatter one makes it a 7
WOBBLE = 0.035  # standard deviation of a control point, as a share of CANVAS_BOX: 0.7 glyph pixels, a hurried hand
PENS = (2, 6)  # canvas pixels: at least 2, less than 6, 1 to 2.5 glyph pixels; `augment` changes it again
FRACTION_BITS = 4  # of OpenCV's drawing coordinates: a sixteenth of a pixel, finer than any edge
SPLINE_STEPS = np.linspace(0.0, 1.0, 7)[:, None]  # positions between two control points, 2 to 4 pixels apart
# Catmull-Rom's cubic: the weights of the four control points around each step.
CATMULL_ROM = 0.5 * np.hstack(
    [
        -SPLINE_STEPS + 2 * SPLINE_STEPS**2 - SPLINE_STEPS**3,
        2 - 5 * SPLINE_STEPS**2 + 3 * SPLINE_STEPS**3,
        SPLINE_STEPS + 4 * SPLINE_STEPS**2 - 3 * SPLINE_STEPS**3,
        SPLINE_STEPS**3 - SPLINE_STEPS**2,
    ]
)

# The shapes of each digit, each with its share of that digit's drawings in per cent. A stroke is a list of points, x to
# the right and y down in per cent of the digit's box. It is smooth at each point but for its corners, marked "!".
SHAPES: dict[int, list[tuple[int, list[str]]]] = {
    0: [
        (20, ["55 0, 15 15, 0 50, 20 93, 55 100, 90 80, 100 45, 80 8, 45 2"]),  # from the top, overlapping
        (20, ["75 8, 40 2, 5 30, 5 70, 40 100, 85 85, 98 50, 85 15"]),  # not quite closed
        (50, ["50 0, 10 20, 0 55, 25 95, 60 100, 95 75, 97 35, 50 0", "95 8, 5 92"]),  # slashed
        (10, ["70 8, 20 10, 0 50, 20 93, 60 100, 100 60, 85 10, 50 0, 40 20, 65 25"]),  # closed with a curl
    ],
    1: [
        (10, ["0 45, 60 0!, 60 100"]),  # a long upstroke
        (8, ["0 32, 58 0!, 56 100"]),  # a long upstroke, flatter
        (14, ["0 75, 62 0!, 60 100"]),  # an upstroke that starts low, as in Germany and Poland
        (10, ["0 95, 55 0!, 70 100"]),  # an upstroke that starts on the line
        (6, ["15 25, 45 0!, 45 100"]),  # a short upstroke
        (8, ["0 35, 30 25, 52 0!, 50 100"]),  # a curved upstroke
        (5, ["0 30, 25 22, 62 0!, 58 100"]),  # a curved upstroke, flatter
        (10, ["0 48, 28 22, 55 0, 64 14, 60 100"]),  # an upstroke that turns round into the stem
        (5, ["0 62, 35 32, 48 0!, 52 45, 68 82, 100 98"]),  # an upstroke, and a stem that swings out to the right
        (10, ["10 30, 50 0!, 50 100", "0 100, 100 100"]),  # upstroke and foot
        (6, ["0 65, 60 0!, 62 100", "10 98, 100 98"]),  # upstroke from low down, and foot
        (4, ["30 0, 30 100", "0 100, 60 100"]),  # a foot alone
        (4, ["10 0, 10 100"]),  # a bare stem
    ],
    2: [
        (24, ["5 25, 30 2, 75 8, 80 35, 45 75, 12 98, 2 85, 25 78, 60 95, 100 92"]),  # a loop at the lower left
        (15, ["0 40, 30 5, 75 8, 78 45, 45 92, 18 88, 30 66, 65 80, 100 92"]),  # a big loop, as in cursive
        (22, ["0 25, 20 3, 70 3, 85 30, 50 65, 0 100!, 100 100"]),  # a corner and a flat foot
        (15, ["15 30, 5 12, 40 0, 80 20, 60 60, 0 100!, 40 90, 70 100, 100 88"]),  # a curl, and a wave for a foot
        (10, ["0 8, 50 0, 90 10, 60 50, 0 100!, 95 97"]),  # like a Z with a round shoulder
        (8, ["30 22, 15 30, 4 18, 25 2, 70 4, 85 28, 50 65, 10 95, 0 85, 20 78, 55 97, 100 88"]),  # loops at both ends
        (6, ["28 25, 10 28, 8 8, 40 0, 82 12, 78 40, 35 85, 8 96, 4 80, 30 80, 65 100, 100 84"]),  # larger loops
    ],
    3: [
        (33, ["5 0, 90 0!, 40 40!, 85 50, 95 75, 60 100, 0 90"]),  # a flat top, a diagonal and one bowl
        (33, ["5 15, 40 0, 85 15, 70 42, 35 47!, 90 60, 90 88, 50 100, 0 88"]),  # two bowls
        (20, ["5 10, 50 0, 85 20, 50 46, 30 45, 40 38, 75 50, 95 75, 50 100, 0 90"]),  # a small loop in the waist
        (8, ["5 12, 45 0, 85 14, 70 40, 38 47!, 88 58, 92 85, 50 100, 8 90, 6 72, 28 70, 34 82"]),  # its foot curls in
        (6, ["5 2, 88 0!, 42 40!, 85 52, 92 78, 55 100, 10 92, 5 74, 26 70, 32 80"]),  # the same under a flat top
    ],
    4: [
        (9, ["72 100, 72 0!, 0 68!, 100 68"]),  # closed, in one stroke, as in print
        (12, ["62 0, 0 62!, 95 58", "64 12, 56 100"]),  # closed, in two
        (10, ["15 0, 5 50!, 90 50", "72 10, 70 100"]),  # open, with a long stem
        (8, ["45 0, 0 65!, 100 65", "68 35, 62 100"]),  # open, with a short stem
        (7, ["60 0, 0 76!, 100 78", "66 45, 66 100"]),  # open, with a short stem and a low bar
        (8, ["58 0, 5 52!, 98 45", "65 38, 50 100"]),  # open, the stem hung from the bar
        (7, ["48 0, 0 58!, 100 56", "82 12, 58 100"]),  # open, the stem apart from the rest at its top
        (7, ["55 0, 5 52!, 75 44!, 50 100"]),  # a lightning flash, in one stroke
        (5, ["70 0, 0 55!, 95 25!, 40 100"]),  # a lightning flash with a rising bar
        (7, ["72 0, 22 24, 4 46, 30 54, 92 36!, 72 65, 64 100"]),  # a lightning flash with a round shoulder
        (4, ["60 0, 28 12, 10 34, 34 50, 80 42!, 62 66, 54 100"]),  # the same, rounder
        (6, ["0 0, 5 40, 35 55, 80 45", "85 0, 80 100"]),  # a cup on a stem
        (4, ["62 0, 18 22, 4 50, 30 62, 100 52", "66 2, 62 100"]),  # closed, with a round back and a long bar
        (3, ["58 100, 62 12, 48 0, 12 28, 2 56, 40 60, 100 54"]),  # the same, in one stroke
        (3, ["60 0, 20 35, 5 60!, 50 58, 95 52", "60 25, 50 65, 45 100"]),  # nearly closed, with a bent stem
    ],
    5: [
        (20, ["20 5, 12 45!, 60 40, 90 65, 65 97, 0 95", "20 3, 95 0"]),  # the bar in a stroke of its own
        (15, ["25 0, 15 42!, 62 40, 88 68, 60 100, 0 92", "2 10, 100 6"]),  # the bar across the stem
        (27, ["90 0, 15 2!, 10 42!, 70 42, 92 70, 60 100, 0 92"]),  # one stroke, with corners
        (10, ["95 2, 12 0!, 25 42!, 92 62, 70 97, 0 94"]),  # one stroke, the stem leaning back
        (15, ["95 2, 35 5, 12 30, 55 48, 88 75, 50 100, 0 90"]),  # like an S
        (8, ["22 20, 14 47!, 60 42, 90 66, 65 98, 0 94", "42 4, 100 0"]),  # the bar floats free
        (5, ["18 24, 12 50, 55 42, 88 66, 60 100, 5 92, 0 78", "36 4, 68 9, 100 0"]),  # a waved bar floats free
    ],
    6: [
        (27, ["65 0, 20 35, 0 70, 25 100, 70 97, 85 70, 50 53, 8 70"]),  # a straight back and a small bowl
        (32, ["98 22, 70 0, 25 12, 0 55, 25 97, 70 97, 88 72, 55 52, 5 70"]),  # a wide hook
        (18, ["70 0, 25 25, 2 65, 30 100, 80 90, 80 60, 40 55, 25 80, 45 85"]),  # a bowl that curls in
        (13, ["75 0, 30 14, 0 60, 30 100, 80 96, 100 68, 75 42, 32 48, 15 70"]),  # a big bowl
        (10, ["42 0, 32 45, 30 84, 52 100, 82 92, 78 74, 56 70, 34 84"]),  # a long stem on a tiny bowl
    ],
    7: [
        (13, ["0 3, 90 0!, 35 100", "25 52, 90 50"]),  # crossed
        (10, ["2 20, 5 0!, 90 2!, 40 100", "25 52, 88 48"]),  # crossed, with a tick at the left
        (11, ["0 15, 25 2, 55 10, 95 0!, 55 50, 35 100", "20 55, 85 50"]),  # crossed, with a wave for a bar
        (8, ["0 18, 28 2, 82 6, 80 30, 52 62, 38 100", "8 68, 55 62, 100 66"]),  # crossed low down, round at the top
        (18, ["0 48, 38 0!, 42 42!, 100 6!, 65 50, 40 100", "28 61, 95 56"]),  # crossed, with a flag of two strokes
        (8, ["0 28, 4 0!, 85 0!, 60 45, 50 100"]),  # a tick at the left, as in East Asia
        (8, ["2 46, 0 6!, 90 2!, 66 50, 56 100"]),  # a long downstroke at the left, as in East Asia
        (6, ["4 2, 0 42", "4 8, 60 0, 92 4!, 70 52, 62 100"]),  # the downstroke in a stroke of its own
        (10, ["0 0, 90 2!, 55 50, 40 100"]),  # bare
        (8, ["0 16, 22 0, 58 12, 96 0!, 58 52, 40 100"]),  # a wave for a bar
    ],
    8: [
        (25, ["50 0, 18 10, 18 36, 50 47, 82 36, 82 10, 50 0", "50 47, 8 60, 5 88, 50 100, 95 88, 92 60, 50 47"]),
        (25, ["85 12, 45 0, 12 20, 45 46, 88 75, 50 100, 8 78, 50 48, 85 25, 80 8"]),  # one stroke
        (19, ["75 5, 30 2, 15 25, 50 47, 85 75, 50 100, 10 75, 50 48, 95 12"]),  # one stroke, open at the top
        (20, ["55 0, 32 8, 36 24, 85 62, 60 100, 15 85, 22 58, 66 24, 72 6, 45 0"]),  # a small ring on a big one
        (7, ["52 50, 60 15, 88 0, 100 20, 85 45, 52 52, 15 60, 0 82, 14 100, 42 86, 52 50"]),  # leaning far over
        (4, ["50 48, 72 20, 95 18, 100 50, 84 70, 50 50, 22 30, 4 44, 2 76, 24 84, 50 48"]),  # lying
    ],
    9: [
        (8, ["85 15, 45 0, 5 22, 35 50, 80 25, 85 12!, 87 60, 75 93, 35 100, 0 88"]),  # like a g
        (6, ["80 10, 35 0, 2 25, 30 50, 75 35, 85 5!, 80 60, 50 98, 5 90"]),  # the tail drawn back under the bowl
        (8, ["95 0, 75 12, 40 2, 12 22, 35 45, 72 28, 72 12!, 85 55, 65 97, 0 92"]),  # like a g with its ear
        (6, ["92 4, 70 12, 48 0, 24 16, 42 38, 70 26, 68 8!, 62 42, 95 68, 60 100, 0 92"]),  # an ear and a small ring
        (8, ["72 10, 46 0, 20 18, 42 40, 72 24, 68 6!, 60 44, 95 70, 55 100, 0 95"]),  # a small ring and a wide tail
        (7, ["38 26, 14 24, 16 42, 45 42, 76 22, 60 0, 30 6, 28 28, 55 46, 90 70, 55 100, 15 90"]),  # a curl, a ring
        (7, ["72 28, 40 45, 12 24, 40 0, 78 8, 78 32, 88 65, 60 98, 0 95"]),  # all in one turn, without a corner
        (7, ["72 8, 42 0, 22 16, 42 34, 68 22, 74 4!, 76 52, 88 94!, 0 98"]),  # a small ring, a flat foot to the left
        (7, ["74 8, 46 0, 24 14, 40 30, 66 26!, 70 58, 82 96!, 0 92"]),  # the same, the ring open
        (7, ["70 10, 40 0, 22 20, 46 34, 72 12!, 74 60, 86 88, 66 100, 0 94"]),  # the same, round at the corner
        (8, ["82 12, 40 0, 5 25, 35 50, 82 30, 85 5!, 82 100"]),  # a straight stem, like a q
        (4, ["74 12, 40 0, 10 15, 36 31, 72 16!, 68 100"]),  # a small ring on a straight stem
        (4, ["88 6, 30 0, 4 14, 36 24, 88 8!, 64 55, 50 100"]),  # a flat ring, nearly a 7's bar
        (3, ["82 12, 40 0, 5 25, 35 48, 78 28!, 82 70, 50 100, 0 90"]),  # the bowl left open
        (6, ["70 20, 40 0, 5 16, 22 36, 66 26, 82 4!, 40 100"]),  # a long straight tail
        (4, ["85 12, 62 0, 40 8, 44 24, 70 22, 88 2!, 20 100"]),  # a long straight tail on a small ring
    ],
}


class Stroke(NamedTuple):
    """Control points in the unit box, float64 (n, 2), and the spline that draws them, float64 (m, n)."""

    points: Points
    spline: Points


@cache
def _spline(count: int, corners: tuple[int, ...] = ()) -> Points:
    """The matrix that turns control points into the points of a line: float64 (points, count).

    The line is smooth but for the control points whose indices are in `corners`.
    """
    segments = []
    for first, last in pairwise((0, *corners, count - 1)):
        ends = np.clip(np.arange(first - 1, last + 2), first, last)  # ends count twice, so that the line reaches them
        windows = np.lib.stride_tricks.sliding_window_view(np.eye(count)[ends], 4, axis=0)
        segments.append(np.einsum("sk,pnk->psn", CATMULL_ROM, windows).reshape(-1, count))
    return np.concatenate(segments)


def parse_stroke(text: str) -> Stroke:
    """Read a stroke in the notation of SHAPES."""
    words = text.split(", ")
    corners = tuple(index for index, word in enumerate(words) if word.endswith("!"))
    return Stroke(np.array([word.rstrip("!").split() for word in words], float) / 100.0, _spline(len(words), corners))


STROKES = {digit: [[parse_stroke(text) for text in texts] for _, texts in shapes] for digit, shapes in SHAPES.items()}
CUMULATED_SHARES = {digit: np.cumsum([share for share, _ in shapes]) / 100.0 for digit, shapes in SHAPES.items()}


def draw_digit(digit: int, rng: np.random.Generator) -> Canvas:
    """Draw a digit. Its shape, hand and pen differ from call to call.

    Args:
        digit: 0 to 9.
        rng: decides everything random.

    Returns:
        uint8 (64, 64), ink bright on 0, the digit about 40 pixels high.
    """
    index = int(np.searchsorted(CUMULATED_SHARES[digit], rng.random(), side="right"))
    return draw_strokes(STROKES[digit][index], rng)


def draw_strokes(strokes: list[Stroke], rng: np.random.Generator, pens: tuple[int, int] = PENS) -> Canvas:
    """Draw strokes with a random hand and a pen of one of the widths: uint8 (64, 64), ink bright on 0."""
    canvas = np.zeros((CANVAS_SIDE, CANVAS_SIDE), np.uint8)
    width = int(rng.integers(*pens))
    size = np.array([CANVAS_BOX * rng.uniform(0.4, 0.95), CANVAS_BOX])  # narrow hands write twice as high as wide
    for points, spline in strokes:
        wobbly = points * size + rng.standard_normal(points.shape) * (WOBBLE * CANVAS_BOX)
        _draw_line(canvas, spline @ wobbly + (CANVAS_SIDE - size) / 2, width)
    return canvas


def add_missing_stroke(canvas: Canvas, digit: int, width: int, rng: np.random.Generator) -> None:
    """Add to one of MNIST's digits, in place, the stroke that American writers leave out.

    A 0 gets a slash, a 1 an upstroke, a foot or both, a 7 a crossbar, a tick or both, a 9 a curved tail. Other digits
    stay as they are.

    Args:
        canvas: uint8 (64, 64), ink bright on 0.
        digit: 0 to 9.
        width: of the stroke, in canvas pixels.
        rng: decides everything random.
    """
    y, x = np.nonzero(canvas > FITTING_INK_LEVEL)
    if digit in MISSING_STROKES and len(y):
        for points in MISSING_STROKES[digit](x, y, rng):
            _draw_line(canvas, _spline(len(points)) @ np.array(points), width)


# The strokes are fitted to the ink's coordinates x and y. Lengths are in canvas pixels, two to a glyph pixel.
# Their ranges are as wide as they can be while a person still reads the same digit.


def _slash(x: Coordinates, y: Coordinates, rng: np.random.Generator) -> list[StrokePoints]:
    """A slash from the lower left to the upper right, whose ends are a little inside or outside of the oval."""
    beyond_x, beyond_y = rng.uniform(-0.1, 0.2) * np.ptp(x), rng.uniform(-0.15, 0.1) * np.ptp(y)
    return [[(x.min() - beyond_x, y.max() + beyond_y), (x.max() + beyond_x, y.min() - beyond_y)]]


def _upstroke_and_foot(x: Coordinates, y: Coordinates, rng: np.random.Generator) -> list[StrokePoints]:
    """An upstroke to the top of a 1, a foot under it, or both."""
    top, bottom = x[y <= y.min() + 2].mean(), x[y >= y.max() - 2].mean()
    kind = rng.random()
    strokes: list[StrokePoints] = []
    if kind < 0.85:
        run = rng.uniform(5, 18)
        drop = max(rng.uniform(0.12, 0.9) * np.ptp(y), MIN_UPSTROKE_SLOPE * run)
        bend = rng.uniform(-2, 3)  # pixels off the straight line: curved upstrokes sag more often than they bulge
        middle = (top - run / 2, y.min() + drop / 2 + bend)
        strokes.append([(top - run, y.min() + drop), middle, (top, y.min() + 1.0)])
    if kind > 0.65:
        left, right = rng.uniform(4, 13, 2)
        strokes.append([(bottom - left, y.max() + rng.normal(0, 1)), (bottom + right, y.max() + rng.normal(0, 1))])
    return strokes


def _crossbar_and_tick(x: Coordinates, y: Coordinates, rng: np.random.Generator) -> list[StrokePoints]:
    """A bar through the middle of the stem, the small downstroke that starts the 7, or both."""
    kind = rng.random()
    strokes: list[StrokePoints] = []
    if kind < 0.85:
        height = y.min() + rng.uniform(0.40, 0.66) * np.ptp(y)
        stem = x[np.abs(y - height) <= 1]
        centre = (stem.max() if len(stem) else x.mean()) - 1
        left, right = rng.uniform(6, 14), rng.uniform(4, 13)
        tilt = rng.normal(0, 1.5)
        strokes.append([(centre - left, height + tilt), (centre + right, height - tilt)])
    if kind > 0.65:
        start = np.argmin(x + (y > y.min() + np.ptp(y) / 3) * CANVAS_SIDE)  # the leftmost ink of the upper third
        strokes.append([(x[start] + 1, y[start]), (x[start] + rng.uniform(-2, 1), y[start] + rng.uniform(4, 11))])
    return strokes


def _tail(x: Coordinates, y: Coordinates, rng: np.random.Generator) -> list[StrokePoints]:
    """A tail from the foot of the stem down and round to the left, as in a g."""
    foot = x[y >= y.max() - 2].mean()
    reach, depth = rng.uniform(8, 20), rng.uniform(1, 6)
    low = y.max() + depth
    return [[(foot, y.max() - 1.0), (foot - 0.4 * reach, low), (foot - reach, low - rng.uniform(-1, 7))]]


MISSING_STROKES = {0: _slash, 1: _upstroke_and_foot, 7: _crossbar_and_tick, 9: _tail}


def _draw_line(canvas: Canvas, line: Points, width: int) -> None:
    """Draw a line through points, float64 (n, 2), x before y; all in canvas pixels."""
    fixed = np.rint(line * 2**FRACTION_BITS).astype(np.int32)
    cv2.polylines(canvas, [fixed], False, 255, width, cv2.LINE_AA, FRACTION_BITS)
