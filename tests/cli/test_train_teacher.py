"""`batchdigits train --teacher`: distillation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import batchdigits
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.model_file import read_card, read_model_file
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.training_targets import teacher_of
from tests.cli.test_train import QUICK
from tests.conftest import Arrays, Run


@pytest.fixture(scope="module")
def training(run_once: Run, npz_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A convolutional network after a very short training, and what the command said."""
    output = tmp_path_factory.mktemp("teacher") / "teacher.keras"
    result = run_once("train", *QUICK, "--recipe", "teacher", "--data", npz_file, "-o", output)
    assert result.exit_code == 0, result.output
    return output, result.stderr


@pytest.fixture
def teacher(training: tuple[Path, str]) -> Path:
    return training[0]


@pytest.mark.slow
def test_a_teacher_classifies_but_is_not_exported(run: Run, teacher: Path, tmp_path: Path) -> None:
    assert read_card(teacher).network == {"hidden": [8], "activation": "relu", "filters": [32, 64, 64, 128]}
    assert run("classify", "samples/digits/3", "--model", teacher).exit_code == 0
    result = run("export", "--tflite", "--model", teacher, "-o", tmp_path / "m.tflite")
    assert result.exit_code == 1
    assert "has convolutions" in result.stderr
    assert not (tmp_path / "m.tflite").exists()


def test_a_teacher_that_cannot_be_exported_is_refused_before_it_is_trained(
    run: Run, npz_file: Path, tmp_path: Path
) -> None:
    options = ("--recipe", "teacher", "--data", npz_file)
    result = run("train", *QUICK, *options, "-o", tmp_path / "m.keras", "--export")
    assert result.exit_code == 2
    assert "a teacher is not exported" in result.stderr
    assert not list(tmp_path.glob("m.*"))
    with pytest.raises(BatchdigitsError, match="a teacher is not exported"):
        batchdigits.train(tmp_path / "m.keras", recipe="teacher", data=npz_file, iterations=3, tflite=True)
    assert not list(tmp_path.glob("m.*"))


def test_what_comes_next_for_a_teacher_is_a_student(training: tuple[Path, str]) -> None:
    output, said = training
    assert f"next: batchdigits train --teacher {output}" in said
    assert "export" not in said


def test_a_teacher_changes_the_weights_and_is_in_the_card(
    run: Run, npz_file: Path, teacher: Path, tmp_path: Path
) -> None:
    cards = {}
    for name, options in (("with", ("--teacher", teacher)), ("without", ())):
        output = tmp_path / f"{name}.keras"
        result = run("train", *QUICK, "--recipe", "tiny", *options, "--data", npz_file, "-o", output)
        assert result.exit_code == 0, result.output
        cards[name] = read_card(output).sha256
    assert cards["with"]["payload"] != cards["without"]["payload"]
    assert cards["with"]["teacher_1"] == read_card(teacher).sha256["payload"]


def test_of_several_teachers_the_mean_is_learned(teacher: Path, trained: Path, small_mnist: Arrays) -> None:
    networks = [load_network(read_model_file(path)) for path in (teacher, trained)]
    glyphs = small_mnist["x_test"][:5]
    alone = [teacher_of([network], 3.0, 10)(glyphs) for network in networks]
    assert not np.allclose(alone[0], alone[1])
    assert np.allclose(teacher_of(networks, 3.0, 10)(glyphs), np.mean(alone, axis=0), atol=1e-6)


def test_two_teachers_are_in_the_card(run: Run, npz_file: Path, teacher: Path, trained: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.keras"
    options = ("--recipe", "tiny", "--teacher", teacher, "--teacher", trained, "--data", npz_file)
    assert run("train", *QUICK, *options, "-o", output).exit_code == 0
    sources = read_card(output).sha256
    assert sources["teacher_1"] == read_card(teacher).sha256["payload"]
    assert sources["teacher_2"] == read_card(trained).sha256["payload"]


@pytest.mark.parametrize(
    ("name", "message"), [("m.tflite", "a teacher is a .keras file"), ("no.keras", "no such model file")]
)
def test_a_teacher_that_is_no_keras_file_is_refused(run: Run, in_empty_folder: Path, name: str, message: str) -> None:
    result = run("train", *QUICK, "--teacher", name)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not Path("exports/digits.keras").exists()


def test_a_teacher_of_other_classes_is_refused(run: Run, small_mnist: Arrays, teacher: Path, tmp_path: Path) -> None:
    more = tmp_path / "twelve.npz"
    np.savez(more, **{**small_mnist, "y_train": np.arange(1000) % 12})  # type: ignore[arg-type]
    result = run("train", *QUICK, "--teacher", teacher, "--data", more, "-o", tmp_path / "m.keras")
    assert result.exit_code == 1
    assert "its classes are not those of the data" in result.stderr
