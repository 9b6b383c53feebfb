"""Choose a model file when the caller names none."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from batchdigits.errors import ModelFileError
from batchdigits.inference.model_file import read_model_file

RuntimeName = Literal["tflite", "tensorflow"]
SUFFIXES: dict[RuntimeName, str] = {"tflite": ".tflite", "tensorflow": ".keras"}
EXPORTS = Path("exports")
PRETRAINED = Path(__file__).parent.parent / "pretrained"
BUILT_IN_MODEL = PRETRAINED / "digits.tflite"


def choose_model(runtime: RuntimeName) -> Path:
    """The current folder's `exports/digits.*` for a runtime if there is one, else the built-in model."""
    exported = EXPORTS / f"digits{SUFFIXES[runtime]}"
    return exported if exported.exists() else PRETRAINED / exported.name


def is_stale(tflite: Path) -> bool:
    """Whether a .tflite was made from another .keras than the one beside it; False where no such file is beside it.

    Raises:
        ModelFileError: the .tflite cannot be read.
    """
    if tflite.suffix != ".tflite":
        return False
    try:
        keras = read_model_file(tflite.with_suffix(".keras"))
    except ModelFileError:  # a missing or broken .keras, which the .tflite does not need
        return False
    return read_model_file(tflite).card.sha256.get("keras") != keras.card.sha256["payload"]
