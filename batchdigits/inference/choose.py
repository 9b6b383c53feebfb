"""Choose a model file when the caller names none."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from batchdigits.errors import ModelFileError
from batchdigits.inference.card import Card
from batchdigits.inference.model_file import read_model_file

RuntimeName = Literal["tflite", "tensorflow"]
SUFFIXES: dict[RuntimeName, str] = {"tflite": ".tflite", "tensorflow": ".keras"}
EXPORTS = Path("exports")
EXPORTED_KERAS = EXPORTS / "digits.keras"
PRETRAINED = Path(__file__).parent.parent / "pretrained"
BUILT_IN_MODEL = PRETRAINED / "digits.tflite"
CONTEXT_NETWORK = PRETRAINED / "contexts.tflite"  # reads digits in their context, and looks at glyphs in doubt again
# The package's model files, without their suffix, by the names that users give.
PACKAGED_MODELS = {"built-in": "digits", "tiny": "tiny", "nano": "nano"}


def packaged_model(name: object, suffix: str) -> Path | None:
    """Where a model file of the package would be, by the name that users give; None for any other name.

    The package has some only as a .tflite.
    """
    if not isinstance(name, str) or name not in PACKAGED_MODELS:
        return None
    return PRETRAINED / f"{PACKAGED_MODELS[name]}{suffix}"


def choose_model(runtime: RuntimeName | None) -> Path:
    """The current folder's `exports/digits.*` for a runtime if there is one, else the built-in model.

    Without a runtime it is the .tflite, unless the .keras was made after it and TensorFlow is installed.

    Raises:
        ModelFileError: the .tflite cannot be read, and has a .keras file beside it to compare it with.
    """
    if runtime is None:
        runtime = "tensorflow" if _is_newest(EXPORTED_KERAS) and find_spec("tensorflow") else "tflite"
    exported = EXPORTS / f"digits{SUFFIXES[runtime]}"
    return exported if exported.exists() else PRETRAINED / exported.name


def _is_newest(keras: Path) -> bool:
    """Whether a .keras exists, and the .tflite beside it does not, or was made before it from another one."""
    tflite = keras.with_suffix(".tflite")
    if not (keras.exists() and tflite.exists()):
        return keras.exists()
    return tflite.stat().st_mtime_ns < keras.stat().st_mtime_ns and is_stale(tflite)


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


def accuracy_on_test_images(card: Card) -> float | None:
    """Share of right labels (0-1) by a card: on MNIST's test images, else on its own; None if it does not say."""
    shares = [card.accuracy.get(name) for name in ("test_mnist", "mnist_test", "test")]
    return next((float(share) for share in shares if isinstance(share, int | float)), None)
