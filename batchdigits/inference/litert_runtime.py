"""The tflite runtime: LiteRT's interpreter, with or without quantization. Never loads TensorFlow."""

from __future__ import annotations

from typing import Any, Literal

from batchdigits.errors import ModelFileError
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.runtime import GLYPH_PIXELS, Glyphs, Logits, in_padded_batches
from batchdigits.inference.tensors import INPUT_TYPES, OUTPUT_TYPES, from_output, to_input
from batchdigits.quiet import silent_stderr
from batchdigits.text import first_line

Kernels = Literal["xnnpack", "reference"]


class LiteRTRuntime:
    """A .tflite network in LiteRT, by default on one thread: the engines run one process for each core."""

    def __init__(self, model: ModelFile, batch_size: int, kernels: Kernels = "xnnpack", threads: int = 1) -> None:
        """Load the flatbuffer and fix its batch size.

        Args:
            model: a .tflite model file.
            batch_size: glyphs in each call of the network.
            kernels: LiteRT's implementation of the operators; `reference` is slow, and only for parity checks.
            threads: threads of the XNNPACK kernels.

        Raises:
            ModelFileError: LiteRT cannot load or run the flatbuffer, or its tensors have other shapes or types.
        """
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self.card = model.card
        self._batch_size = batch_size
        self._classes = len(model.card.labels)
        self._head = str(model.card.quantization.get("head", "logits"))
        resolver = OpResolverType.AUTO if kernels == "xnnpack" else OpResolverType.BUILTIN_REF
        with silent_stderr():  # LiteRT logs its XNNPACK delegate to fd 2
            try:
                self._interpreter = Interpreter(
                    model_content=model.payload, num_threads=threads, experimental_op_resolver_type=resolver
                )
                self._input = _single(self._interpreter.get_input_details())
                self._interpreter.resize_tensor_input(self._input["index"], (batch_size, GLYPH_PIXELS))
                self._interpreter.allocate_tensors()
                self._interpreter.invoke()  # some networks load and then fail to run
                self._output = _single(self._interpreter.get_output_details())
            except (ValueError, RuntimeError) as error:
                raise ModelFileError(f"{model.path}: LiteRT cannot load it ({first_line(error)})") from None
        if tuple(self._output["shape"]) != (batch_size, self._classes):
            raise ModelFileError(f"{model.path}: the network does not give {self._classes} logits a glyph")
        if self._input["dtype"] not in INPUT_TYPES or self._output["dtype"] not in OUTPUT_TYPES:
            types = f"{self._input['dtype'].__name__} and gives {self._output['dtype'].__name__}"
            raise ModelFileError(f"{model.path}: the network takes {types}, which batchdigits does not support")

    def logits(self, glyphs: Glyphs) -> Logits:
        """Logits, float32 (N, classes), of glyphs, uint8 (N, 28, 28)."""
        return in_padded_batches(self._run, glyphs, self._batch_size, self._classes)

    def _run(self, glyphs: Glyphs) -> Logits:
        self._interpreter.set_tensor(self._input["index"], to_input(glyphs, self._input["dtype"]))
        self._interpreter.invoke()
        scale, zero_point = self._output["quantization"]
        return from_output(self._interpreter.get_tensor(self._output["index"]), scale, zero_point, self._head)


def _single(tensors: list[dict[str, Any]]) -> dict[str, Any]:
    if len(tensors) != 1:
        raise ValueError("more than one input or output")
    return tensors[0]
