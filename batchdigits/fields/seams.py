"""Cut a component where digits may touch: seams from its top to its bottom, each near to a column.

A seam crosses as little ink as possible. It is found as in seam carving (Avidan and Shamir 2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDESTEP = 0.3  # cost of a step to the next column, in pixels of ink: a seam is straight if nothing speaks against it


def find_seams(ink: NDArray[np.bool_], columns: list[int], reach: int) -> NDArray[np.int32]:
    """The cheapest seam near to each of some columns.

    Args:
        ink: bool (h, w), a component in its box.
        columns: where seams are wanted.
        reach: columns by which a seam may be off at most.

    Returns:
        int32 (N, h): the first column on the right of each seam in each row.
    """
    height = len(ink)
    padded = np.pad(ink, ((0, 0), (reach, reach)))
    bands = np.stack([padded[:, column : column + 2 * reach + 1] for column in columns]).astype(np.float32)
    steps = np.zeros(bands.shape, np.int8)
    costs = bands[:, 0]
    ways = np.full((3, *costs.shape), np.inf, np.float32)
    for row in range(1, height):
        ways[0, :, 1:] = costs[:, :-1] + SIDESTEP
        ways[1] = costs
        ways[2, :, :-1] = costs[:, 1:] + SIDESTEP
        steps[:, row] = ways.argmin(axis=0)
        costs = ways.min(axis=0) + bands[:, row]
    every = np.arange(len(columns))
    at = costs.argmin(axis=1)
    seams = np.empty((len(columns), height), np.int32)
    for row in range(height - 1, 0, -1):
        seams[:, row] = at
        at = at + steps[every, row, at] - 1
    seams[:, 0] = at
    return seams + (np.array(columns, np.int32) - reach)[:, None]
