"""Render a cell: a kind prepares the sheet, then the digit is written and the scan is taken."""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

from rendered_cells.sheet import (
    Field,
    Kind,
    Points,
    Rng,
    Scan,
    Sheet,
    drawing_scale,
    new_sheet,
    shrink,
)

INK_LEVEL = 48  # of an ink picture: grey levels from which a pixel counts for the digit's box
DIGIT_SHARES = (0.35, 0.85)  # longer side of the digit over the shorter side of its cell
CROSSING_SHARE, MAX_CROSSING = 0.2, 0.12  # share of digits that cross a line, and the part of their side beyond it
EDGE_SHARE, MAX_CUT = 0.1, 0.05  # share of digits at the scan's edge, and the part of their side cut off there

MIN_BLUR = 0.2  # pixels: a smaller standard deviation changes nothing
INVERTED_SHARE = 0.05  # share of scans that are light on dark


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
    scale = drawing_scale(size)
    zoom = factor * scale
    shift = (at + 0.5) * scale - (np.array(corner) + 0.5) * zoom
    move = np.array([[zoom, 0.0, shift[0]], [0.0, zoom, shift[1]]])
    canvas = cv2.warpAffine(digit, move, (size[1] * scale, size[0] * scale), flags=cv2.INTER_CUBIC)
    if zoom > 1.5:
        canvas = cv2.GaussianBlur(canvas, (0, 0), zoom / 3)  # pixels of the original become round
    sharp = np.clip((canvas.astype(np.float32) - 100.0) * (255.0 / 40.0), 0.0, 255.0)
    return shrink(sharp, size)


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
