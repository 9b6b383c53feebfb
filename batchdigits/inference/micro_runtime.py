"""TFLite Micro's own interpreter, the one that microcontrollers run, as far as this machine has it.

PyPI's `tflite-micro` has wheels for Linux on x86-64 only. It is for proof and measurement, never for classifying.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

import numpy as np

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.runtime import Glyphs, Logits
from batchdigits.inference.tensors import from_output, to_input
from batchdigits.quiet import captured_stderr, silent_stderr

LARGEST_ARENA = 16 << 20  # bytes; no microcontroller has as much
UNSUPPORTED = ("float16", "dynamic")  # TFLite Micro has no kernels for half-precision or mixed weights


class MicroError(BatchdigitsError):
    """Why TFLite Micro does not run a network: it is not here, or does not support what is in it."""


class MicroRuntime:
    """A .tflite network in TFLite Micro, one glyph at a time."""

    def __init__(self, model: ModelFile) -> None:
        """Load the flatbuffer.

        Raises:
            MicroError: the package is not installed, or the network has what TFLite Micro does not support.
        """
        self.card = model.card
        self._head = str(model.card.quantization.get("head", "logits"))
        self._interpreter = _interpreter(model)
        self._dtype = self._interpreter.get_input_details(0)["dtype"]
        quantization = self._interpreter.get_output_details(0)["quantization_parameters"]
        self._scale = float(next(iter(quantization["scales"]), 0.0))
        self._zero_point = int(next(iter(quantization["zero_points"]), 0))

    def logits(self, glyphs: Glyphs) -> Logits:
        """Logits, float32 (N, classes), of glyphs, uint8 (N, 28, 28)."""
        rows = []
        for row in to_input(glyphs, self._dtype):
            self._interpreter.set_input(row[None], 0)
            self._interpreter.invoke()
            rows.append(self._interpreter.get_output(0)[0].copy())
        values = np.stack(rows) if rows else np.empty((0, len(self.card.labels)), np.float32)
        return from_output(values, self._scale, self._zero_point, self._head)


def needed_arena(model: ModelFile) -> int:
    """The bytes of tensor arena that TFLite Micro uses for a network, as its recording allocator counts them.

    On a microcontroller it is less, since pointers are half as long there.

    Raises:
        MicroError: see `MicroRuntime`.
    """
    interpreter = _interpreter(model)
    with captured_stderr() as lines:
        interpreter.print_allocations()
    total = re.search(r"Arena allocation total (\d+) bytes", lines.getvalue())
    if total is None:
        raise MicroError("this TFLite Micro does not say how large its arena is")
    return int(total[1])


def _interpreter(model: ModelFile) -> Any:
    if find_spec("tflite_micro") is None:
        raise MicroError("not installed (pip install tflite-micro; Linux on x86-64 only)")
    if (mode := model.card.quantization.get("mode")) in UNSUPPORTED:
        raise MicroError(f"does not support {mode}")
    from tflite_micro.python.tflite_micro import runtime

    with silent_stderr():  # it explains a refusal on fd 2
        try:
            return runtime.Interpreter.from_bytes(model.payload, arena_size=LARGEST_ARENA)
        except (RuntimeError, ValueError) as error:
            raise MicroError(f"cannot run it ({str(error).splitlines()[0]})") from None
