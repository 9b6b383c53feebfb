"""Find the ink of a field: cut off dark edges, scale the scan, and even out its light."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.fields.surroundings import find_paper, light_beyond
from batchdigits.vision.illumination import is_evenly_lit, otsu, otsu_split, remove_background
from batchdigits.vision.normalise import Ink
from batchdigits.vision.polarity import even_polarities, uneven_polarities

MIN_SIDE, MAX_SIDE = 64, 160  # pixels of the shorter side of a view: a digit of half of it has more pixels than a glyph
MIN_VIEW_SIDE = 8  # pixels: a smaller view has no room for a digit
MAX_ENLARGEMENT = 4  # a scan has no more detail
MAX_PIXELS = 250_000  # of a view: 20 boxes of 112x112
# An edge of another page or of the table: rows or columns at the border with this share of the other colour.
MIN_EDGE_SHARE, MAX_PAGE_SHARE = 0.9, 0.3
MAX_EDGE = 0.75  # of the side: what is left must hold the field
MIN_STROKE_STRENGTH = 0.4  # of the strokes of the rest: an edge with such strokes is the field's own paper in a shadow
MIN_SHADOW_LIGHT = 0.25  # of the light beside it: what is darker is no paper in a shadow
STROKE_RANK = 98  # percentile of the pixels without their background that strokes have


class View(NamedTuple):
    """A field on an even background.

    Attributes:
        ink: uint8 (H, W), bright on 0.
        scale: pixels of the view for each of the scan.
        left: columns of the scan that were cut off.
        top: rows of the scan that were cut off.
        beyond: the mask of what surrounds the field's paper, 255 on 0, uint8 (H, W); None if nothing does.
        lean: columns by which it was sheared to the right for each row down.
        shift: columns by which its first row was moved to the right.
    """

    ink: MatLike
    scale: float
    left: int
    top: int
    beyond: MatLike | None = None
    lean: float = 0.0
    shift: float = 0.0


def view_of(scan: NDArray[np.uint8], ink: Ink = "auto") -> View:
    """Scale a scan, uint8 (H, W), to a size in which digits have enough pixels, and remove its background."""
    lighter = otsu(scan)
    paper = find_paper(scan, lighter)
    if paper is None:
        left, top, right, bottom = _page(scan, lighter)
    else:
        left, top, wide, high = cv2.boundingRect(paper)
        right, bottom = left + wide, top + high
    part = scan[top:bottom, left:right]
    scale = _scale(part.shape)
    page = _scaled(part, scale)
    height, width = page.shape
    if min(page.shape) < MIN_VIEW_SIDE:
        return View(np.zeros((height, width), np.uint8), scale, left, top)
    if paper is None:
        return View(_ink_of(page, ink), scale, left, top)
    own = cv2.resize(paper[top:bottom, left:right], (width, height), interpolation=cv2.INTER_NEAREST)
    return View(_ink_of(light_beyond(page, own), ink), scale, left, top, cv2.bitwise_not(own))


def _page(scan: MatLike, lighter: MatLike) -> tuple[int, int, int, int]:
    """The box of the field's own paper, without edges of the other colour: left, top, right and bottom.

    Args:
        scan: grey, uint8 (H, W).
        lighter: the mask of its lighter side, 255 on 0.
    """
    height, width = lighter.shape
    ends = [0, 0, width, height]
    for axis in (0, 1):
        light = None
        for is_far in (False, True):
            box = slice(ends[1], ends[3]), slice(ends[0], ends[2])
            if light is None:
                light = cv2.reduce(lighter[box], axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel() / 255.0
            edge = _edge(light[::-1] if is_far else light)
            if edge >= MIN_VIEW_SIDE:
                at = len(light) - edge if is_far else edge
                parts = scan[box][:, :at], scan[box][:, at:]
                if axis:
                    parts = scan[box][:at], scan[box][at:]
                edge = 0 if _is_written(*(parts[::-1] if is_far else parts)) else edge
            if edge:
                ends[axis + 2 * is_far] += -edge if is_far else edge
                light = None
    return ends[0], ends[1], ends[2], ends[3]


def _edge(light: NDArray[Any]) -> int:
    """How many rows or columns from the border on have the colour that the rest of the page has not.

    Args:
        light: the share of lighter pixels in each.
    """
    colour = light if light[0] > 0.5 else 1.0 - light
    is_page = colour < MIN_EDGE_SHARE
    edge = int(is_page.argmax())
    is_other = edge <= MAX_EDGE * len(light) and float(colour[edge:].mean()) < MAX_PAGE_SHARE
    return edge if is_other else 0


def _is_written(edge: MatLike, rest: MatLike) -> bool:
    """Whether an edge of a page has strokes like the rest of it: it is in a shadow, or the rest is."""
    if min(*edge.shape, *rest.shape) < MIN_VIEW_SIDE:
        return False
    scale = max(min(1.0, _scale(rest.shape)), MIN_VIEW_SIDE / min(edge.shape))
    edge, rest = _scaled(edge, scale), _scaled(rest, scale)  # else the background of a large scan takes long
    levels = float(np.median(edge)), float(np.median(rest))
    if min(levels) < MIN_SHADOW_LIGHT * max(levels):
        return False
    for light in (False, True):
        own, other = (
            float(np.percentile(remove_background(part if light else np.invert(part))[0], STROKE_RANK))
            for part in (edge, rest)
        )
        if own >= MIN_STROKE_STRENGTH * max(other, 1.0):
            return True
    return False


def _scale(shape: tuple[int, ...]) -> float:
    """Pixels of the view for each of a scan: whole if it is enlarged."""
    most = math.sqrt(MAX_PIXELS / (shape[0] * shape[1]))
    short = min(shape)
    if short < MIN_SIDE and most > 1.0:
        return float(min(math.ceil(MIN_SIDE / short), MAX_ENLARGEMENT, int(most)))
    return min(1.0, MAX_SIDE / short, most)


def _scaled(part: MatLike, scale: float) -> MatLike:
    """A part of a scan in another scale."""
    if scale == 1.0:
        return part
    height, width = (max(1, round(side * scale)) for side in part.shape)
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC)


def _ink_of(page: MatLike, ink: Ink) -> MatLike:
    """The ink of a page, bright, without the background."""
    is_light = ink == "light"
    if ink == "auto":
        level, lighter = otsu_split(page)
        if not is_evenly_lit(page, level, lighter):
            dark, light = (remove_background(side) for side in (np.invert(page), page))
            return light[0] if uneven_polarities(dark[1], light[1], lighter)[0] else dark[0]
        is_light = even_polarities(lighter)[0]
    return remove_background(page if is_light else np.invert(page))[0]
