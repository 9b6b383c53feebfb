"""The model that a command uses when none is named, and what it says of it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from batchdigits.cli.shared.model_choice import chosen_model
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import read_card
from tests.conftest import SAMPLES, Run

KERAS, TFLITE = PRETRAINED / "digits.keras", PRETRAINED / "digits.tflite"
IMAGES = SAMPLES / "digits/3"


def test_a_fresh_keras_file_is_used_and_its_accuracy_is_compared(
    trained: Path, in_empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("exports").mkdir()
    shutil.copy(trained, "exports/digits.keras")
    assert chosen_model(None, None) == Path("exports/digits.keras")
    own, theirs = read_card(trained).accuracy["test"], read_card(TFLITE).accuracy["test_mnist"]
    assert capsys.readouterr().err.splitlines() == [
        "batchdigits: using exports/digits.keras",
        "batchdigits: batchdigits export --tflite makes a .tflite of it, which is faster and needs no TensorFlow",
        f"batchdigits: by their cards, it labels {own:.2%} of test images right, the built-in model {theirs:.2%}",
    ]
    assert chosen_model(None, trained) == trained
    assert capsys.readouterr().err == f"batchdigits: using {trained}\n"


@pytest.mark.parametrize(
    ("options", "reason"),
    [((), "TensorFlow is not installed"), (("--runtime", "tflite"), "--runtime tflite reads no .keras")],
)
def test_a_keras_file_that_is_passed_over_is_named(
    run: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], reason: str
) -> None:
    if not options:
        monkeypatch.setitem(sys.modules, "tensorflow", None)
    Path("exports").mkdir()
    shutil.copy(KERAS, "exports/digits.keras")
    result = run("classify", IMAGES, *options)
    assert result.exit_code == 0, result.output
    assert f"using {TFLITE}" in result.stderr
    assert f"warning: exports/digits.keras is not used: {reason}; " in result.stderr


def test_a_model_as_good_as_the_built_in_one_is_used_without_a_word(run: Run, in_empty_folder: Path) -> None:
    Path("exports").mkdir()
    shutil.copy(TFLITE, "exports")
    shutil.copy(KERAS, "exports")
    os.utime("exports/digits.tflite", (1, 1))
    first, second = run("classify", IMAGES).stderr.splitlines()
    assert first == "batchdigits: using exports/digits.tflite"
    assert second.startswith("batchdigits: 4 images: ")
