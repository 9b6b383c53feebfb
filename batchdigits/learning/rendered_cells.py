"""Render scans of form cells, empty or with a digit, as scanners and phones give them.

A cell is a `Sheet`: paper, print and light, each a picture of its own, and the numbers of its camera. A kind is a
function that changes a sheet in one respect: it draws the lines of a box, darkens a corner, or blurs the picture. KINDS
has all of them by name. `render_cell` makes a sheet, lets a kind change it, writes the digit, and takes the scan.

Dotted lines, coloured boxes and rounded corners are left out on purpose: `benchmarks/form_cells.py` draws them, to show
how a model does on cells unlike any that it was trained with.
"""

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
MIN_BLUR = 0.2  # pixels: a smaller standard deviation changes nothing
INVERTED_SHARE = 0.05  # share of scans that are light on dark

INK_LEVEL = 48  # of an ink picture: grey levels from which a pixel counts for the digit's box
DIGIT_SHARES = (0.35, 0.85)  # longer side of the digit over the shorter side of its cell
CROSSING_SHARE, MAX_CROSSING = 0.2, 0.12  # share of digits that cross a line, and the part of their side beyond it
EDGE_SHARE, MAX_CUT = 0.1, 0.05  # share of digits at the scan's edge, and the part of their side cut off there


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


def render_cell(kind: Kind, digit: Scan | None, rng: Rng, size: tuple[int, int] | None = None) -> Scan:
    """Render the scan of a form cell.

    The same state of `rng` gives the same cell for every `digit`, so that an empty cell and one with a digit can differ
    by the digit alone.

    Args:
        kind: one of KINDS, or another function that changes a sheet.
        digit: ink, uint8 of any size, bright on 0; it is drawn sharp, at a place and size of the cell; None for an
            empty cell.
        rng: decides everything random.
        size: height and width in pixels; None for sides from MIN_SIDE to MAX_SIDE.

    Returns:
        uint8 (H, W), in most cases dark on light.
    """
    sheet = new_sheet(rng, size)
    kind(sheet, rng)
    place, camera = rng.spawn(2)
    ink = None if digit is None else _write(sheet, digit, place)
    return _take_scan(sheet, ink, camera)


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
        box=_inset(size, rng.uniform(0.02, 0.14, 4)),
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
    scale = _drawing_scale(size)
    canvas = np.zeros((size[0] * scale, size[1] * scale), np.uint8)
    thickness = max(1, round(width * scale))
    for line in lines:
        fixed = np.rint((line + 0.5) * scale * 2**FRACTION_BITS).astype(np.int32)
        cv2.polylines(canvas, [fixed], False, 255, thickness, cv2.LINE_8, FRACTION_BITS)
    return _shrink(canvas, size)


def sides_of(box: Points, overshoot: float = 0.0) -> list[Points]:
    """The four sides of a box, from the top, clockwise, each lengthened at both ends by a share of its length."""
    ends = [(box[index], box[(index + 1) % 4]) for index in range(4)]
    return [np.array([first - overshoot * (last - first), last + overshoot * (last - first)]) for first, last in ends]


def _random_size(rng: Rng) -> tuple[int, int]:
    side = float(np.exp(rng.uniform(np.log(MIN_SIDE), np.log(MAX_SIDE + 1))))
    aspect = 1.0 if rng.random() < SQUARE_SHARE else float(np.exp(rng.uniform(-MAX_LOG_ASPECT, MAX_LOG_ASPECT)))
    return _bounded(side), _bounded(side * aspect)


def _bounded(side: float) -> int:
    return min(max(int(side), MIN_SIDE), MAX_SIDE)


def _inset(size: tuple[int, int], shares: NDArray[np.float64]) -> Points:
    """The corners of a box within a scan; the shares of its sides are those of top, right, bottom and left."""
    height, width = size
    top, right, bottom, left = shares * min(size)
    x, y = (left, width - 1 - right), (top, height - 1 - bottom)
    return np.array([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])


