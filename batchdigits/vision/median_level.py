"""The median of grey levels by their counts, which is faster than sorting them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def median_level(pixels: NDArray[np.uint8], least: int = 0) -> float:
    """The median of those of the pixels, uint8 (n,), that are at least `least`; there must be one."""
    total = np.bincount(pixels, minlength=least)[least:].cumsum()
    low, high = total.searchsorted(((total[-1] - 1) // 2, total[-1] // 2), side="right").tolist()
    return least + float(low + high) / 2
