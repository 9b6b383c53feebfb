"""The whole pipeline: train, export, classify with both runtimes, on the samples and on MNIST's test images."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas
import pytest
from numpy.typing import NDArray

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.datasets.labelled import normalise_labelled
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.load import load_runtime
from tests.conftest import SAMPLES, Run, rows_of, run_process

KERAS, TFLITE = PRETRAINED / "digits.keras", PRETRAINED / "digits.tflite"


@pytest.mark.parametrize("runtime", ["tflite", "tensorflow"])
def test_every_sample_gets_its_label(run: Run, in_empty_folder: Path, runtime: str) -> None:
    result = run("classify", SAMPLES / "digits", "--runtime", runtime)
    assert result.exit_code == 0
    rows = rows_of(result.stdout)
    assert len(rows) == 40
    assert [row["path"] for row in rows if row["label"] != Path(row["path"]).parent.name] == []
    assert f"using {PRETRAINED}" in result.stderr


def test_broken_samples_have_their_rows(run: Run, in_empty_folder: Path) -> None:
    result = run("classify", SAMPLES / "broken")
    assert result.exit_code == 3
    rows = {Path(row["path"]).name: row for row in rows_of(result.stdout)}
    assert {name: row["status"] for name, row in rows.items()} == {
        "blank.png": "blank",
        "empty.png": "error",
        "text.png": "error",
        "truncated.jpg": "error",
    }
    for row in rows.values():
        assert row["label"] == row["confidence"] == ""
        assert bool(row["detail"]) == (row["status"] == "error")
    assert "4 images: 1 blank, 3 error" in result.stderr


def test_each_command_uses_what_the_last_one_made_in_an_empty_folder(npz_file: Path, in_empty_folder: Path) -> None:
    quick = ("--iterations", "90", "--batch-size", "64", "--hidden", "32", "--data", npz_file)
    lines = {"train": 4, "export": 1}  # of our own messages, as the libraries' are hidden
    for command in (
        ("train", *quick),
        ("export", "--tflite", "--data", npz_file, "--min-agreement", "0.98"),  # one of 78 images may differ
        ("classify", SAMPLES / "digits", "-o", "a.csv"),
        ("classify", SAMPLES / "digits", "-o", "b.csv", "--runtime", "tensorflow"),
    ):
        result = run_process(*command, cwd=in_empty_folder)
        assert result.returncode == 0, result.stderr
        if command[0] != "export":
            assert result.stdout == ""
        if command[0] in lines:
            assert len(result.stderr.splitlines()) == lines[command[0]], result.stderr
        if command[0] == "classify":
            assert "using exports/digits." in result.stderr
    for name in ("a.csv", "b.csv"):
        rows = rows_of(Path(name).read_text())
        table = pandas.read_csv(name, dtype=str, keep_default_na=False)
        assert list(table.columns) == ["path", "label", "confidence", "status", "detail", "score"]
        assert table.to_dict("records") == rows
        assert len(rows) == 40


def test_a_stale_export_gets_a_warning(run: Run, trained: Path, in_empty_folder: Path) -> None:
    Path("exports").mkdir()
    Path("exports/digits.keras").write_bytes(trained.read_bytes())
    Path("exports/digits.tflite").write_bytes(TFLITE.read_bytes())
    result = run("classify", SAMPLES / "digits" / "3")
    assert result.exit_code == 0
    assert "warning: exports/digits.tflite was not made from the .keras file beside it" in result.stderr


@pytest.fixture(scope="module")
def mnist_images() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")


@pytest.fixture(scope="module")
def mnist_glyphs(mnist_images: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return normalise_labelled("test", *mnist_images, ink="light").glyphs


def test_the_runtimes_agree_on_mnists_test_images(mnist_glyphs: NDArray[np.uint8]) -> None:
    a, b = (load_runtime(path).logits(mnist_glyphs).argmax(axis=1) for path in (KERAS, TFLITE))
    assert np.mean(a == b) >= 0.999


@pytest.mark.parametrize("inverted", [False, True])
def test_mnist_as_png_files_gives_the_models_own_accuracy(
    run: Run,
    tmp_path: Path,
    mnist_images: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    mnist_glyphs: NDArray[np.uint8],
    inverted: bool,
) -> None:
    images, labels, glyphs = (part[::3] for part in (*mnist_images, mnist_glyphs))
    for number, image in enumerate(images):
        cv2.imwrite(f"{tmp_path}/{number}.png", 255 - image if inverted else image)
    result = run("classify", tmp_path, "--model", TFLITE)
    assert result.exit_code == 0
    answers = [row["label"] for row in rows_of(result.stdout)]  # natural order: 0.png, 1.png, … 10.png
    right = np.mean(np.array(answers) == labels.astype(str))
    own = np.mean(load_runtime(TFLITE).logits(glyphs).argmax(axis=1) == labels)
    assert abs(right - own) <= 0.001
