"""Load a model file into the runtime for its suffix."""

from __future__ import annotations

from pathlib import Path

from batchdigits.errors import ModelFileError
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.inference.runtime import BATCH_SIZE, Runtime

MAX_TFLITE_BATCH = 64  # for LiteRT larger ones are hardly faster, and a batch of few glyphs takes as long as a full one


def load_runtime(path: Path, batch_size: int = BATCH_SIZE, second_look: bool = False) -> Runtime:
    """The runtime for a model file: LiteRT for a .tflite, TensorFlow for a .keras.

    Args:
        path: the model file.
        batch_size: glyphs in each call of the network; LiteRT gets at most `MAX_TFLITE_BATCH`.
        second_look: whether it looks again at glyphs in doubt.

    Raises:
        ModelFileError: see `read_model_file`; or the network does not match its card; or the suffix is another one.
        MissingExtraError: the file is a .keras, and TensorFlow is not installed.
    """
    if path.suffix not in (".tflite", ".keras"):
        raise ModelFileError(f"{path}: a model file ends in .tflite or .keras")
    model = read_model_file(path)
    runtime = _runtime(model, batch_size)
    if not second_look:
        return runtime
    from batchdigits.inference.second_look import VIEWS, SecondLook  # few runs need it

    # LiteRT has a fixed number of glyphs for each call; TensorFlow takes a second to build a network.
    return SecondLook(runtime, runtime if model.is_keras else _runtime(model, len(VIEWS)))


def _runtime(model: ModelFile, batch_size: int) -> Runtime:
    if model.is_keras:
        from batchdigits.inference.tensorflow_runtime import TensorFlowRuntime

        return TensorFlowRuntime(model, batch_size)
    from batchdigits.inference.litert_runtime import LiteRTRuntime

    return LiteRTRuntime(model, min(batch_size, MAX_TFLITE_BATCH))