def _drawing_scale(size: tuple[int, int]) -> int:
    return 4 if max(size) <= FINE_SIDE else 2


def _shrink(canvas: MatLike, size: tuple[int, int]) -> Field:
    small = cv2.resize(canvas, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    coverage: Field = small.astype(np.float32) * np.float32(1 / 255)
    return coverage


# The digit.


def _write(sheet: Sheet, digit: Scan, rng: Rng) -> Field:
    """The digit's ink at a place of its cell: coverage 0-1."""
    left, top, right, bottom = _inside(sheet)
    x, y, width, height = cv2.boundingRect((digit >= INK_LEVEL).astype(np.uint8))
    if not width:
        return np.zeros(sheet.size, np.float32)
    length = rng.uniform(*DIGIT_SHARES) * min(right - left, bottom - top)
    factor = length / max(width, height)
    wide, high = width * factor, height * factor
    at = np.array([rng.uniform(left, right - wide), rng.uniform(top, bottom - high)])
    choice = rng.random()
    if choice < CROSSING_SHARE and sheet.has_lines:
        at = _move_out(at, (wide, high), (left, top, right, bottom), rng.uniform(0.0, MAX_CROSSING), rng)
    elif choice > 1.0 - EDGE_SHARE:
        edges = (0.0, 0.0, float(sheet.size[1]), float(sheet.size[0]))
        at = _move_out(at, (wide, high), edges, rng.uniform(0.0, MAX_CUT), rng)
    margin = MAX_CUT * np.array([wide, high])
    at = np.clip(at, -margin, np.array(sheet.size[::-1]) - np.array([wide, high]) + margin)
    coverage = _draw_digit(sheet.size, digit, (x, y), at, factor)
    return coverage if sheet.grain is None else coverage * sheet.grain


def _inside(sheet: Sheet) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the room within the box and the scan."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = sheet.box
    gap = sheet.width / 2 if sheet.has_lines else 0.0
    height, width = sheet.size
    left, top = max(0.0, x0 + gap, x3 + gap), max(0.0, y0 + gap, y1 + gap)
    return float(left), float(top), float(min(width, x1 - gap, x2 - gap)), float(min(height, y2 - gap, y3 - gap))


def _move_out(
    at: Points, size: tuple[float, float], room: tuple[float, float, float, float], share: float, rng: Rng
) -> Points:
    """Move a digit to a side of the room, and beyond it by a share of its own length there."""
    axis, end = int(rng.integers(2)), int(rng.integers(2))
    beyond = share * size[axis]
    at[axis] = room[axis] - beyond if end == 0 else room[axis + 2] - size[axis] + beyond
    return at


def _draw_digit(size: tuple[int, int], digit: Scan, corner: tuple[int, int], at: Points, factor: float) -> Field:
    """A digit enlarged by `factor`, sharp, the corner of its box `at` a place of the scan."""
    scale = _drawing_scale(size)
    zoom = factor * scale
    shift = (at + 0.5) * scale - (np.array(corner) + 0.5) * zoom
    move = np.array([[zoom, 0.0, shift[0]], [0.0, zoom, shift[1]]])
    canvas = cv2.warpAffine(digit, move, (size[1] * scale, size[0] * scale), flags=cv2.INTER_CUBIC)
    if zoom > 1.5:
        canvas = cv2.GaussianBlur(canvas, (0, 0), zoom / 3)  # pixels of the original become round
    sharp = np.clip((canvas.astype(np.float32) - 100.0) * (255.0 / 40.0), 0.0, 255.0)
    return _shrink(sharp, size)


# The camera.


def _take_scan(sheet: Sheet, ink: Field | None, rng: Rng) -> Scan:
    """The scan of a sheet."""
    picture: MatLike = sheet.print * np.float32(sheet.paper)
    if ink is not None:
        picture *= 1.0 - np.float32(1.0 - sheet.ink) * ink
    if sheet.blur > MIN_BLUR:
        picture = cv2.GaussianBlur(picture, (0, 0), sheet.blur, borderType=cv2.BORDER_REPLICATE)
    picture *= sheet.light
    if sheet.noise:
        picture += rng.standard_normal(sheet.size, dtype=np.float32) * np.float32(sheet.noise)
    scan = np.clip(picture + 0.5, 0.0, 255.0).astype(np.uint8)
    if sheet.jpeg:
        scan = _through_jpeg(scan, sheet.jpeg)
    return np.asarray(255 - scan if rng.random() < INVERTED_SHARE else scan, np.uint8)


def _through_jpeg(scan: Scan, quality: int) -> Scan:
    _, data = cv2.imencode(".jpg", scan, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


# Kinds: lines.


def _draw_box(sheet: Sheet, lines: list[Points] | None = None, widths: list[float] | None = None) -> None:
    """Draw lines along the sides of the box; the box's own sides unless told."""
    lines = sides_of(sheet.box) if lines is None else lines
    for line, width in zip(lines, widths or [sheet.width] * len(lines), strict=True):
        sheet.draw(line, width)
    sheet.has_lines = True


def _all_sides(sheet: Sheet, rng: Rng) -> None:
    """A line on each side."""
    _draw_box(sheet)


def _some_sides(sheet: Sheet, rng: Rng) -> None:
    """Lines on one to three sides, from edge to edge or from corner to corner."""
    lines = sides_of(sheet.box, 1.0 if rng.random() < 0.6 else 0.0)
    chosen = rng.permutation(4)[: int(rng.integers(1, 4))]
    _draw_box(sheet, [lines[index] for index in chosen])


def _partly_in_crop(sheet: Sheet, rng: Rng) -> None:
    """Lines that the scan's edge cuts along their length, or that end within the scan."""
    half = sheet.width / 2 / sheet.side
    sheet.box = _inset(sheet.size, rng.uniform(-half, 1.5 * half, 4))
    lines = []
    for line in sides_of(sheet.box, 0.1):
        start, stop = (0.0, 1.0) if rng.random() < 0.5 else np.sort(rng.uniform(0.0, 1.0, 2))
        lines.append(line[0] + np.array([[start], [stop]]) * (line[1] - line[0]))
    chosen = rng.permutation(4)[: int(rng.integers(1, 5))]
    _draw_box(sheet, [lines[index] for index in chosen])


def _tilted(sheet: Sheet, rng: Rng) -> None:
    """A box turned by one to five degrees."""
    sheet.box = _turned(sheet.box, rng.uniform(1.0, 5.0) * rng.choice([-1, 1]))
    _draw_box(sheet, sides_of(sheet.box, 0.3 if rng.random() < 0.5 else 0.0))


def _turned(box: Points, degrees: float) -> Points:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = box.mean(axis=0)
    turned: Points = (box - middle) @ turn.T + middle
    return turned


def _curved(sheet: Sheet, rng: Rng) -> None:
    """Sides that bend, as on paper that does not lie flat."""
    _draw_box(sheet, [_bent(line, rng.uniform(-0.04, 0.04), rng) for line in sides_of(sheet.box, 0.15)])


def _bent(line: Points, bow: float, rng: Rng) -> Points:
    """A line bent by a share of its length, in an arc or an S."""
    along = np.linspace(0.0, 1.0, 25)
    waves = 1.0 if rng.random() < 0.7 else 2.0
    step = line[1] - line[0]
    across = np.array([-step[1], step[0]]) * bow
    bent: Points = line[0] + along[:, None] * step + np.sin(waves * np.pi * along)[:, None] * across
    return bent


def _perspective(sheet: Sheet, rng: Rng) -> None:
    """A box whose sides are not parallel."""
    sheet.box = sheet.box + rng.uniform(-0.06, 0.06, (4, 2)) * sheet.side
    _draw_box(sheet, sides_of(sheet.box, 0.3 if rng.random() < 0.5 else 0.0))


def _doubled(sheet: Sheet, rng: Rng) -> None:
    """Two parallel lines on some or all sides."""
    gap = max(2.0 * sheet.width, rng.uniform(0.02, 0.06) * sheet.side)
    outer = sheet.box + gap * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    overshoot = 0.2 if rng.random() < 0.4 else 0.0
    lines = sides_of(sheet.box, overshoot)
    lines += [line for line in sides_of(outer, overshoot) if rng.random() < 0.8]
    _draw_box(sheet, lines)


def _thick_on_two_sides(sheet: Sheet, rng: Rng) -> None:
    """Two thick sides and two thin ones, as at the rim of a table."""
    widths = _uneven_widths(sheet, rng)
    _draw_box(sheet, sides_of(sheet.box, 0.3 if rng.random() < 0.6 else 0.0), widths)


def _uneven_widths(sheet: Sheet, rng: Rng) -> list[float]:
    thin, thick = max(1.0, 0.012 * sheet.side), max(2.0, rng.uniform(0.04, 0.09) * sheet.side)
    first = int(rng.integers(4))
    second = (first + int(rng.choice([1, 1, 2]))) % 4
    return [thick if index in (first, second) else thin for index in range(4)]


def _blurred_box(sheet: Sheet, rng: Rng) -> None:
    """Grey lines out of focus."""
    sheet.line = float(rng.uniform(0.5, 0.9))
    sheet.width = rng.uniform(0.03, 0.09) * sheet.side
    widths = [width * rng.uniform(0.4, 1.0) for width in [sheet.width] * 4]
    lines = sides_of(_turned(sheet.box, rng.uniform(-1.5, 1.5)), 0.3)
    count = 4 if rng.random() < 0.6 else int(rng.integers(2, 4))
    chosen = rng.permutation(4)[:count]
    _draw_box(sheet, [lines[index] for index in chosen], [widths[index] for index in chosen])
    _out_of_focus(sheet, rng)


def _overshooting(sheet: Sheet, rng: Rng) -> None:
    """Lines that go on beyond the corners into the neighbouring cells, whose own lines may show."""
    sheet.box = _turned(_inset(sheet.size, rng.uniform(0.07, 0.2, 4)), rng.uniform(-1.5, 1.5))
    lines = sides_of(sheet.box, 0.5)
    if rng.random() < 0.4:
        gap = rng.uniform(0.04, 0.12) * sheet.side
        lines += sides_of(sheet.box + gap * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]), 0.5)
    _draw_box(sheet, lines)


