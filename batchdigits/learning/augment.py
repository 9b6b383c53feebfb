"""Augmentation: turn MNIST's glyphs into glyphs of other writers, pens and scanners.

Each glyph goes onto a canvas of twice its resolution. Four steps follow: another stroke shape (`stroke_shapes`), the
hand (affine and elastic deformation), the pen (stroke width), and the scanner (stretched boxes, few pixels, hard edges,
blur). The result is framed as the normaliser frames a scan, and with the small errors that it makes there.
"""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.datasets.labelled import DIGIT_NAMES, OUTLIER
from batchdigits.datasets.pen import between
from batchdigits.learning.outliers import NEUTRAL_OUTLIER, draw_outlier
from batchdigits.learning.stroke_shapes import (
    CANVAS_BOX,
    CANVAS_SIDE,
    FITTING_INK_LEVEL,
    Canvas,
    add_missing_stroke,
    draw_digit,
)
from batchdigits.vision.framing import CENTRE, SIDE, frame

Glyphs = NDArray[np.uint8]
Floats = NDArray[np.float32]

NO_SHAPE = 10  # stands for a class that is not a digit: it has no known stroke shapes
CANVAS_SCALE = 2  # canvas pixels along a glyph pixel
CANVAS_MIDDLE = (CANVAS_SIDE - 1) / 2  # x and y of the middle, in canvas pixels
GLYPHS_AT_ONCE = 64  # glyphs that are deformed together: their maps, 2 MB, fit into the processor's cache
# Share of plain glyphs, which skip shape, pen and scanner (but for noise), and are stretched less: the network must not
# forget MNIST's own writers.
PLAIN_SHARE = 0.4

# Stroke shape, of glyphs that are not plain.
REDRAWN_SHARE = 0.25  # share that `draw_digit` draws anew
# For each digit, the share of the others that gets the stroke that American writers leave out: a guess of how common it
# is elsewhere.
ADDED_STROKE_SHARES = {0: 0.06, 1: 0.50, 7: 0.35, 9: 0.25}

# Hand.
MAX_ROTATION = 0.14  # radians either way, 8 degrees: the normaliser undoes slant but not rotation
MAX_SHEAR = 0.25  # tan(slant) either way: framing undoes it again, but not its effect on the box
STRETCH_DEVIATION, MAX_STRETCH = 0.22, 0.4  # logarithm of the change of width over height: standard deviation and bound
PLAIN_STRETCH_FACTOR = 0.4  # share of this logarithm that plain glyphs are stretched by
MAX_ELASTIC_SHIFT = 0.75  # glyph pixels that a node of the elastic grid may move: from 0.8 on, people misread digits
GRID_SIDE = 7  # nodes along the elastic grid: 4 glyph pixels apart, so that a stroke bends but does not break

# Pen.
MAX_LOG_WIDTH_CHANGE = 0.65  # logarithm of the change of the stroke's width: half to twice as wide
MIN_STROKE_WIDTH, MAX_STROKE_WIDTH = 1.0, 5.0  # glyph pixels: a finer stroke breaks, a bolder one fills an 8's loops

# Scanner: the share of the glyphs with each flaw, and the range of its degree.
FILLED_SHARE = 0.08  # stretched to fill their box, as in some collections
SMALL_SHARE, SMALL_SIDES = 0.25, (10.0, 22.0)  # few pixels, as in data sets of 16x16: side of the digit's box in pixels
BILEVEL_SHARE, BILEVEL_SIDES = 0.25, (16.0, 36.0)  # faxes and thresholded scans: side of the digit's box in pixels
BILEVEL_THRESHOLDS = (0.3, 0.55)  # position of the threshold between background (0) and ink (1)
BLURRED_SHARE, BLUR_DEVIATIONS = 0.20, (0.6, 1.7)  # out of focus: standard deviation in canvas pixels
NOISY_SHARE, NOISE_DEVIATIONS = 0.15, (4.0, 20.0)  # grain: standard deviation in grey levels

# Frame: the normaliser's. Specks and soft edges can make the box that it finds too large, or move it;
# half of the glyphs that are not plain get these errors.
FRAME_INK_LEVEL = 48  # grey levels from which a canvas pixel is ink; the normaliser cuts off the fainter halo, too
MAX_SHRINK = 0.2  # share of its size by which a digit is too small
MAX_SHIFT = 0.8  # glyph pixels by which its centre is off, either way

CROSS_KERNEL = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
DISC_KERNELS = [cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)) for radius in range(7)]

# The map of the pixels' origins is BASIS @ nodes @ BASIS.T. The first GRID_SIDE columns of the basis are the grid's
# cubic interpolation. The last two, 1 and the distance from the middle, carry the affine part in the same product.
_INTERPOLATION = cv2.resize(
    np.eye(GRID_SIDE, dtype=np.float32), (GRID_SIDE, CANVAS_SIDE), interpolation=cv2.INTER_CUBIC
)
_PLANE = np.stack([np.ones(CANVAS_SIDE), np.arange(CANVAS_SIDE) - CANVAS_MIDDLE], axis=1)
BASIS: Floats = np.hstack([_INTERPOLATION, _PLANE]).astype(np.float32)
BASIS_T: Floats = np.ascontiguousarray(BASIS.T)  # a copy, because matmul is slow on the transposed view


