from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from batchdigits.datasets import folder
from batchdigits.datasets.scans import UNKNOWN, read_scans
from batchdigits.errors import DataError
from batchdigits.vision.decode import Page, decode
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


@pytest.mark.parametrize(
    ("module", "read"),
    [
        ("scans", lambda path: read_scans(path, ("6", "7")).glyphs),
        ("folder", lambda path: folder.load(path, seed=1, few_shot=True).train.glyphs),
    ],
)
def test_a_file_of_many_pages_is_in_memory_page_by_page(
    module: str,
    read: Callable[[Path], NDArray[np.uint8]],
    tmp_path: Path,
    small_mnist: Arrays,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = [Image.fromarray(255 - image) for image in small_mnist["x_train"][:20]]
    for label in "67":
        (tmp_path / label).mkdir()
        pages[0].save(tmp_path / label / "scans.tif", save_all=True, append_images=pages[1:])
    scans: list[ref[Any]] = []

    def spied(path: str) -> Iterator[Page]:
        for page in decode(path):
            scans.append(ref(page.scan))
            yield page
            del page
            assert sum(scan() is not None for scan in scans) < 3

    monkeypatch.setattr(f"batchdigits.datasets.{module}.decode", spied)
    assert len(read(tmp_path))
    assert len(scans) == 40
