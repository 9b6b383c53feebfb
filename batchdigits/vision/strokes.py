"""Find the long, thin and nearly straight strokes of a mask: what may be a printed line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

# Shares are of the picture's side along which a stroke runs, unless another side is named.
MIN_RUN_SHARE = 0.25  # its straight runs, which a tilt or a bad print breaks
MIN_LENGTH_SHARE = 0.4
MAX_THICKNESS_SHARE = 0.2  # of the picture's longer side: the thick side of a box, out of focus
MAX_GAP_SHARE = 0.14  # a gap in it, where another stroke crosses
MIN_FILLED_SHARE, MIN_THIN_SHARE = 0.6, 0.45  # of its own length: with ink, and with ink of its own thickness
MAX_SLOPE = 0.14  # rise over run, 8 degrees; a perspective or a curved page is within it
TILT_SHARE = 0.0125  # rows that it may rise, either way, within a run
MAX_BEND = 0.012  # mean deviation from straightness, of its own length: a curved page bends its lines
MAX_DEVIATION = 0.5  # of its thickness: columns that lie off the fitted line are left out, and it is fitted again
FITS = 6
THICKNESS_RANK = 0.33  # of its columns or rows: a digit may cover the middle of a line
MAX_BULGE = 1.7  # of its thickness: where it is thicker, another stroke meets it
MAX_CORNER_SHARE = 0.2  # how far it may run on through a corner, where thick lines cross
LONG_WINDOW = 40  # pixels: longer windows take less time in steps than in one call of OpenCV

Side = tuple[bool, bool]  # of a picture: whether it is level, and whether it is the farther one
Columns = NDArray[np.intp]


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

    def lies_at(self, end: float, reach: float) -> bool:
        """Whether the end of a stroke across it is within so many pixels of it."""
        return self.near - reach <= end <= self.far + reach


def find_strokes(mask: MatLike) -> list[Stroke]:
    """The long, thin and nearly straight strokes of a mask, uint8 (H, W), 255 on 0; level ones first."""
    return find_level_strokes(mask) + find_upright_strokes(mask)


def find_level_strokes(mask: MatLike) -> list[Stroke]:
    """Those of the strokes that run along the rows."""
    found = [_straight_part(*part, mask) for part in _long_parts(mask, cv2.transpose(mask))]
    return [
        make_stroke(ink, top, left, True, ends, mask.shape, thickness)
        for ink, top, left, ends, thickness in filter(None, found)
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
        self._parts = list(_long_parts(self._turned, mask, columns))
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
            if part := _straight_part(*self._parts[index], self._turned):
                ink, left, top, ends, thickness = part
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


# The ink of a stroke in its box, the box's first row and column, the stroke's ends, and its thickness.
_Found = tuple[MatLike, int, int, tuple[int, int], float]


def _long_parts(mask: MatLike, turned: MatLike, where: bytes = b"") -> Iterator[tuple[MatLike, int, int]]:
    """The ink of what may be strokes along the rows of a mask, in its box, with the box's first column and row.

    Args:
        mask: uint8 (H, W), 255 on 0.
        turned: the same, transposed: a window along contiguous rows takes less time.
        where: 1 for each row of the mask in which they are looked for, else 0; empty for all.
    """
    height, width = mask.shape
    run = max(5, round(MIN_RUN_SHARE * width))
    rows = 2 * max(1, round(TILT_SHARE * width)) + 1  # a tilt of so many rows within a run does not break it
    cores = _erode(cv2.dilate(turned, rectangle(3, rows)), run)
    if not cv2.hasNonZero(cores):
        return
    if where and not np.bitwise_or.reduce(cores, axis=0)[np.frombuffer(where, np.bool_)].any():
        return
    runs = np.asarray(cv2.bitwise_and(_dilate(cores, run), turned), np.uint8)
    _remove_tall(runs, mask, turned, max(2, round(MAX_THICKNESS_SHARE * max(height, width))) + 1)
    if cv2.boundingRect(runs)[3] < MIN_LENGTH_SHARE * width:
        return
    joined = _dilate(runs, max(3, round(MAX_GAP_SHARE * width)) | 1, 3)
    yield from _wide_components(cv2.transpose(runs), joined, MIN_LENGTH_SHARE * width, where)


def _erode(mask: MatLike, length: int) -> MatLike:
    """Erode a mask, uint8 (H, W), along its columns."""
    if length < LONG_WINDOW:
        return cv2.erode(mask, rectangle(length, 1))
    return _over_windows(np.bitwise_and, mask, length, 255)


def _dilate(mask: MatLike, length: int, across: int = 1) -> MatLike:
    """Dilate a mask, uint8 (H, W), along its columns, and across them."""
    if length < LONG_WINDOW:
        return cv2.dilate(mask, rectangle(length, across))
    return _over_windows(np.bitwise_or, mask if across == 1 else cv2.dilate(mask, rectangle(1, across)), length, 0)


def _over_windows(combine: np.ufunc, mask: MatLike, length: int, outside: int) -> NDArray[np.uint8]:
    """Combine so many rows around each row, doubling the number at every step: OpenCV's time grows with the length."""
    height, width = mask.shape
    combined: NDArray[np.uint8] = np.full((height + length - 1, width), outside, np.uint8)
    combined[length // 2 : length // 2 + height] = mask
    reach = 1
    while reach < length:
        step = min(reach, length - reach)
        combined = combine(combined[:-step], combined[step:])
        reach += step
    return combined


def _remove_tall(runs: NDArray[np.uint8], mask: MatLike, turned: MatLike, tall: int) -> None:
    """Remove ink from runs where it is so many pixels thick.

    Args:
        runs: of the turned mask, uint8 (W, H), 255 on 0; changed in place.
        mask: uint8 (H, W), 255 on 0.
        turned: the same, transposed.
        tall: pixels.
    """
    step = tall // (4 if tall >= LONG_WINDOW else 2)
    few = mask[::step]
    count = tall // step  # of these rows, each of which is inked where ink is so thick
    if len(few) < count:
        return
    for _ in range(count - 1):
        few = cv2.bitwise_and(few[:-1], few[1:])
    if cv2.hasNonZero(few):
        is_long = tall >= LONG_WINDOW  # else it takes longer to find the columns than to look at all
        columns = np.flatnonzero(np.bitwise_or.reduce(few, axis=0)) if is_long else slice(None)
        element = rectangle(1, tall)
        ink = np.asarray(turned)[columns]
        cores = cv2.erode(ink, element, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        runs[columns] = cv2.subtract(runs[columns], cv2.dilate(cores, element, anchor=_opposite(element)))


def _opposite(element: MatLike) -> tuple[int, int]:
    """The anchor (x, y) with which a dilation by a structuring element undoes the shift of an erosion by it."""
    height, width = element.shape
    return width - 1 - width // 2, height - 1 - height // 2


def _wide_components(runs: MatLike, joined: MatLike, least: float, where: bytes) -> Iterator[tuple[MatLike, int, int]]:
    """The ink of each component that is wide enough, in its box, with the box's first column and row.

    Rows without ink part a picture into bands. Most bands have one component, and it takes less time to count than to
    measure.

    Args:
        runs: the mask of the ink, uint8 (H, W).
        joined: the mask in which components are connected, turned, uint8 (W, H).
        least: columns of a component.
        where: as for `_long_parts`.
    """
    has_ink = np.bitwise_or.reduce(joined, axis=0).tobytes()
    joined = cv2.transpose(joined)
    top = has_ink.find(255)
    while top >= 0:
        bottom = has_ink.find(0, top)
        bottom = len(has_ink) if bottom < 0 else bottom
        if not where or where.find(1, top, bottom) >= 0:
            band = joined[top:bottom]
            left, _, wide, _ = cv2.boundingRect(band)
            count, labels = cv2.connectedComponents(band, None, 8, cv2.CV_16U) if wide >= least else (0, band)
            if count == 2:
                yield runs[top:bottom, left : left + wide], left, top
            elif count:
                _, labels, stats, _ = cv2.connectedComponentsWithStats(band, labels, None, None, 8, cv2.CV_16U)
                for label, (left, y, wide, high, _) in enumerate(stats.tolist()):
                    if label and wide >= least and (not where or where.find(1, top + y, top + y + high) >= 0):
                        box = slice(y, y + high), slice(left, left + wide)
                        yield runs[top:bottom][box] * (labels[box] == label), left, top + y
        top = has_ink.find(255, bottom)


def _straight_part(ink: MatLike, left: int, top: int, mask: MatLike) -> _Found | None:
    """The straight stroke among some ink of a mask; None if there is none that is long enough.

    Args:
        ink: uint8 (h, w), 255 on 0.
        left: its first column in the mask.
        top: its first row in the mask.
        mask: uint8 (H, W), 255 on 0.
    """
    least = MIN_LENGTH_SHARE * mask.shape[1]
    box = cv2.boundingRect(ink)
    if box[2] < least:
        return None
    sums = np.asarray(cv2.reduce(ink, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S), np.int32).ravel()
    keep = sums > 0
    filled = sums[keep]
    filled.sort()
    thickness = int(filled[int(THICKNESS_RANK * filled.size)]) / 255
    most = 255 * (MAX_BULGE * thickness + 1)
    is_whole = int(filled[-1]) <= most
    if not is_whole:
        keep &= sums <= most
        ink = ink * keep
    if not _is_straight(ink[box[1] : box[1] + box[3], box[0] : box[0] + box[2]], thickness):
        keep, is_whole = _straight_columns(ink, sums // 255, np.flatnonzero(keep), thickness, least), False
        ink = ink * keep
    thin_columns = filled_columns = filled.size
    if not is_whole:
        box = cv2.boundingRect(ink)
        thin_columns = int(np.count_nonzero(keep))
        filled_columns = int(np.count_nonzero(sums[box[0] : box[0] + box[2]]))
    x, y, wide, high = box
    if wide < least or thin_columns < MIN_THIN_SHARE * wide or filled_columns < MIN_FILLED_SHARE * wide:
        return None
    left, top = left + x, top + y
    ends = _prolonged(mask[top : top + high], left, left + wide)
    return ink[y : y + high, x : x + wide], top, left, ends, thickness


def _is_straight(ink: MatLike, thickness: float) -> bool:
    """Whether a stroke follows a straight line closely, by its moments: a quick look that is enough for most lines."""
    bend = MAX_BEND * ink.shape[1]
    if len(ink) - 1 <= 2 * bend:  # so few rows bound both the slope and the variance
        return True
    mass = cv2.moments(ink)
    if mass["mu20"] <= 0.0:
        return False
    slope = mass["mu11"] / mass["mu20"]
    variance = (mass["mu02"] - slope * mass["mu11"]) / mass["m00"]  # across the fitted line
    return bool(abs(slope) <= MAX_SLOPE and variance <= (thickness**2 + 1.0) / 12.0 + bend**2)


def _straight_columns(
    ink: MatLike, counts: NDArray[np.int32], columns: Columns, thickness: float, least: float
) -> NDArray[np.bool_]:
    """Those columns of a stroke in which its middle lies on one line; none if that line bends or is too steep.

    Args:
        ink: uint8 (h, w), 255 on 0.
        counts: the number of its pixels in each column.
        columns: the columns to look at, rising.
        thickness: of the stroke.
        least: columns of a stroke that is long enough; a shorter one is given up.

    Returns:
        A flag for each column.
    """
    keep = np.zeros(len(counts), np.bool_)
    middles = (np.arange(len(ink), dtype=np.float32) @ np.asarray(ink, np.float32))[columns] / (255.0 * counts[columns])
    for _ in range(FITS):
        count = columns.size
        if count < max(2, MIN_THIN_SHARE * least) or columns[-1] - columns[0] + 1 < least:
            return keep
        x = columns - np.add.reduce(columns) / count
        slope = (x @ middles) / (x @ x)
        deviations = np.abs(middles - np.add.reduce(middles) / count - slope * x)
        is_on_line = deviations <= MAX_DEVIATION * thickness + 1.5
        if np.logical_and.reduce(is_on_line):
            break
        columns, middles = columns[is_on_line], middles[is_on_line]
    bend = np.add.reduce(deviations[is_on_line]) / count - 0.1 * thickness
    keep[columns] = abs(slope) <= MAX_SLOPE and bend <= MAX_BEND * columns.size
    return keep


def _prolonged(rows: MatLike, start: int, end: int) -> tuple[int, int]:
    """The ends of a stroke in its rows of the mask, where it runs on through a corner; gaps of 2 pixels are bridged."""
    width = rows.shape[1]
    most = round(MAX_CORNER_SHARE * width)
    first, last = max(0, start - most), min(width, end + most)
    if first == start and last == end:
        return start, end
    ink = b"\0%b\0" % np.bitwise_or.reduce(rows, axis=0).tobytes()
    gap = b"\0\0\0"  # with a pixel more on each side, so that it begins where its middle is without them
    before, after = ink.rfind(gap, first, start + 2), ink.find(gap, end, last + 2)  # the nearest ones, or -1
    return first if before < 0 else before + 1, last if after < 0 else after


@cache
def rectangle(height: int, width: int) -> MatLike:
    """A structuring element."""
    return np.ones((height, width), np.uint8)
