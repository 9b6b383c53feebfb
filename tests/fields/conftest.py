"""The built-in network, and MNIST's test digits."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime

Digits = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    return load_runtime(BUILT_IN_MODEL.with_suffix(".tflite"))


@pytest.fixture(scope="session")
def mnist_digits() -> Digits:
    """Images, uint8 (N, 28, 28), and labels."""
    images, labels = (read_idx(MNIST / f"{name}.gz") for name in (TEST_IMAGES, TEST_LABELS))
    return images, labels