def _frame_inside(sheet: Sheet, rng: Rng) -> None:
    """A box with paper around it."""
    sheet.box = _turned(_inset(sheet.size, rng.uniform(0.1, 0.22, 4)), rng.uniform(-2.0, 2.0))
    _draw_box(sheet)


def _thick_frame(sheet: Sheet, rng: Rng) -> None:
    """A thick frame that reaches to the scan's edge."""
    sheet.width = max(2.0, rng.uniform(0.03, 0.12) * sheet.side)
    sheet.box = _inset(sheet.size, np.full(4, 0.4 * sheet.width / sheet.side))
    _draw_box(sheet)


def _grid_rest(sheet: Sheet, rng: Rng) -> None:
    """The rest of a grid line along an edge, at times along two, or along a part of one."""
    sheet.width = float(np.exp(rng.uniform(0.0, np.log(max(1.5, 0.1 * sheet.side)))))
    sheet.line = float(rng.uniform(0.0, 0.6))
    away = rng.uniform(-0.3, 0.9) * sheet.width / sheet.side + rng.choice([0.0, 0.0, rng.uniform(0.0, 0.05)])
    sheet.box = _turned(_inset(sheet.size, np.full(4, away)), rng.choice([0.0, rng.uniform(-2.0, 2.0)]))
    lines = sides_of(sheet.box, 0.1)
    if rng.random() < 0.35:
        start, stop = np.sort(rng.uniform(0.0, 1.0, 2))
        lines = [line[0] + np.array([[start], [stop]]) * (line[1] - line[0]) for line in lines]
    chosen = rng.permutation(4)[: 2 if rng.random() < 0.3 else 1]
    _draw_box(sheet, [lines[index] for index in chosen])


