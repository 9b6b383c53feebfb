"""Write a number into the boxes of a comb."""

from __future__ import annotations

import cv2
import numpy as np
from drawing import Layer, Number, Page, Rng, draw_line, draw_stroke, put


def in_boxes(number: Number, rng: Rng) -> Page:
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
        put(layer, digit, max(0, min(left, shape[1] - digit.shape[1])), max(0, min(top, shape[0] - len(digit))))
    other, lines = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    if by_hand:
        pen = max(1, round(height * rng.uniform(0.04, 0.09)))
    _draw_boxes(other if by_hand and rng.random() < 0.6 else lines, (boxes, edge, tall, pitch, gap), pen, by_hand, rng)
    if not by_hand and rng.random() < 0.15:
        _guides(lines, (boxes, edge, tall, pitch, gap), height, rng)
    return Page(layers, other, lines, float(rng.uniform(0.12, 0.4) if rng.random() < 0.2 else rng.uniform(0.5, 1)))


_Boxes = tuple[int, int, float, float, float]  # their number, first row and column, height, width, and the gap between


def _draw_boxes(layer: Layer, boxes: _Boxes, pen: int, by_hand: bool, rng: Rng) -> None:
    """The walls and rails of boxes; some kinds lack the upper rail, or have low walls."""
    count, edge, tall, pitch, gap = boxes
    height = tall / 1.3
    wobble = height * rng.uniform(0.01, 0.05)

    def draw(x0: float, y0: float, x1: float, y1: float) -> None:
        if by_hand:
            draw_stroke(layer, np.array([x0, y0]), np.array([x1, y1]), pen, wobble, rng, float(rng.uniform(0.75, 1)))
        else:
            draw_line(layer, (x0, y0), (x1, y1), pen)

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
