from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import batchdigits
from batchdigits.inference.decide import Prediction
from batchdigits.inference.load import load_runtime
from batchdigits.inference.model_file import read_card, read_model_file
from batchdigits.learning.parity_check import ParityRow
from tests.conftest import Arrays, Run, needs_micro, rows_of

LENIENT = ("--min-agreement", "90")  # per cent; one of the 78 validation glyphs is more than 1 %


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory, small_mnist: Arrays) -> Path:
    """Sixty scans, dark on light, in class folders, with a blank and a broken one."""
    folder = tmp_path_factory.mktemp("scans")
    for number, (image, label) in enumerate(zip(small_mnist["x_test"][:60], small_mnist["y_test"], strict=False)):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(255 - image).save(folder / str(label) / f"{number}.png")
    Image.fromarray(np.full((30, 30), 255, np.uint8)).save(folder / "blank.png")
    (folder / "broken.png").write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def float_rows(scans: Path, trained: Path) -> dict[str, Prediction]:
    """What the .keras file says of the scans, by path."""
    classifier = batchdigits.Classifier(trained)
    return {str(path): classifier.classify(path) for path in scans.rglob("*.png")}


@pytest.mark.parametrize(
    ("mode", "dtype", "share_of_float"),
    [
        ("int8", "int8", 0.45),
        ("int16x8", "float32", 0.45),
        ("none", "float32", 1.2),
        ("dynamic", "float32", 0.45),
        ("float16", "float32", 0.6),
    ],
)
def test_classify_takes_the_model_of_every_mode(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path, mode: str, dtype: str, share_of_float: float
) -> None:
    output = tmp_path / "m.tflite"
    options = ("--quantize", mode, "--model", trained, "--data", npz_file, "-o", output)
    result = run("export", "--tflite", *options, *LENIENT)
    assert result.exit_code == 0, result.output
    assert _input_type(output) == dtype
    card = read_card(output)
    assert (card.quantization["mode"], card.quantization["input"]) == (mode, dtype)
    assert len(read_model_file(output).payload) < share_of_float * 4 * (785 * 32 + 33 * 16 + 17 * 10)
    glyphs = np.load(npz_file)["x_test"]
    same = load_runtime(trained).logits(glyphs).argmax(1) == load_runtime(output).logits(glyphs).argmax(1)
    assert same.mean() >= 0.95  # so short a training gives 0.95 to 1 in int8, by its seed


@pytest.mark.parametrize(
    "options",
    [
        ("--input-type", "uint8", "--output-type", "float32", "--head", "probabilities"),
        ("--input-type", "float32", "--batch", "dynamic"),
        ("--head", "probabilities", "--per-tensor"),
        ("--quantize", "none", "--head", "probabilities"),
    ],
    ids=" ".join,
)
def test_classify_gives_the_same_rows_for_all_inputs_and_outputs(
    run: Run,
    trained: Path,
    npz_file: Path,
    scans: Path,
    float_rows: dict[str, Prediction],
    tmp_path: Path,
    options: tuple[str, ...],
) -> None:
    output = tmp_path / "m.tflite"
    result = run("export", "--tflite", *options, "--model", trained, "--data", npz_file, "-o", output, *LENIENT)
    assert result.exit_code == 0, result.output
    rows = rows_of(run("classify", scans, "--jobs", "1", "--model", output).stdout)
    assert len(rows) == 62
    assert {row["path"] for row in rows} == set(float_rows)
    pairs = [(row, float_rows[row["path"]]) for row in rows]
    assert np.mean([row["label"] == (expected.label or "") for row, expected in pairs]) > 0.95
    assert max(abs(float(row["confidence"] or 0) - (expected.confidence or 0)) for row, expected in pairs) < 0.1


def test_the_table_goes_to_stdout_and_the_parity_check_into_the_card(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path, scans: Path
) -> None:
    output = tmp_path / "m.tflite"
    arguments = ("--model", trained, "--data", npz_file, "-o", output, "--check", scans, *LENIENT)
    result = run("export", "--tflite", *arguments)
    assert result.exit_code == 0, result.output
    table = result.stdout.split("\n\n")[0].splitlines()
    assert re.match(r"images +runtime +float32 +int8 +same label +largest probability difference$", table[0])
    figures = r" +\d+\.\d\d% +\d+\.\d\d% +\d+\.\d\d% +0\.\d\d\d$"
    assert re.match(r"validation +78  LiteRT" + figures, table[1])
    assert re.match(r"validation +78  LiteRT reference" + figures, table[2])
    assert re.match(r"validation +(78  TFLite Micro" + figures + r"|TFLite Micro +not installed)", table[3])
    assert re.match(r"own scans +60  LiteRT" + figures, table[4])
    assert re.match(r"test +200  LiteRT" + figures, table[5])
    sizes = f"{output.stat().st_size:,} bytes; {trained} has {trained.stat().st_size:,}"
    assert result.stderr == f"batchdigits: wrote {output} ({sizes})\n"
    with zipfile.ZipFile(output) as tail:
        assert tail.read("labels.txt").decode().split() == list("0123456789")
    card = read_card(output)
    assert card.sha256["keras"] == read_card(trained).sha256["payload"]
    options = dict(card.quantization)
    agreement = options.pop("agreement")
    assert options == {
        "mode": "int8",
        "input": "int8",
        "output": "int8",
        "head": "logits",
        "batch": "1",
        "per_tensor": False,
        "calibration_glyphs": options["calibration_glyphs"],
    }
    assert {name: found["images"] for name, found in agreement.items()} == {
        "validation": 78,
        "own_scans": 60,
        "test": 200,
    }
    assert 0.9 <= agreement["test"]["same_label"] <= 1
    assert agreement["test"]["accuracy"] == pytest.approx(card.accuracy["test"], abs=0.05)


