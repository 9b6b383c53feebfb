"""Join a model, WebAssembly and the files of `page/` to one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from batchdigits.device.layers import Layer, read_layers, require_fit
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.flatbuffer import read_graph
from batchdigits.inference.model_file import ModelFile
from batchdigits.output.atomic import replace_atomically
from batchdigits.version import __version__

PAGE, COMMON = Path(__file__).parent / "page", Path(__file__).parent / "common"
STYLES = (COMMON / "base.css", PAGE / "page.css")
WEBASSEMBLY = Path(__file__).parent / "digits.wasm"
SCRIPTS = (  # in the order in which they are joined; the last one begins the work
    "../common/elements.js",
    "glyph.js",
    "parts.js",
    "engine.js",
    "several.js",
    "decide.js",
    "pixels.js",
    "files.js",
    "csv.js",
    "pad.js",
    "camera.js",
    "result.js",
    "table.js",
    "about.js",
    "page.js",
)
MAX_LAYERS, MAX_WIDTH = 100, 1 << 16  # those of `c/digits_layers.h` and `c/digits_model.h`
BEGIN = "<!doctype html>\n<!-- batchdigits export --web -->\n"  # of each page, so that only a page is written over


def web_page(model: ModelFile) -> str:
    """Make the page of an int8 model.

    Returns:
        The text of an HTML file. It loads nothing, and its Content-Security-Policy forbids it to.

    Raises:
        BatchdigitsError: the network is not a chain of int8 layers with relu or no activation, or it does not fit a
            glyph or the card's labels.
    """
    layers = read_layers(model.payload)
    _check_widths(layers, len(model.card.labels))
    graph = read_graph(model.payload)
    output = graph.tensors[graph.outputs[0]]
    facts = {
        "version": __version__,
        "layers": len(layers),
        "scale": float(output.scales[0]),
        "zero": int(output.zero_points[0]),
        "card": json.loads(model.card.to_json()),
    }
    script, style = _script(), "\n".join(path.read_text(encoding="utf-8") for path in STYLES)
    parts = {  # in the JSON, no "<" ends the element that it is in
        "policy": _policy(script, style),
        "style": style,
        "script": script,
        "facts": json.dumps(facts, ensure_ascii=True, sort_keys=True).replace("<", "\\u003c"),
        "model": _base64(packed(layers)),
        "webassembly": _base64(WEBASSEMBLY.read_bytes()),
    }
    # In one pass, since what is put in may look like a mark.
    text = re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], (PAGE / "index.html").read_text(encoding="utf-8"))
    return BEGIN + text


def write_page(text: str, path: Path) -> None:
    """Write the text of a page to a file, whole or not at all.

    Raises:
        BatchdigitsError: the file cannot be written.
    """
    with replace_atomically(path) as temporary:
        temporary.write_bytes(text.encode())


def packed(layers: Sequence[Layer]) -> bytes:
    """The layers as bytes, as `c/digits_layers.h` describes them."""
    return b"".join(map(_packed, layers))


def _packed(layer: Layer) -> bytes:
    head = (*layer.shape, len(layer.multipliers), layer.input_zero, layer.output_zero, layer.output_min)
    content = (
        struct.pack("<11i", *head)
        + layer.multipliers.astype("<i4").tobytes()
        + layer.biases.astype("<i4").tobytes()
        + layer.shifts.astype(np.int8).tobytes()
        + layer.weights.tobytes()
    )
    return content + bytes(-len(content) % 4)


def _check_widths(layers: Sequence[Layer], classes: int) -> None:
    """Refuse layers that do not fit each other, the glyph, the labels, or the memory of the page."""
    require_fit(layers, classes)
    if len(layers) > MAX_LAYERS or max(max(layer.inputs, layer.outputs) for layer in layers) > MAX_WIDTH:
        raise BatchdigitsError(f"a page takes up to {MAX_LAYERS} layers of up to {MAX_WIDTH:,} units")


def _script() -> str:
    """The modules as one: without imports, since all of their names are in it."""
    text = "\n".join((PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return re.sub(r"^export (?=\w)", "", re.sub(r"^import .*\n", "", text, flags=re.M), flags=re.M)


def _policy(script: str, style: str) -> str:
    """The Content-Security-Policy: this script and this style, WebAssembly from bytes, and no request to anywhere."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}' 'wasm-unsafe-eval'",
            f"style-src '{_hash(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