def _comb(sheet: Sheet, rng: Rng) -> None:
    """Short ticks at the sides, in most cases on a base line."""
    height = rng.uniform(0.12, 0.4)
    (left, right), bottom = sheet.box[[3, 2], 0], sheet.box[2, 1]
    top = bottom - height * sheet.side
    ticks = [np.array([(x, bottom), (x, top)]) for x in (left, right)]
    if rng.random() < 0.7:
        ticks.append(sides_of(sheet.box, 0.3)[2])
    _draw_box(sheet, ticks)


def _neighbour_stroke(sheet: Sheet, rng: Rng) -> None:
    """A stroke of a neighbour that reaches in from an edge, with or without lines."""
    if rng.random() < 0.4:
        _draw_box(sheet, sides_of(sheet.box, 0.3))
    height, width = sheet.size
    depth, along, drift = rng.uniform(0.04, 0.16), rng.uniform(0.1, 0.9), rng.uniform(-0.15, 0.15)
    inward = np.array([-0.05, 0.5, 1.0]) * depth
    if rng.random() < 0.4:
        inward[2] = -0.05 * depth  # an arc that goes out again
    sideways = along + np.array([0.0, 0.5, 1.0]) * drift
    curve = np.stack([_parabola(sideways), _parabola(inward)], axis=1)
    if rng.random() < 0.5:
        curve[:, 1] = 1.0 - curve[:, 1]
    if rng.random() < 0.5:
        curve = curve[:, ::-1]
    stroke = max(1.5, rng.uniform(0.02, 0.06) * sheet.side)
    sheet.draw(curve * np.array([width, height]), stroke, sheet.ink)


