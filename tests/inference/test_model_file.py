from __future__ import annotations

import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from batchdigits.errors import ModelFileError
from batchdigits.inference.card import Card
from batchdigits.inference.choose import PRETRAINED, choose_model, is_stale
from batchdigits.inference.load import load_runtime
from batchdigits.inference.model_file import CARD_NAME, read_card, read_model_file
from batchdigits.reports.inspection import inspect_model_file

KERAS, TFLITE = PRETRAINED / "digits.keras", PRETRAINED / "digits.tflite"


RISK = {"threshold": 0.5, "coverage": 0.9, "images": 90, "errors": 3}
WRONG_RISK_VALUES: list[dict[str, float]] = [
    {"threshold": 5},
    {"coverage": -0.1},
    {"errors": 91},
    {"errors": -1},
    {"images": 1 << 50},
    {"images": 90.5},
    {"outliers": -1},
    {"outliers": 0.5},
]

NANO = {"hidden": [8], "activation": "relu", "filters": [2, 3], "kernels": [5, 3], "strides": [2, 2], "weight_bits": 4}


def with_card_changes(path: Path, changes: dict[str, object], to: Path) -> Path:
    """A copy of a model file with changes in its card; the value None removes a key."""
    card = json.loads(read_card(path).to_json())
    card = {k: v for k, v in {**card, **changes}.items() if v is not None}
    if path.suffix == ".tflite":
        to.write_bytes(read_model_file(path).payload)
    else:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
            for member in old.infolist():
                if member.filename != CARD_NAME:
                    new.writestr(member, old.read(member))
    with zipfile.ZipFile(to, "a") as archive:
        archive.writestr(CARD_NAME, json.dumps(card))
    return to


@pytest.mark.parametrize("path", [KERAS, TFLITE])
def test_the_built_in_model_files_are_valid(path: Path) -> None:
    card = read_model_file(path).card
    assert card.labels == tuple("0123456789")
    assert card.network == {"hidden": [512, 256, 128], "activation": "relu"}


def test_the_built_in_tflite_was_made_from_the_built_in_keras() -> None:
    assert not is_stale(TFLITE)
    assert read_card(TFLITE).sha256["keras"] == read_card(KERAS).sha256["payload"]


SECOND_LOOK = {"thresholds": {"review": 0.5}, "risk": [], "network": ""}


