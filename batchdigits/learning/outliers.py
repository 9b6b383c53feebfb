"""Outliers: images of anything but one digit, such as letters, scribbles, form lines, or two digits in one crop.

A network that learned from digits alone is sure of every image. From drawn outliers (outlier exposure, Hendrycks et al.
2019) it learns a further class, whose logit is fixed at 0 (see `training_step.loss_of`). Letters that a person would
take for a digit (O, I, l, S, a Z without a crossbar, g, q, b) are not among the outliers, nor are the lines of a form
that look like one: a single upright line, or a corner at the upper right.
"""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.datasets.labelled import DIGIT_NAMES, OUTLIER
from batchdigits.learning.stroke_shapes import CANVAS_BOX, CANVAS_SIDE, Canvas, draw_strokes, parse_stroke

NEUTRAL_OUTLIER = -2  # in place of OUTLIER in `augment`: no scribble, blot or crossed-out digit
# Cumulative shares of the kinds of outliers; the rest are letters and signs.
TWO_DIGITS_UP_TO, SCRIBBLES_UP_TO, BLOTS_UP_TO, FORM_LINES_UP_TO = 0.15, 0.25, 0.28, 0.40
FRAMED_UP_TO, CROSSED_OUT_UP_TO = 0.46, 0.58
SCRIBBLE_POINTS = (4, 12)  # control points: at least 4, fewer than 12
CROSSING_PENS = (3, 6)  # canvas pixels: at least 3, less than 6; `augment` would make a finer stroke vanish

# The sides of a cell's box that are left, by letters as in `_draw_sides`. Those of an empty cell look like no digit:
# "tr" would be a 7, and "l" or "r" a 1.
SIDES_LEFT = ("tblr", "tblr", "tbl", "tbr", "tlr", "blr", "tb", "lr", "tl", "bl", "br", "t")
SIDES_OF_FRAMES = ("tblr", "tblr", "tblr", "tbl", "tbr", "tlr", "blr", "tl", "tr", "bl", "br", "lr")

