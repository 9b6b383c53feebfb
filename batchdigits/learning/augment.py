"""Turn MNIST's glyphs into those of other writers, pens and scanners.

A glyph is put on a canvas twice as fine. There its form changes (`forms`), then the hand (affine and elastic
deformation), the pen (stroke width) and the scanner (stretched boxes, few pixels, hard edges, blur). What comes out is
framed as the normaliser frames every scan, give or take a little, because that is how the network will meet it.
"""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.learning.outliers import OUTLIER, draw_outlier
from batchdigits.learning.stroke_shapes import BOX, CANVAS, INK, Canvas, adorn, draw
from batchdigits.vision.framing import CENTRE, SIDE, frame

Glyphs = NDArray[np.uint8]
Floats = NDArray[np.float32]

DIGITS, NO_FORM = tuple("0123456789"), 10
SCALE = 2  # canvas pixels to a glyph pixel
MIDDLE = (CANVAS - 1) / 2  # of the canvas, as an index of pixels
BATCH = 64  # glyphs deformed at once: their maps, 2 MB, stay in the cache
PLAIN = 0.4  # of the glyphs keep form, pen and scanner, and most of their width: MNIST's writers are writers, too

# Form: how many are drawn anew, and how many of the others get the stroke that their American form lacks.
DRAWN = 0.25
ADORNED = {0: 0.06, 1: 0.50, 7: 0.35, 9: 0.25}  # as common as these forms are outside of America, at a guess

# Hand.
ROTATION = 0.14  # radians either way, 8 degrees: the normaliser undoes slant but not rotation
SHEAR = 0.25  # tan(slant) either way: the frame undoes it again, but not what it did to the box
STRETCH, MOST_STRETCH = 0.22, 0.4  # logarithm of width over height: standard deviation and bound
PLAIN_STRETCH = 0.4  # part of that for plain glyphs
ELASTIC = 0.75  # glyph pixels that a node of the elastic grid moves at most: from 0.8 on, people misread
GRID = 7  # nodes along the grid's side: 4 glyph pixels apart, so that a stroke bends but does not break

# Pen.
THICKEN = 0.65  # most change of the logarithm of the stroke's width: half as wide to twice as wide
FINEST, BOLDEST = 1.0, 5.0  # glyph pixels: a finer stroke breaks, a bolder one fills the rings of an 8

# Scanner: how many glyphs have each flaw, and how bad it is.
FILLED = 0.08  # stretched to fill their box, as some collections have them
SMALL, SMALL_SIDES = 0.25, (10.0, 22.0)  # originals of few pixels, as in sets of 16x16: pixels along the box
BILEVEL, BILEVEL_SIDES = 0.25, (16.0, 36.0)  # faxes and thresholded scans, with jagged edges when scaled up
CUTS = (0.3, 0.55)  # where between paper and ink the threshold lay
BLURRED, BLURS = 0.20, (0.6, 1.7)  # out of focus: standard deviation in canvas pixels
NOISY, NOISES = 0.15, (4.0, 20.0)  # grain: standard deviation in grey levels

# Frame: the normaliser's; but specks and soft edges can make the box that it finds too large, or put it off its place.
FAINT = 48  # grey levels under which a canvas pixel is no ink: the halo of scaling up, which the normaliser cuts off
SHRUNKEN = 0.2  # how much smaller than its box a digit gets at most
SHIFTED = 0.8  # glyph pixels that its centre moves at most, either way

CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
DISCS = [cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)) for radius in range(7)]

# A map of where pixels come from is BASIS @ nodes @ BASIS.T. The first GRID columns of the basis are the grid's cubic
# interpolation; the last two, 1 and the distance from the middle, carry the affine part through the same product.
_INTERPOLATION = cv2.resize(np.eye(GRID, dtype=np.float32), (GRID, CANVAS), interpolation=cv2.INTER_CUBIC)
_PLANE = np.stack([np.ones(CANVAS), np.arange(CANVAS) - MIDDLE], axis=1)
BASIS: Floats = np.hstack([_INTERPOLATION, _PLANE]).astype(np.float32)
BASIS_T: Floats = np.ascontiguousarray(BASIS.T)  # copied: matmul on the view takes several times as long


