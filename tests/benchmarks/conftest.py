"""Two small sets of labelled images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Arrays


@pytest.fixture
def sets(tmp_path: Path, small_mnist: Arrays) -> Path:
    """Two sets of MNIST test digits, dark on white; the second also has `not_digit`, a blank and a broken image."""
    for number, (image, label) in enumerate(zip(small_mnist["x_test"][:30], small_mnist["y_test"], strict=False)):
        folder = tmp_path / "sets" / ("first", "second")[number % 2] / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - image).save(folder / f"{number}.png")
    (tmp_path / "sets/second/not_digit").mkdir()
    Image.fromarray(np.full((30, 30), 255, np.uint8)).save(tmp_path / "sets/second/1/blank.png")
    (tmp_path / "sets/second/1/broken.png").write_bytes(b"")
    return tmp_path / "sets"
