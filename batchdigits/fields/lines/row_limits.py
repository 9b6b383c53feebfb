"""Between which rows the writing of a field stands: its rules may be tilted, so these rows differ by column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchdigits.vision.lines import MARGIN_SHARE
from batchdigits.vision.strokes import Stroke

Rows = NDArray[np.intp]  # one for each column


def row_limits(rules: Sequence[Stroke], shape: Sequence[int]) -> tuple[Rows, Rows]:
    """The first row below the rules in the upper margin of a view, for each column, and the first of the lower ones.

    Args:
        rules: level lines.
        shape: height and width of the view, whose own limits hold where there are no rules.
    """
    height, width = shape
    highest, lowest = np.zeros(width, np.intp), np.full(width, height)
    for rule in rules:
        if rule.margin < MARGIN_SHARE:
            ink = np.asarray(rule.ink) > 0
            columns = slice(rule.left, rule.left + ink.shape[1])
            if rule.side[1]:
                first = np.where(ink.any(axis=0), rule.top + ink.argmax(axis=0), height)
                lowest[columns] = np.minimum(lowest[columns], first)
            else:
                end = np.where(ink.any(axis=0), rule.top + len(ink) - ink[::-1].argmax(axis=0), 0)
                highest[columns] = np.maximum(highest[columns], end)
    return highest, lowest


def filled(rows: Rows, outside: int) -> Rows:
    """Such rows with those of the nearest columns where a limit is the view's own, as beyond the end of a rule."""
    known = np.flatnonzero(rows != outside)
    if not known.size:
        return rows
    return np.interp(np.arange(len(rows)), known, rows[known]).round().astype(np.intp)
