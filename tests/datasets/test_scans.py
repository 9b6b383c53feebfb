from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from batchdigits.datasets.scans import UNKNOWN, read_scans
from batchdigits.errors import DataError
from tests.conftest import Arrays


def test_labels_come_from_folders_named_like_classes(tmp_path: Path, small_mnist: Arrays) -> None:
    image = Image.fromarray(255 - small_mnist["x_test"][0])
    for name in ("7/a.png", "inbox/b.png", "c.png", "7/deeper/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / name)
    Image.new("L", (20, 20), 255).save(tmp_path / "blank.png")
    (tmp_path / "7/broken.png").write_bytes(b"no image")
    scans = read_scans(tmp_path, ("6", "7"))
    found = dict(zip(scans.names, scans.labels.tolist(), strict=True))
    assert {Path(name).name: label for name, label in found.items()} == {
        "a.png": 1,
        "b.png": UNKNOWN,
        "c.png": UNKNOWN,
        "d.png": UNKNOWN,
    }
    assert scans.skipped == 2
    assert scans.glyphs.shape == (4, 28, 28)
    assert all(np.array_equal(glyph, scans.glyphs[0]) for glyph in scans.glyphs)


def test_a_folder_without_readable_ink_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images; it must hold scans with ink"):
        read_scans(tmp_path, ("0", "1"))
    Image.new("L", (20, 20), 255).save(tmp_path / "blank.png")
    with pytest.raises(DataError, match="1 image, all blank or unreadable"):
        read_scans(tmp_path, ("0", "1"))


def test_a_folder_that_is_not_there_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        read_scans(tmp_path / "nowhere", ("0", "1"))
