"""Render fields with numbers of several digits, of which every pixel's digit is known.

Unlike `composed_fields`, which fields are measured with, it is meant to hold more than fields do:
digits that overlap, ligatures, boxes that digits cross, lines at any place.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from drawing import Layer, Number, Page, Point, Rng, draw_stroke, put
from numpy.typing import NDArray
from printed_lines import FURNITURE
from scanned_page import scanned, tilted
from written_boxes import in_boxes

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


def render_number(glyphs: Glyphs, rng: Rng) -> WrittenNumber:
    """Render the digits of some glyphs, in their order, as one number in a field."""
    number = _write(glyphs, rng)
    page = in_boxes(number, rng) if rng.random() < WALLED_SHARE else _in_row(number, rng)
    page = tilted(page, rng)
    return WrittenNumber(scanned(page, rng), page.digits)


def _write(glyphs: Glyphs, rng: Rng) -> Number:
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
    return Number(digits, height, max(1, round(height * rng.uniform(0.025, 0.07))))


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


def _in_row(number: Number, rng: Rng) -> Page:
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
        put(layer, digit, *place)
    other = np.zeros(layers.shape[1:], np.float32)
    for start, end in ligatures:
        draw_stroke(other, start, end, max(2, round(height * rng.uniform(0.05, 0.1))), 0.05 * height, rng)
    if rng.random() < 0.12:  # a speck, a comma, a dash or another sign
        start = np.array([rng.uniform(0, width), base - height * rng.uniform(0, 0.6)])
        angle, length = rng.uniform(0, 2 * np.pi), height * rng.uniform(0.02, 0.35)
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        draw_stroke(other, start, end, max(2, round(0.09 * height)), 0.0, rng)
    lines = np.zeros_like(other)
    furniture = rng.choice(len(FURNITURE), p=[share for share, _ in FURNITURE])
    darkness = FURNITURE[furniture][1](lines, other, (margin, base - tallest, base), number, rng)
    return Page(layers, other, lines, darkness)


_Place = tuple[int, int]  # the first column and row of a digit


def _places(
    number: Number, base: int, margin: int, drift: float, rng: Rng
) -> tuple[list[_Place], list[tuple[Point, Point]]]:
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
        put(written, digit, left, top)
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