def test_the_same_export_gives_the_same_bytes(run: Run, trained: Path, npz_file: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for output in outputs:
        options = ("--model", trained, "--data", npz_file, "-o", output, *LENIENT)
        assert run("export", "--tflite", *options).exit_code == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_unzip_finds_the_labels(run: Run, trained: Path, npz_file: Path, tmp_path: Path) -> None:
    options = ("--model", trained, "--data", npz_file, "-o", tmp_path / "m.tflite", *LENIENT)
    assert run("export", "--tflite", *options).exit_code == 0
    try:
        result = subprocess.run(
            ["unzip", "-p", "m.tflite", "labels.txt"], cwd=tmp_path, capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("no unzip here")
    assert result.stdout.decode().split() == list("0123456789")


def test_disagreement_writes_nothing(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dots = np.zeros((20, 28, 28), np.uint8)
    dots[:, 0, 0] = 255
    monkeypatch.setattr("batchdigits.learning.export.representative_glyphs", lambda data, classes: dots)
    output = tmp_path / "m.tflite"
    output.write_text("precious")
    options = ("--model", trained, "--data", npz_file, "-o", output, "--c-array", tmp_path / "c")
    result = run("export", "--tflite", *options)
    assert result.exit_code == 1
    assert re.search(
        r"error: parity check failed: .* \d+ of 78 validation images get another label.*\(--min-agreement\); nothing",
        result.stderr,
    )
    assert re.search(r"^validation \d+: \d \(0\.\d+\) became \d \(0\.\d+\)$", result.stdout, re.M)
    assert output.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["m.tflite"]
    assert run("export", "--tflite", *options, "--min-agreement", "0").exit_code == 0


def test_a_long_list_of_disagreements_is_cut(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchdigits.reports.parity_table.MAX_LISTED", 1)
    dots = np.zeros((20, 28, 28), np.uint8)
    dots[:, 0, 0] = 255
    monkeypatch.setattr("batchdigits.learning.export.representative_glyphs", lambda data, classes: dots)
    options = ("--model", trained, "--data", npz_file, "-o", tmp_path / "m.tflite", "--min-agreement", "0")
    short = run("export", "--tflite", *options).stdout
    assert re.search(r"^test: [\d,]+ more; -v lists them all$", short, re.M)
    assert short.count(" became ") == 2


def test_own_scans_decide_as_well(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def require(rows: list[ParityRow], min_agreement: float) -> None:
        assert [row.decides for row in rows if row.images.name == "own scans"] == [True]
        assert min_agreement == 0.975

    monkeypatch.setattr("batchdigits.learning.parity_check.require_agreement", require)
    options = ("--model", trained, "--data", npz_file, "-o", tmp_path / "m.tflite", "--check", scans)
    assert run("export", "--tflite", *options, "--min-agreement", "97.5").exit_code == 0


def test_own_scans_set_the_ranges(run: Run, trained: Path, npz_file: Path, tmp_path: Path, scans: Path) -> None:
    output = tmp_path / "m.tflite"
    options = ("--model", trained, "--data", npz_file, "-o", output, "--calibrate", scans, *LENIENT)
    result = run("export", "--tflite", *options)
    assert result.exit_code == 0, result.output
    assert f"60 scans of {scans} set the ranges of int8; 2 blank or unreadable ones skipped" in result.stderr
    assert read_card(output).quantization["calibration_glyphs"] == 60


@pytest.mark.parametrize("option", ["--calibrate", "--check"])
def test_blank_scans_are_refused(run: Run, trained: Path, npz_file: Path, tmp_path: Path, option: str) -> None:
    blank = tmp_path / "blank"
    blank.mkdir()
    for number in range(5):
        Image.fromarray(np.full((28, 28), 255, np.uint8)).save(blank / f"{number}.png")
    output = tmp_path / "m.tflite"
    result = run("export", "--tflite", "--model", trained, "--data", npz_file, "-o", output, option, blank)
    assert result.exit_code == 1
    assert f"{blank}: 5 images, all blank or unreadable" in result.stderr
    assert not output.exists()


def test_no_scans_are_refused(run: Run, trained: Path, npz_file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    options = ("--model", trained, "--data", npz_file, "-o", tmp_path / "m.tflite")
    result = run("export", "--tflite", *options, "--calibrate", tmp_path / "empty")
    assert result.exit_code == 1
    assert "no images; it must hold scans with ink" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name what to write: --tflite, --c-array DIR, --package KIND DIR or --web FILE.html"),
        (("--c-array", "c", "-o", "c.tflite"), "--output is the file that --tflite writes"),
        (("--c-array", "c", "--model", "m.bin"), "m.bin is neither a .keras nor a .tflite model file"),
        (("--c-array", "c", "--model", "built-in", "--quantize", "int8"), "--quantize is for a .keras model file"),
        (("--c-array", "c", "--model", "built-in", "--data", "mnist"), "--data is for a .keras model file"),
        (("--c-array", "exports/digits.tflite", "--model", "built-in"), "is not a folder"),
        (("--tflite", "--model", "tiny"), "tiny.tflite is a .tflite already; --tflite converts a .keras"),
        (("--tflite", "--quantize", "int4"), "'int4' is not one of"),
        (("--tflite", "--model", "m.bin"), "m.bin is not a .keras model file; --tflite converts a .keras"),
        (("--tflite", "-o", "m.bin"), "must end in .tflite"),
        (("--tflite", "--quantize", "float16", "--input-type", "uint8"), "--input-type uint8 needs --quantize int8"),
        (("--tflite", "--quantize", "int16x8", "--output-type", "int8"), "--output-type int8 needs --quantize int8"),
        (("--tflite", "--quantize", "none", "--per-tensor"), "--per-tensor needs --quantize"),
        (("--tflite", "--quantize", "dynamic", "--calibrate", "."), "--calibrate needs --quantize int8 or int16x8"),
        (("--tflite", "--min-agreement", "101"), "'101' is not a number from 0 to 100"),
        (("--tflite", "--min-agreement", "nan"), "'nan' is not a number"),
        (("--tflite", "--c-array", "c", "--quantize", "none"), "C sources need --quantize int8"),
        (("--tflite", "--c-array", "c", "--input-type", "uint8"), "C sources need --quantize int8"),
        (("--tflite", "--c-array", "c", "--output-type", "float32"), "C sources need --quantize int8"),
        (("--tflite", "--c-array", "c", "--head", "probabilities"), "C sources need --quantize int8"),
        (("--tflite", "--c-array", "c", "--batch", "dynamic"), "C sources need --quantize int8"),
        (("--tflite", "--c-array", "exports/digits.tflite"), "is not a folder"),
    ],
)
def test_a_bad_option_destroys_nothing(
    run: Run, in_empty_folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    Path("exports").mkdir()
    Path("exports/digits.tflite").write_text("precious")
    result = run("export", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
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


def test_classes_that_are_no_digits_can_be_trained_exported_and_classified(
    run: Run, class_folder: Path, tmp_path: Path
) -> None:
    keras, tflite = tmp_path / "m.keras", tmp_path / "m.tflite"
    quick = ("--iterations", "60", "--hidden", "16", "--batch-size", "8")
    assert run("train", *quick, "--data", class_folder, "-o", keras).exit_code == 0
    options = ("--model", keras, "--data", class_folder, "-o", tflite, "--min-agreement", "0")
    result = run("export", "--tflite", *options, "--c-array", tmp_path / "c")
    assert result.exit_code == 0, result.output
    result = run("classify", class_folder / "seven" / "0.png", "--model", tflite)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split(",")[1] == "seven"


@needs_micro
@pytest.mark.slow
def test_the_lesson_and_the_built_in_network_pass_the_parity_check(run: Run, tmp_path: Path) -> None:
    from batchdigits.inference.choose import PRETRAINED
    from batchdigits.inference.micro_runtime import needed_arena

    lesson = tmp_path / "lesson.keras"
    assert run("train", "--recipe", "lesson", "-o", lesson).exit_code == 0
    assert run("export", "--tflite", "--model", lesson, "-o", tmp_path / "lesson.tflite").exit_code == 0
    output = tmp_path / "digits.tflite"
    assert run("export", "--tflite", "--model", PRETRAINED / "digits.keras", "-o", output).exit_code == 0
    model = read_model_file(output)
    assert model.card.quantization["agreement"]["test"]["same_label"] >= 0.999
    assert output.stat().st_size < 600_000
    assert needed_arena(model) < 12_000


def _input_type(path: Path) -> str:
    from ai_edge_litert.interpreter import Interpreter

    return str(np.dtype(Interpreter(model_path=str(path)).get_input_details()[0]["dtype"]))
