"""The scripts of `benchmarks/` reject bad input in one line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.benchmarks.scripts import complaint


@pytest.mark.parametrize("script", ["accuracy_table.py", "polarity.py", "confidence.py", "second_look.py"])
def test_scripts_of_sets_and_a_model(tmp_path: Path, sets: Path, script: str) -> None:
    assert "Missing option '--sets'" in complaint(script)
    assert "does not exist" in complaint(script, "--sets", tmp_path / "nowhere")
    assert "no such model file" in complaint(script, "--sets", sets, "--model", tmp_path / "no.tflite")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert re.search("no (sets|images) in it", complaint(script, "--sets", empty))
    assert "is named like a label" in complaint(script, "--sets", sets / "first")


def test_c_normaliser(tmp_path: Path, sets: Path) -> None:
    assert "Missing option '--sets'" in complaint("c_normaliser.py")
    assert "is named like a label" in complaint("c_normaliser.py", "--sets", sets / "first")
    assert "7 is not in the range" in complaint("c_normaliser.py", "--sets", sets, "--view", "7")
    (tmp_path / "empty").mkdir()
    assert "no sets in it" in complaint("c_normaliser.py", "--sets", tmp_path / "empty")


def test_form_cells(tmp_path: Path, sets: Path) -> None:
    empty, broken = tmp_path / "empty", tmp_path / "broken.zip"
    empty.mkdir()
    broken.write_bytes(b"PK")
    for options, message in (
        (("--sets", tmp_path / "nowhere"), "does not exist"),
        (("--sets", empty), "no sets in it"),
        (("--empty", empty), "no images in it"),
        (("--empty", broken), "broken.zip: not a ZIP file"),
        (("--cells", sets), "is named like a label"),
        (("--model", tmp_path / "no.tflite"), "no such model file"),
    ):
        assert message in complaint("form_cells.py", *options)


def test_few_shot(sets: Path, tmp_path: Path) -> None:
    for options, message in (
        (("--set", "third"), "third: No such file or directory"),
        (("--set", "first", "--init", tmp_path / "no.keras"), "no such model file"),
    ):
        assert message in complaint("few_shot.py", "--sets", sets, *options)


def test_corrections(sets: Path) -> None:
    assert "Missing option '--sets'" in complaint("corrections.py")
    assert "third: No such file or directory" in complaint("corrections.py", "--sets", sets, "--set", "third")


def test_web_page(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "empty: no sets in it" in complaint("web_page.py", "--sets", tmp_path / "empty")
