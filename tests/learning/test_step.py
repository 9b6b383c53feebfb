"""What the training step asks of the network."""

from __future__ import annotations

import numpy as np
import pytest

from batchdigits.inference.decide import softmax
from batchdigits.learning.step import DOUBT, with_doubt


@pytest.mark.parametrize("heat", [1.0, 3.0])
def test_doubt_is_asked_for_where_there_is_no_target(heat: float) -> None:
    tf = pytest.importorskip("tensorflow")
    targets = np.array([[0.1, 0.8, 0.1, 0.0], [0, 0, 0, 0]], np.float32)
    logits = np.array([[1.0, 9.0, 2.0, 3.0], [1.0, 9.0, 2.0, 3.0]], np.float32)
    asked = with_doubt(tf, tf.constant(targets), tf.constant(logits), heat).numpy()
    assert np.allclose(asked[0], targets[0])
    # Logits that are right at that heat have the confidence DOUBT at heat 1, in the class that was favoured.
    assert np.allclose(softmax(np.log(asked[1:]) * heat), [[(1 - DOUBT) / 3, DOUBT, (1 - DOUBT) / 3, (1 - DOUBT) / 3]])
