"""The one module that knows the converter: a .keras model file becomes a TFLite flatbuffer."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.flatbuffer import Graph, Tensor, read_graph
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.runtime import GLYPH_PIXELS
from batchdigits.inference.tensorflow_runtime import import_tensorflow, load_network
from batchdigits.learning.export_options import Target
from batchdigits.quiet import silent_output


def convert(model: ModelFile, target: Target, calibration: NDArray[np.uint8]) -> bytes:
    """The flatbuffer of a .keras model, with its tensors and its signature named `glyph` and after the head.

    Args:
        model: the .keras model file.
        target: what kind of file it is to be.
        calibration: glyphs, uint8 (N, 28, 28), whose activations set the ranges of int8 and int16x8; else unused.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelFileError: the weights do not fit the card.
        BatchdigitsError: the converter did not make what it was asked for.
    """
    if model.card.network.get("filters"):
        raise BatchdigitsError(f"{model.path}: has convolutions, as a teacher may; export what learned from it")
    tf = import_tensorflow("export")
    forward = _forward(tf, load_network(model), model.card.network["activation"], target)
    with silent_output(), warnings.catch_warnings():  # the converter prints to stdout, stderr and Python's warnings
        warnings.simplefilter("ignore")
        converter = tf.lite.TFLiteConverter.from_concrete_functions([forward.get_concrete_function()], tf.Module())
        _configure(tf, converter, target, calibration)
        flatbuffer = bytes(converter.convert())
    graph = read_graph(flatbuffer)
    if target.per_tensor:
        _check_per_tensor(graph)
    (entry,), (exit_,) = graph.inputs, graph.outputs
    _check_input(graph.tensors[entry])
    flatbuffer = _renamed(flatbuffer, graph.tensors[entry].name, "glyph")
    return _renamed(flatbuffer, graph.tensors[exit_].name, target.head)


def _forward(tf: Any, network: Any, activation: str, target: Target) -> Any:
    """The network as a function of constants: the converter loses Keras's variables, and names the signature's output.

    That way the names in the signature are ours, and the head can be put on.
    """
    weights = network.get_weights()
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    activate = tf.keras.activations.get(activation or None)
    batch = 1 if target.batch == "1" else None

    @tf.function(input_signature=[tf.TensorSpec([batch, GLYPH_PIXELS], tf.float32, name="glyph")])  # type: ignore[untyped-decorator]
    def forward(glyph: Any) -> dict[str, Any]:
        values = glyph
        for kernel, bias in layers[:-1]:
            values = activate(tf.matmul(values, kernel) + bias)
        kernel, bias = layers[-1]
        logits = tf.matmul(values, kernel) + bias
        return {target.head: tf.nn.softmax(logits) if target.head == "probabilities" else logits}

    return forward


def _configure(tf: Any, converter: Any, target: Target, calibration: NDArray[np.uint8]) -> None:
    if target.quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if target.quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if target.is_calibrated:
        ops = tf.lite.OpsSet
        int16x8 = ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS_INT8 if target.quantize == "int8" else int16x8]
        converter.representative_dataset = lambda: _representative(calibration)
    converter.inference_input_type = getattr(tf, target.input_type)
    converter.inference_output_type = getattr(tf, target.output_type)
    # Private, and the only switch there is; `_check_per_tensor` sees whether it still works.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = target.per_tensor


def _representative(glyphs: NDArray[np.uint8]) -> Iterator[list[Any]]:
    for glyph in glyphs:
        yield [glyph.reshape(1, GLYPH_PIXELS).astype(np.float32) / np.float32(255)]


def _check_per_tensor(graph: Graph) -> None:
    per_channel = [tensor.name for tensor in graph.tensors if len(tensor.scales) > 1]
    if per_channel:
        raise BatchdigitsError(
            f"this TensorFlow ignores --per-tensor: {len(per_channel)} tensors have a scale for each unit"
        )


def _check_input(entry: Tensor) -> None:
    """A quantized input is the glyph's byte, or that less 128, only if calibration saw the whole range."""
    if len(entry.scales) and not np.allclose(entry.scales, 1 / 255, rtol=1e-3):
        raise BatchdigitsError("the calibration glyphs do not go from paper (0) to ink (255); are they blank?")


def _renamed(flatbuffer: bytes, old: str, new: str) -> bytes:
    """The same flatbuffer with one tensor's name in place of another that is at least as long.

    Written in place, since packing the file anew would lose the alignment of its weights.
    """
    there, name = (struct.pack("<I", len(text)) + text.encode() + b"\0" for text in (old, new))
    if old == new:
        return flatbuffer
    if flatbuffer.count(there) != 1 or len(name) > len(there):
        raise BatchdigitsError(f"this TensorFlow names tensors in a way that cannot be mended: {old}")
    return flatbuffer.replace(there, name.ljust(len(there), b"\0"))