def augment(glyphs: Glyphs, shapes: NDArray[np.integer], rng: np.random.Generator) -> Glyphs:
    """Make a different glyph from each one, which a person still reads as the same digit.

    Args:
        glyphs: uint8 (N, 28, 28), as the normaliser frames them, ink bright on 0.
        shapes: integers (N,), the digit of each glyph, 0 to 9 (see `shapes_of`). A glyph marked OUTLIER is replaced by
            an outlier, one marked NEUTRAL_OUTLIER by one of some kinds only (see `outlier_shape`). A glyph marked
            NO_SHAPE keeps its stroke shape.
        rng: decides everything random; the same state gives the same glyphs.

    Returns:
        uint8 (N, 28, 28), in the same order and framing.
    """
    augmented = np.zeros_like(glyphs)
    for first in range(0, len(glyphs), GLYPHS_AT_ONCE):
        group = glyphs[first : first + GLYPHS_AT_ONCE]
        plain = rng.random(len(group)) < PLAIN_SHARE
        maps = _deformation_maps(plain, rng)
        width_factors = np.exp(rng.uniform(-MAX_LOG_WIDTH_CHANGE, MAX_LOG_WIDTH_CHANGE, len(group))).tolist()
        scanner_choices = rng.random((len(group), 4)).tolist()
        frame_errors = (rng.uniform(-1.0, 1.0, (len(group), 3)) * (MAX_SHRINK, MAX_SHIFT, MAX_SHIFT)).tolist()
        for index, glyph in enumerate(group):
            shape = int(shapes[first + index])
            if shape in (OUTLIER, NEUTRAL_OUTLIER):
                canvas = draw_outlier(group[[index - 1, index]], rng, shape == NEUTRAL_OUTLIER)
            else:
                canvas = _to_canvas(glyph) if plain[index] else _change_shape(glyph, shape, rng)
            canvas = cv2.remap(canvas, maps[index, 0], maps[index, 1], cv2.INTER_LINEAR)
            if plain[index]:
                augmented[first + index] = _frame(canvas)
            else:
                canvas = _scan(_change_stroke_width(canvas, width_factors[index]), *scanner_choices[index])
                augmented[first + index] = _frame(canvas, *frame_errors[index])
    _add_noise(augmented, rng)
    return augmented


def shapes_of(classes: tuple[str, ...]) -> NDArray[np.int64]:
    """The digit that each class stands for, int64 (C,); NO_SHAPE for a class that is not named like a digit."""
    return np.array([DIGIT_NAMES.index(name) if name in DIGIT_NAMES else NO_SHAPE for name in classes])


def _change_shape(glyph: MatLike, digit: int, rng: np.random.Generator) -> Canvas:
    """The glyph on a canvas, in some cases with another stroke shape of the same digit."""
    if rng.random() < REDRAWN_SHARE and digit in range(10):
        return draw_digit(digit, rng)
    canvas = _to_canvas(glyph)
    if digit in ADDED_STROKE_SHARES and rng.random() < ADDED_STROKE_SHARES[digit]:
        add_missing_stroke(canvas, digit, max(2, round(_stroke_width(canvas))), rng)
    return canvas


def _to_canvas(glyph: MatLike) -> Canvas:
    """The unchanged glyph on a canvas."""
    margin = (CANVAS_SIDE - CANVAS_SCALE * SIDE) // 2
    canvas = cv2.resize(glyph, None, None, CANVAS_SCALE, CANVAS_SCALE, cv2.INTER_LINEAR)
    return cv2.copyMakeBorder(canvas, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)


