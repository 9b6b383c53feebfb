"""What a TFLite flatbuffer holds, read without an interpreter, so that a stranger's file can be looked at too.

The schema is the one that LiteRT brings: https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import ModelFileError

MARK = b"TFL3"  # bytes 4 to 8 of every TFLite flatbuffer
MOST = 10_000  # tensors or operators: more is an attack, and Python would count for minutes
LONGEST = 1_000  # bytes kept of a name; a hostile file can call every tensor by all of its content


class Tensor(NamedTuple):
    """A tensor of the main graph.

    Attributes:
        name: as the file has it.
        shape: its dimensions; -1 is one that the caller chooses.
        type: TFLite's word for it in small letters, such as `int8`.
        scales: float32, one, or one for each slice along `axis`; empty where it is not quantized.
        zero_points: int64, as many as scales.
        axis: the dimension along which the scales go.
        data: its constant's bytes, uint8; empty where it is computed.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int
    data: NDArray[np.uint8]


class Operator(NamedTuple):
    """An operator of the main graph: TFLite's name, its fused activation, and the tensors it takes and gives."""

    name: str
    activation: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Graph(NamedTuple):
    """The main graph; inputs and outputs are indices into `tensors`, signatures are name -> (inputs, outputs)."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    signatures: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]


def read_graph(flatbuffer: bytes) -> Graph:
    """The main graph of a TFLite flatbuffer.

    Raises:
        ModelFileError: it is none, or it points beyond itself.
    """
    from ai_edge_litert import schema_py_generated as schema

    if flatbuffer[4:8] != MARK:
        raise ModelFileError("no TFLite flatbuffer: its mark TFL3 is missing")
    try:
        model = schema.Model.GetRootAsModel(flatbuffer, 0)
        main = model.Subgraphs(0)
        tensors = tuple(_tensor(schema, model, main.Tensors(i)) for i in range(_bounded(main.TensorsLength())))
        operators = tuple(_operator(schema, model, main.Operators(i)) for i in range(_bounded(main.OperatorsLength())))
        graph = Graph(
            tensors, operators, _numbers(main.InputsAsNumpy()), _numbers(main.OutputsAsNumpy()), _signatures(model)
        )
        _check_indices(graph)
    except Exception as error:  # the reader raises struct.error, TypeError, IndexError… on offsets that lead nowhere
        raise ModelFileError(f"a broken TFLite flatbuffer: truncated or edited ({type(error).__name__})") from None
    return graph


def _tensor(schema: Any, model: Any, tensor: Any) -> Tensor:
    names = {number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)}
    shape = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else tensor.ShapeAsNumpy()
    scale, zero_point, axis = _NO_FLOATS, _NO_INTS, 0
    quantization = tensor.Quantization()
    if quantization is not None and quantization.ScaleLength():
        scale, zero_point = quantization.ScaleAsNumpy(), quantization.ZeroPointAsNumpy()
        axis = quantization.QuantizedDimension()
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    return Tensor(
        _text(tensor.Name()),
        _numbers(shape),
        names.get(tensor.Type(), str(tensor.Type())),
        scale,
        zero_point if isinstance(zero_point, np.ndarray) else np.zeros(len(scale), np.int64),
        axis,
        data if isinstance(data, np.ndarray) else _NO_BYTES,
    )


def _operator(schema: Any, model: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    name = names.get(number, str(number))
    if name == "CUSTOM":
        name = _text(code.CustomCode()) or name
    activation = ""
    if name == "FULLY_CONNECTED" and operator.BuiltinOptions() is not None:
        options = schema.FullyConnectedOptions()
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        activations = {v: k for k, v in vars(schema.ActivationFunctionType).items() if isinstance(v, int)}
        activation = activations[options.FusedActivationFunction()].lower()
    return Operator(name, activation, _numbers(operator.InputsAsNumpy()), _numbers(operator.OutputsAsNumpy()))


def _signatures(model: Any) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    signatures = {}
    for i in range(_bounded(model.SignatureDefsLength())):
        one = model.SignatureDefs(i)
        inputs = tuple(_text(one.Inputs(j).Name()) for j in range(_bounded(one.InputsLength())))
        outputs = tuple(_text(one.Outputs(j).Name()) for j in range(_bounded(one.OutputsLength())))
        signatures[_text(one.SignatureKey())] = (inputs, outputs)
    return signatures


def _check_indices(graph: Graph) -> None:
    used = [*graph.inputs, *graph.outputs, *(i for o in graph.operators for i in (*o.inputs, *o.outputs))]
    if any(not -1 <= index < len(graph.tensors) for index in used):  # -1 is an operand that is left out
        raise IndexError


def _numbers(array: Any) -> tuple[int, ...]:
    return tuple(array.tolist()) if isinstance(array, np.ndarray) else ()  # where there is none, the reader gives 0


def _text(raw: bytes | None) -> str:
    return (raw or b"")[:LONGEST].decode(errors="replace")


def _bounded(count: int) -> int:
    if count > MOST:
        raise ValueError
    return count


_NO_FLOATS, _NO_INTS, _NO_BYTES = np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.uint8)
