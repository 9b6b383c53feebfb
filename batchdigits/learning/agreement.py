"""Compare the logits of a .keras network and of its export on the same glyphs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.decide import softmax
from batchdigits.inference.runtime import Logits


class Disagreement(NamedTuple):
    """A glyph that the networks label differently: its index, and each label (an index) with its confidence (0-1)."""

    glyph: int
    keras_label: int
    keras_confidence: float
    export_label: int
    export_confidence: float


class Agreement(NamedTuple):
    """The comparison of two networks.

    Attributes:
        images: how many glyphs were compared.
        keras_accuracy: the .keras network's share of right labels, 0-1; None if no glyph's label is known.
        export_accuracy: the export's share of right labels, likewise.
        largest_difference: the largest difference between their probabilities, over all glyphs and classes, 0-1.
        disagreements: the glyphs that the networks label differently, in order.
    """

    images: int
    keras_accuracy: float | None
    export_accuracy: float | None
    largest_difference: float
    disagreements: tuple[Disagreement, ...]

    @property
    def same_label(self) -> float:
        """Share of glyphs with the same label from both networks, 0-1."""
        return 1 - len(self.disagreements) / self.images


def compare(keras: Logits, export: Logits, labels: NDArray[np.int64]) -> Agreement:
    """Compare the logits of two networks.

    Args:
        keras: logits of the .keras network, float32 (N, classes), N at least 1.
        export: logits of the export, of the same shape.
        labels: int64 (N,); a negative label is unknown.
    """
    keras_probabilities, export_probabilities = softmax(keras), softmax(export)
    keras_labels, export_labels = keras_probabilities.argmax(axis=1), export_probabilities.argmax(axis=1)
    known = labels >= 0
    return Agreement(
        images=len(labels),
        keras_accuracy=float(np.mean(keras_labels[known] == labels[known])) if known.any() else None,
        export_accuracy=float(np.mean(export_labels[known] == labels[known])) if known.any() else None,
        largest_difference=float(np.abs(keras_probabilities - export_probabilities).max()),
        disagreements=tuple(
            Disagreement(
                int(glyph),
                int(keras_labels[glyph]),
                float(keras_probabilities[glyph, keras_labels[glyph]]),
                int(export_labels[glyph]),
                float(export_probabilities[glyph, export_labels[glyph]]),
            )
            for glyph in np.flatnonzero(keras_labels != export_labels)
        ),
    )
