"""Turn a scan of one handwritten digit into the glyph that MNIST would have made of it.

Shrink the scan to a view of bounded size; find out whether its ink is dark or light; where the light is uneven, remove
the background; remove artifacts; and frame the digit as MNIST does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.artifacts import Digit, find_digits
from batchdigits.vision.cell import Cell, remove_lines
from batchdigits.vision.components import (
    MIN_CELL_SIDE,
    SMALL_SIDE,
    Box,
    Components,
    Parts,
    join_faint,
    longest_box,
    may_be_lines,
    parts_of,
)
from batchdigits.vision.contrast import has_edges, histogram, is_ink, stretch_contrast
from batchdigits.vision.dark_ink import darker_ink
from batchdigits.vision.frames import MIN_SOLID_SHARE, is_field_or_broken_frame
from batchdigits.vision.framing import MAX_INK_SIDE, frame
from batchdigits.vision.illumination import (
    MIN_PAGE_SIDE,
    has_shadows,
    is_evenly_lit,
    otsu,
    otsu_split,
    remove_background,
)
from batchdigits.vision.polarity import even_polarities, uneven_polarities
from batchdigits.vision.reduction import Reduction
from batchdigits.vision.ticks import find_ticks
from batchdigits.vision.writing import find_pair, holds_writing

Glyph = NDArray[np.uint8]
Ink = Literal["auto", "dark", "light"]

NORMALISER_VERSION = 3

MAX_VIEW_SIDE = 160  # pixels of a view's longer side: eight for each of the 20 that a glyph's ink has
MIN_DIGIT_SIDE = 40  # pixels: a shorter digit in a shrunken view is cropped from the scan again, and shrunk less
MIN_DIGIT_SHARE = 0.025  # of the view's longer side: shorter ink is dust
MIN_CELL_DIGIT_SHARE = 0.15  # the same, in a cell whose printed lines were removed
# The standard deviation of the blur that removes grain: pixels, and a share of the view's longer side.
MIN_GRAIN_BLUR, GRAIN_BLUR = 0.6, 0.01
CLOSE_UP_MARGIN = 0.25  # background around a digit that is cropped again, as a share of its length
# The grey edge of a stroke is kept this far around its mask; JPEG noise lies beyond.
EDGE = 2  # pixels; 1 in a small view
SMALL_EDGE, LARGE_EDGE = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)


_InkAndDigit = tuple[MatLike, Digit]  # of a view, and what may be the digit in it


class _Found(NamedTuple):
    """What is found in a view.

    Attributes:
        inks: its ink and what may be the digit in it, for each of these.
        cell: the cell, if it has printed lines.
        pair: the same as `inks` of two digits beside each other; None in most views.
    """

    inks: list[_InkAndDigit]
    cell: Cell | None = None
    pair: list[_InkAndDigit] | None = None


class Candidates(NamedTuple):
    """The glyphs that a scan may hold.

    Attributes:
        glyphs: uint8 (28, 28), ink 255 on 0, the likeliest first; none for a blank scan.
        priors: how probable each is by the picture alone, over 0 and up to 1; only their ratios count.
        has_lines: whether printed lines were removed.
        holds_writing: whether there are no glyphs, but writing, such as several digits or a page of text.
        pair: where two digits may stand beside each other, a glyph of each; none in most scans.
    """

    glyphs: tuple[Glyph, ...] = ()
    priors: tuple[float, ...] = ()
    has_lines: bool = False
    holds_writing: bool = False
    pair: tuple[Glyph, ...] = ()


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
        return _shrink(_ink_bright(self.scan[rows, columns], not self.is_inverted), self.times)


class _Page(NamedTuple):
    """A view under one polarity.

    Attributes:
        ink_is_light: whether light pixels of the view are taken for ink.
        view: with its ink bright, without its background if that is unevenly lit, uint8 (H, W).
        mask: of its brighter side, 255 on 0.
        is_even: whether the view is evenly lit.
    """

    ink_is_light: bool
    view: MatLike
    mask: MatLike
    is_even: bool


def normalise(scan: NDArray[np.uint8], ink: Ink = "auto", *, deslant: bool = True) -> tuple[Glyph, ...]:
    """The glyphs of `propose`, the likeliest first."""
    return propose(scan, ink, deslant=deslant).glyphs


def propose(
    scan: NDArray[np.uint8],
    ink: Ink = "auto",
    *,
    deslant: bool = True,
    reduction: Reduction | None = None,
) -> Candidates:
    """Find what may be the digit of a scan, and frame it as MNIST does.

    Args:
        scan: grey, uint8 (H, W), H and W at least 1, of either polarity.
        ink: whether ink is dark or light; `auto` finds it out.
        deslant: shear the digit upright.
        reduction: how the scan was reduced while it was decoded; its full size is asked for where a digit is small.

    Returns:
        The candidates. A plain scan has one. A scan has more where the picture does not decide on the polarity, or on
        what belongs to the digit. An inverted scan has the same candidates if `ink` is `auto`, or is inverted too.
    """
    return propose_viewed(look_at(scan, reduction), ink, deslant=deslant)


def look_at(scan: NDArray[np.uint8], reduction: Reduction | None = None) -> Viewed:
    """Look at a scan, as the first step of `propose`: the only one that reads all pixels of most scans."""
    is_inverted = cv2.norm(scan, cv2.NORM_L1) * (1.0 / scan.size) > 127.5
    view = _shrink(_ink_bright(scan, not is_inverted), reduction.times if reduction else 1)
    return Viewed(scan, is_inverted, view, reduction)


def propose_viewed(viewed: Viewed, ink: Ink = "auto", *, deslant: bool = True) -> Candidates:
    """The other steps of `propose`."""
    view = viewed.view
    polarities = () if ink == "auto" else ((ink == "light") != viewed.is_inverted,)
    pages = _pages_of(view, polarities)
    found = _find_candidates(pages, viewed, deslant)
    if found.glyphs or found.holds_writing or polarities or not pages[0].is_even or min(view.shape) < MIN_CELL_SIDE:
        return found
    is_tight = min(view.shape) < MIN_PAGE_SIDE and not found.has_lines
    if not (is_tight or has_shadows(view)):
        return found
    # A shadow inside the view, or one in a small view, may have been taken for its background. Parts of lines that are
    # not found as such under another light are no digit.
    shadowed = _find_candidates(_uneven_pages(view, otsu(view), ()), viewed, deslant)
    return shadowed if shadowed.glyphs and shadowed.has_lines >= found.has_lines else found


def _find_candidates(pages: list[_Page], viewed: Viewed, deslant: bool) -> Candidates:
    """The candidates of a view under each polarity that it may have."""
    glyphs: list[tuple[Glyph, float]] = []
    pair: tuple[Glyph, ...] = ()
    has_lines = has_empty_box = is_unsure = False
    for page in pages:
        inks, cell, two = _find_inks(page.view, page.mask, page.is_even)
        has_lines |= cell is not None
        is_unsure |= cell is None or cell.stroke_prior > 0.0 or cv2.hasNonZero(cell.mask)
        framed = _framed(inks, viewed, page, cell is not None, deslant)
        if two and not pair:
            pair = tuple(glyph for glyph, _ in _framed(two, viewed, page, cell is not None, deslant))
        if cell and cell.is_box and framed:  # under the other polarity, the inside of the box would be ink
            glyphs = framed
            break
        has_empty_box |= cell is not None and cell.is_box and not framed
        glyphs += framed
    if has_empty_box:
        glyphs = [glyph for glyph in glyphs if not _is_solid(glyph[0])]
    if not glyphs:
        return Candidates((), (), has_lines, is_unsure and any(holds_writing(page.view) for page in pages))
    if len(glyphs) > 1:
        glyphs.sort(key=lambda glyph: -glyph[1])
    pair = pair if len(pair) == 2 else ()
    return Candidates(
        tuple([glyph for glyph, _ in glyphs]), tuple([prior for _, prior in glyphs]), has_lines, False, pair
    )


def _framed(
    inks: list[_InkAndDigit], viewed: Viewed, page: _Page, has_lines: bool, deslant: bool
) -> list[tuple[Glyph, float]]:
    """The glyph and the prior of each digit of a page that has ink."""
    cut = [(_cut_out(ink, digit, viewed, page.ink_is_light, has_lines), digit.prior) for ink, digit in inks]
    return [(frame(ink, deslant=deslant), prior) for ink, prior in cut if ink is not None]


def _pages_of(view: MatLike, given: tuple[bool, ...]) -> list[_Page]:
    """A view under each polarity that it may have, or under a given one."""
    level, lighter = otsu_split(view)
    if is_evenly_lit(view, level, lighter):
        polarities = given or even_polarities(lighter)
        return [_Page(light, _ink_bright(view, light), _ink_bright(lighter, light), True) for light in polarities]
    return _uneven_pages(view, lighter, given)


def _uneven_pages(view: MatLike, lighter: MatLike, given: tuple[bool, ...]) -> list[_Page]:
    """The same without the view's background; `lighter` is the mask of its lighter side."""
    flat = {light: remove_background(_ink_bright(view, light)) for light in given or (False, True)}
    polarities = given or uneven_polarities(flat[False][1], flat[True][1], lighter)
    return [_Page(light, flat[light][0], otsu(flat[light][0]), False) for light in polarities]


