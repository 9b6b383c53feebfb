"""Render fields with numbers of several digits, of which every pixel's digit is known.

Unlike `batchdigits.learning.composed_fields`, which fields are measured with, it is meant to hold more than fields do:
digits that overlap, ligatures, boxes that digits cross, lines at any place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Layer = NDArray[np.float32]  # (H, W), 0-1
Glyphs = NDArray[np.uint8]  # (N, 28, 28), ink bright on 0

HEIGHTS, SMALL_HEIGHTS, SMALL_SHARE = (22.0, 58.0), (13.0, 22.0), 0.12  # pixels of a digit
FINENESS = 2  # digits are drawn at so many times their size, and then made smaller
MARGIN = 3  # pixels of a glyph around its ink
BEND, BEND_NODES = 0.8, 6  # pixels of a glyph by which its strokes are moved, and points along a side that are moved so
LOG_PENS = -0.75, 0.4  # natural logarithm of the change of the strokes' width
WALLED_SHARE = 0.3  # of the fields: those with a box for each digit


class WrittenNumber(NamedTuple):
    """A rendered field.

    Attributes:
        scan: uint8 (H, W).
        digits: the ink of each digit alone, float32 (N, H, W), 0-1.
    """

    scan: NDArray[np.uint8]
    digits: Layer


class _Page(NamedTuple):
    """What is drawn of a field: the ink of each digit (N, H, W), other ink, printed lines, and how dark these are."""

    digits: Layer
    other: Layer
    lines: Layer
    darkness: float


class _Number(NamedTuple):
    """Digits as they are written: the ink of each, their common height in pixels, and the pen's width for lines."""

    digits: list[Layer]
    height: float
    pen: int


def render_number(glyphs: Glyphs, rng: Rng) -> WrittenNumber:
    """Render the digits of some glyphs, in their order, as one number in a field."""
    number = _write(glyphs, rng)
    page = _in_boxes(number, rng) if rng.random() < WALLED_SHARE else _in_row(number, rng)
    page = _tilted(page, number.height, rng)
    return WrittenNumber(_scanned(page, rng), page.digits)


def _write(glyphs: Glyphs, rng: Rng) -> _Number:
    """Digits of one height, slant and pen, with some variation."""
    height = float(rng.uniform(*(SMALL_HEIGHTS if rng.random() < SMALL_SHARE else HEIGHTS)))
    slant, turn, stretch = (np.array([0.2, 0.03, 0.15]) * rng.standard_normal(3)).tolist()
    spread = float(rng.choice([0.05, 0.1, 0.2], p=[0.5, 0.35, 0.15]))
    is_sharp, pen = rng.random() < 0.75, float(np.exp(rng.uniform(*LOG_PENS)))
    digits = []
    for glyph in glyphs:
        size, own_slant, own_turn, own_stretch = np.array([spread, 0.08, 0.03, 0.06]) * rng.standard_normal(4)
        ink = _bent(glyph, rng)
        own_height, width = height * float(np.exp(size)), float(np.exp(stretch + own_stretch))
        digits.append(_digit(ink, own_height, width, slant + own_slant, turn + own_turn, pen if is_sharp else None))
    return _Number(digits, height, max(1, round(height * rng.uniform(0.025, 0.07))))


