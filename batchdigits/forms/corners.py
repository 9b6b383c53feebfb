"""The corners of a field on the scan of its page, as the row of a field has them."""

from __future__ import annotations

import numpy as np

from batchdigits.forms.reference import Points

MAX_SIDE = 1_000_000.0  # pixels: no scan is as large
MIN_AREA = 0.01  # square pixels: a tenth of a pixel each way, to which corners are written


def corners_text(corners: Points) -> str:
    """Corners as text: column and row of each in turn, to a tenth of a pixel, with blanks between.

    Args:
        corners: float64 (4, 2), those at the top left, top right, bottom right and bottom left of the form.
    """
    tenths = [round(float(side), 1) + 0.0 for side in corners.ravel()]  # no -0.0
    return " ".join(str(side).removesuffix(".0") for side in tenths)


def parsed_corners(text: str) -> Points | None:
    """The corners, float64 (4, 2), that a text says; None if it says none, or three of them are on a line."""
    try:
        corners = np.array([float(side) for side in text.split()]).reshape(4, 2)
    except ValueError:
        return None
    if not (np.abs(corners) <= MAX_SIDE).all():  # NaN is not
        return None
    before, behind = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
    areas = before[:, 0] * behind[:, 1] - before[:, 1] * behind[:, 0]  # twice those of the triangles at each corner
    return corners if (np.abs(areas) >= MIN_AREA).all() else None
