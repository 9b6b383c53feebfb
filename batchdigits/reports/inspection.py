"""What is inside a model file, ours or a stranger's, as far as it can be told."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from batchdigits.errors import ModelFileError
from batchdigits.inference.flatbuffer import Graph, Tensor, read_graph
from batchdigits.inference.model_file import KERAS_WEIGHTS, MAX_PAYLOAD_BYTES, read_card, read_model_file

MAX_CONFIG_BYTES = 16 << 20  # of a .keras file's config.json: one layer takes 1 KB
Document = dict[str, Any]


def inspect(path: Path) -> Document:
    """Everything about a .tflite or .keras file, in JSON's types.

    Returns:
        `file`, `bytes`, `sha256`; `card`, None where there is none; `fault`, why classify would refuse the file, or
        None; `sizes`, bytes by part; and for a .tflite `inputs`, `outputs`, `signatures`, `operators` and `tensors`,
        for a .keras `layers` and `tensors`; what cannot be read is None.

    Raises:
        ModelFileError: there is no such file, or it is neither.
    """
    if path.suffix not in (".tflite", ".keras"):
        raise ModelFileError(f"{path}: a model file ends in .tflite or .keras")
    content = _read(path)
    document: Document = {
        "file": str(path).encode(errors="surrogateescape").decode(errors="replace"),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "card": _card(path),
        "fault": _fault(path),
    }
    if path.suffix == ".keras":
        return {**document, **_keras(path)}
    return {**document, **_tflite(path, content, document["card"])}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_PAYLOAD_BYTES + 1)
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such model file") from None
    except OSError as error:
        raise ModelFileError(f"{path}: {error.strerror or error}") from None
    if len(content) > MAX_PAYLOAD_BYTES:
        raise ModelFileError(f"{path}: too large to be looked at")
    return content


def _card(path: Path) -> Document | None:
    try:
        document: Document = json.loads(read_card(path).to_json())
    except ModelFileError:
        return None
    return document


def _fault(path: Path) -> str | None:
    try:
        read_model_file(path)
    except ModelFileError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def _tflite(path: Path, content: bytes, card: Document | None) -> Document:
    try:
        graph = read_graph(content)
    except ModelFileError as error:
        if card is None:
            raise ModelFileError(f"{path}: {error}") from None
        tail = _tail(path, len(content))
        return {"sizes": {"network": len(content) - tail, "card_and_labels": tail}, "fault": str(error)}
    return {
        "inputs": [_tensor(graph.tensors[i]) for i in graph.inputs],
        "outputs": [_tensor(graph.tensors[i]) for i in graph.outputs],
        "signatures": {name: {"inputs": i, "outputs": o} for name, (i, o) in graph.signatures.items()},
        "operators": dict(Counter(operator.name for operator in graph.operators)),
        "tensors": [_tensor(tensor) for tensor in graph.tensors],
        "sizes": _sizes(graph, len(content), _tail(path, len(content))),
    }


def _tensor(tensor: Tensor) -> Document:
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
    """Bytes by part: matrices, vectors, everything between them, and what is appended."""
    weights = sum(tensor.data.size for tensor in graph.tensors if len(tensor.shape) > 1)
    biases = sum(tensor.data.size for tensor in graph.tensors) - weights
    rest = max(0, total - weights - biases - tail)  # two tensors of a stranger's file may share one constant
    return {"weights": weights, "biases": biases, "scales_and_structure": rest, "card_and_labels": tail}


def _tail(path: Path, size: int) -> int:
    """Bytes of the zip behind a flatbuffer; 0 where there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return size - min((member.header_offset for member in archive.infolist()), default=size)
    except Exception:  # zipfile raises all kinds on what is no zip
        return 0


def _keras(path: Path) -> Document:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {member.filename: member.compress_size for member in archive.infolist()}
            layers = _layers(archive)
    except Exception:  # zipfile and zlib raise all kinds on hostile archives
        raise ModelFileError(f"{path}: no .keras file: it is not a zip, or a broken one") from None
    return {"layers": layers, "tensors": _weights(path), "sizes": sizes}


def _layers(archive: zipfile.ZipFile) -> list[Document] | None:
    """Class and name of each layer that config.json lists; None where it cannot be read."""
    try:
        member = archive.getinfo("config.json")
        if member.file_size > MAX_CONFIG_BYTES:
            return None
        layers = json.loads(archive.read(member))["config"]["layers"]
        return [{"class": str(one["class_name"]), "name": str(one["config"].get("name", ""))} for one in layers]
    except Exception:  # whatever is not where Keras puts it
        return None


def _weights(path: Path) -> list[Document] | None:
    """The arrays in a .keras file's weights; None without h5py, which comes with TensorFlow."""
    try:
        import io

        import h5py

        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(KERAS_WEIGHTS).file_size > MAX_PAYLOAD_BYTES:
                return None
            weights = io.BytesIO(archive.read(KERAS_WEIGHTS))
        found: list[Document] = []

        def note(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                found.append({"name": name, "shape": list(item.shape), "type": str(item.dtype)})

        with h5py.File(weights, "r") as file:
            file.visititems(note)
    except Exception:  # h5py is not there, or raises all kinds on a file that is not as it should be
        return None
    return found
