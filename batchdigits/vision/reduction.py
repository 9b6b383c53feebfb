"""Large images that are decoded in a reduced size, since the normaliser looks at few of their pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from batchdigits.vision.grey import Scan

MIN_REDUCED_SIDE = 480  # pixels of the longer side of a reduced scan: three for each of the normaliser's view


class Reduction(NamedTuple):
    """How a scan was reduced while it was decoded.

    Attributes:
        times: how many pixels of the image, each way, one of the scan stands for: 2, 4 or 8.
        enlarge: decodes the scan in its full size; gives None if that cannot be done.
    """

    times: int
    enlarge: Callable[[], Scan | None]


def times_to_reduce(width: int, height: int) -> int:
    """How many times an image of this size may be reduced: 1, 2, 4 or 8."""
    return max((times for times in (2, 4, 8) if max(width, height) >= times * MIN_REDUCED_SIDE), default=1)
