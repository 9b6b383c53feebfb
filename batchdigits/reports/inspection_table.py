"""What is inside a model file, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchdigits.reports.table import table
from batchdigits.text import printable

Document = dict[str, Any]


def inspection_table(document: Document) -> str:
    """The document of `inspect` as a few tables."""
    parts = [_head(document), _card(document["card"])]
    if "operators" in document:
        parts += [_interface(document), _tensors(document["tensors"])]
        parts.append(
            table([("operator", "times"), *((printable(k), f"{n:,}") for k, n in document["operators"].items())])
        )
    if document.get("layers") is not None:
        layers = [(printable(one["name"]), printable(one["class"])) for one in document["layers"]]
        parts.append(table([("layer", "class"), *layers], left=(0, 1)))
    if "layers" in document:
        parts.append(_arrays(document["tensors"]))
    sizes = [(printable(part).replace("_", " "), f"{size:,}") for part, size in document["sizes"].items()]
    parts.append(table([("part", "bytes"), *sizes]))
    return "\n\n".join(part for part in parts if part)


def _head(document: Document) -> str:
    fault = document["fault"]
    return _pairs(
        ("file", printable(document["file"])),
        ("bytes", f"{document['bytes']:,}"),
        ("sha256", document["sha256"]),
        ("classify", "takes it" if fault is None else f"refuses it: {printable(fault)}"),
    )


def _card(card: Document | None) -> str:
    if card is None:
        return "card  none"
    hidden = "-".join(str(units) for units in card["network"]["hidden"])
    form = card["quantization"]
    agreement = form.get("agreement")
    figures = agreement if isinstance(agreement, dict) else {}
    pairs = [
        ("labels", " ".join(card["labels"])),
        ("network", f"784-{hidden}-{len(card['labels'])} {card['network']['activation'] or 'linear'}"),
        ("normaliser", f"version {card['normaliser'].get('version')}"),
        ("recipe", f"{card['recipe'].get('name', '-')}, seed {card['seed']}"),
        ("rejects", "what is no digit" if card["rejects"] else ""),
        ("data", str(card["data"].get("name", "-"))),
        ("accuracy", _shares(card["accuracy"])),
        ("quantization", ", ".join(f"{k} {v}" for k, v in form.items() if k != "agreement")),
        ("agreement", _shares({k: v.get("same_label") for k, v in figures.items() if isinstance(v, dict)})),
        ("made with", ", ".join(f"{name} {version}" for name, version in card["libraries"].items())),
    ]
    return _pairs(*((name, printable(value)) for name, value in pairs if value))


def _shares(shares: Document) -> str:
    """Shares as per cent; a card from a stranger may have anything here."""
    return ", ".join(f"{k} {v:.2%}" if isinstance(v, int | float) else f"{k} {v}" for k, v in shares.items())


def _interface(document: Document) -> str:
    signatures = [
        f"{printable(name)}({printable(', '.join(ends['inputs']))}) -> {printable(', '.join(ends['outputs']))}"
        for name, ends in document["signatures"].items()
    ]
    return _pairs(
        *(("takes", _typed(tensor)) for tensor in document["inputs"]),
        *(("gives", _typed(tensor)) for tensor in document["outputs"]),
        *(("signature", signature) for signature in signatures),
    )


def _typed(tensor: Document) -> str:
    scale, zero_point = tensor["scale"], tensor["zero_point"]
    quantized = f", scale {scale[0]:.6g}, zero point {zero_point[0]}" if scale else ""
    return f"{printable(tensor['name'])} {_shape(tensor['shape'])} {tensor['type']}{quantized}"


def _tensors(tensors: Sequence[Document]) -> str:
    rows = [("tensor", "shape", "type", "bytes", "scales", "smallest", "largest")]
    for one in tensors:
        ends = (f"{one['scale'][0]:.3g}", f"{one['scale'][1]:.3g}") if one["scale"] else ("", "")
        size = f"{one['constant_bytes']:,}" if one["constant_bytes"] else "-"
        rows.append((printable(one["name"]), _shape(one["shape"]), one["type"], size, str(one["scales"] or "-"), *ends))
    return table(rows, left=(0, 1, 2))


def _arrays(tensors: Sequence[Document] | None) -> str:
    if tensors is None:
        return "weights  not readable here (TensorFlow's h5py reads them)"
    rows = [(printable(one["name"]), _shape(one["shape"]), one["type"]) for one in tensors]
    return table([("array", "shape", "type"), *rows], left=(0, 1, 2))


def _shape(shape: Sequence[int]) -> str:
    return "x".join("any" if side < 0 else str(side) for side in shape) or "scalar"


def _pairs(*pairs: tuple[str, str]) -> str:
    return table(pairs, left=(0, 1)) if pairs else ""
