from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from batchdigits.inference.model_file import read_card, read_model_file
from batchdigits.inference.runtime import load_runtime
from tests.conftest import Run, run_process


@pytest.mark.parametrize(
    ("mode", "dtype", "share_of_float"),
    [("int8", "int8", 0.45), ("none", "float32", 1.2), ("dynamic", "float32", 0.45)],
)
def test_every_mode_writes_a_model_that_agrees(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path, mode: str, dtype: str, share_of_float: float
) -> None:
    output = tmp_path / "m.tflite"
    result = run("export", "--tflite", "--quantize", mode, "--model", trained, "--data", npz_file, "-o", output)
    assert result.exit_code == 0, result.output
    assert _input_type(output) == dtype
    assert len(read_model_file(output).payload) < share_of_float * 4 * (785 * 32 + 33 * 16 + 17 * 10)
    glyphs = np.load(npz_file)["x_test"]
    same = load_runtime(trained).logits(glyphs).argmax(1) == load_runtime(output).logits(glyphs).argmax(1)
    assert same.mean() >= 0.98


def test_float16_halves_the_weights(run: Run, trained: Path, npz_file: Path, tmp_path: Path) -> None:
    sizes = {}
    for mode in ("none", "float16"):
        output = tmp_path / f"{mode}.tflite"
        options = ("--quantize", mode, "--model", trained, "--data", npz_file, "-o", output)
        assert run("export", "--tflite", *options).exit_code == 0
        sizes[mode] = output.stat().st_size
        assert read_card(output).quantization["mode"] == mode
    assert 0.45 < sizes["float16"] / sizes["none"] < 0.65


def test_int8_takes_glyph_bytes_less_128_and_gives_int8_logits(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    output = tmp_path / "m.tflite"
    assert run("export", "--tflite", "--model", trained, "--data", npz_file, "-o", output).exit_code == 0
    interpreter = Interpreter(model_path=str(output))
    (entry,), (logits,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert entry["dtype"] == logits["dtype"] == np.int8
    assert entry["quantization"] == (pytest.approx(1 / 255, rel=1e-6), -128)
    assert logits["quantization"][0] > 1 / 256  # an int8 softmax has steps of 1/256


def test_the_table_is_data_and_the_rest_is_not(trained: Path, npz_file: Path, tmp_path: Path) -> None:
    options = ("--model", trained, "--data", npz_file, "-o", tmp_path / "m.tflite")
    result = run_process("export", "--tflite", *options)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert re.fullmatch(r"float32 \(\.keras\) +[\d,]+ bytes +\d+\.\d\d%", lines[1])
    assert re.fullmatch(r"int8 \(\.tflite\) +[\d,]+ bytes +\d+\.\d\d%", lines[2])
    assert re.fullmatch(r"both give the same label on \d+\.\d\d%", lines[3])
    assert result.stderr == f"batchdigits: wrote {tmp_path / 'm.tflite'}\n"


def test_the_tail_is_a_zip_that_anything_reads(run: Run, trained: Path, npz_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.tflite"
    assert run("export", "--tflite", "--model", trained, "--data", npz_file, "-o", output).exit_code == 0
    with zipfile.ZipFile(output) as tail:
        assert tail.read("labels.txt").decode().split() == list("0123456789")
    card = read_card(output)
    assert card.sha256["keras"] == read_card(trained).sha256["payload"]
    assert card.quantization == {"mode": "int8", "calibration_glyphs": card.quantization["calibration_glyphs"]}


def test_the_same_export_gives_the_same_bytes(run: Run, trained: Path, npz_file: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for output in outputs:
        assert run("export", "--tflite", "--model", trained, "--data", npz_file, "-o", output).exit_code == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [(), ("--tflite", "--quantize", "int4"), ("--tflite", "--model", "m.tflite"), ("--tflite", "-o", "m.bin")],
)
def test_a_bad_option_destroys_nothing(run: Run, in_empty_folder: Path, arguments: tuple[str, ...]) -> None:
    Path("exports").mkdir()
    Path("exports/digits.tflite").write_text("precious")
    assert run("export", *arguments).exit_code == 2
    assert Path("exports/digits.tflite").read_text() == "precious"


def test_a_missing_model_destroys_nothing(run: Run, in_empty_folder: Path) -> None:
    Path("exports").mkdir()
    Path("exports/digits.tflite").write_text("precious")
    result = run("export", "--tflite")
    assert result.exit_code == 1
    assert "error: exports/digits.keras: no such model file" in result.stderr
    assert [p.name for p in Path("exports").iterdir()] == ["digits.tflite"]
    assert Path("exports/digits.tflite").read_text() == "precious"


def test_data_of_other_classes_is_refused(run: Run, trained: Path, class_folder: Path, tmp_path: Path) -> None:
    result = run("export", "--tflite", "--model", trained, "--data", class_folder, "-o", tmp_path / "m.tflite")
    assert result.exit_code == 1
    assert "its classes are not those of" in result.stderr
    assert not (tmp_path / "m.tflite").exists()


def test_without_tensorflow_it_names_the_extra(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    options = ("--model", trained, "--data", npz_file, "-o", tmp_path / "m.tflite")
    result = run("export", "--tflite", *options)
    assert result.exit_code == 1
    assert "pip install 'batchdigits[tensorflow]'" in result.stderr


def test_classes_that_are_no_digits_go_all_the_way(run: Run, class_folder: Path, tmp_path: Path) -> None:
    keras, tflite = tmp_path / "m.keras", tmp_path / "m.tflite"
    quick = ("--iterations", "60", "--hidden", "16", "--batch-size", "8")
    assert run("train", *quick, "--data", class_folder, "-o", keras).exit_code == 0
    assert run("export", "--tflite", "--model", keras, "--data", class_folder, "-o", tflite).exit_code == 0
    result = run("classify", class_folder / "seven" / "0.png", "--model", tflite)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split(",")[1] in {"oh", "one", "seven"}


def _input_type(path: Path) -> str:
    from ai_edge_litert.interpreter import Interpreter

    return str(np.dtype(Interpreter(model_path=str(path)).get_input_details()[0]["dtype"]))
