"""Tests of promises in SECURITY.md that fit no other file, and of the file names in it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.load import load_runtime
from batchdigits.vision.decode import decode
from tests.conftest import ROOT

KERAS = PRETRAINED / "digits.keras"


def test_every_test_file_that_security_md_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "SECURITY.md").read_text()))
    assert len(named) > 5
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_nothing_of_a_keras_file_but_its_weights_is_used(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    hostile = tmp_path / "m.keras"
    with zipfile.ZipFile(KERAS) as original, zipfile.ZipFile(hostile, "w") as copy:
        for member in original.infolist():
            is_config = member.filename in ("config.json", "metadata.json")
            copy.writestr(member, b"not JSON" if is_config else original.read(member))
    glyphs = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    assert np.array_equal(load_runtime(hostile).logits(glyphs), load_runtime(KERAS).logits(glyphs))


@pytest.mark.parametrize("content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"<svg/>"])
def test_other_formats_reach_no_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    from PIL import Image

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a decoder was called")

    monkeypatch.setattr("batchdigits.vision.decode._decode_with_opencv", refuse)
    monkeypatch.setattr("batchdigits.vision.decode._decode_with_pillow", refuse)
    monkeypatch.setattr(Image, "open", refuse)
    path = tmp_path / "scan.png"
    path.write_bytes(content)
    (page,) = decode(str(path))
    assert page.scan is None
    assert page.fault.startswith("not an image that batchdigits reads (")
