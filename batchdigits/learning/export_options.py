"""What kind of .tflite file an export is to make, and what cannot be combined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Quantize = Literal["none", "float16", "dynamic", "int8", "int16x8"]
InputType = Literal["uint8", "int8", "float32"]
OutputType = Literal["float32", "int8"]
Head = Literal["logits", "probabilities"]
Batch = Literal["1", "dynamic"]

CALIBRATED = ("int8", "int16x8")  # modes with quantized activations, whose ranges come from calibration glyphs
WITH_SCALES = ("int8", "int16x8", "dynamic")  # modes with int8 weights


class CombinationError(ValueError):
    """Options that the converter cannot combine; the message names them."""


@dataclass(frozen=True)
class Target:
    """What an export makes.

    Attributes:
        quantize: `int8` has int8 weights and activations, `int16x8` int16 activations, `dynamic` float32 ones;
            `float16` has half-precision weights, `none` float32 ones.
        input_type: what the file takes: int8 is a glyph's byte less 128, uint8 the byte itself, float32 0-1.
        output_type: what the file gives.
        head: `logits`, or `probabilities` with a softmax at the end.
        batch: `1`, a fixed first dimension, or `dynamic`.
        per_tensor: one scale for all of a layer's weights, not one for each unit.
    """

    quantize: Quantize
    input_type: InputType
    output_type: OutputType
    head: Head = "logits"
    batch: Batch = "1"
    per_tensor: bool = False

    @property
    def is_calibrated(self) -> bool:
        """Whether calibration glyphs have a say."""
        return self.quantize in CALIBRATED

    def described(self) -> Mapping[str, Any]:
        """What the card says about it."""
        return {
            "mode": self.quantize,
            "input": self.input_type,
            "output": self.output_type,
            "head": self.head,
            "batch": self.batch,
            "per_tensor": self.per_tensor,
        }


def choose_target(
    quantize: Quantize = "int8",
    input_type: InputType | None = None,
    output_type: OutputType | None = None,
    head: Head = "logits",
    batch: Batch = "1",
    per_tensor: bool = False,
) -> Target:
    """The target of these options; types that are None are int8 where the mode has them, else float32.

    Raises:
        CombinationError: naming the options that exclude each other.
    """
    natural: Literal["int8", "float32"] = "int8" if quantize == "int8" else "float32"
    for option, given in (("--input-type", input_type), ("--output-type", output_type)):
        if quantize != "int8" and given not in (None, "float32"):
            raise CombinationError(f"{option} {given} needs --quantize int8; {quantize} takes and gives float32")
    if per_tensor and quantize not in WITH_SCALES:
        raise CombinationError(f"--per-tensor needs --quantize {', '.join(WITH_SCALES)}; {quantize} has no scales")
    return Target(quantize, input_type or natural, output_type or natural, head, batch, per_tensor)
