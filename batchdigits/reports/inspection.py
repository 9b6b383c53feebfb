"""The contents of a model file, made by batchdigits or by another tool, as far as they can be read."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from batchdigits.errors import ModelFileError
from batchdigits.inference.flatbuffer import Graph, Tensor, read_graph
from batchdigits.inference.model_file import KERAS_WEIGHTS, MAX_PAYLOAD_BYTES, read_card, read_model_file, refuse_pipe
from batchdigits.text import as_unicode

MAX_CONFIG_BYTES = 16 << 20  # of a .keras file's config.json, which has about 1 KB for each layer
Document = dict[str, Any]


def inspect_model_file(path: Path) -> Document:
    """Describe a .tflite or .keras file in JSON's types.

    Returns:
        A dict with these keys. A value that cannot be read is None.
        For every file: `file`, `bytes`, `sha256`, `card` (None without one), `fault` (the reason why classify would
        refuse the file, or None), and `sizes` (bytes of each part).
        For a .tflite file: `inputs`, `outputs`, `signatures`, `operators`, `tensors`, and `min_runtime` (the oldest
        version of TFLite that runs it, empty if the file does not say). For a .keras file: `layers`, `tensors`.

    Raises:
        ModelFileError: the file does not exist, or is neither a .tflite nor a .keras file.
    """
    if path.suffix not in (".tflite", ".keras"):
        raise ModelFileError(f"{path}: a model file ends in .tflite or .keras")
    content = _read(path)
    document: Document = {
        "file": as_unicode(path),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "card": _card_document(path),
        "fault": _refusal_reason(path),
    }
    if path.suffix == ".keras":
        return {**document, **_describe_keras(path)}
    return {**document, **_describe_tflite(path, content, document["card"])}


def _read(path: Path) -> bytes:
    refuse_pipe(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_PAYLOAD_BYTES + 1)
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such model file") from None
    except OSError as error:
        raise ModelFileError(f"{path}: {error.strerror or error}") from None
    if len(content) > MAX_PAYLOAD_BYTES:
        raise ModelFileError(f"{path}: larger than {MAX_PAYLOAD_BYTES:,} bytes")
    return content


def _card_document(path: Path) -> Document | None:
    try:
        document: Document = json.loads(read_card(path).to_json())
    except ModelFileError:
        return None
    return document


def _refusal_reason(path: Path) -> str | None:
    try:
        read_model_file(path)
    except ModelFileError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def _describe_tflite(path: Path, content: bytes, card: Document | None) -> Document:
    try:
        graph = read_graph(content)
    except ModelFileError as error:
        if card is None:
            raise ModelFileError(f"{path}: {error}") from None
        tail = _zip_tail_bytes(path, len(content))
        return {"sizes": {"network": len(content) - tail, "card_and_labels": tail}, "fault": str(error)}
    return {
        "inputs": [_describe_tensor(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_describe_tensor(graph.tensors[i]) for i in graph.outputs],
        "signatures": {name: {"inputs": i, "outputs": o} for name, (i, o) in graph.signatures.items()},
        "min_runtime": graph.min_runtime,
        "operators": dict(Counter(operator.name for operator in graph.operators)),
        "tensors": [_describe_tensor(tensor) for tensor in graph.tensors],
        "sizes": _sizes(graph, len(content), _zip_tail_bytes(path, len(content))),
    }


def _describe_tensor(tensor: Tensor) -> Document:
    scales = tensor.scales.tolist()
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "type": tensor.type,
        "constant_bytes": tensor.data.size,
        "scales": len(scales),
        "scale": [min(scales), max(scales)] if scales else None,
        "zero_point": [int(tensor.zero_points.min()), int(tensor.zero_points.max())] if scales else None,
    }


def _sizes(graph: Graph, total: int, tail: int) -> dict[str, int]:
    """Bytes of each part of a .tflite file. `weights` are the constant matrices, `biases` the constant vectors."""
    weights = sum(tensor.data.size for tensor in graph.tensors if len(tensor.shape) > 1)
    biases = sum(tensor.data.size for tensor in graph.tensors) - weights
    rest = max(0, total - weights - biases - tail)  # in a file of another tool two tensors may share one constant
    return {"weights": weights, "biases": biases, "scales_and_structure": rest, "card_and_labels": tail}


def _zip_tail_bytes(path: Path, size: int) -> int:
    """Bytes of the zip archive after a flatbuffer; 0 without one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return size - min((member.header_offset for member in archive.infolist()), default=size)
    except Exception:  # zipfile raises many types on a malformed archive
        return 0


def _describe_keras(path: Path) -> Document:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {member.filename: member.compress_size for member in archive.infolist()}
            layers = _layers(archive)
    except Exception:  # zipfile and zlib raise many types on a malformed archive
        raise ModelFileError(f"{path}: not a .keras file: it is not a zip archive, or a damaged one") from None
    return {"layers": layers, "tensors": _weight_arrays(path), "sizes": sizes}


def _layers(archive: zipfile.ZipFile) -> list[Document] | None:
    """Class and name of each layer in config.json; None if it cannot be read."""
    try:
        member = archive.getinfo("config.json")
        if member.file_size > MAX_CONFIG_BYTES:
            return None
        layers = json.loads(archive.read(member))["config"]["layers"]
        return [{"class": str(layer["class_name"]), "name": str(layer["config"].get("name", ""))} for layer in layers]
    except Exception:  # config.json is missing, or does not have the structure that Keras writes
        return None


def _weight_arrays(path: Path) -> list[Document] | None:
    """Name, shape and dtype of each array of weights; None without h5py, which TensorFlow installs."""
    try:
        import io

        import h5py

        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(KERAS_WEIGHTS).file_size > MAX_PAYLOAD_BYTES:
                return None
            weights = io.BytesIO(archive.read(KERAS_WEIGHTS))
        arrays: list[Document] = []

        def add_array(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                arrays.append({"name": name, "shape": list(item.shape), "type": str(item.dtype)})

        with h5py.File(weights, "r") as file:
            file.visititems(add_array)
    except Exception:  # ImportError without h5py, which itself raises many types on a malformed file
        return None
    return arrays