def _is_solid(glyph: Glyph) -> bool:
    """Whether a glyph is a filled box, such as the inside of an empty cell under the wrong polarity."""
    core = cv2.threshold(glyph, 127, 1, cv2.THRESH_BINARY)[1]
    _, _, width, height = cv2.boundingRect(core)
    return cv2.countNonZero(core) > MIN_SOLID_SHARE * width * height


def _ink_bright(picture: MatLike, ink_is_light: bool) -> MatLike:
    """A picture, or the mask of its lighter side, with its ink bright."""
    return picture if ink_is_light else np.invert(picture)  # faster than OpenCV's bitwise_not


def _shrink(scan: MatLike, times: int) -> MatLike:
    """The view of a scan that is reduced so many times. The rows and columns left over at the end are cut off."""
    factor = _factor(scan, times)
    if factor <= 1.0:
        return scan
    height, width = scan.shape
    height, width = max(1, int(height / factor)), max(1, int(width / factor))
    part = scan[: round(height * factor), : round(width * factor)]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)


def _factor(scan: MatLike, times: int) -> float:
    """Pixels of a scan, reduced so many times, for each of its view. Those of its full size are whole, for speed."""
    longer: int = max(scan.shape)
    return math.ceil(times * longer / MAX_VIEW_SIDE) / times


