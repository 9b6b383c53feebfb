"""Read the graph of a TFLite flatbuffer without an interpreter, so that it can be shown even if it cannot be run.

The schema is the one in the LiteRT package: https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import ModelFileError

FILE_IDENTIFIER = b"TFL3"  # bytes 4 to 8 of every TFLite flatbuffer
MAX_ELEMENTS = 10_000  # of each kind (tensors, operators…); a hostile file could claim billions
MAX_NAME_BYTES = 1_000  # longer names are cut; in a hostile file the name of every tensor could be the whole file


class Tensor(NamedTuple):
    """A tensor of the main graph.

    Attributes:
        name: the tensor's name.
        shape: its dimensions; -1 for a dimension that the caller chooses.
        type: TFLite's name of its type in lower case, such as `int8`.
        scales: float32 (1,), or one for each slice along `axis`; empty if the tensor is not quantized.
        zero_points: int64, as many as scales.
        axis: the dimension that several scales belong to.
        data: uint8, the bytes of a constant; empty if the tensor is computed.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int
    data: NDArray[np.uint8]


class Operator(NamedTuple):
    """An operator of the main graph.

    Attributes:
        name: TFLite's name, such as `FULLY_CONNECTED`.
        activation: its fused activation in lower case, such as `relu`; empty for operators other than FULLY_CONNECTED
            and CONV_2D.
        inputs: indices into the graph's tensors; -1 for an optional input that is missing.
        outputs: indices into the graph's tensors.
        strides: of CONV_2D, along y and x; else empty.
        padding: of CONV_2D, `same` or `valid`; else empty.
    """

    name: str
    activation: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    strides: tuple[int, ...] = ()
    padding: str = ""


class Graph(NamedTuple):
    """The main graph.

    Attributes:
        tensors: all tensors.
        operators: all operators, in the order in which they run.
        inputs: indices into `tensors`.
        outputs: indices into `tensors`.
        signatures: for each signature's name, the names of its inputs and of its outputs.
        min_runtime: the oldest version of TFLite that runs the graph, such as `1.14.0`; empty if the file does not say.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    signatures: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    min_runtime: str


def read_graph(flatbuffer: bytes) -> Graph:
    """Read the main graph of a TFLite flatbuffer.

    Raises:
        ModelFileError: it is not a TFLite flatbuffer, or it is truncated or damaged.
    """
    from ai_edge_litert import schema_py_generated as schema

    if flatbuffer[4:8] != FILE_IDENTIFIER:
        raise ModelFileError("not a TFLite flatbuffer: its identifier TFL3 is missing")
    try:
        model = schema.Model.GetRootAsModel(flatbuffer, 0)
        main = model.Subgraphs(0)
        tensors = tuple(_tensor(schema, model, main.Tensors(i)) for i in range(_checked_count(main.TensorsLength())))
        operators = tuple(
            _operator(schema, model, main.Operators(i)) for i in range(_checked_count(main.OperatorsLength()))
        )
        inputs, outputs = _as_tuple(main.InputsAsNumpy()), _as_tuple(main.OutputsAsNumpy())
        graph = Graph(tensors, operators, inputs, outputs, _signatures(model), _min_runtime(model))
        _check_indices(graph)
    except Exception as error:  # the reader raises struct.error, TypeError, IndexError… on offsets out of bounds
        raise ModelFileError(f"a damaged TFLite flatbuffer: truncated or edited ({type(error).__name__})") from None
    return graph


def _tensor(schema: Any, model: Any, tensor: Any) -> Tensor:
    shape = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else tensor.ShapeAsNumpy()
    scale, zero_point, axis = _NO_FLOATS, _NO_INTS, 0
    quantization = tensor.Quantization()
    if quantization is not None and quantization.ScaleLength():
        scale, zero_point = quantization.ScaleAsNumpy(), quantization.ZeroPointAsNumpy()
        axis = quantization.QuantizedDimension()
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    return Tensor(
        _decoded(tensor.Name()),
        _as_tuple(shape),
        _names(schema.TensorType).get(tensor.Type(), str(tensor.Type())).lower(),
        scale,
        zero_point if isinstance(zero_point, np.ndarray) else np.zeros(len(scale), np.int64),
        axis,
        data if isinstance(data, np.ndarray) else _NO_BYTES,
    )


def _operator(schema: Any, model: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name = _names(schema.BuiltinOperator).get(number, str(number))
    if name == "CUSTOM":
        name = _decoded(code.CustomCode()) or name
    operands = _as_tuple(operator.InputsAsNumpy()), _as_tuple(operator.OutputsAsNumpy())
    kinds = {"FULLY_CONNECTED": schema.FullyConnectedOptions, "CONV_2D": schema.Conv2DOptions}
    if name not in kinds or operator.BuiltinOptions() is None:
        return Operator(name, "", *operands)
    options = kinds[name]()
    options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    activation = _names(schema.ActivationFunctionType)[options.FusedActivationFunction()].lower()
    if name == "FULLY_CONNECTED":
        return Operator(name, activation, *operands)
    padding = _names(schema.Padding)[options.Padding()].lower()
    return Operator(name, activation, *operands, (options.StrideH(), options.StrideW()), padding)


def _names(enumeration: Any) -> dict[int, str]:
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}


def _signatures(model: Any) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    signatures = {}
    for i in range(_checked_count(model.SignatureDefsLength())):
        signature = model.SignatureDefs(i)
        inputs = tuple(_decoded(signature.Inputs(j).Name()) for j in range(_checked_count(signature.InputsLength())))
        outputs = tuple(_decoded(signature.Outputs(j).Name()) for j in range(_checked_count(signature.OutputsLength())))
        signatures[_decoded(signature.SignatureKey())] = (inputs, outputs)
    return signatures


def _min_runtime(model: Any) -> str:
    """The converter's own statement, from the versions of all operators."""
    for i in range(_checked_count(model.MetadataLength())):
        if model.Metadata(i).Name() == b"min_runtime_version":
            text = model.Buffers(model.Metadata(i).Buffer()).DataAsNumpy()
            return _decoded(bytes(text).rstrip(b"\0")) if isinstance(text, np.ndarray) else ""
    return ""


def _check_indices(graph: Graph) -> None:
    used = [*graph.inputs, *graph.outputs, *(i for o in graph.operators for i in (*o.inputs, *o.outputs))]
    if any(not -1 <= index < len(graph.tensors) for index in used):  # -1 is an optional input that is missing
        raise IndexError


def _as_tuple(array: Any) -> tuple[int, ...]:
    return tuple(array.tolist()) if isinstance(array, np.ndarray) else ()  # the reader returns 0 for a missing array


def _decoded(raw: bytes | None) -> str:
    return (raw or b"")[:MAX_NAME_BYTES].decode(errors="replace")


def _checked_count(count: int) -> int:
    if count > MAX_ELEMENTS:
        raise ValueError
    return count


_NO_FLOATS, _NO_INTS, _NO_BYTES = np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.uint8)