def _parabola(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thirteen values of the parabola through three that are equally far apart."""
    t = np.linspace(0.0, 1.0, 13)
    first, middle, last = values
    curve: NDArray[np.float64] = first * (2 * t - 1) * (t - 1) + middle * 4 * t * (1 - t) + last * t * (2 * t - 1)
    return curve


# Kinds: paper.


def _plain(sheet: Sheet, rng: Rng) -> None:
    """Bare paper."""


def _textured(sheet: Sheet, rng: Rng) -> None:
    """Paper with a coarse structure, or the print of its other side shining through."""
    strength = rng.uniform(0.01, 0.035)
    for scale in (1.0, 0.02 * sheet.side, 0.06 * sheet.side):
        sheet.print *= 1.0 + np.float32(strength) * _smooth_noise(sheet.size, scale, rng)


def _smooth_noise(size: tuple[int, int], deviation: float, rng: Rng) -> Field:
    """Noise that is even over a length in pixels, with a standard deviation of 1."""
    noise = cv2.GaussianBlur(rng.standard_normal(size, dtype=np.float32), (0, 0), max(0.5, deviation))
    return np.asarray(noise / max(float(noise.std()), 1e-6), np.float32)


def _screened(sheet: Sheet, rng: Rng) -> None:
    """A raster of dots, as a printer makes grey."""
    pitch, angle = rng.uniform(2.5, max(4.0, 0.05 * sheet.side)), rng.choice([0.0, 45.0, 15.0, 75.0])
    across, along = _waves(sheet.size, pitch, angle), _waves(sheet.size, pitch, angle + 90.0)
    dots = np.clip((across + along) * 1.5 - rng.uniform(0.0, 1.5), 0.0, 1.0)
    sheet.print *= (1.0 - rng.uniform(0.08, 0.35) * dots).astype(np.float32)
    sheet.ink = min(sheet.ink, 0.45)


def _hatched(sheet: Sheet, rng: Rng) -> None:
    """Parallel lines over the whole cell, crossed by others in some cells."""
    pitch, angle = rng.uniform(3.0, max(5.0, 0.07 * sheet.side)), rng.uniform(0.0, 180.0)
    strength, level = rng.uniform(0.08, 0.35), rng.uniform(0.3, 0.9)
    for turn in (0.0, 90.0)[: int(rng.integers(1, 3))]:
        lines = np.clip((_waves(sheet.size, pitch, angle + turn) - np.float32(level)) * 4.0, 0.0, 1.0)
        sheet.print *= (1.0 - strength * lines).astype(np.float32)
    sheet.ink = min(sheet.ink, 0.45)


def _waves(size: tuple[int, int], pitch: float, degrees: float) -> Field:
    """Plane waves from -1 to 1."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    angle = np.radians(degrees)
    waves: Field = np.cos((np.cos(angle) * x + np.sin(angle) * y) * (2 * np.pi / pitch)).astype(np.float32)
    return waves


def _specks(sheet: Sheet, rng: Rng) -> None:
    """Dust and dirt."""
    height, width = sheet.size
    for _ in range(int(rng.integers(1, 9))):
        at = rng.uniform(0.0, 1.0, 2) * (width, height)
        length = rng.uniform(0.0, 0.02) * sheet.side
        line = np.array([at, at + length * rng.uniform(-1.0, 1.0, 2)])
        sheet.draw(line, max(1.0, rng.uniform(0.005, 0.03) * sheet.side), rng.uniform(0.1, 0.8))


# Kinds: light.


def _vignette(sheet: Sheet, rng: Rng) -> None:
    """Light that falls off from a place towards the corners."""
    x, y = _coordinates(sheet.size)
    middle = rng.uniform(-0.4, 0.4, 2)
    sheet.light *= 1.0 - np.float32(rng.uniform(0.08, 0.3)) * ((x - middle[0]) ** 2 + (y - middle[1]) ** 2)
    np.maximum(sheet.light, 0.25, out=sheet.light)


def _coordinates(size: tuple[int, int]) -> tuple[Field, Field]:
    """The coordinates x and y of each pixel, from -1 to 1."""
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j].astype(np.float32)
    return x, y


