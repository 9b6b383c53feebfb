"""Numbers as C source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

NUMBERS_PER_LINE = 28  # as many as a row of a glyph has


def array(declaration: str, values: Sequence[int]) -> str:
    """The definition of an array."""
    return f"{declaration} = {{\n{numbers(values)}}};\n"


def numbers(values: Sequence[int] | bytes | NDArray[np.uint8]) -> str:
    """Numbers with commas, in lines."""
    return "".join(_lines(values))


def _lines(values: Sequence[int] | bytes | NDArray[np.uint8]) -> Iterator[str]:
    for start in range(0, len(values), NUMBERS_PER_LINE):
        yield ",".join(str(number) for number in values[start : start + NUMBERS_PER_LINE]) + ",\n"
