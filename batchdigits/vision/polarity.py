"""Find out whether a scan's ink is dark or light, from the area, width and roughness of its darker and lighter side.

Every measure here changes its sign, and nothing else, when the picture is inverted. So a scan and its inverse give the
same ink.
"""

from __future__ import annotations

import math

import cv2
from cv2.typing import MatLike

from batchdigits.vision.illumination import MIN_PAGE_SIDE

MIN_LEAD = 0.3  # of one polarity over the other, from the sum of all measures; below it both are candidates
MIN_ROUGHNESS_LEAD = 0.1  # the same, of the log ratio of the backgrounds' roughness; synthetic shadows have 0.2 or more
CLEAR_ROUGHNESS_LEAD = 0.6  # the same; a smaller one must agree with the measures of an even page
CLEAR_AREA_LEAD = 0.3  # excess area of the side that has the whole border; above it no other measure is needed
FRAME_AREA_LEAD = 0.1  # the same; below it, that side may be a frame around a page of the other
DIAGONAL = 1.4  # pixels from the centre of a pixel to that of a diagonal neighbour
STRIPS = 8  # horizontal strips of a picture, of which the topmost gives a bound for the whole


def even_polarities(lighter: MatLike) -> tuple[bool, ...]:
    """Whether the ink on an evenly lit page is light.

    The background has most of the border and of the area, and ink is thin.

    Args:
        lighter: the mask of the lighter side, 255 on 0, uint8 (H, W).

    Returns:
        One answer; or both, the likelier first, if neither leads clearly.
    """
    size, inner = lighter.size, lighter[1:-1, 1:-1]
    total = cv2.countNonZero(lighter)
    inside = cv2.countNonZero(inner) if inner.size else 0
    border = 1.0 - 2.0 * (total - inside) / (size - inner.size)
    area = 1.0 - 2.0 * total / size
    if abs(border) == 1.0 and border * area > CLEAR_AREA_LEAD:
        return (border > 0,)
    lead, darker = border + area, cv2.bitwise_not(lighter)
    if abs(border) == 1.0 and border * area < FRAME_AREA_LEAD:
        return _ordered(lead, math.inf)  # a frame of the ink's colour, or bold ink
    background, ink = (darker, lighter) if lead > 0 else (lighter, darker)
    # Bounds of the two radii often decide, and cost less than the exact radii, except for a small picture.
    if min(lighter.shape) >= MIN_PAGE_SIDE:
        bound = _log_ratio(_radius_lower_bound(background), _radius_upper_bound(ink))
        if abs(lead) + 2.0 * bound > MIN_LEAD:
            return (lead > 0,)
    return _ordered(lead + 2.0 * _log_ratio(_largest_radius(darker), _largest_radius(lighter)), MIN_LEAD)


def uneven_polarities(roughness_if_dark: float, roughness_if_light: float, lighter: MatLike) -> tuple[bool, ...]:
    """Whether the ink on an unevenly lit page is light, from the roughness of the background under each polarity.

    Under the wrong polarity the gaps between strokes are taken for ink, and the background holds a fat digit. The lines
    of a box may mislead this measure, so a small lead must agree with that of an even page.

    Args:
        roughness_if_dark: of the background without dark ink.
        roughness_if_light: of the background without light ink.
        lighter: the mask of the lighter side, 255 on 0, uint8 (H, W).

    Returns:
        One answer; or both, the likelier first, if neither leads clearly.
    """
    lead = math.log((roughness_if_dark + 1.0) / (roughness_if_light + 1.0))
    if abs(lead) > CLEAR_ROUGHNESS_LEAD or even_polarities(lighter) == (lead > 0,):
        return _ordered(lead, MIN_ROUGHNESS_LEAD)
    return _ordered(lead, math.inf)


def _ordered(lead: float, min_lead: float) -> tuple[bool, ...]:
    light = lead > 0
    return (light,) if abs(lead) > min_lead else (light, not light)


def _log_ratio(radius: float, other: float) -> float:
    return math.log(max(radius, 0.5) / max(other, 0.5))


def _largest_radius(mask: MatLike) -> float:
    """Radius of the largest disc inside a mask, in pixels; the picture's edge does not bound the disc."""
    return cv2.minMaxLoc(cv2.distanceTransform(mask, cv2.DIST_L2, 3))[1]


def _radius_lower_bound(mask: MatLike) -> float:
    """A lower bound of `_largest_radius`: that of a strip along the top, bounded below."""
    strip = mask[: len(mask) // STRIPS + 1].copy()
    strip[-1] = 0
    return _largest_radius(strip)


def _radius_upper_bound(mask: MatLike) -> float:
    """An upper bound of `_largest_radius`, from every second row and column: some are next to the disc's centre."""
    return 2.0 * _largest_radius(mask[::2, ::2]) + DIAGONAL
