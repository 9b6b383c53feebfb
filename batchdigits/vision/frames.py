"""Find and erase closed frames around a cell, of whatever shape of their sides, and find the tinted field of a form."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.components import Box, Components, Parts, box_of, is_frame_sized, parts_of, select_one
from batchdigits.vision.erasing import soft_edge
from batchdigits.vision.illumination import otsu_split
from batchdigits.vision.morphology import rectangle

MAX_FRAMES = 3  # in each other
MIN_FILLED_SHARE = 0.9  # of its box, inside of its outline: a frame with round corners has 0.92, a squarish 0 has 0.87
MIN_TILTED_SHARE, MAX_TILT = 0.93, 20.0  # the same of the tilted box around it, up to so many degrees: no diamond
# The standard deviation of an outline's squared distances from its middle, as a share of their mean: a printed circle
# has 0.02, and the roundest 0 of MNIST 0.05. A 0 in print may be as round, but its strokes are thicker than this share.
MAX_ROUND_ERROR, MAX_RING_SHARE = 0.03, 0.06
MIN_SOLID_SHARE = 0.85  # of the box of a filled field
MAX_DEPTH = 2.0  # of the mean thickness of its sides: ink that lies deeper within its outline is none of it
SIDE_EDGE = 2  # pixels by which that is more, for sides that are soft or uneven
MIN_STROKE_SHARE = 0.08  # of its sides: such ink that is so long is a stroke of a digit
MIN_MARGIN_SHARE = 0.25  # of its box's sides: nearer to its middle, no part of a frame lies

Inside = tuple[slice, slice]  # rows and columns


class Frame(NamedTuple):
    """A closed frame.

    Attributes:
        ink: its pixels in its box, 255 on 0, uint8 (h, w).
        box: its box.
        thickness: the mean thickness of its sides, in pixels.
    """

    ink: MatLike
    box: Box
    thickness: float


class Framed(NamedTuple):
    """What was erased of frames, and what is inside of the inmost.

    Attributes:
        gone: the pixels of a closed frame and of frames in it, with their soft edges, 255 on 0, uint8 (H, W).
        inside: rows and columns of the inside.
        rest: Otsu's threshold of what is left of the inside, the mask of what is over it, and its parts.
    """

    gone: NDArray[np.uint8]
    inside: Inside
    rest: tuple[float, MatLike, Parts]


def erase_frames(view: MatLike, mask: MatLike, parts: Parts) -> Framed | None:
    """Erase a closed frame, and frames in it; None if there is none."""
    framed: Framed | None = None
    gone: NDArray[np.uint8] = np.zeros(mask.shape, np.uint8)
    left = top = 0
    for _ in range(MAX_FRAMES):
        frame = find_frame(mask, parts)
        if not frame:
            break
        x, y, width, height = frame.box
        ink: NDArray[np.uint8] = np.zeros(gone.shape, np.uint8)
        ink[top + y : top + y + height, left + x : left + x + width] = frame.ink
        edge = soft_edge(frame.thickness)
        gone |= np.asarray(cv2.dilate(ink, rectangle(edge, edge)), np.uint8)
        side = round(frame.thickness)
        left, top, width, height = left + x + side, top + y + side, width - 2 * side, height - 2 * side
        inside = slice(top, top + height), slice(left, left + width)
        rest = split_ink(cv2.subtract(view[inside], gone[inside]))
        _, mask, parts = rest
        framed = Framed(gone, inside, rest)
    return framed


def split_ink(rest: MatLike) -> tuple[float, MatLike, Parts]:
    """Otsu's threshold of what is left of a view, the mask of what is over it, and its parts."""
    level, mask = otsu_split(rest)
    return level, mask, parts_of(mask)


