"""Training targets: the class probabilities that a network learns to give for a glyph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import OUTLIER
from batchdigits.inference.decide import softmax
from batchdigits.inference.runtime import GLYPH_PIXELS
from batchdigits.inference.tensorflow_runtime import import_tensorflow

Targets = NDArray[np.float32]  # (N, classes), each row adding up to 1; all zeros for an outlier
Teacher = Callable[[NDArray[np.uint8]], Targets]  # glyphs, uint8 (N, 28, 28) -> targets


def smoothed_targets(labels: NDArray[np.int64], classes: int, smoothing: float) -> Targets:
    """Targets from labels, with label smoothing (Szegedy et al. 2016).

    Args:
        labels: int64 (N,); OUTLIER for a glyph that belongs to no class.
        classes: the number of classes.
        smoothing: probability spread over all classes, 0-1.
    """
    one_hot = labels[:, None] == np.arange(classes)
    known = (labels != OUTLIER)[:, None]
    return np.asarray(known * (one_hot * (1.0 - smoothing) + smoothing / classes), np.float32)


def teacher_of(networks: Sequence[Any], temperature: float, classes: int) -> Teacher:
    """A function from glyphs, uint8 (N, 28, 28), to the mean of Keras networks' probabilities, float32 (N, classes).

    Logits are divided by the temperature. Over 1, it makes the probabilities show how alike two classes are on a
    glyph, which a student learns from (knowledge distillation, Hinton et al. 2015). Of `classes`, those behind the
    networks' own have the probability 0.
    """
    tf = import_tensorflow("training")

    @tf.function  # type: ignore[untyped-decorator]
    def logits(flat: Any) -> Any:
        glyphs = tf.cast(flat, tf.float32) / 255.0
        return tf.stack([network(glyphs, training=False) for network in networks])

    def targets(glyphs: NDArray[np.uint8]) -> Targets:
        answers = logits(glyphs.reshape(-1, GLYPH_PIXELS)).numpy()
        means = np.asarray(softmax(answers / np.float32(temperature)).mean(axis=0), np.float32)
        return np.pad(means, ((0, 0), (0, classes - means.shape[1])))

    return targets
