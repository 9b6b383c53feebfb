"""Find digits that may be printed: a shape in each empty box, or a mark between boxes, which are all alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from batchdigits.fields.lattice import Step
from batchdigits.fields.line_digits import Box
from batchdigits.fields.lines.printed import are_alike

MIN_COPIES = 3  # two of the same digit may be as alike by chance


def may_be_printed(digits: Sequence[Step], places: Sequence[Box]) -> bool:
    """Whether a number is nothing but one digit, several times in the same size and row, as what is printed is.

    Args:
        digits: the steps that read the digits of a number.
        places: the box of each glyph.
    """
    if len(digits) < MIN_COPIES or len({step.text for step in digits}) > 1:
        return False
    left, top, right, bottom = np.array([places[step.glyph] for step in digits]).T
    return bool(are_alike((left + right) / 2, top, bottom, (right - left).astype(np.float64)).all())
