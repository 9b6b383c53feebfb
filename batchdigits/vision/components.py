"""The connected components of a mask, and simple questions about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.long_parts import MIN_LENGTH_SHARE
from batchdigits.vision.morphology import rectangle

Flags = NDArray[np.bool_]  # one for each component
Numbers = NDArray[np.int32]  # one for each component

MIN_CELL_SIDE = 24  # pixels: a smaller scan is a tight crop, without room for lines
# Share of both sides of a picture: a component this large may be a frame inside it. A digit as MNIST has it has 0.714.
MIN_FRAME_SHARE, MIN_SMALL_FRAME_SHARE, SMALL_SIDE = 0.6, 0.72, 40
MAX_NARROW_SHARE = 0.25  # width over length of a line that is tilted and doubled; few digits are so narrow
# A component is near another if it is this far away at most, as a share of the other's length, or in pixels.
MAX_GAP_SHARE, MIN_GAP = 0.1, 2
MIN_BROKEN_SHARE = 0.08  # of the longest component's length: what breaks off a stroke may be this short
FAINT_LEVEL = 52  # grey levels of 255, over which a pixel may join strokes
MAX_FAINT_SHARE = 0.35  # of the area: more such pixels are grain
MAX_FEW = 4  # components that are measured faster one by one than by OpenCV


Box = Sequence[int]  # x, y, width and height


class Components(NamedTuple):
    """The connected components of a mask, uint8 (H, W).

    Attributes:
        labels: uint16 (H, W), 0 for the background, and from 1 on for each component.
        x: first column of each.
        y: first row of each.
        width: columns of each.
        height: rows of each.
        area: pixels of each.
    """

    labels: NDArray[np.uint16]
    x: Numbers
    y: Numbers
    width: Numbers
    height: Numbers
    area: Numbers

    @property
    def length(self) -> Numbers:
        """The longer side of each one's box."""
        return np.maximum(self.width, self.height)

    @property
    def touches(self) -> Flags:
        """Whether each touches the border."""
        rows, columns = self.labels.shape
        at_end = (self.x + self.width == columns) | (self.y + self.height == rows)
        return np.asarray((self.x == 0) | (self.y == 0) | at_end, np.bool_)


Parts = Box | Components


def components_of(mask: MatLike) -> Components:
    """The connected components of a mask, 255 on 0; neighbours along the diagonal are connected."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, ltype=cv2.CV_16U)
    return Components(np.asarray(labels, np.uint16), *stats[1:].T)


def select(components: Components, keep: Flags) -> MatLike:
    """The mask of the components to keep."""
    if np.count_nonzero(keep) == 1:
        return select_one(components, int(keep.argmax()))
    levels: NDArray[np.uint8] = np.zeros(len(keep) + 1, np.uint8)
    levels[1:][keep] = 255
    return levels.take(components.labels)  # faster than levels[labels]


def select_one(components: Components, index: int) -> MatLike:
    """The mask of one component."""
    return cv2.compare(components.labels, index + 1.0, cv2.CMP_EQ)  # type: ignore[call-overload,no-any-return]


def present(labels: NDArray[np.uint16], components: Components) -> Flags:
    """Whether each component is among some labels."""
    return np.bincount(labels.ravel(), minlength=len(components.x) + 1)[1:] > 0


def near(components: Components, main: Flags, gap_share: float = MAX_GAP_SHARE) -> Flags:
    """Whether each component lies near the main ones, by a share of the length of those."""
    radius = max(MIN_GAP, round(gap_share * int(components.length[main].max())))
    reach = cv2.dilate(select(components, main), rectangle(2 * radius + 1, 2 * radius + 1))
    return present(components.labels[np.asarray(reach) > 0], components)


def parts_of(mask: MatLike) -> Parts:
    """The box of a mask's only component, all 0 without any; the components if there are several."""
    box = left, top, wide, high = cv2.boundingRect(mask)
    if not wide:
        return box  # OpenCV crashes on an empty picture
    inside = slice(top, top + high), slice(left, left + wide)
    count, labels = cv2.connectedComponents(mask[inside], None, 8, cv2.CV_16U)  # with keywords, it takes longer
    if count <= 2:
        return box
    if count - 1 > MAX_FEW:
        return components_of(mask)
    whole = np.zeros(mask.shape, np.uint16)
    whole[inside] = labels
    each = [(whole == label).view(np.uint8) for label in range(1, count)]
    numbers = np.array([(*cv2.boundingRect(one), cv2.countNonZero(one)) for one in each], np.int32)
    return Components(whole, *numbers.T)


