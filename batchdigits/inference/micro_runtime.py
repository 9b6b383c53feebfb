"""TFLite Micro, the interpreter for microcontrollers, run on this machine if it is installed.

PyPI's `tflite-micro` has wheels for Linux on x86-64 only. We use it for parity checks and to measure memory; no command
classifies with it.
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
from batchdigits.text import first_line

ARENA_BYTES = 16 << 20  # more than digit networks need, and than a microcontroller has
UNSUPPORTED_MODES = ("float16", "dynamic")  # TFLite Micro has no kernels for half-precision or mixed types


class MicroError(BatchdigitsError):
    """TFLite Micro cannot run a network: it is not installed, or does not support the network's operators or types."""


class MicroRuntime:
    """A .tflite network in TFLite Micro, one glyph at a time."""

    def __init__(self, model: ModelFile) -> None:
        """Load the flatbuffer.

        Raises:
            MicroError: the package is not installed, or does not support the network.
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
    """The bytes of tensor arena that TFLite Micro needs for a network, as its recording allocator counts them.

    A microcontroller needs fewer, since its pointers have 4 bytes instead of 8.

    Raises:
        MicroError: see `MicroRuntime`.
    """
    interpreter = _interpreter(model)
    with captured_stderr() as log:
        interpreter.print_allocations()
    total = re.search(r"Arena allocation total (\d+) bytes", log.getvalue())
    if total is None:
        raise MicroError("this version of TFLite Micro does not report the size of its arena")
    return int(total[1])


def _interpreter(model: ModelFile) -> Any:
    if find_spec("tflite_micro") is None:
        raise MicroError("not installed (pip install tflite-micro; Linux on x86-64 only)")
    if (mode := model.card.quantization.get("mode")) in UNSUPPORTED_MODES:
        raise MicroError(f"does not support {mode}")
    from tflite_micro.python.tflite_micro import runtime

    with silent_stderr():  # TFLite Micro logs its errors to fd 2
        try:
            return runtime.Interpreter.from_bytes(model.payload, arena_size=ARENA_BYTES)
        except (RuntimeError, ValueError) as error:
            raise MicroError(f"cannot run it ({first_line(error)})") from None
