"""Turn a scan of one handwritten digit into the glyph that MNIST would have made of it.

Shrink the scan to a view of bounded size; find out whether its ink is dark or light; where the light is uneven, remove
the background; remove artifacts; and frame the digit as MNIST does.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.components import MIN_CELL_SIDE, Parts, parts_of
from batchdigits.vision.cut_out import cut_out
from batchdigits.vision.dither import is_dithered, smooth
from batchdigits.vision.filled_box import find_filled_box
from batchdigits.vision.frames import MIN_SOLID_SHARE
from batchdigits.vision.framing import frame
from batchdigits.vision.illumination import (
    MIN_PAGE_SIDE,
    has_shadows,
    is_evenly_lit,
    otsu,
    otsu_split,
    remove_background,
)
from batchdigits.vision.inks import InkAndDigit, find_inks
from batchdigits.vision.polarity import even_polarities, uneven_polarities
from batchdigits.vision.reduction import Reduction
from batchdigits.vision.small_box import find_small_box
from batchdigits.vision.view import Viewed, ink_bright, look_at
from batchdigits.vision.writing import holds_writing

Glyph = NDArray[np.uint8]
Ink = Literal["auto", "dark", "light"]

NORMALISER_VERSION = 3
MIN_SECOND_TONE = 0.1  # of the view: the lesser of its two tones, if it is dithered, or is a filled box or its paper


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


class _Page(NamedTuple):
    """A view under one polarity.

    Attributes:
        ink_is_light: whether light pixels of the view are taken for ink.
        view: with its ink bright, without its background if that is unevenly lit, uint8 (H, W).
        mask: of its brighter side, 255 on 0.
        parts: those of the mask.
        is_even: whether the view is evenly lit.
    """

    ink_is_light: bool
    view: MatLike
    mask: MatLike
    parts: Parts
    is_even: bool


def normalise(scan: NDArray[np.uint8], ink: Ink = "auto", *, deslant: bool = True) -> tuple[Glyph, ...]:
    """The glyphs of `propose`, the likeliest first."""
    return propose(scan, ink, deslant=deslant).glyphs


def propose(
    scan: NDArray[np.uint8], ink: Ink = "auto", *, deslant: bool = True, reduction: Reduction | None = None
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


def propose_viewed(viewed: Viewed, ink: Ink = "auto", *, deslant: bool = True) -> Candidates:
    """The other steps of `propose`."""
    view = viewed.view
    level, lighter = otsu_split(view)
    if MIN_SECOND_TONE < cv2.countNonZero(lighter) / lighter.size < 1 - MIN_SECOND_TONE:
        if is_dithered(view, lighter):
            view = smooth(view)
            level, lighter = otsu_split(view)
        if box := find_filled_box(lighter):
            return propose_viewed(viewed.part(*box), ink, deslant=deslant)._replace(has_lines=True)
    polarities = () if ink == "auto" else ((ink == "light") != viewed.is_inverted,)
    pages = _pages_of(view, level, lighter, polarities)
    if part := find_small_box(pages[0].mask, pages[0].parts):
        return propose_viewed(viewed.part(*part), ink, deslant=deslant)
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
        inks, cell, two = find_inks(page.view, page.mask, page.parts, page.is_even)
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
    inks: list[InkAndDigit], viewed: Viewed, page: _Page, has_lines: bool, deslant: bool
) -> list[tuple[Glyph, float]]:
    """The glyph and the prior of each digit of a page that has ink."""
    cut = [(cut_out(ink, digit, viewed, page.ink_is_light, has_lines), digit.prior) for ink, digit in inks]
    return [(frame(ink, deslant=deslant), prior) for ink, prior in cut if ink is not None]


def _pages_of(view: MatLike, level: float, lighter: MatLike, given: tuple[bool, ...]) -> list[_Page]:
    """A view under each polarity that it may have, or under a given one; with Otsu's level and mask of it."""
    if is_evenly_lit(view, level, lighter):
        polarities = given or even_polarities(lighter)
        return [_page(light, ink_bright(view, light), ink_bright(lighter, light), True) for light in polarities]
    return _uneven_pages(view, lighter, given)


def _uneven_pages(view: MatLike, lighter: MatLike, given: tuple[bool, ...]) -> list[_Page]:
    """The same without the view's background; `lighter` is the mask of its lighter side."""
    flat = {light: remove_background(ink_bright(view, light)) for light in given or (False, True)}
    polarities = given or uneven_polarities(flat[False][1], flat[True][1], lighter)
    return [_page(light, flat[light][0], otsu(flat[light][0]), False) for light in polarities]


def _page(ink_is_light: bool, view: MatLike, mask: MatLike, is_even: bool) -> _Page:
    return _Page(ink_is_light, view, mask, parts_of(mask), is_even)


def _is_solid(glyph: Glyph) -> bool:
    """Whether a glyph is a filled box, such as the inside of an empty cell under the wrong polarity."""
    core = cv2.threshold(glyph, 127, 1, cv2.THRESH_BINARY)[1]
    _, _, width, height = cv2.boundingRect(core)
    return cv2.countNonZero(core) > MIN_SOLID_SHARE * width * height
