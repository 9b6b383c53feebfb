"""The folder `training`: what it holds, and the scripts that made it."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from batchdigits.datasets import load, packed
from batchdigits.datasets.labelled import OUTLIER
from batchdigits.datasets.packed import GREY_STEP
from tests.conftest import ROOT, Arrays

FOLDER = ROOT / "training"


def script(name: str) -> ModuleType:
    """A script of the folder, as a module."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.npz")), ids=lambda file: file.stem)
def test_each_file_is_packed_data_with_as_many_items_as_the_readme_says(file: Path) -> None:
    with np.load(file, allow_pickle=False) as arrays:
        assert packed.is_packed(set(arrays))
        labels, splits = arrays["labels"], arrays["splits"]
    row = re.search(rf"^\| `{file.name}` \| ([\d,]+)( outliers)? \|", (FOLDER / "README.md").read_text(), re.M)
    assert row
    assert len(labels) == int(row[1].replace(",", ""))
    assert (labels == OUTLIER).all() == bool(row[2])
    assert set(splits) <= {packed.TRAIN, packed.VALIDATION, packed.TEST}
    assert file.name in (ROOT / "NOTICE").read_text()
    assert f" {file.stem}" in (ROOT / "Makefile").read_text()


def drawing(label: str, writer: str) -> str:
    return json.dumps({"label": label, "writer": writer, "strokes": [[[10, 0], [10, 0], [30, 40]], [[5, 5], [9, 9]]]})


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


@pytest.fixture
def sources(tmp_path: Path, small_mnist: Arrays) -> Path:
    """All archives that pack.py reads, with eight writers of two digits, and one outlier each."""
    digits = [drawing(str(number % 10), f"w{number // 2}") for number in range(16)]
    (tmp_path / "not_digit").mkdir()
    for name, lines in {
        **dict.fromkeys(("pendigits", "uji2", "lipitk", "bridger"), digits),
        "not_digit/uji_letters": [drawing("a", "w1"), drawing("O", "w1")],  # an O is left out
        **{f"not_digit/{name}": [drawing("?", "x")] for name in ("omniglot", "quickdraw", "bridger_symbols")},
    }.items():
        (tmp_path / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    for name, members in {
        "swiss_forms": [f"{number % 10}/w{number // 2}_{number}.png" for number in range(16)],
        "swiss_crops": [f"{number % 10}/u{number}.png" for number in range(16)],
        "not_digit/crossed_out_cells": ["0001.png"],
    }.items():
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for number, member in enumerate(members):
                archive.writestr(member, png(small_mnist["x_train"][number]))
    return tmp_path


def test_packing_keeps_digits_and_writers_apart(sources: Path, small_mnist: Arrays, tmp_path: Path) -> None:
    output = tmp_path / "packed"
    output.mkdir()
    result = CliRunner().invoke(script("pack").main, [str(sources), "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert {file.name for file in output.iterdir()} == {file.name for file in FOLDER.glob("*.npz")}
    with np.load(output / "pendigits.npz") as arrays:
        assert arrays["labels"].tolist() == [number % 10 for number in range(16)]
        of_writer = arrays["splits"].reshape(8, 2)
        assert (of_writer[:, 0] == of_writer[:, 1]).all()
        assert sorted(of_writer[:, 0].tolist()) == [packed.TRAIN] * 6 + [packed.VALIDATION, packed.TEST]
        assert arrays["stroke_sizes"][:2].tolist() == [2, 2]  # a point that repeats is left out
        assert arrays["points"][:2].tolist() == [[32, 0], [159, 255]]
    splits = load(output / "swiss_forms.npz")
    assert len(splits.train) + len(splits.validation) + len(splits.test) == 16
    with np.load(output / "swiss_crops.npz") as arrays:
        assert not arrays["splits"].any()  # no writers are known
        first = arrays["levels"][: 28 * 28].reshape(28, 28) * GREY_STEP
        assert np.abs(first.astype(int) - small_mnist["x_train"][0]).max() <= GREY_STEP / 2
    with np.load(output / "pen_outliers.npz") as arrays:
        assert arrays["labels"].tolist() == [OUTLIER] * len(arrays["labels"])
        assert len(arrays["labels"]) <= 4


def test_rendered_cells_are_digits_that_are_found_and_empty_ones_that_are_not_blank(small_mnist: Arrays) -> None:
    render = script("render_cells")
    kept: list[Any] = []
    for index in range(40):
        kept += render._with_digit(small_mnist["x_train"][index], 7, np.random.default_rng([1, index]))
        kept += render._empty(np.random.default_rng([2, index]))
    labels = [label for _, label in kept]
    assert 20 < labels.count(7) < 40
    assert 0 < labels.count(OUTLIER) < 30
    assert max(max(scan.shape) for scan, _ in kept) <= render.MAX_SIDE


def test_a_label_is_wrong_if_another_class_is_as_sure_as_it_is_of_its_own() -> None:
    sure, unsure = [0.9, 0.05, 0.05], [0.4, 0.35, 0.25]
    probabilities = np.array([sure, [0.1, 0.8, 0.1], sure, unsure, [0.0, 0.1, 0.9]], np.float32)
    labels = np.array([0, 1, 1, 1, 0])
    assert script("clean").mislabelled(probabilities, labels).tolist() == [False, False, True, False, True]


def test_cleaning_keeps_the_scans_that_are_neither_wrong_nor_printed(
    small_mnist: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = script("clean")
    pictures = [*small_mnist["x_train"][:30], *[small_mnist["x_train"][30]] * 7]
    labels = [*small_mnist["y_train"][:30].astype(int), *[int(small_mnist["y_train"][30])] * 7]
    true = np.eye(10, dtype=np.float32)[labels]
    monkeypatch.setattr(clean, "_probabilities", lambda data: true)
    labels[3] = (labels[3] + 1) % 10
    path = tmp_path / "crops.npz"
    np.savez(
        path,
        labels=np.array(labels, np.int8),
        splits=np.zeros(37, np.uint8),
        levels=np.concatenate([picture.ravel() // GREY_STEP for picture in pictures]).astype(np.uint8),
        sizes=np.full((37, 2), 28, np.uint16),
    )
    result = CliRunner().invoke(clean.main, [str(path)], catch_exceptions=False)
    assert "37 scans; dropped: 1 labelled wrongly, 7 printed" in result.output
    with np.load(path) as arrays:
        assert len(packed.load(path, dict(arrays)).train) == 29
        assert arrays["labels"].tolist() == [label for index, label in enumerate(labels[:30]) if index != 3]
        assert len(arrays["levels"]) == 29 * 28 * 28