def _find_inks(view: MatLike, mask: MatLike, is_even: bool) -> _Found:
    """Find the ink of a view, each of its digits, and the cell."""
    counts, area = (None, 0) if is_even else (histogram(view), cv2.countNonZero(mask))
    ink, contrast, level = stretch_contrast(view, mask, counts)
    parts = parts_of(mask)
    if isinstance(parts, Components):
        joined, parts = join_faint(ink, mask, parts)
        if joined is not mask:
            mask, level = joined, stretch_contrast(view, joined, counts)[2]
    if not contrast or not has_edges(view, mask, longest_box(parts), ink, contrast):
        clearer = _clearer(view, is_even)
        if not clearer:
            return _Found([])
        (view, mask), is_even = clearer, False
        (ink, _, level), parts, counts = stretch_contrast(view, mask), parts_of(mask), None
    ticks = find_ticks(parts)
    may_be_cell = ticks is not None or may_be_lines(parts, *mask.shape)
    cell = remove_lines(_without_level(view, level if is_even else 0.0), mask, parts, ticks) if may_be_cell else None
    if cell and cell.stroke_prior == 0.0:
        return _Found(_digits_of(cell, is_even), cell, _pair_of(cell))
    if counts is None or is_ink(counts, area):
        found = _digits(ink, mask, parts, MIN_DIGIT_SHARE, is_even)
    else:
        found = [] if cell else _digits_in_grain(view)
    if not cell:
        pair = find_pair(parts) if isinstance(parts, Components) else None
        return _Found(found, None, _with_ink(ink, pair) if pair else None)
    found = _weighted(_digits_of(cell, is_even), 1.0 - cell.stroke_prior) + _weighted(found, cell.stroke_prior)
    return _Found(found, cell, _pair_of(cell))


