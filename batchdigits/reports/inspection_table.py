"""The contents of a model file as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchdigits.reports.table import table
from batchdigits.text import printable

Document = dict[str, Any]


def inspection_table(document: Document) -> str:
    """Format the document of `inspect_model_file`."""
    parts = [_summary(document), _card(document["card"])]
    if "operators" in document:
        parts += [_inputs_and_outputs(document), _tensors(document["tensors"])]
        parts.append(
            table([("operator", "count"), *((printable(k), f"{n:,}") for k, n in document["operators"].items())])
        )
    if document.get("layers") is not None:
        layers = [(printable(layer["name"]), printable(layer["class"])) for layer in document["layers"]]
        parts.append(table([("layer", "class"), *layers], left=(0, 1)))
    if "layers" in document:
        parts.append(_arrays(document["tensors"]))
    sizes = [(printable(part).replace("_", " "), f"{size:,}") for part, size in document["sizes"].items()]
    parts.append(table([("part", "bytes"), *sizes]))
    return "\n\n".join(part for part in parts if part)


def _summary(document: Document) -> str:
    fault = document["fault"]
    return _pairs(
        ("file", printable(document["file"])),
        ("bytes", f"{document['bytes']:,}"),
        ("sha256", document["sha256"]),
        ("classify", "accepts it" if fault is None else f"refuses it: {printable(fault)}"),
    )


def _card(card: Document | None) -> str:
    if card is None:
        return "card  none"
    quantization = card["quantization"]
    agreement = quantization.get("agreement")
    agreements = agreement if isinstance(agreement, dict) else {}
    pairs = [
        ("labels", " ".join(card["labels"])),
        ("network", _network(card["network"], len(card["labels"]))),
        ("normaliser", f"version {card['normaliser'].get('version')}"),
        ("recipe", f"{card['recipe'].get('name', '-')}, seed {card['seed']}"),
        ("rejects", "outliers" if card["rejects"] else ""),
        ("second look", "at glyphs in doubt" if card["second_look"] else ""),
        ("data", _data(card["data"])),
        ("accuracy", _percentages(card["accuracy"])),
        ("recall", _percentages(card["recall"])),
        ("quantization", ", ".join(f"{k} {v}" for k, v in quantization.items() if k != "agreement")),
        ("agreement", _percentages({k: v.get("same_label") for k, v in agreements.items() if isinstance(v, dict)})),
        ("made with", ", ".join(f"{name} {version}" for name, version in card["libraries"].items())),
    ]
    return _pairs(*((name, printable(value)) for name, value in pairs if value))


def _data(data: Document) -> str:
    """What the network learned from: of several data sets, the digits and the outliers of each."""
    sources = data.get("sources")
    if not isinstance(sources, dict):
        return str(data.get("name", "-"))
    return ", ".join(f"{name} {_counts(one)}" for name, one in sources.items())


def _counts(source: Any) -> str:
    if not isinstance(source, dict):
        return str(source)
    counts = [f"{n:,} {kind}" for kind, n in source.items() if isinstance(n, int) and n]
    return " and ".join(counts) or "nothing"


def _network(network: Document, classes: int) -> str:
    """The widths of the layers, filters of convolutions after an asterisk, the activation, and the bits of a weight."""
    filters = "".join(f"-*{filters}" for filters in network.get("filters", ()))
    widths = "-".join(str(units) for units in (*network["hidden"], classes))
    bits = f", weights of {network['weight_bits']} bits" if network.get("weight_bits") else ""
    return f"784{filters}-{widths} {network['activation'] or 'linear'}{bits}"


def _percentages(shares: Document) -> str:
    """Shares in percent. The card of an unknown file may have values of any type here."""
    return ", ".join(f"{k} {v:.2%}" if isinstance(v, int | float) else f"{k} {v}" for k, v in shares.items())


def _inputs_and_outputs(document: Document) -> str:
    signatures = [
        f"{printable(name)}({printable(', '.join(one['inputs']))}) -> {printable(', '.join(one['outputs']))}"
        for name, one in document["signatures"].items()
    ]
    oldest = printable(document["min_runtime"])
    runtime = [("oldest runtime", f"TFLite {oldest}, as the converter says")] if oldest else []
    return _pairs(
        *(("input", _describe(tensor)) for tensor in document["inputs"]),
        *(("output", _describe(tensor)) for tensor in document["outputs"]),
        *(("signature", signature) for signature in signatures),
        *runtime,
    )


def _describe(tensor: Document) -> str:
    scale, zero_point = tensor["scale"], tensor["zero_point"]
    quantized = f", scale {scale[0]:.6g}, zero point {zero_point[0]}" if scale else ""
    return f"{printable(tensor['name'])} {_shape(tensor['shape'])} {tensor['type']}{quantized}"


def _tensors(tensors: Sequence[Document]) -> str:
    rows = [("tensor", "shape", "type", "bytes", "scales", "min scale", "max scale")]
    for tensor in tensors:
        name, size, count = printable(tensor["name"]), tensor["constant_bytes"], tensor["scales"]
        scales = (f"{tensor['scale'][0]:.3g}", f"{tensor['scale'][1]:.3g}") if tensor["scale"] else ("", "")
        rows.append(
            (name, _shape(tensor["shape"]), tensor["type"], f"{size:,}" if size else "-", str(count or "-"), *scales)
        )
    return table(rows, left=(0, 1, 2))


def _arrays(arrays: Sequence[Document] | None) -> str:
    if arrays is None:
        return "weights  not readable without h5py, which TensorFlow installs"
    rows = [(printable(array["name"]), _shape(array["shape"]), array["type"]) for array in arrays]
    return table([("array", "shape", "type"), *rows], left=(0, 1, 2))


def _shape(shape: Sequence[int]) -> str:
    return "x".join("any" if side < 0 else str(side) for side in shape) or "scalar"


def _pairs(*pairs: tuple[str, str]) -> str:
    return table(pairs, left=(0, 1)) if pairs else ""
