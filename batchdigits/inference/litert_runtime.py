"""The tflite runtime: LiteRT's interpreter, with or without quantization. Never loads TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import ModelFileError
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.runtime import GLYPH_PIXELS, Glyphs, Logits, in_padded_batches
from batchdigits.quiet import silent_stderr


class LiteRTRuntime:
    """A .tflite network in LiteRT, on one thread: parallel work is the engine's business."""

    def __init__(self, model: ModelFile, batch_size: int) -> None:
        """Load the flatbuffer and fix its batch size.

        Raises:
            ModelFileError: LiteRT refuses the flatbuffer, or its tensors are not those of the contract.
        """
        from ai_edge_litert.interpreter import Interpreter

        self.card = model.card
        self._batch_size = batch_size
        self._classes = len(model.card.labels)
        with silent_stderr():  # LiteRT announces its XNNPACK delegate on fd 2
            try:
                self._interpreter = Interpreter(model_content=model.payload, num_threads=1)
                self._input = _only(self._interpreter.get_input_details())
                self._interpreter.resize_tensor_input(self._input["index"], (batch_size, GLYPH_PIXELS))
                self._interpreter.allocate_tensors()
                self._output = _only(self._interpreter.get_output_details())
            except (ValueError, RuntimeError) as error:
                raise ModelFileError(f"{model.path}: LiteRT cannot load it ({str(error).splitlines()[0]})") from None
        if tuple(self._output["shape"]) != (batch_size, self._classes):
            raise ModelFileError(f"{model.path}: the network does not give {self._classes} logits a glyph")

    def logits(self, glyphs: Glyphs) -> Logits:
        """Logits, float32 (N, classes), of glyphs, uint8 (N, 28, 28)."""
        return in_padded_batches(self._run, glyphs, self._batch_size, self._classes)

    def _run(self, glyphs: Glyphs) -> Logits:
        self._interpreter.set_tensor(self._input["index"], _to_input(glyphs.reshape(-1, GLYPH_PIXELS), self._input))
        self._interpreter.invoke()
        return _from_output(self._interpreter.get_tensor(self._output["index"]), self._output)


def _only(tensors: list[dict[str, Any]]) -> dict[str, Any]:
    if len(tensors) != 1:
        raise ValueError("more than one input or output")
    return tensors[0]


def _to_input(flat: NDArray[np.uint8], tensor: dict[str, Any]) -> NDArray[Any]:
    """Glyph bytes, uint8 (N, 784), as the tensor wants them: int8 is the byte less 128, float32 is 0-1."""
    if tensor["dtype"] == np.int8:
        return (flat ^ 0x80).view(np.int8)  # flipping the top bit is subtracting 128
    return flat.astype(np.float32) / np.float32(255)


def _from_output(values: NDArray[Any], tensor: dict[str, Any]) -> Logits:
    if tensor["dtype"] == np.int8:
        scale, zero_point = tensor["quantization"]
        return (values.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
    return values.astype(np.float32)