def _clearer(view: MatLike, is_even: bool) -> tuple[MatLike, MatLike] | None:
    """A view with less background or grain in which there is ink, and its mask; None if there is none.

    Fields of two greys, as of tinted forms, and strong grain hide ink that a person sees.
    """
    if min(view.shape) < MIN_CELL_SIDE:
        return None
    flat = remove_background(view)[0] if is_even else view
    for clearer in (flat, cv2.GaussianBlur(flat, (0, 0), MIN_GRAIN_BLUR + GRAIN_BLUR * max(view.shape))):
        mask = otsu(clearer)
        ink, contrast, _ = stretch_contrast(clearer, mask)
        if not contrast or not is_ink(histogram(clearer), cv2.countNonZero(mask)):
            continue
        if has_edges(clearer, mask, longest_box(parts_of(mask)), ink, contrast):
            return clearer, mask
    return None


def _digits_in_grain(view: MatLike) -> list[_InkAndDigit]:
    """The digits of an unevenly lit view without distinct ink that grain hides; what reaches two borders is light."""
    clearer = _clearer(view, False)
    if not clearer:
        return []
    view, mask = clearer
    height, width = mask.shape
    ink = stretch_contrast(view, mask)[0]
    found = []
    for _, digit in _digits(ink, mask, parts_of(mask), MIN_DIGIT_SHARE, False):
        x, y, digit_width, digit_height = digit.box
        borders = (x == 0) + (y == 0) + (x + digit_width == width) + (y + digit_height == height)
        if borders < 2:
            found.append((ink, digit))
    return found


def _without_level(view: MatLike, level: float) -> MatLike:
    """An evenly lit view on a background of 0, without stretching its contrast."""
    return cv2.subtract(view, level) if level else view  # type: ignore[call-overload]


def _digits_of(cell: Cell, is_even: bool) -> list[_InkAndDigit]:
    """The ink and each of the digits of a cell without its lines."""
    ink, _, _ = stretch_contrast(cell.view, cell.mask)
    return _digits(ink, cell.mask, cell.parts, MIN_CELL_DIGIT_SHARE, is_even)


def _pair_of(cell: Cell) -> list[_InkAndDigit] | None:
    """The ink of two digits beside each other in a cell, and each of them; None if there are no such."""
    pair = find_pair(cell.parts if cell.written is cell.mask else parts_of(cell.written))
    return _with_ink(stretch_contrast(cell.view, cell.written)[0], pair) if pair else None


def _with_ink(ink: MatLike, masks: Iterable[MatLike]) -> list[_InkAndDigit]:
    """Digits by their masks, with their ink."""
    return [(ink, Digit(mask, cv2.boundingRect(mask), 1.0)) for mask in masks]


def _weighted(found: list[_InkAndDigit], share: float) -> list[_InkAndDigit]:
    """The same with a share of their priors."""
    return [(ink, digit._replace(prior=share * digit.prior)) for ink, digit in found]


