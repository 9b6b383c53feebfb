"""A second look at glyphs in doubt, by the convolutional network of the package that reads digits in their context.

Where the first network is in doubt, another kind of network errs on other glyphs, so the mean of both errs on fewer
(Hansen and Salamon 1990). Few glyphs are in doubt, so this takes little time.
"""

from __future__ import annotations

import numpy as np

from batchdigits.inference.card import Card
from batchdigits.inference.decide import scores
from batchdigits.inference.runtime import Glyphs, Logits, Runtime

DOUBT = 0.85  # score under which a glyph is looked at again
# The second network's logits are divided and shifted, so that they are calibrated on degraded validation digits, and as
# many of these are rejected as by the first network. `training/add_second_look.py` prints these numbers.
TEMPERATURE, OFFSET = 1.1220, 1.3289
SECOND_SHARE = 0.5  # of the second network, in the mean of the logits


class SecondLook:
    """A runtime that looks again at glyphs in doubt, with another network.

    Attributes:
        card: the card of the first network, with the figures of a second look.
        first: the runtime that looks once.
    """

    card: Card

    def __init__(self, first: Runtime, second: Runtime) -> None:
        """Look with one runtime, and again with another, which has one more class, for outliers."""
        self.card, self.first, self._second = first.card.with_second_look(True), first, second

    def logits(self, glyphs: Glyphs) -> Logits:
        """Logits, float32 (N, classes), of glyphs, uint8 (N, 28, 28)."""
        return look_again(self.first.logits(glyphs), glyphs, self.card.rejects, self._second)


def look_again(logits: Logits, glyphs: Glyphs, rejects: bool, second: Runtime) -> Logits:
    """The same logits, but for glyphs in doubt, which get the mean of both networks.

    Args:
        logits: float32 (N, classes), of the first network.
        glyphs: uint8 (N, 28, 28).
        rejects: the `rejects` of the first network's card.
        second: the second network.
    """
    doubtful = np.flatnonzero(scores(logits, rejects) < DOUBT)
    if not len(doubtful):
        return logits
    again = logits.copy()
    again[doubtful] += np.float32(SECOND_SHARE) * (as_first(second.logits(glyphs[doubtful])) - logits[doubtful])
    return again


def as_first(second: Logits) -> Logits:
    """Logits of the second network, (N, classes + 1), as the first one gives them: with 0 for outliers."""
    return (second[:, :-1] - second[:, -1:]) / np.float32(TEMPERATURE) - np.float32(OFFSET)


def without_second_look(runtime: Runtime) -> Runtime:
    """The runtime that looks once, whether or not this one looks again."""
    return runtime.first if isinstance(runtime, SecondLook) else runtime
