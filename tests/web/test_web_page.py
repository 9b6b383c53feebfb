"""The page as a file: what is in it, what is refused, and that its WebAssembly is made again to the same bytes."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchdigits.device.layers import Layer, read_layers
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.choose import BUILT_IN_MODEL, PRETRAINED
from batchdigits.inference.model_file import read_model_file
from batchdigits.web import page
from batchdigits.web.page import BEGIN, PAGE, SCRIPTS, WEBASSEMBLY, packed, web_page
from tests.conftest import ROOT

MODEL = read_model_file(BUILT_IN_MODEL)
CLANG = "14.0.6"  # that made the .wasm; others may give other bytes


def is_clang_here() -> bool:
    """Whether `make webassembly` runs Debian's clang and lld of that version."""
    if not all(map(shutil.which, ("clang", "wasm-ld", "make"))):
        return False
    found = [subprocess.run([name, "--version"], capture_output=True, text=True) for name in ("clang", "wasm-ld")]
    return all(re.match(rf"Debian (clang version|LLD) {CLANG}\b", one.stdout) for one in found)


@pytest.mark.skipif(not is_clang_here(), reason=f"no clang {CLANG} of Debian with its lld here")
def test_the_webassembly_is_made_again_to_the_same_bytes(tmp_path: Path) -> None:
    command = ["make", "--silent", "webassembly", f"WASM={tmp_path / 'digits.wasm'}"]
    subprocess.run(command, cwd=ROOT, check=True)
    assert (tmp_path / "digits.wasm").read_bytes() == WEBASSEMBLY.read_bytes(), "run `make webassembly`"


def test_a_page_needs_nothing_else_and_is_small() -> None:
    text = web_page(MODEL)
    assert text == web_page(MODEL)
    assert text.startswith(BEGIN)
    assert len(text.encode()) < 1_200_000
    assert not re.search(r"\b(src|srcset|href|action)=|@import|url\(|^import |\{\{", text, re.M)


def test_what_is_embedded_cannot_end_its_script() -> None:
    hostile = "</script><script>alert(1)</script><!--"
    text = web_page(replace(MODEL, card=replace(MODEL.card, recipe={"name": hostile})))
    assert hostile not in text and "<!--" not in text.removeprefix(BEGIN)
    [facts] = re.findall(r'<script id="page-facts" type="application/json">(.*?)</script>', text)
    assert json.loads(facts)["card"]["recipe"] == {"name": hostile}


def test_the_policy_names_the_script_and_the_style() -> None:
    text = web_page(MODEL)
    for tag, kind in (("style", "style"), ('script type="module"', "script")):
        [content] = re.findall(rf"<{tag}>(.*?)</{kind}>", text, re.S)
        assert page._hash(content) in text


def test_layers_are_packed_as_the_c_source_reads_them() -> None:
    layer = Layer(
        weights=np.array([[1, -2, 3]], np.int8),
        biases=np.array([-5], np.int32),
        multipliers=np.array([1 << 30], np.int32),
        shifts=np.array([-4], np.int8),
        input_zero=-128,
        output_zero=7,
        output_min=-9,
    )
    head = [1, 3, 1, 1, 0, 1, 1, 1, -128, 7, -9, 1 << 30, -5]
    once = b"".join(number.to_bytes(4, "little", signed=True) for number in head) + bytes([252, 1, 254, 3])
    assert packed([layer, layer]) == once * 2
    assert len(packed([layer._replace(weights=np.zeros((1, 4), np.int8))])) == len(once) + 4  # a multiple of 4


def test_layers_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = read_layers(MODEL.payload)
    for layers, message in (
        ([first, *others[1:]], "do not fit"),
        (others, "do not fit"),
        ([first], "do not fit"),
        ([], "do not fit"),
    ):
        monkeypatch.setattr(page, "read_layers", lambda _, layers=layers: layers)
        with pytest.raises(BatchdigitsError, match=message):
            web_page(MODEL)
    monkeypatch.undo()
    monkeypatch.setattr(page, "MAX_WIDTH", 783)
    with pytest.raises(BatchdigitsError, match="a page takes up to 100 layers of up to 783 units"):
        web_page(MODEL)


def test_the_limits_are_those_of_the_c_sources() -> None:
    folder = WEBASSEMBLY.parent / "c"
    assert f"#define DIGITS_MAX_WIDTH {page.MAX_WIDTH} " in (folder / "digits_model.h").read_text()
    assert f"#define MAX_LAYERS {page.MAX_LAYERS} " in (folder / "digits_layers.h").read_text()
    assert f"digits_logits[{page.MAX_WIDTH}]" in (folder / "web.c").read_text()


def test_a_model_in_floats_is_refused() -> None:
    with pytest.raises(BatchdigitsError):
        web_page(read_model_file(PRETRAINED / "digits.keras"))


def test_modules_import_what_others_export_and_come_after_them() -> None:
    assert set(SCRIPTS) == {"../common/elements.js", *(file.name for file in PAGE.glob("*.js"))}
    exports: dict[str, set[str]] = {}
    for name in SCRIPTS:
        text = (PAGE / name).read_text(encoding="utf-8")
        for names, module in re.findall(r'^import \{ (.+) \} from "(?:\./)?(.+)";$', text, re.M):
            assert set(names.split(", ")) <= exports[module], name
        assert len(re.findall("^import ", text, re.M)) == len(re.findall(r"^import \{.*;$", text, re.M))
        exports[name] = set(re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", text, re.M))


def test_the_webassembly_imports_nothing() -> None:
    content = WEBASSEMBLY.read_bytes()
    assert content[:8] == b"\0asm\1\0\0\0"
    sections, at = [], 8
    while at < len(content):
        kind, size, shift = content[at], 0, 0
        at += 1
        while True:
            size |= (content[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if content[at - 1] < 128:
                break
        sections.append(kind)
        at += size
    assert 2 not in sections  # that of imports
    assert base64.b64encode(content).decode() in web_page(MODEL)
