"""batchdigits.train, export and evaluate: the commands, from Python."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import click
import pytest

import batchdigits
from batchdigits.api import export as module
from batchdigits.cli import main
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import read_model_file
from batchdigits.learning.training import Progress
from tests.conftest import SAMPLES, Run

QUICK: dict[str, Any] = {"iterations": 60, "hidden": (16,), "batch_size": 32}


def test_train_export_and_classify_are_those_of_the_commands(
    run: Run,
    npz_file: Path,
    in_empty_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("batchdigits.learning.export.default_min_agreement", lambda card: 0.0)
    progress: list[Progress] = []
    card = batchdigits.train("new/mine.keras", data=npz_file, seed=3, tflite=True, on_progress=progress.append, **QUICK)
    exported = batchdigits.export(
        "new/mine.keras", "new/again.tflite", data=npz_file, c_array="new/c", min_agreement=0.0
    )
    assert capsys.readouterr() == ("", "")
    assert read_model_file(Path("new/mine.keras")).card.to_json() == card.to_json()
    assert [one.iteration for one in progress][-1] == 59
    assert 0 < card.accuracy["test"] <= 1
    assert Path("new/c/digits_model.h").exists()

    options = ("--iterations", "60", "--hidden", "16", "--batch-size", "32", "--data", npz_file)
    assert run("train", "--seed", "3", *options, "-o", "theirs.keras").exit_code == 0
    loosely = ("--min-agreement", "0", "--data", npz_file)
    assert run("export", "--tflite", "--model", "theirs.keras", *loosely, "-o", "x.tflite").exit_code == 0
    for mine, theirs in (("new/mine.keras", "theirs.keras"), ("new/mine.tflite", "x.tflite")):
        assert read_model_file(Path(mine)).payload == read_model_file(Path(theirs)).payload
    assert Path("new/mine.tflite").read_bytes() == Path("new/again.tflite").read_bytes()
    assert exported.model.card.data == read_model_file(Path("new/mine.tflite")).card.data
    assert exported.model.payload == read_model_file(Path("x.tflite")).payload
    assert {row.runtime for row in exported.parity} >= {"LiteRT", "LiteRT reference"}
    assert batchdigits.Classifier("new/mine.tflite").classify(SAMPLES / "digits/1/as-is.png").status != "error"


def test_notes_about_the_data_are_given_before_training(class_folder: Path, tmp_path: Path) -> None:
    (class_folder / "one" / "0.png").write_bytes(b"")
    heard: list[object] = []
    batchdigits.train(
        tmp_path / "m.keras", data=class_folder, **QUICK, on_note=heard.append, on_progress=lambda one: heard.append(1)
    )
    assert "one/0.png (empty file)" in str(heard[0])
    assert set(heard[1:]) == {1}


def test_a_class_of_another_name_is_refused(tmp_path: Path) -> None:
    for function in (batchdigits.train, batchdigits.export, batchdigits.evaluate):
        with pytest.raises(ValueError, match="as_class is not_digit or None, not 'x'"):
            function(tmp_path / "m.keras", as_class="x")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("function", "command", "renamed"),
    [
        ("train", "train", {}),
        ("export", "export", {}),
        ("classify", "classify", {"recursive": "no_recursive", "paths": "paths"}),
    ],
)
def test_arguments_have_the_names_and_defaults_of_the_command(
    function: str, command: str, renamed: dict[str, str]
) -> None:
    with click.Context(main) as context:
        found = main.get_command(context, command)
        assert found is not None
        defaults = found.make_context(command, [], parent=context, resilient_parsing=True).params
    for name, parameter in inspect.signature(getattr(batchdigits, function)).parameters.items():
        if name in ("on_progress", "on_note", *renamed):
            continue
        if command == "export" and name == "model":
            continue  # the command's default is None, which means the same file
        assert str(parameter.default) == str(defaults[name]), name


def test_evaluate_counts_as_the_command_does(run: Run, tmp_path: Path) -> None:
    evaluation = batchdigits.evaluate(SAMPLES / "digits", jobs=1)
    assert (evaluation.images, evaluation.right, evaluation.accuracy) == (40, 40, 1.0)
    assert "40" in run("evaluate", SAMPLES / "digits").stdout
    with pytest.raises(batchdigits.DataError, match="no folder in it is named like a label"):
        batchdigits.evaluate(tmp_path)
    with pytest.raises(ValueError, match="ink"):
        batchdigits.evaluate(tmp_path, ink="red")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="jobs is at least 1, not 0"):
        batchdigits.evaluate(SAMPLES / "digits", jobs=0)


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        ({"output": "x.tflite"}, "must end in .keras"),
        ({"init": "tiny"}, "needs a .keras file, and the package has tiny as a .tflite only"),
        ({"seed": -1}, "is from 0 to 2,147,483,647, not -1"),
        ({"hidden": (0,)}, "is from 1 to 65,536, not 0"),
        ({"hidden": (1 << 17,)}, "is from 1 to 65,536, not 131072"),
        ({"learning_rate": 0.0}, "is over 0 and up to 10, not 0.0"),
        ({"learning_rate": float("nan")}, "is over 0 and up to 10, not nan"),
        ({"learning_rate": 11.0}, "is over 0 and up to 10, not 11.0"),
        ({"iterations": -1}, "is at least 0, not -1"),
        ({"epochs": 0}, "is at least 1, not 0"),
        ({"batch_size": 0}, "is from 1 to 65,536, not 0"),
        ({"dropout": 1.0}, "is from 0 and under 1, not 1.0"),
        ({"unchanged": 1.1}, "is from 0 to 1, not 1.1"),
    ],
)
def test_train_refuses_a_value_out_of_range_before_any_work(
    tmp_path: Path, arguments: dict[str, Any], allowed: str
) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(arguments))} {re.escape(allowed)}"):
        batchdigits.train(**{"output": tmp_path / "x.keras", **arguments})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        {"output": "x.keras"},
        {"quantize": "int4"},
        {"input_type": "int16"},
        {"output_type": "uint8"},
        {"head": "softmax"},
        {"batch": "2"},
        {"min_agreement": 99.8},
    ],
)
def test_export_refuses_other_values_before_any_work(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        batchdigits.export(**{"model": PRETRAINED / "digits.keras", "output": tmp_path / "x.tflite", **arguments})
    assert not list(tmp_path.iterdir())


def test_export_says_which_agreement_there_is() -> None:
    with pytest.raises(ValueError, match=r"min_agreement is from 0 to 1, not 99\.8"):
        batchdigits.export(PRETRAINED / "digits.keras", "x.tflite", min_agreement=99.8)


def test_built_in_is_the_keras_file_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []

    def stop(*arguments: Any) -> None:
        heard.extend(arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr("batchdigits.api.train.prepare_training", stop)
    monkeypatch.setattr(module, "prepare_export", stop)
    for call in (
        lambda: batchdigits.train("x.keras", init="built-in"),
        lambda: batchdigits.train("x.keras", teacher=["built-in", "./built-in"]),
        lambda: batchdigits.export("built-in", "x.tflite"),
    ):
        with pytest.raises(KeyboardInterrupt):
            call()
    built_in = PRETRAINED / "digits.keras"
    assert [one for one in heard if one in (built_in, [built_in], [built_in, Path("built-in")])] == [
        [built_in],
        [built_in, Path("built-in")],
        built_in,
    ]


def test_data_may_be_any_iterable_of_paths(npz_file: Path, tmp_path: Path) -> None:
    with pytest.raises(batchdigits.DataError, match="other: no such file or folder"):
        batchdigits.train(tmp_path / "x.keras", data=(path for path in (npz_file, tmp_path / "other")))


def test_export_names_the_values_that_an_argument_has() -> None:
    with pytest.raises(ValueError, match="quantize is one of none, float16, dynamic, int8, int16x8, not 'int4'"):
        batchdigits.export(PRETRAINED / "digits.keras", "x.tflite", quantize="int4")  # type: ignore[arg-type]


def test_wrong_types_are_refused() -> None:
    with pytest.raises(TypeError, match="output is a path, not int"):
        batchdigits.train(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="data is a path, not int"):
        batchdigits.train("x.keras", data=7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="model is a path, not NoneType"):
        batchdigits.export(None, "x.tflite")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="min_agreement is a number, not '99'"):
        batchdigits.export(PRETRAINED / "digits.keras", "x.tflite", min_agreement="99")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="path is a path, not int"):
        batchdigits.evaluate(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="jobs is a whole number, not '2'"):
        batchdigits.evaluate(SAMPLES, jobs="2")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="second_look is True or False, not 'no'"):
        batchdigits.evaluate(SAMPLES, second_look="no")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="per_tensor is True or False, not 'no'"):
        batchdigits.export(PRETRAINED / "digits.keras", "x.tflite", per_tensor="no")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"seed": "7"}, "a whole number"),
        ({"seed": True}, "a whole number"),
        ({"seed": None}, "a whole number"),
        ({"recipe": []}, "a text"),
        ({"activation": 1}, "a text"),
        ({"data": b"labelled"}, "a path"),
        ({"on_progress": 5}, "a function"),
        ({"only_classes": "no"}, "True or False"),
        ({"tflite": "no"}, "True or False"),
        ({"iterations": 2.5}, "a whole number"),
        ({"epochs": "3"}, "a whole number"),
        ({"batch_size": 1.5}, "a whole number"),
        ({"learning_rate": "0.1"}, "a number"),
        ({"dropout": "0"}, "a number"),
        ({"unchanged": "0"}, "a number"),
        ({"hidden": 64}, "a sequence of whole numbers"),
        ({"hidden": [64.5]}, "a whole number"),
        ({"hidden": "64"}, "a whole number"),
    ],
)
def test_train_names_an_argument_of_another_type(tmp_path: Path, arguments: dict[str, Any], kind: str) -> None:
    with pytest.raises(TypeError, match=f"{next(iter(arguments))} is {kind}, not"):
        batchdigits.train(tmp_path / "x.keras", **arguments)
    assert not list(tmp_path.iterdir())


def test_wrong_combinations_and_missing_files_are_batchdigits_errors(tmp_path: Path) -> None:
    with pytest.raises(batchdigits.BatchdigitsError, match="there is no recipe 'better'"):
        batchdigits.train(tmp_path / "x.keras", recipe="better")
    with pytest.raises(batchdigits.BatchdigitsError, match=r"^activation is one of none, relu"):
        batchdigits.train(tmp_path / "x.keras", activation="step")
    with pytest.raises(batchdigits.BatchdigitsError, match=r"^only_classes needs init and data, without recipe$"):
        batchdigits.train(tmp_path / "x.keras", only_classes=True)
    with pytest.raises(batchdigits.BatchdigitsError, match=r"^per_tensor needs quantize int8"):
        batchdigits.export(PRETRAINED / "digits.keras", tmp_path / "x.tflite", quantize="none", per_tensor=True)
    with pytest.raises(batchdigits.ModelFileError, match="no such model file"):
        batchdigits.export(tmp_path / "none.keras", tmp_path / "x.tflite")
    assert not list(tmp_path.iterdir())


def test_errors_of_the_data_name_arguments_too(tmp_path: Path) -> None:
    for name in ("--class", "--class/a", "--class/not_digit"):
        (tmp_path / name).mkdir()
    with pytest.raises(batchdigits.DataError, match=r"/--class: fewer than two .* outliers without as_class"):
        batchdigits.train(tmp_path / "x.keras", data=tmp_path / "--class")


def test_an_export_that_fails_its_parity_check_is_not_written(
    trained: Path, npz_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "default_min_agreement", lambda card: 1.1)  # which no export can reach
    with pytest.raises(batchdigits.BatchdigitsError, match="parity check failed"):
        batchdigits.export(trained, tmp_path / "new" / "x.tflite", data=npz_file)
    assert not list(tmp_path.iterdir())