def augment(glyphs: Glyphs, labels: NDArray[np.integer], rng: np.random.Generator) -> Glyphs:
    """Make of each glyph another one, which a person still reads as the same digit.

    Args:
        glyphs: uint8 (N, 28, 28), as the normaliser frames them, ink bright on dark.
        labels: integers (N,), the digits 0 to 9; OUTLIER for a glyph to be replaced by what is no digit; others are
            deformed and scanned, but no form is drawn for them.
        rng: where every choice comes from; the same state gives the same glyphs.

    Returns:
        uint8 (N, 28, 28), in the same order and framing.
    """
    augmented = np.zeros_like(glyphs)
    for first in range(0, len(glyphs), BATCH):
        some = glyphs[first : first + BATCH]
        plain = rng.random(len(some)) < PLAIN
        maps = _maps(plain, rng)
        pens = np.exp(rng.uniform(-THICKEN, THICKEN, len(some))).tolist()
        scanners = rng.random((len(some), 4)).tolist()
        frames = (rng.uniform(-1.0, 1.0, (len(some), 3)) * (SHRUNKEN, SHIFTED, SHIFTED)).tolist()
        for index, glyph in enumerate(some):
            label = int(labels[first + index])
            if label == OUTLIER:
                canvas = draw_outlier(some[[index - 1, index]], rng)
            else:
                canvas = _lay(glyph) if plain[index] else _form(glyph, label, rng)
            canvas = cv2.remap(canvas, maps[index, 0], maps[index, 1], cv2.INTER_LINEAR)
            if plain[index]:
                augmented[first + index] = _frame(canvas)
            else:
                canvas = _scan(_change_pen(canvas, pens[index]), *scanners[index])
                augmented[first + index] = _frame(canvas, *frames[index])
    _add_noise(augmented, rng)
    return augmented


def forms_of(classes: tuple[str, ...]) -> NDArray[np.int64]:
    """The digit that each class is, int64 (C,); NO_FORM for one by another name, of which nobody knows other forms."""
    return np.array([DIGITS.index(name) if name in DIGITS else NO_FORM for name in classes])


def _form(glyph: MatLike, label: int, rng: np.random.Generator) -> Canvas:
    """The glyph on a canvas, or another form of the same digit."""
    if rng.random() < DRAWN and label in range(10):
        return draw(label, rng)
    canvas = _lay(glyph)
    if label in ADORNED and rng.random() < ADORNED[label]:
        adorn(canvas, label, max(2, round(_stroke_width(canvas))), rng)
    return canvas


def _lay(glyph: MatLike) -> Canvas:
    """The glyph on a canvas, as it is."""
    edge = (CANVAS - SCALE * SIDE) // 2
    canvas = cv2.resize(glyph, None, None, SCALE, SCALE, cv2.INTER_LINEAR)
    return cv2.copyMakeBorder(canvas, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=0)


