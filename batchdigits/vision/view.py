"""The view of a scan: the same in a bounded size, on which its digit is looked for."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.grey import Scan
from batchdigits.vision.reduction import Reduction

MAX_VIEW_SIDE = 160  # pixels of a view's longer side: eight for each of the 20 that a glyph's ink has


class Viewed(NamedTuple):
    """A scan and its view. The view has a dark mean, so that a scan and its inverse have the same one.

    Attributes:
        scan: uint8 (H, W), of either polarity.
        is_inverted: whether it is inverted in the view.
        view: uint8 (H, W), of bounded size.
        reduction: as for `propose`.
    """

    scan: MatLike
    is_inverted: bool
    view: MatLike
    reduction: Reduction | None

    @property
    def times(self) -> int:
        """How many times the scan is reduced."""
        return self.reduction.times if self.reduction else 1

    def enlarged(self) -> Viewed:
        """The same with the scan in its full size, if that can be had."""
        full = self.reduction.enlarge() if self.reduction else None
        return self if full is None else self._replace(scan=full, reduction=None)

    def close_up(self, rows: slice, columns: slice) -> MatLike:
        """A view of a part of the scan."""
        return shrink(ink_bright(self.scan[rows, columns], not self.is_inverted), self.times)

    def part(self, rows: slice, columns: slice) -> Viewed:
        """A part of the scan and its view, which is no smaller; by rows and columns of this view."""
        scale = max(1.0, view_scale(self.scan, self.times))
        top, bottom, left, right = (round(end * scale) for axis in (rows, columns) for end in (axis.start, axis.stop))
        scan = np.ascontiguousarray(self.scan[top:bottom, left:right], np.uint8)
        if self.reduction is None:
            return look_at(scan)
        times, enlarge = self.reduction

        def enlarge_part() -> Scan | None:
            whole = enlarge()
            return None if whole is None else whole[top * times : bottom * times, left * times : right * times]

        return look_at(scan, Reduction(times, enlarge_part))


def look_at(scan: NDArray[np.uint8], reduction: Reduction | None = None) -> Viewed:
    """Look at a scan, as the first step of `propose`: the only one that reads all pixels of most scans."""
    is_inverted = cv2.norm(scan, cv2.NORM_L1) * (1.0 / scan.size) > 127.5
    view = shrink(ink_bright(scan, not is_inverted), reduction.times if reduction else 1)
    return Viewed(scan, is_inverted, view, reduction)


def ink_bright(picture: MatLike, ink_is_light: bool) -> MatLike:
    """A picture, or the mask of its lighter side, with its ink bright."""
    return picture if ink_is_light else np.invert(picture)  # faster than OpenCV's bitwise_not


def shrink(scan: MatLike, times: int = 1) -> MatLike:
    """The view of a scan that is reduced so many times, in the scan's polarity.

    The rows and columns left over at the end are cut off.
    """
    scale = view_scale(scan, times)
    if scale <= 1.0:
        return scan
    height, width = scan.shape
    height, width = max(1, int(height / scale)), max(1, int(width / scale))
    part = scan[: round(height * scale), : round(width * scale)]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)


def view_scale(scan: MatLike, times: int) -> float:
    """Pixels of a scan, reduced so many times, for each of its view. Those of its full size are whole, for speed."""
    longer: int = max(scan.shape)
    return math.ceil(times * longer / MAX_VIEW_SIDE) / times
