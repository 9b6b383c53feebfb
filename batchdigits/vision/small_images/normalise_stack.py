"""Normalise a stack of small scans of one shape: the same candidates as `propose`, byte for byte.

Plain scans are normalised together, on one array. A plain scan has one sure polarity, and ink that is distinct from a
background without grain. `propose` gets the others, one by one.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.vision.artifacts import find_digits, lies_along_edge
from batchdigits.vision.components import MIN_SMALL_FRAME_SHARE, components_of, join_faint, may_be_lines
from batchdigits.vision.contrast import MIN_CONTRAST
from batchdigits.vision.cut_out import MIN_DIGIT_SIDE
from batchdigits.vision.framing import (
    BOX,
    BOX_TOLERANCE,
    CENTRE,
    IDENTITY,
    MAX_SLANT,
    MAX_STROKE,
    MIN_SLANT,
    MIN_STROKE,
    SIDE,
    adjust_stroke_width,
    frame,
    place_in_glyph,
)
from batchdigits.vision.grey import Scans
from batchdigits.vision.illumination import OTSU
from batchdigits.vision.normalise import Candidates, Ink, propose
from batchdigits.vision.polarity import CLEAR_AREA_LEAD, even_polarities
from batchdigits.vision.ticks import find_ticks

MAX_SIDE = MIN_DIGIT_SIDE - 1  # pixels of a small scan's longer side: too few to look for shadows or ruled lines
CERTAIN = (1.0,)  # the prior of an only candidate
MIN_STACK = 8  # scans: for fewer, the arrays cost more than they save

# A padded scan has one more row or column of background on each side.
Flags = NDArray[np.bool_]  # (N,)
Boxes = NDArray[np.int64]  # (N, 4): x, y, width and height of each
Numbers = NDArray[np.float64]


def normalise_stack(scans: Scans, ink: Ink = "auto", *, deslant: bool = True) -> list[Candidates]:
    """Do what `propose` does to each scan of a stack.

    Args:
        scans: grey, uint8 (N, H, W), H and W at most `MAX_SIDE`.
        ink: as for `propose`.
        deslant: as for `propose`.

    Returns:
        For each scan, in order, what `propose` returns for it.
    """
    if len(scans) < MIN_STACK:
        return [propose(scan, ink, deslant=deslant) for scan in scans]
    is_inverted = _sums(scans) * (1.0 / scans[0].size) > 127.5
    padded = _pad(scans, is_inverted)
    masks = _masks(padded)
    is_plain = _ink_is_light(masks) if ink == "auto" else is_inverted == (ink == "dark")
    is_plain &= _stretch_contrast(padded)
    _remove_artifacts(masks, padded, is_plain)
    is_plain &= _sums(masks) > 255  # more than a dot
    inks = padded & _dilated(masks)
    boxes = _boxes(inks)
    _leave_out_lines(masks, boxes, is_plain)
    is_short = is_plain & (_lengths(boxes) < BOX)
    is_usual = is_plain & ~is_short
    _adjust_stroke_widths(inks, boxes, is_usual)
    candidates = [Candidates()] * len(scans)
    if is_usual.any():
        for index, glyph in zip(
            np.flatnonzero(is_usual).tolist(), _glyphs(inks[is_usual], boxes[is_usual], deslant), strict=True
        ):
            candidates[index] = Candidates((glyph,), CERTAIN)
    for index in np.flatnonzero(~is_usual).tolist():
        if is_short[index]:
            candidates[index] = Candidates((frame(inks[index], deslant=deslant),), CERTAIN)
        else:
            candidates[index] = propose(scans[index], ink, deslant=deslant)
    return candidates


def _sums(pictures: Scans) -> NDArray[np.int32]:
    """The sum of the pixels of each picture."""
    lines = pictures.reshape(len(pictures), -1)
    sums: NDArray[np.int32] = np.asarray(cv2.reduce(lines, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()
    return sums  # OpenCV takes a tenth of the time of NumPy


def _pad(scans: Scans, is_inverted: Flags) -> Scans:
    """Invert scans where light prevails, and pad each with background.

    In memory, neighbours in any direction are then a fixed distance apart.
    """
    count, height, width = scans.shape
    padded = np.zeros((count, height + 2, width + 2), np.uint8)
    inverse = np.where(is_inverted, np.uint8(255), np.uint8(0))
    np.bitwise_xor(scans, inverse[:, None, None], out=padded[:, 1:-1, 1:-1])
    return padded


def _masks(padded: Scans) -> Scans:
    """The masks of the lighter sides of Otsu's threshold."""
    masks = np.zeros_like(padded)
    for scan, mask in zip(padded[:, 1:-1, 1:-1], masks[:, 1:-1, 1:-1], strict=True):
        cv2.threshold(scan, 0, 255, OTSU, mask)
    return masks


