"""Normalise many small scans of one shape together: the same glyphs as `normalise`, byte for byte, in half the time.

On a picture of 28x28 a call of OpenCV is all start and no work. So what a plain scan needs is done for all of them at
once, on one array; `normalise` gets the scans that are not plain, and stays the definition of what is right.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.vision.artifacts import remove_artifacts
from batchdigits.vision.framing import (
    BOX,
    CENTRE,
    SIDE,
    SLACK,
    STEEP,
    THICK,
    THIN,
    UNTURNED,
    UPRIGHT,
    frame,
    mend,
    place,
)
from batchdigits.vision.grey import Scans
from batchdigits.vision.illumination import CONTRAST, OTSU
from batchdigits.vision.normalise import DETAIL, Glyph, Ink, normalise
from batchdigits.vision.polarity import PLAIN, even_polarities

SMALL = DETAIL - 1  # longest side of a scan that is small: such a scan has neither uneven light nor ruled lines
FEW = 8  # scans for which the arrays cost more than they save

# Scans with a frame of paper around each have two rows and columns more.
Flags = NDArray[np.bool_]  # (N,)
Boxes = NDArray[np.int64]  # (N, 4): x, y, width and height of each
Numbers = NDArray[np.float64]


def normalise_stack(scans: Scans, ink: Ink = "auto", *, deslant: bool = True) -> list[tuple[Glyph, ...]]:
    """Do what `normalise` does to each of many scans.

    Args:
        scans: grey pictures, uint8 (N, H, W), H and W at most `SMALL`.
        ink: as for `normalise`.
        deslant: as for `normalise`.

    Returns:
        For each scan, in order, what `normalise` returns for it.
    """
    if len(scans) < FEW:
        return [normalise(scan, ink, deslant=deslant) for scan in scans]
    turned = _sums(scans) * (1.0 / scans[0].size) > 127.5
    pages = _framed(scans, turned)
    masks = _masks(pages)
    plain = _read_as_light(masks) if ink == "auto" else turned == (ink == "dark")
    _wipe(masks, plain)
    plain &= _sums(masks) > 255  # more than a dot
    plain &= _lift(pages)
    inks = pages & _dilated(masks)
    boxes = _boxes(inks)
    short = plain & (_lengths(boxes) < BOX)
    usual = plain & ~short
    _mend(inks, boxes, usual)
    found: list[tuple[Glyph, ...]] = [()] * len(scans)
    if usual.any():
        for index, glyph in zip(
            np.flatnonzero(usual).tolist(), _glyphs(inks[usual], boxes[usual], deslant), strict=True
        ):
            found[index] = (glyph,)
    for index in np.flatnonzero(~usual).tolist():
        if short[index]:
            found[index] = (frame(inks[index], deslant=deslant),)
        else:
            found[index] = normalise(scans[index], ink, deslant=deslant)
    return found


def _sums(pictures: Scans) -> NDArray[np.int32]:
    """What the pixels of each come to."""
    lines = pictures.reshape(len(pictures), -1)
    sums: NDArray[np.int32] = np.asarray(cv2.reduce(lines, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()
    return sums  # in a tenth of the time of NumPy's


def _framed(scans: Scans, turned: Flags) -> Scans:
    """Turn scans so that dark prevails, with a frame of paper around each.

    In memory, neighbours in any direction are then a fixed distance apart.
    """
    count, height, width = scans.shape
    framed = np.zeros((count, height + 2, width + 2), np.uint8)
    inverse = np.where(turned, np.uint8(255), np.uint8(0))
    np.bitwise_xor(scans, inverse[:, None, None], out=framed[:, 1:-1, 1:-1])
    return framed


def _masks(pages: Scans) -> Scans:
    """The masks of the lighter sides."""
    masks = np.zeros_like(pages)
    for page, mask in zip(pages[:, 1:-1, 1:-1], masks[:, 1:-1, 1:-1], strict=True):
        cv2.threshold(page, 0, 255, OTSU, mask)
    return masks


def _read_as_light(masks: Scans) -> Flags:
    """Tell for which `polarity.even_polarities` says that the ink is light, and nothing else."""
    _, height, width = masks.shape
    area = 1.0 - 2.0 * (_sums(masks) // 255) / ((height - 2) * (width - 2))
    touches = masks[:, (1, -2)].any(axis=(1, 2)) | masks[:, :, (1, -2)].any(axis=(1, 2))
    light: Flags = ~touches & (area > PLAIN)
    for index in np.flatnonzero(~light):
        light[index] = even_polarities(masks[index, 1:-1, 1:-1]) == (True,)
    return light


def _wipe(masks: Scans, plain: Flags) -> None:
    """Wipe those masks that are not in one piece, in place."""
    labels = cv2.connectedComponents(masks.reshape(-1, masks.shape[2]))[1].reshape(len(masks), -1).view(np.uint32)
    most = labels.max(axis=1)
    labels -= np.uint32(1)  # paper, which was 0, is now above all
    for index in np.flatnonzero(plain & (labels.min(axis=1) + np.uint32(1) < most)):
        mask = masks[index, 1:-1, 1:-1]
        mask[:] = remove_artifacts(mask)[0]


def _lift(pages: Scans) -> Flags:
    """Set the ink's peak to 255 in place, as `paper.lift` does, and tell for which that is all there is to do."""
    _, height, width = pages.shape
    peaks = pages.max(axis=(1, 2))
    for index in np.flatnonzero((peaks < 255) & (peaks > 0)):
        cv2.addWeighted(pages[index], 255.0 / peaks[index], pages[index], 0.0, 0.0, pages[index])
    clear: Flags = (2 * _sums((pages > 0).view(np.uint8)) < (height - 2) * (width - 2)) & (peaks >= CONTRAST)
    return clear