def _across(sheet: Sheet, rng: Rng, reach: float) -> Field:
    """The distance of each pixel to a random straight line, which passes the middle within `reach`."""
    x, y = _coordinates(sheet.size)
    angle = rng.uniform(0.0, 2 * np.pi)
    distance: Field = (np.cos(angle) * x + np.sin(angle) * y - rng.uniform(-reach, reach)).astype(np.float32)
    return distance


def _gradient(sheet: Sheet, rng: Rng) -> None:
    """Light from one side."""
    sheet.light *= 1.0 + np.float32(rng.uniform(0.05, 0.3)) * _across(sheet, rng, 0.0)


def _soft_shadow(sheet: Sheet, rng: Rng) -> None:
    """A shadow with a soft edge."""
    shade = np.clip(_across(sheet, rng, 0.6) / rng.uniform(0.3, 1.2) + 0.5, 0.0, 1.0)
    sheet.light *= 1.0 - np.float32(rng.uniform(0.1, 0.5)) * shade * shade * (3.0 - 2.0 * shade)


def _hard_shadow(sheet: Sheet, rng: Rng) -> None:
    """A shadow whose edge is a few pixels wide."""
    softness = rng.uniform(1.0, 5.0) * 2.0 / sheet.side
    sheet.light *= 1.0 - np.float32(rng.uniform(0.15, 0.5)) * np.clip(_across(sheet, rng, 0.7) / softness, 0.0, 1.0)


def _lamp_spot(sheet: Sheet, rng: Rng) -> None:
    """A bright spot on darker paper."""
    x, y = _coordinates(sheet.size)
    middle, radii = rng.uniform(-0.8, 0.8, 2), rng.uniform(0.2, 0.9, 2)
    spot = np.exp(-(((x - middle[0]) / radii[0]) ** 2) - ((y - middle[1]) / radii[1]) ** 2)
    depth = rng.uniform(0.1, 0.5)
    sheet.light *= 1.0 - np.float32(depth) * (1.0 - spot)


# Kinds: pen and camera.


