"""Load a model file into the runtime for its suffix."""

from __future__ import annotations

from pathlib import Path

from batchdigits.errors import ModelFileError
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.runtime import BATCH_SIZE, Runtime


def load_runtime(path: Path, batch_size: int = BATCH_SIZE) -> Runtime:
    """The runtime for a model file: LiteRT for a .tflite, TensorFlow for a .keras.

    Raises:
        ModelFileError: see `read_model_file`; or the network does not match its card; or the suffix is another one.
        MissingExtraError: the file is a .keras, and TensorFlow is not installed.
    """
    if path.suffix == ".tflite":
        from batchdigits.inference.litert_runtime import LiteRTRuntime

        return LiteRTRuntime(read_model_file(path), batch_size)
    if path.suffix == ".keras":
        from batchdigits.inference.tensorflow_runtime import TensorFlowRuntime

        return TensorFlowRuntime(read_model_file(path), batch_size)
    raise ModelFileError(f"{path}: a model file ends in .tflite or .keras")
