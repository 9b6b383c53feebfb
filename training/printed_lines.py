"""Draw what is printed or drawn around a number in a row: rules, underlines, a cell, margins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from drawing import Layer, Number, Rng, draw_line, draw_stroke

Rows = tuple[int, int, int]  # a number's margin at the left, its first row, and its base line


def _nothing(lines: Layer, other: Layer, rows: Rows, number: Number, rng: Rng) -> float:
    return 1.0


def _rule(lines: Layer, other: Layer, rows: Rows, number: Number, rng: Rng) -> float:
    """A rule under the digits or through them."""
    row = rows[2] + number.height * (rng.uniform(-0.3, -0.02) if rng.random() < 0.3 else rng.uniform(-0.04, 0.12))
    draw_line(lines, (-9, row), (lines.shape[1] + 9, row), round(number.pen * rng.uniform(0.5, 1)))
    return float(rng.uniform(0.3, 1))


def _two_rules(lines: Layer, other: Layer, rows: Rows, number: Number, rng: Rng) -> float:
    for row in (rows[2] + number.height * rng.uniform(0, 0.15), rows[1] - number.height * rng.uniform(0, 0.2)):
        draw_line(lines, (-9, row), (lines.shape[1] + 9, row), number.pen)
    return float(rng.uniform(0.4, 1))


def _underline(lines: Layer, other: Layer, rows: Rows, number: Number, rng: Rng) -> float:
    """One or two lines under the number, printed or by hand."""
    height, width = number.height, lines.shape[1]
    row = rows[2] + height * rng.uniform(-0.05, 0.18)
    left, right = rows[0] - height * rng.uniform(-0.2, 0.5), width - rows[0] + height * rng.uniform(-0.2, 0.5)
    is_printed, tilt = rng.random() < 0.5, 0.03 * width * rng.standard_normal()
    for line in range(1 + int(rng.random() < 0.15)):
        at = row + line * max(number.pen + 2, 0.13 * height)
        if is_printed:
            draw_line(lines, (left, at), (right, at), number.pen)
        else:
            pen, wobble = max(1, round(height * rng.uniform(0.05, 0.1))), height * rng.uniform(0, 0.05)
            draw_stroke(other, np.array([left, at]), np.array([right, at + tilt]), pen, wobble, rng)
    return float(rng.uniform(0.4, 1))


def _cell(lines: Layer, other: Layer, rows: Rows, number: Number, rng: Rng) -> float:
    """A box around the number, near to the edge of the picture or to the digits."""
    height, (tall, width) = number.height, lines.shape
    x0 = y0 = float(rng.uniform(1, 6))
    x1, y1 = width - x0, tall - y0
    if rng.random() < 0.4:
        y0, y1 = max(y0, rows[1] - height * rng.uniform(0, 0.15)), min(y1, rows[2] + height * rng.uniform(-0.03, 0.1))
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    for start, end in pairwise(corners):
        draw_line(lines, start, end, number.pen)
    return float(rng.uniform(0.15, 0.5) if rng.random() < 0.3 else rng.uniform(0.5, 1))


def _ruled_paper(lines: Layer, other: Layer, rows: Rows, number: Number, rng: Rng) -> float:
    """Ruled paper, or checked paper."""
    step, (tall, width) = number.height * rng.uniform(0.4, 1.3), lines.shape
    for row in np.arange((rows[2] + number.height * rng.uniform(0, 0.1)) % step, tall, step):
        draw_line(lines, (-9, row), (width + 9, row), number.pen // 2)
    if rng.random() < 0.4:
        for column in np.arange(rng.uniform(0, step), width, step):
            draw_line(lines, (column, -9), (column, tall + 9), number.pen // 2)
    return float(rng.uniform(0.2, 0.6))


def _margins(lines: Layer, other: Layer, rows: Rows, number: Number, rng: Rng) -> float:
    """Upright lines beside the number."""
    for column in (rows[0] - 0.3 * number.height, lines.shape[1] - rows[0] + 0.3 * number.height):
        if rng.random() < 0.7:
            draw_line(lines, (column, -9), (column, len(lines) + 9), number.pen)
    return float(rng.uniform(0.4, 1))


# What is printed or drawn around a number, and how often; each returns how dark the lines are, 0-1.
FURNITURE: Sequence[tuple[float, Callable[[Layer, Layer, Rows, Number, Rng], float]]] = (
    (0.38, _nothing),
    (0.16, _rule),
    (0.06, _two_rules),
    (0.12, _underline),
    (0.16, _cell),
    (0.08, _ruled_paper),
    (0.04, _margins),
)