def _ink_is_light(masks: Scans) -> Flags:
    """For which scans light ink is the only answer of `polarity.even_polarities`."""
    _, height, width = masks.shape
    area = 1.0 - 2.0 * (_sums(masks) // 255) / ((height - 2) * (width - 2))
    touches = masks[:, (1, -2)].any(axis=(1, 2)) | masks[:, :, (1, -2)].any(axis=(1, 2))
    light: Flags = ~touches & (area > CLEAR_AREA_LEAD)
    for index in np.flatnonzero(~light):
        light[index] = even_polarities(masks[index, 1:-1, 1:-1]) == (True,)
    return light


def _remove_artifacts(masks: Scans, padded: Scans, is_plain: Flags) -> None:
    """Remove the artifacts of those masks that have several components, in place.

    Clears `is_plain` where a component may be a printed line, or where it is not sure which ones are the digit.
    """
    labels = cv2.connectedComponents(masks.reshape(-1, masks.shape[2]))[1].reshape(len(masks), -1).view(np.uint32)
    most = labels.max(axis=1)
    labels -= np.uint32(1)  # the background, which was 0, now has the highest label
    for index in np.flatnonzero(is_plain & (labels.min(axis=1) + np.uint32(1) < most)):
        mask = masks[index, 1:-1, 1:-1]
        joined, parts = join_faint(padded[index, 1:-1, 1:-1], mask, components_of(mask))
        may_be_cell = may_be_lines(parts, *mask.shape) or find_ticks(parts) is not None
        digits = [] if may_be_cell else find_digits(joined, parts)
        is_plain[index] = len(digits) == 1
        if is_plain[index]:
            mask[:] = digits[0].mask


def _leave_out_lines(masks: Scans, boxes: Boxes, is_plain: Flags) -> None:
    """Clear `is_plain` where ink may be a printed line, or the rest of one along an edge; `boxes` are of the ink."""
    _, rows, columns = masks.shape
    rows, columns = rows - 2, columns - 2
    x, y, width, height = boxes.T
    touches = (x <= 1) | (y <= 1) | (x + width > columns) | (y + height > rows)
    is_large = (width >= MIN_SMALL_FRAME_SHARE * columns) & (height >= MIN_SMALL_FRAME_SHARE * rows)
    for index in np.flatnonzero(is_plain & (touches | is_large)):
        box = cv2.boundingRect(masks[index, 1:-1, 1:-1])
        is_plain[index] = not (may_be_lines(box, rows, columns) or lies_along_edge(box, rows, columns))


def _stretch_contrast(padded: Scans) -> Flags:
    """Set the ink's peak to 255, in place. Returns for which scans `contrast.stretch_contrast` does no more."""
    _, height, width = padded.shape
    peaks = padded.max(axis=(1, 2))
    for index in np.flatnonzero((peaks < 255) & (peaks > 0)):
        cv2.addWeighted(padded[index], 255.0 / peaks[index], padded[index], 0.0, 0.0, padded[index])
    is_done: Flags = (2 * _sums((padded > 0).view(np.uint8)) < (height - 2) * (width - 2)) & (peaks >= MIN_CONTRAST)
    return is_done


def _dilated(masks: Scans) -> Scans:
    """Dilate every mask by a pixel all around; this overwrites the padding."""
    row = masks.shape[2]
    line = masks.ravel()
    wide = line.copy()
    _spread(line, wide, 1)
    high = wide.copy()
    _spread(wide, high, row)
    return high.reshape(masks.shape)


def _spread(line: Scans, wide: Scans, step: int) -> None:
    """Raise each pixel of `wide`, in place, to those of `line` that lie `step` before and after it."""
    np.maximum(wide[step:], line[:-step], out=wide[step:])
    np.maximum(wide[:-step], line[step:], out=wide[:-step])


def _boxes(inks: Scans) -> Boxes:
    """The bounding box of each picture's ink."""
    count, rows, columns = inks.shape
    # With the scans as the last axis, NumPy works along all of them and not along short rows.
    transposed = cv2.transpose(inks.reshape(count, -1)).reshape(rows, columns, count)
    ends = []
    for axis in (0, 1):
        some = transposed.max(axis=axis) > 0
        first = some.argmax(axis=0)
        ends.append((first, len(some) - some[::-1].argmax(axis=0) - first))
    (x, width), (y, height) = ends
    return np.stack((x, y, width, height), axis=1)


def _lengths(boxes: Boxes) -> NDArray[np.int64]:
    """The longer side of each box, at least 1."""
    lengths: NDArray[np.int64] = boxes[:, 2:].max(axis=1).clip(min=1)
    return lengths


def _adjust_stroke_widths(inks: Scans, boxes: Boxes, is_usual: Flags) -> None:
    """Adjust strokes in place, as `framing.frame` does. Clears `is_usual` where the result does not fit its picture."""
    _, rows, columns = inks.shape
    strokes = _strokes(inks, boxes)
    changes = (MIN_STROKE - strokes) * _lengths(boxes) / BOX / 2.0
    is_thin = is_usual & (changes > 0.0) & (changes <= 1.0)  # and a radius of one pixel is enough
    if is_thin.any():
        inks[is_thin], boxes[is_thin] = _widened(inks[is_thin], boxes[is_thin], changes[is_thin])
    for index in np.flatnonzero(is_usual & ~is_thin & ((strokes < MIN_STROKE) | (strokes > MAX_STROKE))):
        x, y, width, height = boxes[index].tolist()
        digit = adjust_stroke_width(inks[index, y : y + height, x : x + width].copy(), strokes[index])
        height, width = digit.shape
        is_usual[index] = height <= rows and width <= columns
        if is_usual[index]:
            inks[index] = 0
            inks[index, :height, :width] = digit
            boxes[index] = 0, 0, width, height


def _widened(inks: Scans, boxes: Boxes, changes: Numbers) -> tuple[Scans, Boxes]:
    """Inks with strokes wider by up to a pixel on either side, and their boxes, as of `framing.adjust_stroke_width`."""
    row = inks.shape[2]
    line = inks.ravel()
    wide = line.copy()
    _spread(line, wide, 1)
    _spread(line, wide, row)
    for ink, changed, (x, y, width, height), change in zip(
        inks, wide.reshape(inks.shape), boxes.tolist(), changes.tolist(), strict=True
    ):
        cv2.addWeighted(ink, 1.0 - change, changed, change, 0.0, ink)
        if height + 2 > max(width, height):
            ink[y - 1] = ink[y + height] = 0
        if width + 2 > max(width, height):
            ink[:, x - 1] = ink[:, x + width] = 0
    return inks, _boxes(inks)


def _strokes(inks: Scans, boxes: Boxes) -> Numbers:
    """Stroke widths in pixels of a glyph, as `framing.stroke_width` measures them."""
    row = inks.shape[2]
    line = inks.ravel()
    steps = np.zeros((2, line.size), np.uint8)
    cv2.absdiff(line[1:], line[:-1], steps[0, 1:])
    cv2.absdiff(line[row:], line[:-row], steps[1, row:])
    total = _sums(steps[0].reshape(inks.shape)) + _sums(steps[1].reshape(inks.shape))
    widths = 2.0 * _sums(inks) * (4.0 / math.pi) / np.maximum(total, 1.0)
    strokes: Numbers = widths * BOX / _lengths(boxes)
    return strokes


def _glyphs(inks: Scans, boxes: Boxes, deslant: bool) -> Scans:
    """Make the glyphs of ink whose strokes are adjusted, as `framing.frame` does."""
    m00, m10, m01, m11, m02 = _moments(inks, boxes)
    x, y = m10 / m00, m01 / m00
    if deslant:
        inks, boxes, x, y = _upright(inks, boxes, _slants(m00, m10, m01, m11, m02), x, y)
    margins = SIDE - boxes[:, 2:]
    lefts, tops = np.rint(CENTRE - np.stack((x, y))).clip(0, margins.T).astype(int)
    lengths = _lengths(boxes)
    fits_box = (lengths >= BOX) & (lengths <= BOX + BOX_TOLERANCE)
    glyphs = np.zeros((len(inks), SIDE, SIDE), np.uint8)
    for index, (glyph, ink, (x0, y0, width, height), left, top, is_placed_unscaled) in enumerate(
        zip(glyphs, inks, boxes.tolist(), lefts.tolist(), tops.tolist(), fits_box.tolist(), strict=True)
    ):
        digit = ink[y0 : y0 + height, x0 : x0 + width]
        if is_placed_unscaled:
            glyph[top : top + height, left : left + width] = digit
        else:
            glyph[:] = place_in_glyph(digit, x[index], y[index])
    return glyphs


def _upright(
    inks: Scans, boxes: Boxes, slants: Numbers, x: Numbers, y: Numbers
) -> tuple[Scans, Boxes, Numbers, Numbers]:
    """Shear the rows of each picture, as `framing.frame` does, into the corner of a picture large enough for all.

    Returns:
        The pictures, the ink's boxes, and the centres of mass (x, y) within those.
    """
    _, _, widths, heights = boxes.T
    shears = slants.clip(-MAX_SLANT, MAX_SLANT)
    shears[np.abs(shears) < MIN_SLANT] = 0.0  # such a shear changes no pixel
    pads = np.ceil(np.abs(shears) * heights).astype(int) + 1
    affines = np.repeat(IDENTITY[None], len(inks), axis=0)
    affines[:, 0, 1], affines[:, 0, 2] = -shears, pads + shears * y
    wides = widths + 2 * pads
    upright = np.zeros((len(inks), heights.max(), wides.max()), np.uint8)
    for ink, affine, (left, top, width, height), wide, sheared in zip(
        inks, affines, boxes.tolist(), wides.tolist(), upright, strict=True
    ):
        cut = ink[top : top + height, left : left + width]
        cv2.warpAffine(cut, affine, (wide, height), sheared[:height, :wide])
    boxes = _boxes(upright)
    return upright, boxes, x + pads - boxes[:, 0], y - boxes[:, 1]


def _slants(m00: Numbers, m10: Numbers, m01: Numbers, m11: Numbers, m02: Numbers) -> Numbers:
    """The slant of each picture, rounded as by `cv2.moments`."""
    centre = m01 * (1.0 / m00)
    mu11, mu02 = m11 - m10 * centre, m02 - m01 * centre
    slants: Numbers = np.divide(mu11, mu02, out=np.zeros_like(mu11), where=mu02 > 0)
    return slants


def _moments(inks: Scans, boxes: Boxes) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
    """The moments m00, m10, m01, m11 and m02 of each picture about its box's corner."""
    _, rows, columns = inks.shape
    lines = inks.astype(np.float32).reshape(-1, columns)
    powers_of_y = np.vander(np.arange(rows, dtype=np.float64), 3, increasing=True)
    # Sums along rows are below 2^24, and so exact in float32; products of them are exact in float64.
    (m00, m01, m02), (m10, m11, _) = (
        ((lines @ power_of_x).reshape(-1, rows).astype(np.float64) @ powers_of_y).T
        for power_of_x in (np.ones(columns, np.float32), np.arange(columns, dtype=np.float32))
    )
    left, top = boxes[:, :2].T
    m11 = m11 - left * m01 - top * m10 + left * top * m00
    m02 = m02 - 2 * top * m01 + top * top * m00
    return m00, m10 - left * m00, m01 - top * m00, m11, m02
