"""A cell before its scan is taken, and the lines that are printed on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Scan = NDArray[np.uint8]
Field = NDArray[np.float32]  # one number for each pixel, (H, W)
Points = NDArray[np.float64]  # (n, 2), x before y, in pixels
Rng = np.random.Generator

MIN_SIDE, MAX_SIDE = 28, 300  # pixels of a scan, where the caller does not ask for a size
SQUARE_SHARE, MAX_LOG_ASPECT = 0.5, 0.22  # share of square scans; logarithm of the aspect of the others, either way
FRACTION_BITS = 4  # of OpenCV's drawing coordinates
FINE_SIDE = 128  # pixels: up to this side a scan is drawn at four times its size, a larger one at twice

PAPER_LEVELS = (60.0, 255.0)  # grey levels
DARK_PAPER_SHARE = 0.2  # share of scans whose paper is darker than DARK_PAPER_LEVEL, as in a photo without flash
DARK_PAPER_LEVEL = 150.0
MIN_INK_CONTRAST, MIN_INK_SHARE = 35.0, 0.4  # of ink: grey levels, and a share of the paper's level
LINE_TRANSMITTANCES = (0.03, 0.8)  # share of the paper's light that a printed line lets through; ink has its own
CLEAN_SHARE = 0.25  # share of scans without any noise, as a program draws them


@dataclass(eq=False)
class Sheet:
    """A cell before its scan is taken. Kinds change it in place.

    Attributes:
        size: height and width in pixels.
        paper: grey level of the paper.
        ink: transmittance of the digit's ink, the share (0-1) of the paper's light that is left.
        line: transmittance of printed lines.
        box: the cell's corners, float64 (4, 2), from the upper left, clockwise; they may lie outside of the scan.
        has_lines: whether lines are drawn along sides of the box, which a digit may cross.
        width: of its lines, in pixels.
        print: transmittance of all that is printed or lies on the paper, float32 (H, W).
        light: factor of the light, float32 (H, W).
        grain: how much of the ink sticks to the paper, float32 (H, W), for pencil.
        blur: standard deviation in pixels.
        noise: standard deviation in grey levels.
        jpeg: quality of the file, 1-100; 0 without loss.
    """

    size: tuple[int, int]
    paper: float
    ink: float
    line: float
    box: Points
    has_lines: bool
    width: float
    print: Field
    light: Field
    grain: Field | None
    blur: float
    noise: float
    jpeg: int

    @property
    def side(self) -> int:
        """The shorter side in pixels, which lengths are shares of."""
        return min(self.size)

    def draw(self, line: Points, width: float, transmittance: float | None = None) -> None:
        """Print a line through points; `width` in pixels; the transmittance of the sheet's lines unless told."""
        share = self.line if transmittance is None else transmittance
        np.minimum(self.print, 1.0 - (1.0 - share) * line_coverage(self.size, [line], width), out=self.print)


Kind = Callable[[Sheet, Rng], None]


def new_sheet(rng: Rng, size: tuple[int, int] | None = None) -> Sheet:
    """An empty sheet without print, in even light."""
    size = size or _random_size(rng)
    dark = rng.random() < DARK_PAPER_SHARE
    paper = rng.uniform(PAPER_LEVELS[0], DARK_PAPER_LEVEL) if dark else rng.uniform(DARK_PAPER_LEVEL, PAPER_LEVELS[1])
    contrast = rng.uniform(max(MIN_INK_CONTRAST, MIN_INK_SHARE * paper), 0.97 * paper)
    clean = rng.random() < CLEAN_SHARE
    blur, noise, jpeg = rng.uniform(0.0, 0.7), rng.uniform(0.0, 4.0), int(rng.integers(60, 97))
    side = min(size)
    thin = max(1.0, 0.01 * side)
    return Sheet(
        size=size,
        paper=float(paper),
        ink=float(1.0 - contrast / paper),
        line=float(rng.uniform(*LINE_TRANSMITTANCES)),
        box=inset(size, rng.uniform(0.02, 0.14, 4)),
        has_lines=False,
        width=float(np.exp(rng.uniform(np.log(thin), np.log(max(thin * 1.5, 0.06 * side))))),
        print=np.ones(size, np.float32),
        light=np.ones(size, np.float32),
        grain=None,
        blur=0.0 if clean else float(blur),
        noise=0.0 if clean else float(min(noise, contrast / 8)),
        jpeg=0 if clean or rng.random() < 0.5 else jpeg,
    )


