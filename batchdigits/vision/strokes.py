"""Find the long, thin and nearly straight strokes of a mask: what may be a printed line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike

from batchdigits.vision.long_parts import long_parts
from batchdigits.vision.median_level import median_level
from batchdigits.vision.straight_part import straight_part

Side = tuple[bool, bool]  # of a picture: whether it is level, and whether it is the farther one


class Stroke(NamedTuple):
    """A long, thin and nearly straight stroke.

    Attributes:
        ink: its pixels in its box, 255 on 0, uint8 (h, w).
        top: first row of its box.
        left: first column of its box.
        is_level: whether it runs along the rows, and not along the columns.
        length: pixels along it.
        start: first pixel along it, where it runs on through the corners at its ends.
        end: one past the last such pixel.
        near: first row or column across it.
        far: one past the last row or column across it.
        along: pixels of the picture's side that it runs along.
        margin: its distance from the nearest edge along it, as a share of the picture's other side.
        side: the side of the picture that it is nearest to.
        thickness: the lower third of its columns or rows is no thicker than so many pixels.
    """

    ink: MatLike
    top: int
    left: int
    is_level: bool
    length: int
    start: int
    end: int
    near: int
    far: int
    along: int
    margin: float
    side: Side
    thickness: float

    @property
    def span(self) -> float:
        """Its length with its corners, as a share of the picture's side."""
        return (self.end - self.start) / self.along

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of its box."""
        height, width = self.ink.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @property
    def middle(self) -> float:
        """The row or column of its middle, across it."""
        return (self.near + self.far) / 2

    def level_in(self, ink: MatLike) -> float:
        """The median grey level of its pixels in a picture, uint8 (H, W)."""
        return median_level(np.asarray(ink, np.uint8)[self.place][np.asarray(self.ink) > 0])

    def lies_at(self, end: float, reach: float) -> bool:
        """Whether the end of a stroke across it is within so many pixels of it."""
        return self.near - reach <= end <= self.far + reach


def find_strokes(mask: MatLike) -> list[Stroke]:
    """The long, thin and nearly straight strokes of a mask, uint8 (H, W), 255 on 0; level ones first."""
    return find_level_strokes(mask) + find_upright_strokes(mask)


def find_level_strokes(mask: MatLike) -> list[Stroke]:
    """Those of the strokes that run along the rows."""
    found = [straight_part(*part, mask) for part in long_parts(mask, cv2.transpose(mask))]
    return [
        make_stroke(ink, top, left, True, ends, mask.shape, thickness)
        for ink, left, top, ends, thickness in filter(None, found)
    ]


def find_upright_strokes(mask: MatLike, columns: bytes = b"") -> list[Stroke]:
    """Those of the strokes that run along the columns.

    Args:
        mask: uint8 (H, W), 255 on 0.
        columns: 1 for each column in which they are looked for, else 0; empty for all.
    """
    return UprightStrokes(mask, columns).select()


class UprightStrokes:
    """The strokes of a mask that run along its columns. Those that nobody asks for are not looked at closely."""

    def __init__(self, mask: MatLike, columns: bytes = b"") -> None:
        """Find the ink that may be strokes, as for `find_upright_strokes`."""
        self._shape, self._turned = mask.shape, cv2.transpose(mask)
        self._parts = list(long_parts(self._turned, mask, columns))
        self._lengths = [cv2.boundingRect(ink)[2] for ink, _, _ in self._parts]
        self._found: dict[int, Stroke | None] = {}

    @property
    def longest(self) -> int:
        """Pixels that the longest one may have at most."""
        return max(self._lengths, default=0)

    def select(self, least: float = 0.0, columns: bytes = b"") -> list[Stroke]:
        """All strokes that have so many pixels and lie in some columns, and maybe others.

        Args:
            least: pixels of their length.
            columns: as for `find_upright_strokes`.
        """
        found = [
            self._stroke(index)
            for index, ((ink, _, left), length) in enumerate(zip(self._parts, self._lengths, strict=True))
            if length >= least and (not columns or columns.find(1, left, left + len(ink)) >= 0)
        ]
        return [stroke for stroke in found if stroke]

    def _stroke(self, index: int) -> Stroke | None:
        if index not in self._found:
            self._found[index] = None
            if part := straight_part(*self._parts[index], self._turned):
                ink, top, left, ends, thickness = part  # turned
                self._found[index] = make_stroke(cv2.transpose(ink), top, left, False, ends, self._shape, thickness)
        return self._found[index]


def placed(stroke: Stroke, top: int, left: int, shape: Sequence[int]) -> Stroke:
    """A stroke of a part of a picture, as a stroke of the picture with that shape; the part begins at (top, left)."""
    shift = left if stroke.is_level else top
    ends = stroke.start + shift, stroke.end + shift
    return make_stroke(stroke.ink, stroke.top + top, stroke.left + left, stroke.is_level, ends, shape, stroke.thickness)


def make_stroke(
    ink: MatLike, top: int, left: int, is_level: bool, ends: tuple[int, int], shape: Sequence[int], thickness: float
) -> Stroke:
    """A stroke.

    Args:
        ink: its pixels in its box, 255 on 0, uint8 (h, w).
        top: first row of the box.
        left: first column of the box.
        is_level: whether it runs along the rows.
        ends: first pixel along it, and one past the last, where it runs on through corners.
        shape: that of the picture.
        thickness: in pixels.
    """
    height, width = ink.shape
    length, near, far = (width, top, top + height) if is_level else (height, left, left + width)
    along, across = (shape[1], shape[0]) if is_level else (shape[0], shape[1])
    middle = (near + far) / 2 / across
    margin, side = min(middle, 1.0 - middle), (is_level, middle > 0.5)
    return Stroke(ink, top, left, is_level, length, *ends, near, far, along, margin, side, thickness)