def _bent(glyph: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """A glyph with its strokes moved by up to BEND pixels."""
    shifts = rng.uniform(-BEND, BEND, (BEND_NODES, BEND_NODES, 2)).astype(np.float32)
    y, x = np.mgrid[: len(glyph), : len(glyph)].astype(np.float32)
    origins = np.stack([x, y], axis=-1) + cv2.resize(shifts, glyph.shape, interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.remap(glyph, origins[..., 0], origins[..., 1], cv2.INTER_CUBIC), np.uint8)


def _digit(
    glyph: NDArray[np.uint8], height: float, stretch: float, slant: float, turn: float, pen: float | None
) -> Layer:
    """The ink of a digit; with a `pen`, its edges are sharp, and its strokes so many times as wide."""
    rows, columns = np.nonzero(glyph > 40)
    ink = glyph[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(np.float32) / 255
    ink = np.pad(ink, MARGIN)
    scale = FINENESS * height / 20  # a glyph's longer side has 20 pixels
    large = cv2.resize(ink, None, fx=scale * stretch, fy=scale, interpolation=cv2.INTER_CUBIC)
    if pen is not None:
        large = _with_pen(np.clip((cv2.GaussianBlur(large, (0, 0), 0.25 * scale) - 0.45) * 4 + 0.5, 0, 1), pen)
    tall, wide = large.shape
    lean = int((abs(slant) + abs(turn)) * max(tall, wide)) + 4
    linear = np.array([[1.0, -slant], [turn, 1.0]])
    shift = np.array([wide / 2 + lean, tall / 2 + lean]) - linear @ np.array([wide / 2, tall / 2])
    affine = np.column_stack([linear, shift])
    large = cv2.warpAffine(large, affine, (wide + 2 * lean, tall + 2 * lean))
    size = max(2, round(large.shape[1] / FINENESS)), max(2, round(large.shape[0] / FINENESS))
    small = np.clip(cv2.resize(large, size, interpolation=cv2.INTER_AREA), 0, 1)
    level_of_ink = 0.25 * float(small.max())
    columns, rows = (np.flatnonzero(small.max(axis=axis) > level_of_ink) for axis in (0, 1))
    return np.asarray(small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.float32)


def _with_pen(ink: Layer, pen: float) -> Layer:
    """Ink with strokes that are so many times as wide, as far as they do not vanish."""
    mask = (ink > 0.5).astype(np.uint8)
    outline = cv2.countNonZero(mask) - cv2.countNonZero(cv2.erode(mask, np.ones((3, 3), np.uint8)))
    width = 2.0 * cv2.countNonZero(mask) / max(1, outline)
    radius = round(abs(max(width * pen, min(width, 1.5 * FINENESS)) - width) / 2)
    if not radius:
        return ink
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    changed = (cv2.dilate if pen > 1 else cv2.erode)(ink, disc)
    return np.asarray(changed if changed.max() > 0.5 else ink, np.float32)


def _in_row(number: _Number, rng: Rng) -> _Page:
    """A number on paper, with or without lines."""
    digits, height, _ = number
    tallest = max(len(digit) for digit in digits)
    drift = 0.03 * rng.standard_normal()
    above, below = height * rng.uniform(0.25, 0.8, 2) + abs(drift) * len(digits) * height
    base = round(above + tallest)
    margin = round(height * rng.uniform(0.25, 1.2))
    places, ligatures = _places(number, base, margin, drift, rng)
    width = max(left + digit.shape[1] for (left, _), digit in zip(places, digits, strict=True)) + margin
    layers = np.zeros((len(digits), round(base + below), width), np.float32)
    for layer, digit, place in zip(layers, digits, places, strict=True):
        _put(layer, digit, *place)
    other = np.zeros(layers.shape[1:], np.float32)
    for start, end in ligatures:
        _stroke(other, start, end, max(2, round(height * rng.uniform(0.05, 0.1))), 0.05 * height, rng)
    if rng.random() < 0.12:  # a speck, a comma, a dash or another sign
        start = np.array([rng.uniform(0, width), base - height * rng.uniform(0, 0.6)])
        angle, length = rng.uniform(0, 2 * np.pi), height * rng.uniform(0.02, 0.35)
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        _stroke(other, start, end, max(2, round(0.09 * height)), 0.0, rng)
    lines = np.zeros_like(other)
    furniture = rng.choice(len(FURNITURE), p=[share for share, _ in FURNITURE])
    darkness = FURNITURE[furniture][1](lines, other, (margin, base - tallest, base), number, rng)
    return _Page(layers, other, lines, darkness)


_Place = tuple[int, int]  # the first column and row of a digit
_Point = NDArray[np.float64]


def _places(
    number: _Number, base: int, margin: int, drift: float, rng: Rng
) -> tuple[list[_Place], list[tuple[_Point, _Point]]]:
    """Where digits stand that are near to each other, touch or overlap; and the ends of strokes that join them."""
    digits, height, _ = number
    touching = float(rng.choice([0.0, 0.15, 0.5, 0.8], p=[0.35, 0.25, 0.25, 0.15]))
    is_joined = rng.random() < 0.12
    gap = rng.uniform(0.03, 0.35) if rng.random() < 0.8 else rng.uniform(0.4, 1.0)
    unevenness = height * float(rng.choice([0.03, 0.08]))
    wave = 0.06 * height * rng.standard_normal()
    written = np.zeros((base + 2 * round(height), margin + sum(d.shape[1] + round(2 * height) for d in digits)))
    places: list[_Place] = []
    ligatures = []
    right = margin
    for index, digit in enumerate(digits):
        offset = unevenness * rng.standard_normal() + drift * (right - margin) + wave * np.sin(1.3 * index)
        top = max(0, round(base - len(digit) + offset))
        left = right + max(1, round(height * gap * np.exp(0.4 * rng.standard_normal())))
        if index and rng.random() < touching:
            left = _touching(written[top : top + len(digit)], digit, right, height, rng)
        elif index and rng.random() < 0.1:  # it reaches over the one before
            left = right - round(height * rng.uniform(0, 0.15))
        left = max(0, left)
        if index and is_joined and rng.random() < 0.6:
            start = places[-1][0] + rng.uniform(0.3, 0.8) * digits[index - 1].shape[1]
            end, row = left + rng.uniform(0.2, 0.6) * digit.shape[1], base - height * rng.uniform(0, 0.1)
            ligatures.append((np.array([start, row]), np.array([end, row + 0.05 * height * rng.standard_normal()])))
        places.append((left, top))
        _put(written, digit, left, top)
        right = max(right, left + digit.shape[1])
    return places, ligatures


def _touching(band: NDArray[np.float64], digit: Layer, right: int, height: float, rng: Rng) -> int:
    """The column from which on a digit touches the ink of a band of rows, which ends at column `right`."""
    written, own = band > 0.5, digit > 0.5
    rows = np.flatnonzero(written.any(axis=1) & own.any(axis=1))
    if not rows.size:
        return right + 1
    ends = written.shape[1] - written[rows, ::-1].argmax(axis=1)
    overlap = int(rng.integers(0, max(2, round(0.12 * height))))
    return max(int((ends - own[rows].argmax(axis=1)).max()) - overlap, right - round(0.45 * height))


def _put(layer: NDArray[np.floating], digit: Layer, left: int, top: int) -> None:
    place = layer[top : top + len(digit), left : left + digit.shape[1]]
    np.maximum(place, digit[: place.shape[0], : place.shape[1]], out=place)


def _stroke(
    layer: Layer, start: _Point, end: _Point, pen: int, wobble: float, rng: Rng, darkness: float = 0.95
) -> None:
    """A stroke by hand, which is off a straight line by at most `wobble` pixels."""
    way = end - start
    length = float(np.hypot(*way))
    count = max(4, int(length / 8))
    along = np.linspace(0, 1, count)
    off = np.cumsum(rng.standard_normal(count))
    off -= np.linspace(off[0], off[-1], count)
    off *= wobble / max(1e-6, float(np.abs(off).max()))
    points = start + along[:, None] * way + off[:, None] * np.array([-way[1], way[0]]) / max(1e-6, length)
    cv2.polylines(layer, [np.round(points * 16).astype(np.int32)], False, darkness, pen, cv2.LINE_AA, 4)


def _line(layer: Layer, start: Sequence[float], end: Sequence[float], pen: int) -> None:
    """A printed line; a point is a column and a row."""
    (x0, y0), (x1, y1) = ((round(16 * x), round(16 * y)) for x, y in (start, end))
    cv2.line(layer, (x0, y0), (x1, y1), 1.0, max(1, pen), cv2.LINE_AA, 4)


_Rows = tuple[int, int, int]  # a number's margin at the left, its first row, and its base line


def _nothing(lines: Layer, other: Layer, rows: _Rows, number: _Number, rng: Rng) -> float:
    return 1.0


def _rule(lines: Layer, other: Layer, rows: _Rows, number: _Number, rng: Rng) -> float:
    """A rule under the digits or through them."""
    row = rows[2] + number.height * (rng.uniform(-0.3, -0.02) if rng.random() < 0.3 else rng.uniform(-0.04, 0.12))
    _line(lines, (-9, row), (lines.shape[1] + 9, row), round(number.pen * rng.uniform(0.5, 1)))
    return float(rng.uniform(0.3, 1))


def _two_rules(lines: Layer, other: Layer, rows: _Rows, number: _Number, rng: Rng) -> float:
    for row in (rows[2] + number.height * rng.uniform(0, 0.15), rows[1] - number.height * rng.uniform(0, 0.2)):
        _line(lines, (-9, row), (lines.shape[1] + 9, row), number.pen)
    return float(rng.uniform(0.4, 1))


def _underline(lines: Layer, other: Layer, rows: _Rows, number: _Number, rng: Rng) -> float:
    """One or two lines under the number, printed or by hand."""
    height, width = number.height, lines.shape[1]
    row = rows[2] + height * rng.uniform(-0.05, 0.18)
    left, right = rows[0] - height * rng.uniform(-0.2, 0.5), width - rows[0] + height * rng.uniform(-0.2, 0.5)
    is_printed, tilt = rng.random() < 0.5, 0.03 * width * rng.standard_normal()
    for line in range(1 + int(rng.random() < 0.15)):
        at = row + line * max(number.pen + 2, 0.13 * height)
        if is_printed:
            _line(lines, (left, at), (right, at), number.pen)
        else:
            pen, wobble = max(1, round(height * rng.uniform(0.05, 0.1))), height * rng.uniform(0, 0.05)
            _stroke(other, np.array([left, at]), np.array([right, at + tilt]), pen, wobble, rng)
    return float(rng.uniform(0.4, 1))


def _cell(lines: Layer, other: Layer, rows: _Rows, number: _Number, rng: Rng) -> float:
    """A box around the number, near to the edge of the picture or to the digits."""
    height, (tall, width) = number.height, lines.shape
    x0 = y0 = float(rng.uniform(1, 6))
    x1, y1 = width - x0, tall - y0
    if rng.random() < 0.4:
        y0, y1 = max(y0, rows[1] - height * rng.uniform(0, 0.15)), min(y1, rows[2] + height * rng.uniform(-0.03, 0.1))
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    for start, end in pairwise(corners):
        _line(lines, start, end, number.pen)
    return float(rng.uniform(0.15, 0.5) if rng.random() < 0.3 else rng.uniform(0.5, 1))


def _ruled_paper(lines: Layer, other: Layer, rows: _Rows, number: _Number, rng: Rng) -> float:
    """Ruled paper, or checked paper."""
    step, (tall, width) = number.height * rng.uniform(0.4, 1.3), lines.shape
    for row in np.arange((rows[2] + number.height * rng.uniform(0, 0.1)) % step, tall, step):
        _line(lines, (-9, row), (width + 9, row), number.pen // 2)
    if rng.random() < 0.4:
        for column in np.arange(rng.uniform(0, step), width, step):
            _line(lines, (column, -9), (column, tall + 9), number.pen // 2)
    return float(rng.uniform(0.2, 0.6))


def _margins(lines: Layer, other: Layer, rows: _Rows, number: _Number, rng: Rng) -> float:
    """Upright lines beside the number."""
    for column in (rows[0] - 0.3 * number.height, lines.shape[1] - rows[0] + 0.3 * number.height):
        if rng.random() < 0.7:
            _line(lines, (column, -9), (column, len(lines) + 9), number.pen)
    return float(rng.uniform(0.4, 1))


# What is printed or drawn around a number, and how often; each returns how dark the lines are, 0-1.
FURNITURE: Sequence[tuple[float, Callable[[Layer, Layer, _Rows, _Number, Rng], float]]] = (
    (0.38, _nothing),
    (0.16, _rule),
    (0.06, _two_rules),
    (0.12, _underline),
    (0.16, _cell),
    (0.08, _ruled_paper),
    (0.04, _margins),
)


def _in_boxes(number: _Number, rng: Rng) -> _Page:
    """A number in the boxes of a comb, which digits may cross."""
    digits, height, pen = number
    is_tight, by_hand = rng.random() < 0.45, rng.random() < 0.3
    before, after = rng.integers(0, 3, 2).tolist() if rng.random() < 0.2 else (0, 0)
    boxes = before + len(digits) + after
    tall = height * (rng.uniform(1.0, 1.3) if is_tight else rng.uniform(1.3, 1.8))
    widest = max(digit.shape[1] for digit in digits)
    pitch = height * (rng.uniform(0.75, 1.1) if is_tight else rng.uniform(0.95, 1.4))
    pitch = max(pitch, widest * (0.8 if is_tight else 1.0) + 3)
    gap = pitch * rng.uniform(0.1, 0.4) if rng.random() < 0.2 else 0.0
    edge = round(height * rng.uniform(0.1, 0.5)) + 2
    shape = round(tall + 2 * edge), round(2 * edge + boxes * pitch + (boxes - 1) * gap) + 2
    layers = np.zeros((len(digits), *shape), np.float32)
    spread = 0.12 if is_tight else 0.05
    for index, (layer, digit) in enumerate(zip(layers, digits, strict=True)):
        middle = edge + (before + index) * (pitch + gap) + pitch / 2 + spread * height * rng.standard_normal()
        top = edge + tall / 2 - len(digit) / 2 + 0.07 * height * rng.standard_normal()
        left, top = round(middle - digit.shape[1] / 2), round(top)
        _put(layer, digit, max(0, min(left, shape[1] - digit.shape[1])), max(0, min(top, shape[0] - len(digit))))
    other, lines = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    if by_hand:
        pen = max(1, round(height * rng.uniform(0.04, 0.09)))
    _draw_boxes(other if by_hand and rng.random() < 0.6 else lines, (boxes, edge, tall, pitch, gap), pen, by_hand, rng)
    if not by_hand and rng.random() < 0.15:
        _guides(lines, (boxes, edge, tall, pitch, gap), height, rng)
    return _Page(layers, other, lines, float(rng.uniform(0.12, 0.4) if rng.random() < 0.2 else rng.uniform(0.5, 1)))


_Boxes = tuple[int, int, float, float, float]  # their number, first row and column, height, width, and the gap between


def _draw_boxes(layer: Layer, boxes: _Boxes, pen: int, by_hand: bool, rng: Rng) -> None:
    """The walls and rails of boxes; some kinds lack the upper rail, or have low walls."""
    count, edge, tall, pitch, gap = boxes
    height = tall / 1.3
    wobble = height * rng.uniform(0.01, 0.05)

    def draw(x0: float, y0: float, x1: float, y1: float) -> None:
        if by_hand:
            _stroke(layer, np.array([x0, y0]), np.array([x1, y1]), pen, wobble, rng, float(rng.uniform(0.75, 1)))
        else:
            _line(layer, (x0, y0), (x1, y1), pen)

    is_open, has_ticks = rng.random() < 0.15, rng.random() < 0.12
    wall_top = edge + tall * rng.uniform(0.5, 0.8) if has_ticks else edge
    bottom = edge + tall
    groups = [(edge + box * (pitch + gap), pitch) for box in range(count)] if gap else [(edge, count * pitch)]
    for left, width in groups:
        draw(left, bottom, left + width, bottom)
        if not (is_open or has_ticks):
            draw(left, edge, left + width, edge)
        for column in np.arange(left, left + width + pitch / 2, pitch):
            lean = 0.03 * tall * rng.standard_normal() if by_hand else 0.0
            draw(column - lean, wall_top, column + lean, bottom)


def _guides(lines: Layer, boxes: _Boxes, height: float, rng: Rng) -> None:
    """A faint 8 in each box, to write over."""
    count, edge, tall, pitch, gap = boxes
    wide, high = pitch * rng.uniform(0.5, 0.7), tall * rng.uniform(0.6, 0.8)
    pen, level = max(1, round(height * rng.uniform(0.04, 0.12))), float(rng.uniform(0.15, 0.45))
    for box in range(count):
        x, y = edge + box * (pitch + gap) + pitch / 2, edge + tall / 2
        for top in (y - high / 2, y):
            corner, opposite = (round(x - wide / 2), round(top)), (round(x + wide / 2), round(top + high / 2))
            cv2.rectangle(lines, corner, opposite, level, pen, cv2.LINE_AA)


def _tilted(page: _Page, height: float, rng: Rng) -> _Page:
    """The page turned a little, in a slight perspective."""
    tall, wide = page.other.shape
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    moved = corners + (0.012 * tall * rng.standard_normal((4, 2))).astype(np.float32)
    slope = np.tan(np.radians(1.5 * rng.standard_normal()))
    moved[:, 1] += np.float32(slope) * (corners[:, 0] - wide / 2)
    moved[:, 0] -= np.float32(slope) * (corners[:, 1] - tall / 2)
    to_page = cv2.getPerspectiveTransform(corners, moved)

    def tilted(layer: Layer) -> Layer:
        warped = cv2.warpPerspective(layer, to_page, (wide, tall), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.clip(warped, 0, 1), np.float32)

    digits = np.stack([tilted(layer) for layer in page.digits])
    return page._replace(digits=digits, other=tilted(page.other), lines=tilted(page.lines))


def _scanned(page: _Page, rng: Rng) -> NDArray[np.uint8]:
    """A scan of the page: uneven light, texture, blur, grain, JPEG, few pixels, two levels, light on dark."""
    tall, wide = page.other.shape
    paper = rng.uniform(185, 252)
    depth = min(rng.uniform(40, 90) if rng.random() < 0.2 else rng.uniform(90, 190), paper - 8)
    y, x = np.mgrid[:tall, :wide].astype(np.float32)
    light = paper + rng.uniform(-18, 18) * (y / tall - 0.5) + rng.uniform(-25, 25) * (x / wide - 0.5)
    ink = np.maximum(page.digits.max(axis=0), page.other)
    if rng.random() < 0.4:
        ink = ink * (1 + 0.5 * cv2.GaussianBlur(rng.standard_normal((tall, wide)).astype(np.float32), (0, 0), 1.0))
    scan = light - depth * np.maximum(ink, page.lines * page.darkness)
    blur = rng.uniform(0, 1.4)
    if blur > 0.3:
        scan = cv2.GaussianBlur(scan, (0, 0), min(blur, 1.1))
    scan = np.clip(scan + rng.uniform(0.5, 6) * rng.standard_normal(scan.shape), 0, 255).astype(np.uint8)
    if rng.random() < 0.06:
        scan = np.where(scan < paper - depth * rng.uniform(0.3, 0.6), 0, 255).astype(np.uint8)
    elif rng.random() < 0.4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))]
        scan = cv2.imdecode(cv2.imencode(".jpg", scan, quality)[1], cv2.IMREAD_GRAYSCALE)
    return np.asarray(255 - scan if rng.random() < 0.1 else scan, np.uint8)