# Letters and signs in the notation of `stroke_shapes.SHAPES`, with " + " between strokes.
LETTERS_AND_SIGNS = [
    [parse_stroke(stroke) for stroke in strokes.split(" + ")]
    for strokes in (
        "0 100, 50 0!, 100 100 + 20 60, 80 60",  # A
        "0 0, 0 100 + 0 0, 60 0, 75 22, 55 46, 0 48!, 70 52, 95 75, 65 100, 0 100",  # B, on a straight stem
        "100 15, 60 0, 5 30, 5 70, 60 100, 100 85",  # C
        "0 0, 0 100 + 0 0, 50 2, 95 30, 95 70, 50 98, 0 100",  # D
        "90 0, 0 0!, 0 100!, 90 100 + 0 50, 70 50",  # E
        "0 0, 0 100 + 0 0, 90 0 + 0 48, 70 48",  # F
        "100 15, 60 0, 5 30, 5 70, 60 100, 100 80!, 100 55!, 60 55",  # G
        "0 0, 0 100 + 100 0, 100 100 + 0 50, 100 50",  # H
        "50 35, 50 100 + 48 0, 52 4",  # i, its dot apart
        "0 0, 0 100 + 95 0, 0 55!, 100 100",  # K
        "0 0, 0 100!, 90 100",  # L
        "0 100, 5 0!, 50 65!, 95 0!, 100 100",  # M
        "0 100, 0 0!, 100 100!, 100 0",  # N
        "0 0, 0 100 + 0 2, 60 0, 90 25, 60 50, 0 52",  # P
        "0 0, 0 100 + 0 2, 60 0, 90 25, 60 50, 0 52 + 30 52, 100 100",  # R
        "0 0, 100 0 + 50 0, 50 100",  # T
        "0 0, 0 70, 40 100, 90 75, 100 0 + 100 0, 100 100",  # u
        "0 0, 50 100!, 100 0",  # V
        "0 0, 25 100!, 50 20!, 75 100!, 100 0",  # W
        "0 0, 20 90, 50 95, 50 20, 55 90, 80 95, 100 0",  # a round w
        "10 0, 0 55, 20 100, 48 75, 50 30!, 55 80, 80 100, 100 50, 85 0",  # a fat w, as in copperplate
        "15 15, 30 0, 15 60, 30 100, 55 70, 60 20!, 60 75, 75 100, 95 60, 100 5",  # a leaning w with narrow turns
        "0 20, 20 5!, 20 80, 55 95, 85 5!, 80 90, 100 100",  # a written u
        "0 0, 100 100 + 100 0, 0 100",  # X
        "0 5, 28 10, 40 50, 28 90, 0 95 + 100 5, 72 10, 60 50, 72 90, 100 95",  # a round x, its halves apart
        "10 10, 30 0, 45 50, 60 95, 95 85 + 95 5, 50 50, 5 100",  # an x with a curl on one leg
        "0 40, 40 5, 55 20, 20 100 + 30 50, 100 55",  # a hurried x
        "0 0, 50 50 + 100 0, 50 50!, 50 100",  # Y
        "0 0, 50 55 + 100 0, 20 100",  # y
        "0 0, 10 45, 50 50, 90 40, 95 0 + 95 0, 90 80, 50 100, 5 88",  # a round y
        "5 5, 10 40, 45 45, 80 5!, 75 60, 50 98, 25 85, 50 65, 100 50",  # a y whose tail is a loop
        "0 10, 20 0, 20 42, 55 42, 85 0!, 80 70, 55 100, 35 88, 60 68, 100 55",  # a y with a lead-in and a loop
        "0 5, 15 45, 60 40, 85 0!, 70 70, 40 100, 30 85, 55 70",  # a y whose tail ends in a loop
        "0 0, 10 40, 55 42, 90 0!, 85 80, 70 100, 0 95",  # a y whose tail is flat, like an open 9's
        "0 0, 95 0!, 0 100!, 100 100 + 15 50, 85 50",  # a crossed Z
        "0 15, 5 0!, 95 0!, 0 100!, 95 100!, 100 85",  # Z, with serifs
        "0 12, 30 0, 55 12, 95 0!, 30 55!, 80 60, 65 95, 25 100, 15 85, 50 72, 100 75",  # a z whose tail is a loop
        "0 25, 25 5, 60 20, 100 0!, 0 95, 25 78, 60 100, 100 85",  # a z with waves for bars
        "90 25, 50 15, 5 45, 10 90, 50 95, 90 60, 90 20!, 100 100",  # a
        "10 20, 50 0, 90 20, 92 100 + 90 45, 40 45, 5 70, 30 98, 90 80",  # a, as printed
        "85 35, 40 30, 0 65, 40 100, 85 80 + 88 0, 88 100",  # d
        "0 60, 90 55, 80 20, 40 10, 5 50, 20 95, 60 100, 100 85",  # e
        "95 10, 60 0, 45 25, 45 100 + 10 40, 85 40",  # f
        "0 0, 0 100 + 0 60, 40 35, 85 50, 88 100",  # h
        "60 25, 65 80, 40 100, 0 90 + 58 0, 60 4",  # j
        "0 30, 0 100 + 0 50, 25 30, 45 50, 45 100 + 45 50, 75 30, 95 50, 95 100",  # m
        "0 30, 0 100 + 0 55, 45 30, 90 50, 92 100",  # n
        "0 30, 0 100 + 0 60, 40 32, 90 40",  # r
        "45 0, 45 80, 70 100, 100 90 + 0 30, 95 30",  # t
        "0 50, 100 50 + 50 0, 50 100",  # plus
        "0 50, 100 50",  # minus
        "0 30, 100 30 + 0 70, 100 70",  # equals
        "50 0, 50 100 + 7 25, 93 75 + 93 25, 7 75",  # asterisk
        "30 0, 20 100 + 80 0, 70 100 + 0 33, 100 30 + 0 70, 100 67",  # number sign
        "0 100, 100 0 + 10 0, 30 0, 30 20, 10 20, 10 0 + 70 80, 90 80, 90 100, 70 100, 70 80",  # per cent
        "0 20, 40 0, 90 20, 60 55, 50 70 + 50 95, 52 100",  # question mark
        "0 60, 35 100!, 100 0",  # tick
        "0 0, 90 0!, 90 100!, 0 100!, 0 0",  # an empty box
        "50 0, 100 95!, 0 95!, 50 0",  # triangle
        "30 30, 35 33 + 70 30, 72 33 + 10 60, 50 95, 90 60",  # a smile
        "35 0, 35 25 + 60 0, 60 25 + 5 90, 45 60, 95 85",  # a frown
        "50 0, 5 30, 5 70, 50 100, 95 70, 95 30, 50 0 + 30 35, 33 37 + 68 35, 70 37 + 30 65, 50 78, 70 65",  # a face
        "0 50, 100 50!, 70 20 + 100 50, 70 80",  # arrow
        "50 100, 0 40, 25 0, 50 25, 75 0, 100 40, 50 100",  # heart
        "0 20, 30 0, 60 20, 100 5 + 0 60, 30 40, 60 60, 100 45",  # two waves
    )
]