def line_coverage(size: tuple[int, int], lines: list[Points], width: float) -> Field:
    """The share of each pixel, 0-1, that lines through points cover; `width` in pixels."""
    scale = drawing_scale(size)
    canvas = np.zeros((size[0] * scale, size[1] * scale), np.uint8)
    thickness = max(1, round(width * scale))
    for line in lines:
        fixed = np.rint((line + 0.5) * scale * 2**FRACTION_BITS).astype(np.int32)
        cv2.polylines(canvas, [fixed], False, 255, thickness, cv2.LINE_8, FRACTION_BITS)
    return shrink(canvas, size)


def sides_of(box: Points, overshoot: float = 0.0) -> list[Points]:
    """The four sides of a box, from the top, clockwise, each lengthened at both ends by a share of its length."""
    ends = [(box[index], box[(index + 1) % 4]) for index in range(4)]
    return [np.array([first - overshoot * (last - first), last + overshoot * (last - first)]) for first, last in ends]


def inset(size: tuple[int, int], shares: NDArray[np.float64]) -> Points:
    """The corners of a box within a scan; the shares of its sides are those of top, right, bottom and left."""
    height, width = size
    top, right, bottom, left = shares * min(size)
    x, y = (left, width - 1 - right), (top, height - 1 - bottom)
    return np.array([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])


def turned(box: Points, degrees: float) -> Points:
    """The box turned about its middle."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = box.mean(axis=0)
    turned: Points = (box - middle) @ turn.T + middle
    return turned


def bent(line: Points, bow: float, rng: Rng) -> Points:
    """A line bent by a share of its length, in an arc or an S."""
    along = np.linspace(0.0, 1.0, 25)
    waves = 1.0 if rng.random() < 0.7 else 2.0
    step = line[1] - line[0]
    across = np.array([-step[1], step[0]]) * bow
    bent: Points = line[0] + along[:, None] * step + np.sin(waves * np.pi * along)[:, None] * across
    return bent


def draw_box(sheet: Sheet, lines: list[Points] | None = None, widths: list[float] | None = None) -> None:
    """Draw lines along the sides of the box; the box's own sides unless told."""
    lines = sides_of(sheet.box) if lines is None else lines
    for line, width in zip(lines, widths or [sheet.width] * len(lines), strict=True):
        sheet.draw(line, width)
    sheet.has_lines = True


def drawing_scale(size: tuple[int, int]) -> int:
    """Pixels of a canvas along one of the scan, so that edges are smooth."""
    return 4 if max(size) <= FINE_SIDE else 2


def shrink(canvas: MatLike, size: tuple[int, int]) -> Field:
    """A canvas, 0-255, in the size of the scan, as coverage 0-1."""
    small = cv2.resize(canvas, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    coverage: Field = small.astype(np.float32) * np.float32(1 / 255)
    return coverage


def _random_size(rng: Rng) -> tuple[int, int]:
    side = float(np.exp(rng.uniform(np.log(MIN_SIDE), np.log(MAX_SIDE + 1))))
    aspect = 1.0 if rng.random() < SQUARE_SHARE else float(np.exp(rng.uniform(-MAX_LOG_ASPECT, MAX_LOG_ASPECT)))
    return _bounded(side), _bounded(side * aspect)


def _bounded(side: float) -> int:
    return min(max(int(side), MIN_SIDE), MAX_SIDE)
