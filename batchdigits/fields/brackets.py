"""Find brackets, which look like 1s and 7s: the printed number of a field, as (5), is none that a person wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Bracket = Literal["", "(", ")"]

MIN_ROWS = 6  # pixels: a lower arc has no shape
MAX_WIDTH, MIN_BOW = 0.5, 0.06  # of its height: an arc's width, and how far its middle is beside its ends
READ_AS = "17"


def bracket_of(ink: NDArray[np.uint8]) -> Bracket:
    """The bracket that ink has the shape of, which fills its picture, 1 on 0, uint8 (h, w); empty for other ink."""
    tall, wide = ink.shape
    if wide > MAX_WIDTH * tall or tall < MIN_ROWS:
        return ""
    rows = ink[ink.any(axis=1)]
    middles = (rows * np.arange(wide)).sum(axis=1) / rows.sum(axis=1)
    end, middle = max(1, len(rows) // 6), len(rows) // 3
    ends = (middles[:end].mean() + middles[-end:].mean()) / 2
    bow = (middles[middle:-middle].mean() - ends) / tall
    if abs(bow) < MIN_BOW:
        return ""
    return ")" if bow > 0 else "("


def is_in_brackets(value: str, shapes: Sequence[str]) -> bool:
    """Whether the first and the last digit of a number may be brackets, by the shape of each of its digits."""
    return value[0] in READ_AS and value[-1] in READ_AS and shapes[0] == "(" and shapes[-1] == ")"