def outlier_shape(classes: tuple[str, ...]) -> int:
    """The kind of outliers, for `augment`, that is none of the classes.

    A class that is no digit may be that of struck-out cells. If it is a letter, few outliers look like it, beside many
    images of it.
    """
    return OUTLIER if set(classes) <= set(DIGIT_NAMES) else NEUTRAL_OUTLIER


def draw_outlier(glyphs: MatLike, rng: np.random.Generator, is_neutral: bool = False) -> Canvas:
    """Draw an outlier.

    Args:
        glyphs: uint8 (2, 28, 28), the digits to use if the outlier is two digits in one crop, or one that is framed or
            crossed out.
        rng: decides everything random.
        is_neutral: whether no scribbles, blots and crossed-out digits are drawn.

    Returns:
        uint8 (64, 64), ink bright on 0.
    """
    kind = rng.random()
    while is_neutral and (TWO_DIGITS_UP_TO <= kind < BLOTS_UP_TO or FRAMED_UP_TO <= kind < CROSSED_OUT_UP_TO):
        kind = rng.random()
    if kind < TWO_DIGITS_UP_TO:
        return _two_digits(glyphs, rng)
    if kind < SCRIBBLES_UP_TO:
        points = rng.random((int(rng.integers(*SCRIBBLE_POINTS)), 2)) * 100
        return draw_strokes([parse_stroke(", ".join(f"{x:.0f} {y:.0f}" for x, y in points))], rng)
    if kind < BLOTS_UP_TO:
        return _blot(rng)
    if kind < FORM_LINES_UP_TO:
        return _form_lines(rng)
    if kind < FRAMED_UP_TO:
        return _framed(glyphs[0], rng)
    if kind < CROSSED_OUT_UP_TO:
        return _crossed_out(glyphs[0], rng)
    return draw_strokes(LETTERS_AND_SIGNS[int(rng.integers(len(LETTERS_AND_SIGNS)))], rng)


