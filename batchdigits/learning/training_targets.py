"""What a network is to answer for each glyph of a minibatch: the label, softened, or what a teacher says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.decide import softmax
from batchdigits.inference.runtime import GLYPH_PIXELS
from batchdigits.inference.tensorflow_runtime import import_tensorflow
from batchdigits.learning.outliers import OUTLIER

Targets = NDArray[np.float32]  # (N, classes), each row adding up to 1; all zeros for what is no digit
Teach = Callable[[NDArray[np.uint8]], Targets]


def smoothed(labels: NDArray[np.int64], classes: int, smoothing: float) -> Targets:
    """The labels as probabilities, `smoothing` of which is spread over all classes (Szegedy et al. 2016).

    An outlier is none of them.
    """
    one_hot = labels[:, None] == np.arange(classes)
    known = (labels != OUTLIER)[:, None]
    return np.asarray(known * (one_hot * (1.0 - smoothing) + smoothing / classes), np.float32)


def teach(teacher: Any, heat: float) -> Teach:
    """A function from glyphs, uint8 (N, 28, 28), to the probabilities of a Keras network at temperature `heat`.

    After Hinton et al. (2015): warmer than 1, they tell how alike two classes are on this glyph.
    """
    tf = import_tensorflow("training")
    logits = tf.function(lambda flat: teacher(tf.cast(flat, tf.float32) / 255.0, training=False))

    def targets(glyphs: NDArray[np.uint8]) -> Targets:
        answers = logits(glyphs.reshape(-1, GLYPH_PIXELS)).numpy()
        return softmax(answers / np.float32(heat)).astype(np.float32)

    return targets