def _deformation_maps(plain: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """The origin of each pixel of the deformed canvases: float32 (N, 2, CANVAS_SIDE, CANVAS_SIDE), x before y."""
    count = len(plain)
    angle = rng.uniform(-MAX_ROTATION, MAX_ROTATION, count)
    shear = rng.uniform(-MAX_SHEAR, MAX_SHEAR, count)
    stretch = np.clip(rng.normal(0.0, STRETCH_DEVIATION, count), -MAX_STRETCH, MAX_STRETCH)
    stretch[plain] *= PLAIN_STRETCH_FACTOR
    # One side shrinks, because the other must not grow off the canvas. Framing restores the size.
    wide, high = np.exp(np.maximum(stretch, 0.0)), np.exp(np.maximum(-stretch, 0.0))
    cos, sin = np.cos(angle), np.sin(angle)
    nodes = np.zeros((count, 2, GRID_SIDE + 2, GRID_SIDE + 2), np.float32)
    shift = MAX_ELASTIC_SHIFT * CANVAS_SCALE
    nodes[:, :, :GRID_SIDE, :GRID_SIDE] = rng.uniform(-shift, shift, (count, 2, GRID_SIDE, GRID_SIDE))
    nodes[:, :, -2, -2] = CANVAS_MIDDLE
    nodes[:, 0, -2, -1], nodes[:, 0, -1, -2] = cos * wide, (shear * cos - sin) * high
    nodes[:, 1, -2, -1], nodes[:, 1, -1, -2] = sin * wide, (shear * sin + cos) * high
    return np.asarray(BASIS @ nodes @ BASIS_T, np.float32)


def _stroke_width(canvas: Canvas) -> float:
    """Mean width of the strokes in canvas pixels: their area over half of their outline."""
    _, ink = cv2.threshold(canvas, FITTING_INK_LEVEL, 1, cv2.THRESH_BINARY)
    area = cv2.countNonZero(ink)
    return 2.0 * area / max(1, area - cv2.countNonZero(cv2.erode(ink, CROSS_KERNEL)))


def _change_stroke_width(canvas: Canvas, factor: float) -> Canvas:
    """Multiply the width of the strokes by a factor, within MIN_STROKE_WIDTH and MAX_STROKE_WIDTH."""
    width = _stroke_width(canvas)
    wanted = min(max(width * factor, MIN_STROKE_WIDTH * CANVAS_SCALE), max(MAX_STROKE_WIDTH * CANVAS_SCALE, width))
    change = cv2.dilate if wanted > width else cv2.erode
    radius = min(abs(wanted - width) / 2, len(DISC_KERNELS) - 2)
    whole = int(radius)
    # Discs have whole radii. A blend of two stands for a radius between them, and has a soft edge.
    less, more = change(canvas, DISC_KERNELS[whole]), change(canvas, DISC_KERNELS[whole + 1])
    return cv2.addWeighted(less, 1.0 + whole - radius, more, radius - whole, 0.0)


def _scan(canvas: Canvas, flaw: float, degree: float, threshold: float, fill: float) -> Canvas:
    """Give the canvas the flaws of a scanner; its size may change. Four numbers, uniform in [0, 1), choose them."""
    if fill < FILLED_SHARE:
        canvas = _fill_box(canvas, fill / FILLED_SHARE)
    if flaw < SMALL_SHARE:
        return _shrink(canvas, between(SMALL_SIDES, degree))
    if flaw < SMALL_SHARE + BILEVEL_SHARE:
        small = _shrink(canvas, between(BILEVEL_SIDES, degree))
        level = between(BILEVEL_THRESHOLDS, threshold) * int(small.max())
        return cv2.threshold(small, level, 255, cv2.THRESH_BINARY)[1]
    if flaw < SMALL_SHARE + BILEVEL_SHARE + BLURRED_SHARE:
        return cv2.GaussianBlur(canvas, (0, 0), between(BLUR_DEVIATIONS, degree))
    return canvas


def _shrink(canvas: Canvas, side: float) -> Canvas:
    """Scale the canvas down until the digit's box is `side` pixels long."""
    size = round(side * CANVAS_SIDE / CANVAS_BOX)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)


def _fill_box(canvas: Canvas, share: float) -> Canvas:
    """Stretch the digit's short side by a share (0-1) of its difference to the long side."""
    x, y, width, height = cv2.boundingRect(cv2.threshold(canvas, FRAME_INK_LEVEL, 1, cv2.THRESH_BINARY)[1])
    if width == 0:
        return canvas
    side = max(width, height)
    size = (round(width + share * (side - width)), round(height + share * (side - height)))
    box = cv2.resize(canvas[y : y + height, x : x + width], size, interpolation=cv2.INTER_LINEAR)
    left, top = (CANVAS_SIDE - size[0]) // 2, (CANVAS_SIDE - size[1]) // 2
    right, bottom = CANVAS_SIDE - size[0] - left, CANVAS_SIDE - size[1] - top
    return cv2.copyMakeBorder(box, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)


def _frame(canvas: Canvas, shrink: float = 0.0, right: float = 0.0, down: float = 0.0) -> MatLike:
    """Frame as the normaliser does; a `shrink` over 0 also makes the glyph smaller by that share, and moves it."""
    _, ink = cv2.threshold(canvas, FRAME_INK_LEVEL, 0, cv2.THRESH_TOZERO)
    if not cv2.countNonZero(ink):
        return np.zeros((SIDE, SIDE), np.uint8)
    glyph = frame(np.asarray(ink, np.uint8), deslant=True)
    if shrink <= 0.0:
        return glyph
    size = 1.0 - shrink
    move = np.array([[size, 0.0, CENTRE * shrink + right], [0.0, size, CENTRE * shrink + down]])
    return cv2.warpAffine(glyph, move, (SIDE, SIDE), flags=cv2.INTER_LINEAR)


def _add_noise(glyphs: Glyphs, rng: np.random.Generator) -> None:
    """Add grain to the ink of some glyphs, in place. The normaliser removes it from the background."""
    noisy = np.flatnonzero(rng.random(len(glyphs)) < NOISY_SHARE)
    noise = rng.standard_normal((len(noisy), SIDE, SIDE), dtype=np.float32)
    noise *= rng.uniform(*NOISE_DEVIATIONS, (len(noisy), 1, 1)).astype(np.float32)
    grained = np.clip(glyphs[noisy] + noise, 0, 255)
    glyphs[noisy] = np.where(glyphs[noisy] > 0, grained, 0).astype(np.uint8)