def _two_digits(glyphs: MatLike, rng: np.random.Generator) -> Canvas:
    """Two digits side by side, as in a crop that is too wide."""
    canvas = np.zeros((CANVAS_SIDE, CANVAS_SIDE), np.uint8)
    width, height = int(rng.integers(24, 31)), int(rng.integers(34, 52))
    top = (CANVAS_SIDE - height) // 2
    for glyph, left in zip(glyphs, (CANVAS_SIDE // 2 - width, CANVAS_SIDE // 2), strict=True):
        canvas[top : top + height, left : left + width] = cv2.resize(glyph, (width, height))
    return canvas


def _blot(rng: np.random.Generator) -> Canvas:
    """A dot, a smear or a filled box."""
    canvas = np.zeros((CANVAS_SIDE, CANVAS_SIDE), np.uint8)
    middle = (CANVAS_SIDE // 2, CANVAS_SIDE // 2)
    axes = rng.integers(CANVAS_BOX // 4, CANVAS_BOX // 2, 2)
    cv2.ellipse(canvas, middle, (int(axes[0]), int(axes[1])), rng.uniform(0, 180), 0, 360, 255, -1)
    if rng.random() < 0.3:
        cv2.rectangle(canvas, (16, 16), (48, 48), 255, -1)
    return canvas


def _form_lines(rng: np.random.Generator) -> Canvas:
    """What is left of an empty cell: some sides of its box, once or twice, or the lines of a grid that cross."""
    size = CANVAS_BOX * np.array([rng.uniform(0.6, 1.0), rng.uniform(0.7, 1.0)])
    canvas = np.zeros((CANVAS_SIDE, CANVAS_SIDE), np.uint8)
    if rng.random() < 0.3:
        _draw_grid(canvas, size, rng)
        return canvas
    sides = SIDES_LEFT[int(rng.integers(len(SIDES_LEFT)))]
    _draw_sides(canvas, sides, size, rng)
    if rng.random() < 0.2:  # a doubled frame
        _draw_sides(canvas, sides, size * rng.uniform(0.6, 0.85), rng)
    return canvas


def _framed(glyph: MatLike, rng: np.random.Generator) -> Canvas:
    """A small digit with two sides of its box or more."""
    side = int(rng.integers(CANVAS_BOX // 2, CANVAS_BOX))  # of the glyph: its ink has 20/28 of that
    canvas = np.zeros((CANVAS_SIDE, CANVAS_SIDE), np.uint8)
    size = np.array([rng.uniform(0.8, 1.0), rng.uniform(0.9, 1.0)]) * CANVAS_BOX
    top, left = np.rint((CANVAS_SIDE - side) / 2 + rng.uniform(-3, 3, 2)).astype(int)
    canvas[top : top + side, left : left + side] = cv2.resize(glyph, (side, side), interpolation=cv2.INTER_AREA)
    _draw_sides(canvas, SIDES_OF_FRAMES[int(rng.integers(len(SIDES_OF_FRAMES)))], size, rng)
    return canvas


def _crossed_out(glyph: MatLike, rng: np.random.Generator) -> Canvas:
    """A digit under an X, under a zigzag or under a scribble; a single stroke would be a 0's slash or a 7's bar."""
    canvas = np.zeros((CANVAS_SIDE, CANVAS_SIDE), np.uint8)
    side = int(rng.integers(CANVAS_BOX, CANVAS_SIDE))
    start = (CANVAS_SIDE - side) // 2
    canvas[start : start + side, start : start + side] = cv2.resize(glyph, (side, side))
    kind = rng.random()
    if kind < 0.5:
        strokes = "-12 0, 112 100 + 112 0, -12 100"
    elif kind < 0.75:
        turns = np.linspace(0, 1, int(rng.integers(6, 11)))
        strokes = _stroke_text(np.stack([np.arange(len(turns)) % 2, turns], axis=1)[:, :: rng.choice([-1, 1])])
    else:
        strokes = _stroke_text(rng.random((int(rng.integers(12, 20)), 2)))
    over = draw_strokes([parse_stroke(stroke) for stroke in strokes.split(" + ")], rng, CROSSING_PENS)
    return np.maximum(canvas, over)


def _stroke_text(points: NDArray[np.float64]) -> str:
    """Points (n, 2) in the unit square in the notation of `parse_stroke`, on a box that is wider than a digit's."""
    return ", ".join(f"{124 * x - 12:.0f} {100 * y:.0f}" for x, y in points)


def _draw_sides(canvas: Canvas, sides: str, size: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Draw sides of a box in the middle of the canvas, in place.

    Args:
        canvas: uint8 (64, 64), ink bright on 0.
        sides: letters of the sides: t(op), b(ottom), l(eft), r(ight).
        size: width and height of the box in canvas pixels.
        rng: decides width, brightness, tilt and ends of each line.
    """
    left, top = (CANVAS_SIDE - size) / 2
    right, bottom = (CANVAS_SIDE + size) / 2
    ends = {
        "t": ((left, top), (right, top)),
        "b": ((left, bottom), (right, bottom)),
        "l": ((left, top), (left, bottom)),
        "r": ((right, top), (right, bottom)),
    }
    for side in sides:
        _draw_form_line(canvas, np.array(ends[side]), rng)


def _draw_grid(canvas: Canvas, size: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Draw lines that cross each other, in place, each way one or two; `size` is as for `_draw_sides`."""
    start, end = (CANVAS_SIDE - size) / 2, (CANVAS_SIDE + size) / 2
    for across in (0, 1):
        for low, high in [(0.35, 0.65)] if rng.random() < 0.5 else [(0.1, 0.4), (0.6, 0.9)]:
            line = np.array([start, end])
            line[:, across] = start[across] + rng.uniform(low, high) * size[across]
            _draw_form_line(canvas, line, rng)


def _draw_form_line(canvas: Canvas, ends: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Draw a straight line between two ends, float64 (2, 2), x before y, that reach a little too far or not far enough.

    The darker of the line and what is there already stays.
    """
    moved = ends + rng.normal(0, 1.2, (2, 2)) + (ends - ends[::-1]) * rng.uniform(-0.12, 0.12, (2, 1))
    line = np.zeros_like(canvas)
    start, end = (tuple(np.rint(np.clip(point, 5, CANVAS_SIDE - 6)).astype(int).tolist()) for point in moved)
    cv2.line(line, start, end, int(rng.integers(160, 256)), int(rng.integers(2, 6)), cv2.LINE_AA)
    np.maximum(canvas, line, out=canvas)