def test_a_card_survives_json() -> None:
    card = read_card(TFLITE)
    assert Card.from_json(card.to_json()) == card


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 99}, "not of schema 1"),
        ({"labels": None}, "no list of labels"),
        ({"labels": ["0"]}, "no list of labels"),
        ({"labels": [0, 1]}, "no list of labels"),
        ({"labels": ["x"] * 1001}, "no list of labels"),
        ({"labels": ["0", "1", "0"]}, "labels that are equal, or are not a line of text"),
        ({"labels": ["0", "a\nb"]}, "labels that are equal, or are not a line of text"),
        ({"labels": ["0", "\ud800"]}, "labels that are equal, or are not a line of text"),
        ({"temperature": float("nan")}, "not JSON"),
        ({"accuracy": {"test": float("inf")}}, "not JSON"),
        ({"recall": [1]}, "no valid 'recall'"),
        ({"network": None}, "no valid network shape"),
        ({"network": 3}, "no valid 'network'"),
        ({"network": {"hidden": [10**9], "activation": ""}}, "no valid network shape"),
        ({"network": {"hidden": [True], "activation": ""}}, "no valid network shape"),
        ({"network": {"hidden": [1] * 100, "activation": ""}}, "no valid network shape"),
        ({"network": {"hidden": [8], "activation": None}}, "names no activation"),
        ({"network": {**NANO, "kernels": [4, 3]}}, "no valid convolutions"),
        ({"network": {**NANO, "kernels": [65535, 3]}}, "no valid convolutions"),
        ({"network": {**NANO, "kernels": [5]}}, "no valid convolutions"),
        ({"network": {**NANO, "kernels": None}}, "no valid convolutions"),
        ({"network": {**NANO, "strides": [0, 2]}}, "no valid convolutions"),
        ({"network": {**NANO, "strides": 2}}, "no valid convolutions"),
        ({"network": {**NANO, "filters": [2]}}, "no valid convolutions"),
        ({"network": {**NANO, "filters": [10**9, 2]}}, "no valid network shape"),
        ({"network": {**NANO, "weight_bits": 5}}, "no valid 'weight_bits'"),
        ({"network": {**NANO, "weight_bits": True}}, "no valid 'weight_bits'"),
        ({"thresholds": {"review": 2}}, "no valid review threshold"),
        ({"thresholds": {}}, "no valid review threshold"),
        ({"rejects": 1}, "has no valid 'rejects'"),
        ({"outlier_share": "2%"}, "no valid outlier share"),
        ({"outlier_share": 1}, "no valid outlier share"),
        ({"outlier_share": -0.1}, "no valid outlier share"),
        ({"risk": 3}, "no valid risk table"),
        ({"second_look": True}, "no valid 'second_look'"),
        ({"second_look": {"risk": [], "network": ""}}, "no valid 'second_look'"),
        ({"second_look": {"thresholds": {"review": 0.5}, "risk": []}}, "no valid 'second_look'"),
        ({"second_look": SECOND_LOOK, "labels": ["a", "b"]}, "no valid 'second_look'"),
        ({"second_look": {**SECOND_LOOK, "thresholds": {"review": 2}}}, "no valid 'second_look'"),
        ({"second_look": {**SECOND_LOOK, "risk": [{"threshold": 0.5}]}}, "no valid 'second_look'"),
        ({"second_look": {**SECOND_LOOK, "network": 1}}, "no valid 'second_look'"),
        ({"risk": [{"threshold": 0.5}]}, "no valid risk table"),
        *(({"risk": [{**RISK, **wrong}]}, "no valid risk table") for wrong in WRONG_RISK_VALUES),
        ({"normaliser": []}, "no valid 'normaliser'"),
        ({"normaliser": {"version": 0}}, "normaliser version 0"),
        ({"sha256": {"payload": "0" * 64}}, "the file was edited"),
    ],
)
@pytest.mark.parametrize("path", [KERAS, TFLITE])
def test_an_edited_card_is_refused(path: Path, changes: dict[str, object], message: str, tmp_path: Path) -> None:
    edited = with_card_changes(path, changes, tmp_path / path.name)
    with pytest.raises(ModelFileError) as error:
        read_model_file(edited)
    assert message in str(error.value)
    assert str(edited) in str(error.value)


@pytest.mark.parametrize("path", [KERAS, TFLITE])
@pytest.mark.parametrize("keep", [0, 10, 1000, 100_000, -1, -200])
def test_a_truncated_file_is_refused(path: Path, keep: int, tmp_path: Path) -> None:
    cut = tmp_path / path.name
    cut.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelFileError, match="no card inside; truncated, or not made by batchdigits"):
        read_model_file(cut)


def test_an_edited_network_is_refused(tmp_path: Path) -> None:
    content = bytearray(TFLITE.read_bytes())
    content[300_000] ^= 1
    (tmp_path / "m.tflite").write_bytes(content)
    with pytest.raises(ModelFileError, match="the file was edited"):
        load_runtime(tmp_path / "m.tflite")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tflite")
    for read in (read_model_file, inspect_model_file):
        with pytest.raises(ModelFileError, match=r"pipe\.tflite: not a regular file"):
            read(tmp_path / "pipe.tflite")


def test_a_zip_without_a_card_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ModelFileError, match="not made by batchdigits"):
        read_model_file(tmp_path / "m.keras")


def test_a_card_that_is_not_json_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr(CARD_NAME, "[" * 100_000)
    with pytest.raises(ModelFileError, match="not JSON"):
        read_model_file(tmp_path / "m.keras")


def test_a_card_with_an_infinite_number_is_refused() -> None:
    with pytest.raises(ModelFileError, match="not JSON"):
        Card.from_json(read_card(TFLITE).to_json().replace(b'"temperature": ', b'"temperature": 1e999, "x": '))


def test_a_card_over_the_size_limit_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CARD_NAME, b" " * (2 << 20))
    with pytest.raises(ModelFileError, match="its card is larger than"):
        read_model_file(tmp_path / "m.keras")


