"""Which side of the contrast is the ink? The side that leaves a paper that looks like paper.

Every measure here changes its sign, and nothing else, when the picture is inverted: a scan and its inverse give the
same ink.
"""

from __future__ import annotations

import math

import cv2
from cv2.typing import MatLike

from batchdigits.vision.illumination import ROOM

UNSURE = 0.3  # lead of one reading below which both are given
SMOOTHER = 0.1  # the same for the logarithm of the papers' roughness; synthetic shadows start at 0.2
PLAIN = 0.3  # a border of one side, with this much more of the area than the other, needs no more thought
DIAGONAL = 1.4  # from a pixel to the corner of its neighbours, in pixels
STRIPS = 8  # that a picture is cut into, of which one shows how wide the paper is


def even_polarities(light: MatLike) -> tuple[bool, ...]:
    """Tell whether the ink on even paper is light: one answer, or both, likelier first, if the picture does not decide.

    Paper owns the border and most of the area, and ink is thin. `light` is the mask of the lighter side, 255 on 0.
    """
    size, inner = light.size, light[1:-1, 1:-1]
    total = cv2.countNonZero(light)
    inside = cv2.countNonZero(inner) if inner.size else 0
    border = 1.0 - 2.0 * (total - inside) / (size - inner.size)
    area = 1.0 - 2.0 * total / size
    if abs(border) == 1.0 and border * area > PLAIN:
        return (border > 0,)
    lean, dark = border + area, cv2.bitwise_not(light)
    paper, ink = (dark, light) if lean > 0 else (light, dark)
    # Two bounds may decide, in a third of the time of the measures themselves; a small picture has no time to save.
    if min(light.shape) >= ROOM and abs(lean) + 2.0 * _log_ratio(_at_least(paper), _at_most(ink)) > UNSURE:
        return (lean > 0,)
    return _ordered(lean + 2.0 * _log_ratio(_widest(dark), _widest(light)), UNSURE)


def uneven_polarities(rough_if_dark: float, rough_if_light: float) -> tuple[bool, ...]:
    """Answer the same for uneven paper, from the roughness of the paper that each reading leaves.

    Under the wrong reading the gaps between strokes are the ink, and the paper that is left holds a fat digit.
    """
    return _ordered(math.log((rough_if_dark + 1.0) / (rough_if_light + 1.0)), SMOOTHER)


def _ordered(lead: float, unsure: float) -> tuple[bool, ...]:
    light = lead > 0
    return (light,) if abs(lead) > unsure else (light, not light)


def _log_ratio(radius: float, other: float) -> float:
    return math.log(max(radius, 0.5) / max(other, 0.5))


def _widest(mask: MatLike) -> float:
    """Radius of the largest disc that fits, in pixels; the picture's border does not end it."""
    return cv2.minMaxLoc(cv2.distanceTransform(mask, cv2.DIST_L2, 3))[1]


def _at_least(mask: MatLike) -> float:
    """A bound below what is widest: the same for a strip along the top, ended below."""
    strip = mask[: len(mask) // STRIPS + 1].copy()
    strip[-1] = 0
    return _widest(strip)


def _at_most(mask: MatLike) -> float:
    """A bound above what is widest: the same for a quarter of the pixels, one of which is next to the middle."""
    return 2.0 * _widest(mask[::2, ::2]) + DIAGONAL
