"""The folder `training`: what it holds, and the scripts that made it."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from batchdigits.datasets import load, packed
from batchdigits.datasets.labelled import DIGIT_NAMES, OUTLIER, LabelledGlyphs
from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.datasets.packed import GREY_STEP
from batchdigits.inference.choose import BUILT_IN_MODEL, PRETRAINED
from batchdigits.inference.load import load_runtime
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.second_look import SecondLook
from batchdigits.inference.tensorflow_runtime import import_tensorflow
from batchdigits.learning.temperature_scaling import DEGRADED_COPIES
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


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that renders contexts, which imports another one of the folder."""
    monkeypatch.syspath_prepend(FOLDER)
    return script("render_contexts")


def number_of(contexts: ModuleType, arrays: Arrays, index: int) -> tuple[Any, np.ndarray]:
    """A rendered number, and its labels."""
    rng = np.random.default_rng(index)
    glyphs, labels = arrays["x_train"], arrays["y_train"]
    chosen = rng.integers(0, len(glyphs), 5)
    return contexts.render_number(glyphs[chosen], rng), labels[chosen].astype(np.int64)


def test_a_rendered_number_has_its_digits_where_its_ink_is(contexts: ModuleType, small_mnist: Arrays) -> None:
    for index in range(20):
        number, labels = number_of(contexts, small_mnist, index)
        ink = number.digits.max(axis=0)
        assert number.digits.shape == (len(labels), *number.scan.shape)
        inked, paper = number.scan[ink > 0.9], number.scan[ink < 0.1]
        assert abs(float(np.median(inked)) - float(np.median(paper))) > 15
        assert (number.digits.max(axis=(1, 2)) > 0.3).all()


def test_whole_digits_and_parts_have_their_labels(contexts: ModuleType, small_mnist: Arrays) -> None:
    found = []
    for index in range(40):
        number, labels = number_of(contexts, small_mnist, index)
        cut = contexts.cut_field(number.scan, contexts.ReadOptions())
        for glyph, label in contexts._labels(cut, number, labels):
            found.append((cut.glyphs[glyph], label, labels))
    names = [label for _, label, _ in found]
    assert set(names) == set(range(11))
    assert all(label == contexts.PART or label in labels for _, label, labels in found)
    whole = np.array([glyph for glyph, label, _ in found if label != contexts.PART])
    logits = load_runtime(BUILT_IN_MODEL).logits(whole)
    assert np.mean(logits.argmax(axis=1) == [label for label in names if label != contexts.PART]) > 0.8


def test_rendering_is_the_same_each_time(
    contexts: ModuleType, small_mnist: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = LabelledGlyphs(small_mnist["x_train"], small_mnist["y_train"].astype(np.int64))
    monkeypatch.setattr(contexts, "_source", lambda name, split: digits)
    monkeypatch.setattr(contexts, "CHUNK", 3)
    first, again, other = (contexts._render("train", start) for start in (0, 0, 3))
    assert np.array_equal(first.contexts, again.contexts)
    assert np.array_equal(first.labels, again.labels)
    assert first.contexts.shape != other.contexts.shape or not np.array_equal(first.contexts, other.contexts)


@pytest.mark.parametrize("name", ["tiny.tflite", "digits.keras"])
def test_a_second_look_is_added_to_a_card(name: str, tmp_path: Path, npz_file: Path) -> None:
    if name.endswith(".keras"):
        pytest.importorskip("tensorflow")
    model = tmp_path / name
    shutil.copy(PRETRAINED / name, model)
    before = read_model_file(model)
    done = CliRunner().invoke(script("add_second_look").main, [str(model), "--data", str(npz_file)])
    assert done.exit_code == 0, done.output
    assert "second network: temperature" in done.output
    after = read_model_file(model)
    assert after.payload == before.payload
    assert replace(after.card, second_look=before.card.second_look) == before.card
    copies = (1 + DEGRADED_COPIES) * len(load(npz_file).validation)
    assert after.card.second_look["risk"][0]["images"] == copies
    assert isinstance(load_runtime(model), SecondLook)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--bfloat16"]])
def test_a_network_for_contexts_is_trained_and_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    """Of ink at eleven heights, which is easily told apart, and of some glyphs."""
    training = script("train_contexts")
    monkeypatch.setattr(training, "GLYPH_BATCHES", 8)
    rng = np.random.default_rng(0)
    labels = np.arange(1_100) % 11
    pictures = np.zeros((1_100, 28, 28), np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        picture[2 * label + 2 : 2 * label + 5, 4:24] = rng.integers(150, 256)
    data, output = tmp_path / "contexts.npz", tmp_path / "contexts.tflite"
    np.savez(data, x_train=pictures, y_train=labels, x_validation=pictures[:220], y_validation=labels[:220])
    arguments = [str(data), "--data", "mnist", "-o", str(output), "--iterations", "400", *flags]
    done = CliRunner().invoke(training.main, arguments)
    assert done.exit_code == 0, done.output
    assert import_tensorflow("training").keras.mixed_precision.global_policy().name == "float32"
    runtime = load_runtime(output)
    assert runtime.card.labels == (*DIGIT_NAMES, NOT_DIGIT)
    assert np.mean(runtime.logits(pictures).argmax(axis=1) == labels) > 0.9
