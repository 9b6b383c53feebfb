"""Convert a .keras model file to a TFLite flatbuffer; the only module that uses TensorFlow's converter."""

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
from batchdigits.inference.tensors import as_network_input
from batchdigits.learning.export_options import ExportOptions
from batchdigits.quiet import silent_output
from batchdigits.vision.framing import SIDE


def convert(model: ModelFile, options: ExportOptions, representative: NDArray[np.uint8]) -> bytes:
    """Convert a .keras model to a flatbuffer, whose input is named `glyph` and whose output is named after the head.

    Args:
        model: the .keras model file.
        options: what kind of flatbuffer to make.
        representative: glyphs, uint8 (N, 28, 28), whose activations set the ranges of int8 and int16x8; unused in other
            modes.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelFileError: the weights do not fit the card.
        BatchdigitsError: the network is a teacher, the representative glyphs are blank, or the converter ignored an
            option or chose names that cannot be replaced.
    """
    if model.card.network.get("filters") and not model.card.network.get("kernels"):
        raise BatchdigitsError(
            f"{model.path}: has convolutions, as a teacher may; export a network that was trained with it (--teacher)"
        )
    tf = import_tensorflow("export")
    forward = _forward(tf, load_network(model), model.card.network["activation"], options)
    with silent_output(), warnings.catch_warnings():  # the converter prints to stdout, stderr and Python's warnings
        warnings.simplefilter("ignore")
        converter = tf.lite.TFLiteConverter.from_concrete_functions([forward.get_concrete_function()], tf.Module())
        _configure(tf, converter, options, representative)
        flatbuffer = bytes(converter.convert())
    graph = read_graph(flatbuffer)
    if options.per_tensor:
        _check_per_tensor(graph)
    (entry,), (exit_,) = graph.inputs, graph.outputs
    _check_input(graph.tensors[entry])
    flatbuffer = _renamed(flatbuffer, graph.tensors[entry].name, "glyph")
    return _renamed(flatbuffer, graph.tensors[exit_].name, options.head)


def _forward(tf: Any, network: Any, activation: str, options: ExportOptions) -> Any:
    """The network as a TensorFlow function of constants, with the head.

    Given the Keras network, the converter would lose its variables and would choose the name of the output.
    """
    # Each layer's kernel, bias, and the stride of a convolution.
    *hidden, last = [(*layer.get_weights(), getattr(layer, "strides", 0)) for layer in network.layers if layer.weights]
    activate = tf.keras.activations.get(activation or None)
    batch = 1 if options.batch == "1" else None

    @tf.function(input_signature=[tf.TensorSpec([batch, GLYPH_PIXELS], tf.float32, name="glyph")])  # type: ignore[untyped-decorator]
    def forward(glyph: Any) -> dict[str, Any]:
        values = glyph
        for kernel, bias, stride in hidden:
            values = activate(_product(tf, values, kernel, stride) + bias)
        kernel, bias, stride = last
        logits = _product(tf, values, kernel, stride) + bias
        return {options.head: tf.nn.softmax(logits) if options.head == "probabilities" else logits}

    return forward


def _product(tf: Any, values: Any, kernel: NDArray[np.float32], stride: Any) -> Any:
    """The product of values with a kernel (inputs, units), or their convolution with one (y, x, inputs, units)."""
    is_picture = len(values.shape) == 4
    if kernel.ndim == 4:
        picture = values if is_picture else tf.reshape(values, (-1, SIDE, SIDE, 1))
        return tf.nn.conv2d(picture, kernel, stride, "SAME")
    return tf.matmul(tf.reshape(values, (-1, len(kernel))) if is_picture else values, kernel)


def _configure(tf: Any, converter: Any, options: ExportOptions, representative: NDArray[np.uint8]) -> None:
    if options.quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if options.quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if options.has_activation_ranges:
        ops = tf.lite.OpsSet
        int16x8 = ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS_INT8 if options.quantize == "int8" else int16x8]
        converter.representative_dataset = lambda: _representative_dataset(representative)
    converter.inference_input_type = getattr(tf, options.input_type)
    converter.inference_output_type = getattr(tf, options.output_type)
    # Private, because there is no public setting; `_check_per_tensor` checks that it works.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = options.per_tensor


def _representative_dataset(glyphs: NDArray[np.uint8]) -> Iterator[list[Any]]:
    for glyph in glyphs:
        yield [as_network_input(glyph[None])]


def _check_per_tensor(graph: Graph) -> None:
    per_channel = [tensor.name for tensor in graph.tensors if len(tensor.scales) > 1]
    if per_channel:
        raise BatchdigitsError(
            f"this TensorFlow ignores --per-tensor: {len(per_channel)} tensors have a scale for each unit"
        )


def _check_input(entry: Tensor) -> None:
    """Check that a quantized input has the range 0 to 255: only then is it the glyph's byte, or the byte less 128."""
    if len(entry.scales) and not np.allclose(entry.scales, 1 / 255, rtol=1e-3):
        raise BatchdigitsError("the representative glyphs do not reach from background (0) to ink (255): blank?")


def _renamed(flatbuffer: bytes, old: str, new: str) -> bytes:
    """Replace a tensor's name by one that is at most as long, in place: a repacked file would lose its alignment."""
    old_name, new_name = (struct.pack("<I", len(text)) + text.encode() + b"\0" for text in (old, new))
    if old == new:
        return flatbuffer
    if flatbuffer.count(old_name) != 1 or len(new_name) > len(old_name):
        raise BatchdigitsError(f"this TensorFlow names a tensor in a way that export cannot change: {old}")
    return flatbuffer.replace(old_name, new_name.ljust(len(old_name), b"\0"))