def find_frame(mask: MatLike, parts: Parts) -> Frame | None:
    """The frame among the parts of a mask, uint8 (H, W), 255 on 0; None if none of them is a frame."""
    if not isinstance(parts, Components):
        return _as_frame(mask, parts) if is_frame_sized(parts, *mask.shape) else None
    longest = int(parts.length.argmax())
    box = box_of(parts, longest)
    if not is_frame_sized(box, *mask.shape):
        return None
    return _as_frame(select_one(parts, longest), box)


def _as_frame(mask: MatLike, box: Box) -> Frame | None:
    """The component in a box, if it is a frame: nothing is in its middle, and its outline is a box's or a circle's."""
    x, y, width, height = box
    ink = mask[y : y + height, x : x + width]
    if not _is_hollow(ink):
        return None
    outlines, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)
    filled = cv2.contourArea(outline) + len(outline) / 2 + 1  # the outline runs through the middle of its pixels
    is_box = filled >= MIN_FILLED_SHARE * width * height or _fills_tilted_box(outline, filled)
    if not is_box and not _is_thin_circle(ink, outline):
        return None
    if _holds_strokes(ink, outline):
        return None
    return Frame(ink, box, _thickness(ink))


def _fills_tilted_box(outline: MatLike, filled: float) -> bool:
    """Whether an outline with this area inside is that of a box that is a little tilted."""
    _, (width, height), angle = cv2.minAreaRect(outline)
    return min(angle % 90, -angle % 90) <= MAX_TILT and filled >= MIN_TILTED_SHARE * (width + 1) * (height + 1)


def _is_thin_circle(ink: MatLike, outline: MatLike) -> bool:
    """Whether ink that fills its picture is a circle, by its outline, that is rounder than any hand draws it."""
    height, width = ink.shape
    squares = ((outline - ((width - 1) / 2, (height - 1) / 2)) ** 2).sum(axis=-1)
    is_thin = _thickness(ink) <= MAX_RING_SHARE * min(width, height)
    return bool(is_thin and squares.std() <= MAX_ROUND_ERROR * squares.mean())


def _thickness(ink: MatLike) -> float:
    """The mean thickness of the sides of a frame that fills its picture."""
    return cv2.countNonZero(ink) / (2 * sum(ink.shape))


def _holds_strokes(ink: MatLike, outline: MatLike) -> bool:
    """Whether strokes run from the sides of a frame into the cell: a digit that touches them."""
    depth = round(MAX_DEPTH * _thickness(ink)) + SIDE_EDGE
    if not cv2.hasNonZero(ink[depth:-depth, depth:-depth]):  # level sides, and nothing else
        return False
    side = 2 * depth + 1
    filled = cv2.drawContours(np.zeros(ink.shape, np.uint8), [outline], 0, 255, cv2.FILLED)
    inside = cv2.erode(filled, rectangle(side, side), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    _, _, width, height = cv2.boundingRect(cv2.bitwise_and(ink, inside))
    return bool(max(width / ink.shape[1], height / ink.shape[0]) >= MIN_STROKE_SHARE)


def is_field_or_broken_frame(mask: MatLike, box: Box) -> bool:
    """Whether the ink in a box is part of a form: a large filled box, or what is left of a frame, such as its dots.

    The convex hull of a frame fills its box, and that of a 0 does not.
    """
    if not is_frame_sized(box, *mask.shape):
        return False
    x, y, width, height = box
    ink = mask[y : y + height, x : x + width]
    if cv2.countNonZero(ink) > MIN_SOLID_SHARE * width * height:
        return True
    if not _is_hollow(ink):
        return False
    hull = cv2.convexHull(cv2.findNonZero(ink))
    return cv2.contourArea(hull) >= MIN_FILLED_SHARE * (width - 1) * (height - 1)


def _is_hollow(ink: MatLike) -> bool:
    """Whether there is nothing in the middle of ink that fills its picture."""
    height, width = ink.shape
    y, x = round(MIN_MARGIN_SHARE * height), round(MIN_MARGIN_SHARE * width)
    return not cv2.hasNonZero(ink[y : height - y, x : width - x])
