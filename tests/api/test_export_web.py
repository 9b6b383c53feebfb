"""`batchdigits.export_web`."""

from __future__ import annotations

from pathlib import Path

import pytest

import batchdigits
from batchdigits.inference.choose import PRETRAINED
from tests.conftest import Run


def test_it_writes_what_the_command_writes(run: Run, tmp_path: Path) -> None:
    for model in (None, PRETRAINED / "tiny.tflite"):
        batchdigits.export_web(tmp_path / "ours.html", model)
        name = "tiny" if model else "built-in"
        assert run("export", "--model", name, "--web", tmp_path / "theirs.html").exit_code == 0
        assert (tmp_path / "ours.html").read_bytes() == (tmp_path / "theirs.html").read_bytes()


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"file must end in \.html"):
        batchdigits.export_web(tmp_path / "page.htm")
    with pytest.raises(ValueError, match=r"model must end in \.tflite"):
        batchdigits.export_web(tmp_path / "page.html", PRETRAINED / "digits.keras")
    with pytest.raises(TypeError, match="file is a path, not int"):
        batchdigits.export_web(3)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
