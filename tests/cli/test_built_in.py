"""`built-in` is the model of the package wherever a command takes a model file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import read_card
from tests.conftest import SAMPLES, Run

IMAGES = SAMPLES / "digits/3"
KERAS, TFLITE = PRETRAINED / "digits.keras", PRETRAINED / "digits.tflite"


@pytest.mark.parametrize(
    ("command", "used"),
    [
        (("classify", IMAGES), TFLITE),
        (("classify", IMAGES, "--runtime", "tflite"), TFLITE),
        (("preview", IMAGES, "-o", "page.png", "--runtime", "tensorflow"), KERAS),  # quicker, without a worker
    ],
)
def test_a_command_uses_the_file_for_the_runtime_even_with_a_model_in_exports(
    run: Run, trained: Path, in_empty_folder: Path, command: tuple[str, ...], used: Path
) -> None:
    Path("exports").mkdir()
    shutil.copy(trained, "exports/digits.keras")
    result = run(*command, "--model", "built-in")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith(f"batchdigits: using {used}\n")


def test_a_file_of_that_name_needs_its_folder(run: Run, in_empty_folder: Path) -> None:
    Path("built-in").write_bytes(b"no model")
    assert run("classify", IMAGES, "--model", "built-in").exit_code == 0
    result = run("classify", IMAGES, "--model", "./built-in")
    assert result.exit_code == 1
    assert "batchdigits: using built-in\nbatchdigits: error: built-in: no card inside" in result.stderr
    assert str(PRETRAINED) not in result.stderr


def test_inspect_compares_a_model_with_it(run: Run, in_empty_folder: Path) -> None:
    shutil.copy(TFLITE, "mine.tflite")
    assert json.loads(run("inspect", "built-in", "--json").stdout)["card"]["normaliser"]
    assert run("inspect", "mine.tflite", "built-in").exit_code == 0


def test_benchmark_measures_it(run: Run) -> None:
    assert json.loads(run("benchmark", "built-in", "--seconds", "0", "--json").stdout)["file"] == str(TFLITE)


def test_it_can_be_trained_further_teach_and_be_exported(run: Run, npz_file: Path, in_empty_folder: Path) -> None:
    data = ("--data", npz_file, "--seed", "2")
    quick = ("--iterations", "2", "--batch-size", "16")
    recipe = ("--recipe", "default", *quick, *data)
    further = run("train", "--init", "built-in", *recipe, "-o", "further.keras")
    assert further.exit_code == 0, further.output
    assert read_card(Path("further.keras")).network["hidden"] == read_card(KERAS).network["hidden"]
    taught = run("train", "--teacher", "built-in", *recipe, "--iterations", "40", "-o", "taught.keras")
    assert taught.exit_code == 0, taught.output
    assert read_card(KERAS).sha256["payload"] in read_card(Path("taught.keras")).sha256.values()
    exported = run("export", "--tflite", "--model", "built-in", "--data", npz_file, "-o", "copy.tflite")
    assert exported.exit_code == 0, exported.output
    assert read_card(Path("copy.tflite")).sha256["keras"] == read_card(KERAS).sha256["payload"]


@pytest.mark.parametrize(("name", "hidden"), [("tiny", [128, 64]), ("nano", [32])])
def test_others_are_in_the_package_as_a_tflite(run: Run, in_empty_folder: Path, name: str, hidden: list[int]) -> None:
    file = PRETRAINED / f"{name}.tflite"
    result = run("classify", IMAGES, "--model", name)
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith(f"batchdigits: using {file}\n")
    assert json.loads(run("inspect", name, "--json").stdout)["card"]["network"]["hidden"] == hidden
    assert json.loads(run("benchmark", name, "--seconds", "0", "--json").stdout)["file"] == str(file)
    result = run("classify", IMAGES, "--model", name, "--runtime", "tensorflow")
    assert (result.exit_code, "is not for --runtime tensorflow" in result.stderr) == (2, True)
    result = run("train", "--init", name)
    assert (result.exit_code, f"the package has {name} as a .tflite file only" in result.stderr) == (2, True)
