from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchdigits.errors import ModelFileError
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.flatbuffer import read_graph
from batchdigits.inference.model_file import CARD_NAME, read_card, read_model_file
from tests.conftest import SAMPLES, Run

TFLITE, KERAS = PRETRAINED / "digits.tflite", PRETRAINED / "digits.keras"


@pytest.fixture(scope="session")
def small(run_once: Run, trained: Path, npz_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small int8 model file made by batchdigits."""
    path = tmp_path_factory.mktemp("small") / "m.tflite"
    options = ("--model", trained, "--data", npz_file, "-o", path, "--min-agreement", "0")
    assert run_once("export", "--tflite", *options).exit_code == 0
    return path


def test_a_tflite_is_shown_as_json(run: Run, small: Path) -> None:
    result = run("inspect", small, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    content = small.read_bytes()
    assert (found["file"], found["bytes"]) == (str(small), len(content))
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["fault"] is None
    assert found["card"] == json.loads(read_card(small).to_json())
    (entry,), (exit_,) = found["inputs"], found["outputs"]
    assert (entry["name"], entry["shape"], entry["type"]) == ("glyph", [1, 784], "int8")
    assert entry["scale"] == pytest.approx([1 / 255] * 2, rel=1e-6)
    assert entry["zero_point"] == [-128, -128]
    assert (exit_["name"], exit_["shape"], exit_["type"]) == ("logits", [1, 10], "int8")
    assert found["signatures"] == {"serving_default": {"inputs": ["glyph"], "outputs": ["logits"]}}
    assert found["operators"] == {"FULLY_CONNECTED": 3}
    assert sorted(one["constant_bytes"] for one in found["tensors"] if one["type"] == "int8")[-1] == 784 * 32
    sizes = found["sizes"]
    assert sizes["weights"] == 784 * 32 + 32 * 16 + 16 * 10
    assert sizes["biases"] == 4 * (32 + 16 + 10)
    assert sizes["card_and_labels"] == len(content) - len(read_model_file(small).payload)
    assert sum(sizes.values()) == len(content)


def test_a_tflite_is_shown_as_tables(run: Run, small: Path) -> None:
    result = run("inspect", small)
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "classify accepts it",
        "labels 0 1 2 3 4 5 6 7 8 9",
        "network 784-32-16-10 relu",
        "input glyph 1x784 int8, scale 0.00392157, zero point -128",
        "signature serving_default(glyph) -> logits",
        "oldest runtime TFLite 1.14.0, as the converter says",
        "FULLY_CONNECTED 3",
        f"sha256 {hashlib.sha256(small.read_bytes()).hexdigest()}",
    ):
        assert line in lines
    assert result.stderr == ""


def test_the_oldest_runtime_is_what_the_file_says(run: Run, tmp_path: Path) -> None:
    payload = read_model_file(TFLITE).payload
    (tmp_path / "m.tflite").write_bytes(payload.replace(b"1.14.0\0", b"2.17.1\0"))
    assert json.loads(run("inspect", tmp_path / "m.tflite", "--json").stdout)["min_runtime"] == "2.17.1"
    (tmp_path / "m.tflite").write_bytes(payload.replace(b"min_runtime_version", b"min_runtime_elsewhe"))
    assert json.loads(run("inspect", tmp_path / "m.tflite", "--json").stdout)["min_runtime"] == ""
    assert "oldest runtime" not in run("inspect", tmp_path / "m.tflite").stdout


def test_of_two_models_only_what_differs_is_shown(run: Run, small: Path, trained: Path, tmp_path: Path) -> None:
    result = run("inspect", trained, small)
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert rows["entry"] == ["first", "second"]
    assert " ".join(rows["file"]) == f"{trained} {small}"
    assert rows["card.quantization.mode"] == ["-", "int8"]
    assert rows["bytes"] == [f"{path.stat().st_size:,}" for path in (trained, small)]
    assert not {"card.labels", "card.accuracy.test", "card.risk", "fault"} & set(rows)
    found = json.loads(run("inspect", trained, small, "--json").stdout)
    assert found["card.quantization.mode"] == [None, "int8"]
    assert list(found) == list(rows)[1:]

    builtin = {line.split()[0]: line.split()[1:] for line in run("inspect", trained, KERAS).stdout.splitlines()}
    accuracies = [f"{read_card(path).accuracy['test']:.2%}" for path in (trained, KERAS)]
    assert builtin["card.accuracy.test"] == accuracies
    assert builtin["card.data.name"][-1].endswith("…")
    assert run("inspect", trained, trained).stdout == "entry  first  second\n"


def test_a_second_file_that_is_not_a_model_file_gets_one_line(run: Run, tmp_path: Path) -> None:
    result = run("inspect", TFLITE, tmp_path / "no.tflite")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no.tflite: no such model file" in result.stderr
    assert run("inspect", TFLITE, TFLITE, TFLITE).exit_code == 2


def test_a_keras_file_is_shown(run: Run, trained: Path) -> None:
    found = json.loads(run("inspect", trained, "--json").stdout)
    assert found["fault"] is None
    assert [layer["name"] for layer in found["layers"]] == ["glyph", "hidden_1", "hidden_2", "logits"]
    assert [784, 32] in [tensor["shape"] for tensor in found["tensors"]]
    assert found["card"]["labels"] == list("0123456789")
    assert set(found["sizes"]) >= {"config.json", "model.weights.h5", CARD_NAME}
    tables = run("inspect", trained).stdout
    assert "hidden_1" in tables
    assert f"1 {found['card']['recall']['1']:.2%}, 2 " in tables
    assert "784x32" in tables


def test_a_keras_file_is_shown_without_its_arrays_if_h5py_is_missing(
    run: Run, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    assert json.loads(run("inspect", trained, "--json").stdout)["tensors"] is None
    assert "not readable without h5py, which TensorFlow installs" in run("inspect", trained).stdout


def test_a_tflite_of_another_tool_is_shown(run: Run, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.tflite"
    foreign.write_bytes(read_model_file(TFLITE).payload)
    found = json.loads(run("inspect", foreign, "--json").stdout)
    assert found["card"] is None
    assert found["fault"] == "no card inside; truncated, or not made by batchdigits"
    assert found["sizes"]["card_and_labels"] == 0
    assert found["operators"] == {"FULLY_CONNECTED": 4}
    tables = run("inspect", foreign).stdout
    assert "refuses it: no card inside" in tables
    assert "card  none" in tables


def test_a_keras_file_of_another_tool_is_shown(run: Run, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.keras"
    config = {"config": {"layers": [{"class_name": "Conv2D", "config": {"name": "c\x1b[31m"}}]}}
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    found = json.loads(run("inspect", foreign, "--json").stdout)
    assert found["layers"] == [{"class": "Conv2D", "name": "c\x1b[31m"}]
    assert found["tensors"] is None
    assert "\x1b" not in run("inspect", foreign).stdout


@pytest.mark.parametrize("config", ["[", "{}", '{"config": {"layers": 3}}', '{"config": {"layers": [{}]}}'])
def test_a_keras_file_with_an_unknown_config_is_shown_without_layers(run: Run, tmp_path: Path, config: str) -> None:
    foreign = tmp_path / "foreign.keras"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("config.json", config)
    assert json.loads(run("inspect", foreign, "--json").stdout)["layers"] is None
    assert run("inspect", foreign).exit_code == 0


def test_an_edited_file_is_shown_with_the_reason_for_refusal(run: Run, small: Path, tmp_path: Path) -> None:
    edited = tmp_path / "m.tflite"
    content = bytearray(small.read_bytes())
    content[content.index(b"logits") + 1] ^= 1
    edited.write_bytes(content)
    result = run("inspect", edited)
    assert result.exit_code == 0
    assert "refuses it: the network is not the one that its card describes" in result.stdout
    content[4:8] = b"\0\0\0\0"
    edited.write_bytes(content)
    found = json.loads(run("inspect", edited, "--json").stdout)
    assert found["fault"] == "not a TFLite flatbuffer: its identifier TFL3 is missing"
    assert found["card"]["labels"] == list("0123456789")
    assert "labels" in run("inspect", edited).stdout


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.onnx", b"", "a model file ends in .tflite or .keras"),
        ("m.tflite", b"", "not a TFLite flatbuffer"),
        ("m.tflite", b"PK\x03\x04 or so", "not a TFLite flatbuffer"),
        ("m.tflite", b"\xff\xff\xff\xffTFL3" + b"\xff" * 100, "a damaged TFLite flatbuffer"),
        ("m.keras", b"", "not a .keras file"),
        ("m.keras", b"PK\x05\x06 or so", "not a .keras file"),
    ],
)
def test_a_file_that_is_not_a_model_file_gets_one_line(
    run: Run, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    result = run("inspect", tmp_path / name)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert result.stdout == ""


def test_a_missing_file_is_an_error_and_a_wrong_option_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    result = run("inspect", tmp_path / "no.tflite")
    assert result.exit_code == 1
    assert "no such model file" in result.stderr
    (tmp_path / "folder.tflite").mkdir()
    assert run("inspect", tmp_path / "folder.tflite").exit_code == 1
    assert run("inspect", TFLITE, "--yaml").exit_code == 2
    assert run("inspect").exit_code == 2


def test_the_sources_of_a_model_are_shown_with_their_counts(run: Run) -> None:
    lines = run("inspect", "built-in").stdout.splitlines()
    (data,) = (line for line in lines if line.startswith("data "))
    assert "mnist 55,000 digits" in data
    assert "pen_outliers 4,079 outliers" in data
    assert "rendered_cells 11,663 digits and 2,643 outliers" in data


def _with_card(model: Path, card: dict[str, Any], output: Path) -> Path:
    """The same model file with another card."""
    output.write_bytes(read_model_file(model).payload)
    with zipfile.ZipFile(output, "a") as archive:
        archive.writestr(CARD_NAME, json.dumps(card))
    return output


@pytest.mark.parametrize("sources", [7, {}, {"a": 3, "b": {"digits": "\x1b", "outliers": None}}])
def test_a_card_with_strange_sources_is_shown(run: Run, small: Path, tmp_path: Path, sources: object) -> None:
    card = json.loads(read_card(small).to_json())
    card.update(data={"name": "a", "sources": sources})
    strange = _with_card(small, card, tmp_path / "m.tflite")
    result = run("inspect", strange)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.stdout


def test_a_card_with_values_of_unexpected_types_is_shown(run: Run, small: Path, tmp_path: Path) -> None:
    card = json.loads(read_card(small).to_json())
    card.update(accuracy={"test": "\x1bhigh", "x": None}, quantization={"agreement": {"a": 3, "b": {"same_label": []}}})
    card.update(seed={}, libraries={"numpy": ["1"]}, data={"name": 7}, recipe={"name": None}, normaliser={"version": 1})
    strange = _with_card(small, card, tmp_path / "m.tflite")
    result = run("inspect", strange)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.stdout
    assert json.loads(run("inspect", strange, "--json").stdout)["card"]["seed"] == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_a_damaged_flatbuffer_is_read_or_refused(small: Path, data: st.DataObject) -> None:
    payload = bytearray(read_model_file(small).payload)
    ends = st.one_of(st.integers(0, 400), st.integers(len(payload) - 8_000, len(payload) - 1))  # where the tables are
    for place in data.draw(st.lists(ends, min_size=1, max_size=6)):
        payload[place] = data.draw(st.integers(0, 255))
    try:
        graph = read_graph(bytes(payload[: data.draw(st.integers(8, len(payload)))]))
    except ModelFileError:
        return
    assert all(isinstance(tensor.data, np.ndarray) for tensor in graph.tensors)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-300], "no card inside; truncated, or not made by batchdigits"),
        (lambda content: content[: len(content) // 2], "no card inside; truncated, or not made by batchdigits"),
        (lambda content: content[:5_000] + b"\0" + content[5_001:], "the file was edited"),
        (lambda content: content[: content.rindex(b"PK\x03\x04")], "no card inside"),
        (lambda content: _foreign_tail(), "no card inside; not made by batchdigits"),
    ],
    ids=["end cut off", "half", "edited", "tail cut off", "foreign tail"],
)
def test_classify_refuses_a_damaged_model_in_one_line(
    run: Run, small: Path, tmp_path: Path, damage: object, message: str
) -> None:
    damaged = tmp_path / "m.tflite"
    damaged.write_bytes(damage(small.read_bytes()))  # type: ignore[operator]
    result = run("classify", SAMPLES / "digits", "--model", damaged)
    assert result.exit_code == 1
    assert result.stdout == ""
    (using, error) = result.stderr.splitlines()
    assert using == f"batchdigits: using {damaged}"
    assert error.startswith(f"batchdigits: error: {damaged}: ")
    assert message in error


def _foreign_tail() -> bytes:
    stream = io.BytesIO(read_model_file(TFLITE).payload)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
    return stream.getvalue()
