"""`batchdigits export --web`: what it writes, and what it leaves alone. tests/web tests the page itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.model_file import read_model_file
from batchdigits.web.page import BEGIN, web_page
from tests.conftest import Run


def test_the_page_of_a_tflite_is_written(run: Run, in_empty_folder: Path) -> None:
    result = run("export", "--model", "built-in", "--web", "new/digits.html")
    assert result.exit_code == 0, result.output
    assert "wrote new/digits.html (" in result.stderr
    assert Path("new/digits.html").read_bytes() == web_page(read_model_file(BUILT_IN_MODEL)).encode()


def test_a_page_is_written_beside_the_tflite_of_a_keras(
    run: Run, trained: Path, npz_file: Path, in_empty_folder: Path
) -> None:
    options = ("--model", trained, "--data", npz_file, "--min-agreement", "0", "-o", "m.tflite")
    result = run("export", "--tflite", "--web", "m.html", *options)
    assert result.exit_code == 0, result.output
    model = read_model_file(Path("m.tflite"))
    quantization = {name: value for name, value in model.card.quantization.items() if name != "agreement"}
    expected = replace(model, card=replace(model.card, quantization=quantization))  # before the parity check
    assert Path("m.html").read_text(encoding="utf-8") == web_page(expected)


def test_only_a_page_is_written_over(run: Run, in_empty_folder: Path) -> None:
    page = Path("page.html")
    page.write_text("by hand")
    result = run("export", "--model", "built-in", "--web", page)
    assert result.exit_code == 1
    assert "page.html exists and is no page of batchdigits export; give --web another name" in result.stderr
    assert page.read_text() == "by hand"
    page.write_text(BEGIN + "of another version")
    assert run("export", "--model", "built-in", "--web", page).exit_code == 0
    assert len(page.read_bytes()) > 100_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--web", "page.htm"), "page.htm must end in .html"),
        (("--web", "page.html", "-o", "m.tflite"), "--output is the file that --tflite writes"),
        (("--web", "page.html", "--tflite", "--quantize", "float16"), "need --quantize int8"),
    ],
)
def test_a_bad_option_writes_nothing(run: Run, in_empty_folder: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run("export", "--model", "built-in", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert list(in_empty_folder.iterdir()) == []


def test_a_network_that_no_page_can_run_leaves_nothing_behind(
    run: Run, trained: Path, npz_file: Path, in_empty_folder: Path
) -> None:
    options = ("--quantize", "none", "--model", trained, "--data", npz_file, "-o", "float.tflite")
    assert run("export", "--tflite", *options).exit_code == 0
    result = run("export", "--model", "float.tflite", "--web", "page.html")
    assert result.exit_code == 1
    assert "C sources and pages are for int8 layers" in result.stderr
    assert [file.name for file in in_empty_folder.iterdir()] == ["float.tflite"]