def join_faint(ink: MatLike, mask: MatLike, components: Components) -> tuple[MatLike, Parts]:
    """The mask and parts of ink with its faint pixels, if they join strokes that Otsu's threshold breaks.

    Fine specks are no strokes.

    Args:
        ink: uint8 (H, W), stretched to 255 on a background of 0.
        mask: of its pixels over Otsu's threshold, 255 on 0.
        components: of the mask.
    """
    length = components.length
    if np.count_nonzero(length >= MIN_BROKEN_SHARE * int(length.max())) == 1:
        return mask, components
    fainter = cv2.bitwise_or(mask, cv2.threshold(ink, FAINT_LEVEL, 255, cv2.THRESH_BINARY)[1])
    if cv2.countNonZero(fainter) > MAX_FAINT_SHARE * mask.size:
        return mask, components
    count = cv2.connectedComponents(fainter, None, 8, cv2.CV_16U)[0] - 1
    return (fainter, parts_of(fainter)) if count < len(components.x) else (mask, components)


def longest_box(parts: Parts) -> Box:
    """The box of the longest component."""
    return box_of(parts, int(parts.length.argmax())) if isinstance(parts, Components) else parts


def box_of(components: Components, index: int) -> Box:
    """The box of a component."""
    return [int(values[index]) for values in components[1:5]]


def may_have_more_lines(parts: Parts, rows: int, columns: int) -> bool:
    """Whether some components in the inside of a cell are as long as lines, and narrow, or touch its walls."""
    if not isinstance(parts, Components):
        x, y, width, height = parts
        is_long = width >= MIN_LENGTH_SHARE * columns or height >= MIN_LENGTH_SHARE * rows
        touches = not (x and y and x + width < columns and y + height < rows)
        return is_long and (touches or min(width, height) <= MAX_NARROW_SHARE * max(width, height))
    are_long = (parts.width >= MIN_LENGTH_SHARE * columns) | (parts.height >= MIN_LENGTH_SHARE * rows)
    are_narrow = np.minimum(parts.width, parts.height) <= MAX_NARROW_SHARE * parts.length
    return bool((are_long & (are_narrow | parts.touches)).any())


def may_be_lines(parts: Parts, rows: int, columns: int) -> bool:
    """Whether some components of a picture are as long as printed lines and lie where these do."""
    if min(rows, columns) < MIN_CELL_SIDE:
        return False
    # A digit fills more of a small picture.
    length_share = MIN_SMALL_FRAME_SHARE if min(rows, columns) < SMALL_SIDE else MIN_LENGTH_SHARE
    if isinstance(parts, Components):
        are_long = (parts.width >= length_share * columns) | (parts.height >= length_share * rows)
        if np.count_nonzero(are_long) != 1:
            return bool(are_long.any())
        parts = box_of(parts, int(are_long.argmax()))
    x, y, width, height = parts
    is_long = width >= length_share * columns or height >= length_share * rows
    touches = not (x and y and x + width < columns and y + height < rows)
    return (is_long and touches) or is_frame_sized(parts, rows, columns)


def is_frame_sized(box: Box, rows: int, columns: int) -> bool:
    """Whether a box is so large that it may be that of a frame inside the picture."""
    side = min(rows, columns)
    share = MIN_SMALL_FRAME_SHARE if side < SMALL_SIDE else MIN_FRAME_SHARE
    return side >= MIN_CELL_SIDE and box[2] >= share * columns and box[3] >= share * rows


def thickness_of(mask: MatLike, components: Components) -> NDArray[np.float64]:
    """The mean thickness of each component's strokes, in pixels."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L1, 3)
    inked = np.flatnonzero(np.asarray(mask) > 0)
    depths = np.bincount(components.labels.ravel()[inked], depth.ravel()[inked], len(components.x) + 1)[1:]
    return np.asarray(4.0 * depths / components.area, np.float64)