def _dilated(masks: Scans) -> Scans:
    """Every mask, wider by a pixel all around; the frames are of no use any more."""
    row = masks.shape[2]
    line = masks.ravel()
    wide = line.copy()
    _spread(line, wide, 1)
    high = wide.copy()
    _spread(wide, high, row)
    return high.reshape(masks.shape)


def _spread(line: Scans, wide: Scans, step: int) -> None:
    """Raise the pixels of `wide`, in place, to those of `line` that lie a step before and a step behind."""
    np.maximum(wide[step:], line[:-step], out=wide[step:])
    np.maximum(wide[:-step], line[step:], out=wide[:-step])


def _boxes(inks: Scans) -> Boxes:
    """Where the ink is."""
    count, rows, columns = inks.shape
    # Scan beside scan, so that NumPy works along all of them and not along short rows.
    side_by_side = cv2.transpose(inks.reshape(count, -1)).reshape(rows, columns, count)
    ends = []
    for axis in (0, 1):
        some = side_by_side.max(axis=axis) > 0
        first = some.argmax(axis=0)
        ends.append((first, len(some) - some[::-1].argmax(axis=0) - first))
    (x, width), (y, height) = ends
    return np.stack((x, y, width, height), axis=1)


def _lengths(boxes: Boxes) -> NDArray[np.int64]:
    """The longer sides, at least 1."""
    lengths: NDArray[np.int64] = boxes[:, 2:].max(axis=1).clip(min=1)
    return lengths


def _mend(inks: Scans, boxes: Boxes, usual: Flags) -> None:
    """Mend strokes in place, as `framing.frame` does; what is then too large for its picture is not usual."""
    _, rows, columns = inks.shape
    strokes = _strokes(inks, boxes)
    reaches = (THIN - strokes) * _lengths(boxes) / BOX / 2.0
    fine = usual & (reaches > 0.0) & (reaches <= 1.0)
    if fine.any():
        inks[fine], boxes[fine] = _widened(inks[fine], boxes[fine], reaches[fine])
    for index in np.flatnonzero(usual & ~fine & ((strokes < THIN) | (strokes > THICK))):
        x, y, width, height = boxes[index].tolist()
        digit = mend(inks[index, y : y + height, x : x + width].copy(), strokes[index])
        height, width = digit.shape
        usual[index] = height <= rows and width <= columns
        if usual[index]:
            inks[index] = 0
            inks[index, :height, :width] = digit
            boxes[index] = 0, 0, width, height