def _digits(ink: MatLike, mask: MatLike, parts: Parts, min_share: float, is_even: bool) -> list[_InkAndDigit]:
    """The ink of a mask and each of its digits that is long enough; the same of its darker ink, if it has two levels.

    Args:
        ink: uint8 (H, W), on a background of 0.
        mask: of the ink, 255 on 0.
        parts: those of the mask.
        min_share: of the longer side: the least length of a digit.
        is_even: whether the view is evenly lit.
    """
    found = _long_digits(ink, mask, parts, min_share, is_even)
    if not found or min(mask.shape) < SMALL_SIDE:
        return found
    _, first = found[0]
    darker = darker_ink(ink, first.mask, first.box)
    if not darker:
        return found
    ink, mask = darker
    return found + _long_digits(ink, mask, parts_of(mask), min_share, is_even)


def _long_digits(ink: MatLike, mask: MatLike, parts: Parts, min_share: float, is_even: bool) -> list[_InkAndDigit]:
    """The ink of a mask and each of its digits that is long enough.

    In an unevenly lit view, what runs from edge to edge is the edge of a shadow.
    """
    min_length = max(2.0, min_share * max(mask.shape))
    digits = [digit for digit in find_digits(mask, parts) if max(digit.box[2:]) >= min_length]
    if not is_even:
        digits = [digit for digit in digits if not (digit.box[2] == mask.shape[1] or digit.box[3] == mask.shape[0])]
    return [(ink, digit) for digit in digits if not is_field_or_broken_frame(digit.mask, digit.box)]


def _cut_out(ink: MatLike, digit: Digit, viewed: Viewed, ink_is_light: bool, has_lines: bool) -> MatLike | None:
    """The digit's part of the ink, from a close-up of the scan if the digit is small in the view; None without ink."""
    mask, box, _ = digit
    if max(viewed.scan.shape) > MAX_VIEW_SIDE and max(box[2:]) < MIN_DIGIT_SIDE:
        ink, mask, box = _close_up(mask, box, viewed, ink_is_light, has_lines) or (ink, mask, box)
    if max(mask.shape) < MIN_DIGIT_SIDE:
        ink = cv2.bitwise_and(ink, cv2.dilate(mask, SMALL_EDGE))
    else:
        x, y, width, height = box
        around = slice(max(0, y - EDGE), y + height + EDGE), slice(max(0, x - EDGE), x + width + EDGE)
        ink = cv2.bitwise_and(ink[around], cv2.dilate(mask[around], LARGE_EDGE))
    return ink if cv2.hasNonZero(ink) else None  # the digit may be fainter than the background's grain


def _close_up(
    mask: MatLike, box: Box, viewed: Viewed, ink_is_light: bool, has_lines: bool
) -> tuple[MatLike, MatLike, Box] | None:
    """The ink around a small digit, shrunk less, the digit's mask in it and its box; None if it is lost there."""
    x, y, width, height = box
    margin = CLOSE_UP_MARGIN * max(width, height)
    scale = _factor(viewed.scan, viewed.times)
    if viewed.reduction and scale * max(width, height) < MAX_INK_SIDE:
        viewed = viewed.enlarged()
        scale = _factor(viewed.scan, viewed.times)
    rows = slice(max(0, round((y - margin) * scale)), round((y + height + margin) * scale))
    columns = slice(max(0, round((x - margin) * scale)), round((x + width + margin) * scale))
    view = _ink_bright(viewed.close_up(rows, columns), ink_is_light)
    is_even = is_evenly_lit(view, *otsu_split(view))
    if not is_even:
        view = remove_background(view)[0]
    if has_lines:  # only where the digit is: the lines are not looked for again
        view = _without_level(view, stretch_contrast(view, otsu(view))[2]) if is_even else view
        around = cv2.dilate(mask, LARGE_EDGE)[
            int(rows.start / scale) : math.ceil(rows.stop / scale),
            int(columns.start / scale) : math.ceil(columns.stop / scale),
        ]
        view = np.bitwise_and(view, cv2.resize(around, view.shape[::-1], interpolation=cv2.INTER_NEAREST))
    around = otsu(view)
    digits = find_digits(around, parts_of(around))
    ink, contrast, _ = stretch_contrast(view, around)
    return (ink, digits[0].mask, digits[0].box) if digits and contrast else None