def _faint_pencil(sheet: Sheet, rng: Rng) -> None:
    """Pencil 15 to 40 grey levels darker than the paper, which takes it unevenly; with a box in some cells."""
    contrast = rng.uniform(15.0, 40.0)
    sheet.paper = float(rng.uniform(140.0, 255.0))
    sheet.ink = float(1.0 - contrast / sheet.paper)
    sheet.noise = float(min(sheet.noise, contrast / 10))
    sheet.grain = np.clip(1.0 + np.float32(0.2) * _smooth_noise(sheet.size, 0.8, rng), 0.0, 1.2)
    if rng.random() < 0.3:
        sheet.line = float(1.0 - rng.uniform(0.3, 2.0) * contrast / sheet.paper)
        _draw_box(sheet)


def _out_of_focus(sheet: Sheet, rng: Rng) -> None:
    """Blur."""
    sheet.blur = float(rng.uniform(0.01, 0.035) * sheet.side)


def _noisy(sheet: Sheet, rng: Rng) -> None:
    """The noise of a camera in little light."""
    noise = rng.uniform(5.0, 16.0)
    sheet.noise = float(min(noise, (1.0 - sheet.ink) * sheet.paper / 5))
    sheet.blur = float(rng.uniform(0.0, 0.8))


def _jpeg(sheet: Sheet, rng: Rng) -> None:
    """A file that was compressed hard."""
    sheet.jpeg = int(rng.integers(12, 45))


# Kinds: several at once.


def _phone(sheet: Sheet, rng: Rng) -> None:
    """A phone's photograph of a printed table: uneven lines in perspective, more or less sharp, in uneven light."""
    insets = rng.uniform(-0.01, 0.12, 4)
    sheet.box = _turned(_inset(sheet.size, insets), rng.uniform(-2.0, 2.0)) + rng.uniform(-0.015, 0.015, (4, 2)) * (
        sheet.side
    )
    widths = _uneven_widths(sheet, rng)
    sheet.width = max(widths)
    _draw_box(sheet, [_bent(line, rng.uniform(-0.01, 0.01), rng) for line in sides_of(sheet.box, 0.3)], widths)
    if rng.random() < 0.4:
        sheet.line = max(sheet.line, 0.4)
        _out_of_focus(sheet, rng)
    _textured(sheet, rng)
    (_gradient, _soft_shadow, _vignette)[int(rng.integers(3))](sheet, rng)
    sheet.jpeg = int(rng.integers(50, 95))


def _mixed(sheet: Sheet, rng: Rng) -> None:
    """One kind of lines, and others of paper, light and camera, each in some cells."""
    for kinds, share in ((LINES, 0.9), (PAPERS, 0.35), (LIGHTS, 0.4), (CAMERAS, 0.4)):
        if rng.random() < share:
            kinds[list(kinds)[int(rng.integers(len(kinds)))]](sheet, rng)


LINES: dict[str, Kind] = {
    "all sides": _all_sides,
    "some sides": _some_sides,
    "partly in crop": _partly_in_crop,
    "tilted": _tilted,
    "curved": _curved,
    "perspective": _perspective,
    "doubled": _doubled,
    "thick on two sides": _thick_on_two_sides,
    "blurred box": _blurred_box,
    "overshooting": _overshooting,
    "frame inside": _frame_inside,
    "thick frame": _thick_frame,
    "grid rest": _grid_rest,
    "comb": _comb,
    "neighbour stroke": _neighbour_stroke,
}
PAPERS: dict[str, Kind] = {
    "plain": _plain,
    "textured": _textured,
    "screened": _screened,
    "hatched": _hatched,
    "specks": _specks,
}
LIGHTS: dict[str, Kind] = {
    "vignette": _vignette,
    "gradient": _gradient,
    "soft shadow": _soft_shadow,
    "hard shadow": _hard_shadow,
    "lamp spot": _lamp_spot,
}
CAMERAS: dict[str, Kind] = {
    "faint pencil": _faint_pencil,
    "out of focus": _out_of_focus,
    "noisy": _noisy,
    "jpeg": _jpeg,
}
KINDS: dict[str, Kind] = {**LINES, **PAPERS, **LIGHTS, **CAMERAS, "phone": _phone, "mixed": _mixed}
