"""Export options: what kind of .tflite file to make, and which options exclude each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from batchdigits.errors import OptionError

Quantize = Literal["none", "float16", "dynamic", "int8", "int16x8"]
InputType = Literal["uint8", "int8", "float32"]
OutputType = Literal["float32", "int8"]
Head = Literal["logits", "probabilities"]
Batch = Literal["1", "dynamic"]

MODES_WITH_ACTIVATION_RANGES = ("int8", "int16x8")  # the representative dataset sets the ranges
MODES_WITH_WEIGHT_SCALES = ("int8", "int16x8", "dynamic")  # their weights are int8


@dataclass(frozen=True)
class ExportOptions:
    """What kind of .tflite file to make.

    Attributes:
        quantize: `int8` has int8 weights and int8 activations, `int16x8` int8 weights and int16 activations, `dynamic`
            int8 weights and float32 activations, `float16` half-precision weights, `none` float32 weights.
        input_type: type of the network's input: int8 is a glyph's byte less 128, uint8 the byte itself, float32 is 0-1.
        output_type: type of the network's output.
        head: `logits`, or `probabilities` with a softmax at the end.
        batch: glyphs in a call: `1`, or `dynamic` for any number, which the caller chooses.
        per_tensor: whether all of a layer's weights have one scale; otherwise each unit has its own.
    """

    quantize: Quantize
    input_type: InputType
    output_type: OutputType
    head: Head = "logits"
    batch: Batch = "1"
    per_tensor: bool = False

    @property
    def has_activation_ranges(self) -> bool:
        """Whether a representative dataset sets the ranges of the activations."""
        return self.quantize in MODES_WITH_ACTIVATION_RANGES

    def as_quantization(self) -> Mapping[str, Any]:
        """The options in the card's `quantization`."""
        return {
            "mode": self.quantize,
            "input": self.input_type,
            "output": self.output_type,
            "head": self.head,
            "batch": self.batch,
            "per_tensor": self.per_tensor,
        }


def export_options(
    quantize: Quantize = "int8",
    input_type: InputType | None = None,
    output_type: OutputType | None = None,
    head: Head = "logits",
    batch: Batch = "1",
    per_tensor: bool = False,
    *,
    calibrate: bool = False,
    c_array: bool = False,
) -> ExportOptions:
    """Check options, and fill in the types that are None: int8 with `int8`, else float32.

    Args:
        quantize: see `ExportOptions`.
        input_type: see `ExportOptions`.
        output_type: see `ExportOptions`.
        head: see `ExportOptions`.
        batch: see `ExportOptions`.
        per_tensor: see `ExportOptions`.
        calibrate: whether someone's own scans are to set the ranges.
        c_array: whether C sources are to be made.

    Raises:
        OptionError: naming the options that exclude each other.
    """
    default: Literal["int8", "float32"] = "int8" if quantize == "int8" else "float32"
    for option, given in (("--input-type", input_type), ("--output-type", output_type)):
        if quantize != "int8" and given not in (None, "float32"):
            raise OptionError(f"{option} {given} needs --quantize int8; {quantize} takes and gives float32")
    if per_tensor and quantize not in MODES_WITH_WEIGHT_SCALES:
        modes = ", ".join(MODES_WITH_WEIGHT_SCALES)
        raise OptionError(f"--per-tensor needs --quantize {modes}; {quantize} has no scales")
    options = ExportOptions(quantize, input_type or default, output_type or default, head, batch, per_tensor)
    if calibrate and not options.has_activation_ranges:
        raise OptionError(f"--calibrate needs --quantize int8 or int16x8; {quantize} has no ranges to set")
    if c_array and (options.input_type, options.output_type, head, batch) != ("int8", "int8", "logits", "1"):
        raise OptionError("C sources need --quantize int8 --input-type int8 --output-type int8 --head logits --batch 1")
    return options