def _maps(plain: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Where each pixel of the deformed canvases comes from: float32 (N, 2, CANVAS, CANVAS), x before y."""
    count = len(plain)
    angle = rng.uniform(-ROTATION, ROTATION, count)
    shear = rng.uniform(-SHEAR, SHEAR, count)
    stretch = np.clip(rng.normal(0.0, STRETCH, count), -MOST_STRETCH, MOST_STRETCH)
    stretch[plain] *= PLAIN_STRETCH
    # One side shrinks instead of the other growing, off the canvas: the frame makes up for the size.
    wide, high = np.exp(np.maximum(stretch, 0.0)), np.exp(np.maximum(-stretch, 0.0))
    cos, sin = np.cos(angle), np.sin(angle)
    nodes = np.zeros((count, 2, GRID + 2, GRID + 2), np.float32)
    nodes[:, :, :GRID, :GRID] = rng.uniform(-ELASTIC * SCALE, ELASTIC * SCALE, (count, 2, GRID, GRID))
    nodes[:, :, -2, -2] = MIDDLE
    nodes[:, 0, -2, -1], nodes[:, 0, -1, -2] = cos * wide, (shear * cos - sin) * high
    nodes[:, 1, -2, -1], nodes[:, 1, -1, -2] = sin * wide, (shear * sin + cos) * high
    return np.asarray(BASIS @ nodes @ BASIS_T, np.float32)


def _stroke_width(canvas: Canvas) -> float:
    """Mean width of the strokes in canvas pixels: their area over half of their outline."""
    _, ink = cv2.threshold(canvas, INK, 1, cv2.THRESH_BINARY)
    area = cv2.countNonZero(ink)
    return 2.0 * area / max(1, area - cv2.countNonZero(cv2.erode(ink, CROSS)))


def _change_pen(canvas: Canvas, factor: float) -> Canvas:
    """Make the strokes wider or finer by a factor, as far as the digit allows."""
    width = _stroke_width(canvas)
    wanted = min(max(width * factor, FINEST * SCALE), max(BOLDEST * SCALE, width))
    change = cv2.dilate if wanted > width else cv2.erode
    radius = min(abs(wanted - width) / 2, len(DISCS) - 2)
    whole = int(radius)
    # Discs have whole radii; a blend of two is what lies between, and has a soft edge.
    less, more = change(canvas, DISCS[whole]), change(canvas, DISCS[whole + 1])
    return cv2.addWeighted(less, 1.0 + whole - radius, more, radius - whole, 0.0)


def _scan(canvas: Canvas, flaw: float, degree: float, cut: float, fill: float) -> Canvas:
    """What a scanner makes of the canvas, in a size of its own; the choices are uniform in [0, 1)."""
    if fill < FILLED:
        canvas = _fill(canvas, fill / FILLED)
    if flaw < SMALL:
        return _shrink(canvas, _between(SMALL_SIDES, degree))
    if flaw < SMALL + BILEVEL:
        small = _shrink(canvas, _between(BILEVEL_SIDES, degree))
        return cv2.threshold(small, _between(CUTS, cut) * int(small.max()), 255, cv2.THRESH_BINARY)[1]
    if flaw < SMALL + BILEVEL + BLURRED:
        return cv2.GaussianBlur(canvas, (0, 0), _between(BLURS, degree))
    return canvas


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


def _shrink(canvas: Canvas, side: float) -> Canvas:
    """Scale down to so many pixels along the digit's box."""
    size = round(side * CANVAS / BOX)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)


def _fill(canvas: Canvas, share: float) -> Canvas:
    """Stretch the digit's short side by a share of what it lacks to its long side."""
    x, y, width, height = cv2.boundingRect(cv2.threshold(canvas, FAINT, 1, cv2.THRESH_BINARY)[1])
    if width == 0:
        return canvas
    side = max(width, height)
    size = (round(width + share * (side - width)), round(height + share * (side - height)))
    box = cv2.resize(canvas[y : y + height, x : x + width], size, interpolation=cv2.INTER_LINEAR)
    left, top = (CANVAS - size[0]) // 2, (CANVAS - size[1]) // 2
    right, bottom = CANVAS - size[0] - left, CANVAS - size[1] - top
    return cv2.copyMakeBorder(box, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)


def _frame(canvas: Canvas, shrink: float = 0.0, right: float = 0.0, down: float = 0.0) -> MatLike:
    """Frame as the normaliser does; with a `shrink` over 0, a little too small and off the centre."""
    _, ink = cv2.threshold(canvas, FAINT, 0, cv2.THRESH_TOZERO)
    if not cv2.countNonZero(ink):
        return np.zeros((SIDE, SIDE), np.uint8)
    glyph = frame(np.asarray(ink, np.uint8), deslant=True)
    if shrink <= 0.0:
        return glyph
    size = 1.0 - shrink
    move = np.array([[size, 0.0, CENTRE * shrink + right], [0.0, size, CENTRE * shrink + down]])
    return cv2.warpAffine(glyph, move, (SIDE, SIDE), flags=cv2.INTER_LINEAR)


def _add_noise(glyphs: Glyphs, rng: np.random.Generator) -> None:
    """Grain the ink of some glyphs, in place; from the paper the normaliser takes it away."""
    noisy = np.flatnonzero(rng.random(len(glyphs)) < NOISY)
    noise = rng.standard_normal((len(noisy), SIDE, SIDE), dtype=np.float32)
    noise *= rng.uniform(*NOISES, (len(noisy), 1, 1)).astype(np.float32)
    grained = np.clip(glyphs[noisy] + noise, 0, 255)
    glyphs[noisy] = np.where(glyphs[noisy] > 0, grained, 0).astype(np.uint8)