def _widened(inks: Scans, boxes: Boxes, reaches: Numbers) -> tuple[Scans, Boxes]:
    """Strokes wider by up to a pixel on either side, and the boxes of what comes of it, as `framing.mend` has them."""
    row = inks.shape[2]
    line = inks.ravel()
    wide = line.copy()
    _spread(line, wide, 1)
    _spread(line, wide, row)
    for ink, changed, (x, y, width, height), reach in zip(
        inks, wide.reshape(inks.shape), boxes.tolist(), reaches.tolist(), strict=True
    ):
        cv2.addWeighted(ink, 1.0 - reach, changed, reach, 0.0, ink)
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
    """Make the glyphs of ink whose strokes are mended, as `framing.frame` does."""
    m00, m10, m01, m11, m02 = _moments(inks, boxes)
    x, y = m10 / m00, m01 / m00
    if deslant:
        inks, boxes, x, y = _upright(inks, boxes, _slants(m00, m10, m01, m11, m02), x, y)
    room = SIDE - boxes[:, 2:]
    lefts, tops = np.rint(CENTRE - np.stack((x, y))).clip(0, room.T).astype(int)
    lengths = _lengths(boxes)
    fits = (lengths >= BOX) & (lengths <= BOX + SLACK)
    glyphs = np.zeros((len(inks), SIDE, SIDE), np.uint8)
    for index, ((x0, y0, width, height), left, top, as_it_is) in enumerate(
        zip(boxes.tolist(), lefts.tolist(), tops.tolist(), fits.tolist(), strict=True)
    ):
        digit = inks[index, y0 : y0 + height, x0 : x0 + width]
        if as_it_is:
            glyphs[index, top : top + height, left : left + width] = digit
        else:
            glyphs[index] = place(digit, x[index], y[index])
    return glyphs


def _upright(
    inks: Scans, boxes: Boxes, slants: Numbers, x: Numbers, y: Numbers
) -> tuple[Scans, Boxes, Numbers, Numbers]:
    """Shear the rows of each, as `framing.frame` does, each in the corner of a picture with room for all.

    Returns:
        The pictures, the ink's boxes, and where the centres of mass (x, y) are now within those.
    """
    _, _, widths, heights = boxes.T
    shears = slants.clip(-STEEP, STEEP)
    shears[np.abs(shears) < UPRIGHT] = 0.0  # by which no pixel changes
    pads = np.ceil(np.abs(shears) * heights).astype(int) + 1
    turns = np.repeat(UNTURNED[None], len(inks), axis=0)
    turns[:, 0, 1], turns[:, 0, 2] = -shears, pads + shears * y
    wides = widths + 2 * pads
    upright = np.zeros((len(inks), heights.max(), wides.max()), np.uint8)
    for index, ((left, top, width, height), wide) in enumerate(zip(boxes.tolist(), wides.tolist(), strict=True)):
        ink = inks[index, top : top + height, left : left + width]
        cv2.warpAffine(ink, turns[index], (wide, height), upright[index, :height, :wide])
    boxes = _boxes(upright)
    return upright, boxes, x + pads - boxes[:, 0], y - boxes[:, 1]


def _slants(m00: Numbers, m10: Numbers, m01: Numbers, m11: Numbers, m02: Numbers) -> Numbers:
    """The slant of each, with the roundings of `cv2.moments`."""
    centre = m01 * (1.0 / m00)
    mu11, mu02 = m11 - m10 * centre, m02 - m01 * centre
    slants: Numbers = np.divide(mu11, mu02, out=np.zeros_like(mu11), where=mu02 > 0)
    return slants


def _moments(inks: Scans, boxes: Boxes) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
    """The moments m00, m10, m01, m11 and m02 of each about its box's corner."""
    _, rows, columns = inks.shape
    lines = inks.astype(np.float32).reshape(-1, columns)
    powers_of_y = np.vander(np.arange(rows, dtype=np.float64), 3, increasing=True)
    # Sums along rows are below 2^24, and so exact in float32; what is made of them is exact in float64.
    (m00, m01, m02), (m10, m11, _) = (
        ((lines @ power_of_x).reshape(-1, rows).astype(np.float64) @ powers_of_y).T
        for power_of_x in (np.ones(columns, np.float32), np.arange(columns, dtype=np.float32))
    )
    left, top = boxes[:, :2].T
    m11 = m11 - left * m01 - top * m10 + left * top * m00
    m02 = m02 - 2 * top * m01 + top * top * m00
    return m00, m10 - left * m00, m01 - top * m00, m11, m02
