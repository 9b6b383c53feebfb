"""Load a model file into the runtime for its suffix."""

from __future__ import annotations

from pathlib import Path

from batchdigits.errors import ModelFileError
from batchdigits.inference.choose import CONTEXT_NETWORK
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.inference.runtime import BATCH_SIZE, Runtime
from batchdigits.inference.second_look import SecondLook

MAX_TFLITE_BATCH = 64  # for LiteRT larger ones are hardly faster, and a batch of few glyphs takes as long as a full one
MAX_SECOND_BATCH = 4  # few glyphs are in doubt


def load_runtime(path: Path, batch_size: int = BATCH_SIZE, second_look: bool | None = None) -> Runtime:
    """The runtime for a model file: LiteRT for a .tflite, TensorFlow for a .keras.

    Args:
        path: the model file.
        batch_size: glyphs in each call of the network; LiteRT gets at most `MAX_TFLITE_BATCH`.
        second_look: whether it looks again at glyphs in doubt; None if the card decides.

    Raises:
        ModelFileError: the suffix is another one, or the network does not match its card, or the card has figures of a
            second look with another network; see `read_model_file` and `Card.looks_again`, too.
        MissingExtraError: the file is a .keras, and TensorFlow is not installed.
    """
    if path.suffix not in (".tflite", ".keras"):
        raise ModelFileError(f"{path}: a model file ends in .tflite or .keras")
    model = read_model_file(path)
    runtime = _runtime(model, batch_size)
    if not model.card.looks_again(second_look):
        return runtime
    second = load_second_network(batch_size)
    if model.card.second_look and model.card.second_look["network"] != second.card.sha256["payload"]:
        raise ModelFileError(
            f"{path}: its second look was measured with another network than this batchdigits has; "
            "train it again, or leave the second look out (--no-second-look)"
        )
    return SecondLook(runtime, second)


def load_second_network(batch_size: int = BATCH_SIZE) -> Runtime:
    """The runtime that looks again at glyphs in doubt."""
    return _runtime(read_model_file(CONTEXT_NETWORK), min(batch_size, MAX_SECOND_BATCH))


def _runtime(model: ModelFile, batch_size: int) -> Runtime:
    if model.is_keras:
        from batchdigits.inference.tensorflow_runtime import TensorFlowRuntime

        return TensorFlowRuntime(model, batch_size)
    from batchdigits.inference.litert_runtime import LiteRTRuntime

    return LiteRTRuntime(model, min(batch_size, MAX_TFLITE_BATCH))