def test_a_keras_file_without_weights_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr(CARD_NAME, read_card(KERAS).to_json())
    with pytest.raises(ModelFileError, match=r"no model\.weights\.h5 inside"):
        read_model_file(tmp_path / "m.keras")


@pytest.mark.parametrize(
    "network",
    [
        {"hidden": [65536, 65536], "activation": ""},
        {"hidden": [65536], "activation": "", "filters": [1], "kernels": [3], "strides": [1]},
        {"hidden": [8], "activation": "", "filters": [65536, 65536], "kernels": [3, 3], "strides": [1, 1]},
    ],
)
def test_a_network_larger_than_its_weights_is_not_built(tmp_path: Path, network: dict[str, object]) -> None:
    edited = with_card_changes(KERAS, {"network": network}, tmp_path / "m.keras")
    with pytest.raises(ModelFileError, match="its weights are fewer than its card says"):
        load_runtime(edited)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    edited = with_card_changes(KERAS, {"network": {"hidden": [256, 256], "activation": ""}}, tmp_path / "m.keras")
    with pytest.raises(ModelFileError, match="its weights do not fit its card"):
        load_runtime(edited)


def test_a_network_with_another_number_of_classes_is_refused(tmp_path: Path) -> None:
    edited = with_card_changes(TFLITE, {"labels": ["a", "b"], "second_look": {}}, tmp_path / "m.tflite")
    with pytest.raises(ModelFileError, match="does not give 2 logits a glyph"):
        load_runtime(edited)


def test_a_file_with_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"ends in \.tflite or \.keras"):
        load_runtime(tmp_path / "m.onnx")


def test_a_payload_that_is_not_a_flatbuffer_is_refused_even_with_the_right_sha256(tmp_path: Path) -> None:
    import hashlib

    garbage = b"TFL3 is not here"
    card = {**json.loads(read_card(TFLITE).to_json()), "sha256": {"payload": hashlib.sha256(garbage).hexdigest()}}
    path = tmp_path / "m.tflite"
    path.write_bytes(garbage)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD_NAME, json.dumps(card))
    with pytest.raises(ModelFileError, match="LiteRT cannot load it"):
        load_runtime(path)


def test_a_network_that_loads_and_does_not_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from ai_edge_litert.interpreter import Interpreter

    def invoke(self: Interpreter) -> None:
        raise RuntimeError("Input tensor 4 lacks data\nNode number 3 failed to invoke.")

    monkeypatch.setattr(Interpreter, "invoke", invoke)
    with pytest.raises(ModelFileError, match=r"LiteRT cannot load it \(Input tensor 4 lacks data\)$"):
        load_runtime(TFLITE)


def test_exports_in_the_current_folder_are_chosen_first(in_empty_folder: Path) -> None:
    assert choose_model("tflite") == TFLITE
    assert choose_model("tensorflow") == KERAS
    Path("exports").mkdir()
    shutil.copy(TFLITE, "exports")
    assert choose_model("tflite") == choose_model(None) == Path("exports/digits.tflite")
    assert choose_model("tensorflow") == KERAS


def test_the_newest_model_in_exports_is_chosen(
    trained: Path, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tflite, keras = Path("exports/digits.tflite"), Path("exports/digits.keras")
    tflite.parent.mkdir()
    shutil.copy(KERAS, keras)
    assert choose_model(None) == keras
    shutil.copy(TFLITE, tflite)
    os.utime(tflite, (1, 1))
    assert choose_model(None) == tflite  # older, as a copy may be, but made from this .keras
    shutil.copy(trained, keras)
    assert choose_model(None) == keras
    assert choose_model("tflite") == tflite
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "tensorflow", None)
        assert choose_model(None) == tflite
    os.utime(keras, (0, 0))
    assert choose_model(None) == tflite


def test_a_tflite_made_from_another_keras_is_stale(trained: Path, in_empty_folder: Path) -> None:
    shutil.copy(TFLITE, "digits.tflite")
    assert not is_stale(Path("digits.tflite"))
    shutil.copy(trained, "digits.keras")
    assert is_stale(Path("digits.tflite"))
    Path("digits.keras").write_text("junk")
    assert not is_stale(Path("digits.tflite"))
    assert not is_stale(Path("/"))
