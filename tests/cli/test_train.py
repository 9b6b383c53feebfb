from __future__ import annotations

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchdigits.datasets import load
from batchdigits.inference.card import Card
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.load import load_runtime
from batchdigits.inference.model_file import read_card, read_model_file
from batchdigits.inference.tensorflow_runtime import build_network
from batchdigits.learning.initial_weights import network_of
from batchdigits.learning.logits import logits_of
from batchdigits.learning.older_model import keep_older
from batchdigits.learning.recipes import ACTIVATIONS, RECIPES
from tests.conftest import Arrays, Run

QUICK = ("--iterations", "3", "--hidden", "8", "--batch-size", "16")


def test_writes_a_model_file_with_its_card(run: Run, npz_file: Path, in_empty_folder: Path) -> None:
    result = run("train", *QUICK, "--seed", "5", "--data", npz_file)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    card = read_model_file(Path("exports/digits.keras")).card
    assert card.labels == tuple("0123456789")
    assert card.network == {"hidden": [8], "activation": "relu"}
    assert card.seed == 5
    assert card.data["images"] == {"train": 922, "validation": 78, "test": 200}
    assert set(card.accuracy) == {"validation", "test"}
    assert f"Accuracy on 200 test images: {card.accuracy['test']:.2%}" in result.stderr


def test_the_card_has_the_recall_of_each_class_on_the_validation_split(trained: Path, npz_file: Path) -> None:
    card, labels = read_card(trained), load(npz_file, seed=1).validation.labels
    assert tuple(card.recall) == card.labels
    assert len(set(card.recall.values())) > 1
    right = sum(share * np.sum(labels == int(name)) for name, share in card.recall.items())
    assert right / len(labels) == pytest.approx(card.accuracy["validation"])


def test_the_lesson_logs_every_hundred_iterations(run: Run, npz_file: Path, in_empty_folder: Path) -> None:
    result = run("train", "--recipe", "lesson", "--iterations", "201", "--hidden", "16", "--data", npz_file)
    lines = re.findall(r"^Iteration (\d+) \| Loss = \d+\.\d+ \| Accuracy = \d\.\d+$", result.stderr, re.MULTILINE)
    assert lines == ["0", "100", "200"]


def test_the_lessons_recipe_has_the_published_values() -> None:
    lesson = RECIPES["lesson"]
    assert lesson.hidden == (512, 256, 128)
    assert (lesson.activation, lesson.initialiser, lesson.schedule) == ("", "lesson", "constant")
    assert (lesson.learning_rate, lesson.iterations, lesson.batch_size, lesson.dropout) == (1e-4, 1000, 128, 0.5)


def test_options_override_their_recipe(run: Run, npz_file: Path, tmp_path: Path) -> None:
    options = {
        "hidden": ("16,8", [16, 8]),
        "activation": ("none", ""),
        "learning_rate": ("0.02", 0.02),
        "iterations": ("4", 4),
        "batch_size": ("7", 7),
        "dropout": ("0.25", 0.25),
        "unchanged": ("0.5", 0.5),
    }
    given = [text for name, (value, _) in options.items() for text in (f"--{name.replace('_', '-')}", value)]
    result = run("train", *given, "--data", npz_file, "-o", tmp_path / "m.keras")
    assert result.exit_code == 0, result.output
    recipe = read_card(tmp_path / "m.keras").recipe
    assert {name: recipe[name] for name in options} == {name: recorded for name, (_, recorded) in options.items()}


def test_epochs_are_passes_over_the_training_split(run: Run, npz_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.keras"
    options = ("--epochs", "2", "--hidden", "8", "--batch-size", "200", "--data", npz_file)
    assert run("train", *options, "-o", output).exit_code == 0
    assert read_card(output).data["images"]["train"] == 922
    assert read_card(output).recipe["iterations"] == 2 * 5


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_has_a_network(activation: str, small_mnist: Arrays) -> None:
    recipe = replace(RECIPES["default"], hidden=(8,), activation="" if activation == "none" else activation)
    network = build_network(Card(labels=tuple("0123456789"), network=network_of(recipe)))
    assert np.isfinite(logits_of(network, small_mnist["x_test"][:3])).all()


SELDOM = [pytest.param(name, marks=pytest.mark.slow) for name in ("relu", "tanh", "sigmoid", "elu")]


@pytest.mark.parametrize("activation", ["gelu", *SELDOM])
def test_every_activation_trains_and_loads_again(
    run: Run, npz_file: Path, tmp_path: Path, small_mnist: Arrays, activation: str
) -> None:
    output = tmp_path / "m.keras"
    result = run("train", *QUICK, "--activation", activation, "--data", npz_file, "-o", output, "-q")
    assert (result.exit_code, result.stderr) == (0, "")
    assert read_card(output).recipe["activation"] == activation
    assert np.isfinite(load_runtime(output).logits(small_mnist["x_test"][:3])).all()


def test_the_same_seed_gives_the_same_weights(run: Run, npz_file: Path, tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        options = (
            "--iterations",
            "60",
            "--hidden",
            "16",
            "--batch-size",
            "16",
            "--dropout",
            "0.5",
            "--seed",
            str(seed),
        )
        result = run("train", *options, "--data", npz_file, "-o", tmp_path / f"{name}.keras")
        assert result.exit_code == 0, result.output
        digests.append(read_card(tmp_path / f"{name}.keras").sha256["payload"])
    assert digests[0] == digests[1] != digests[2]


def test_the_tiny_recipe_is_for_microcontrollers(run: Run, npz_file: Path, tmp_path: Path) -> None:
    output, exported = tmp_path / "m.keras", tmp_path / "m.tflite"
    quick = ("--iterations", "3", "--batch-size", "16", "--data", npz_file)
    assert run("train", "--recipe", "tiny", *quick, "-o", output).exit_code == 0
    gate = ("--data", npz_file, "--min-agreement", "0")
    result = run("export", "--tflite", "--model", output, *gate, "-o", exported)
    assert result.exit_code == 0, result.output
    assert exported.stat().st_size < 120_000


@pytest.mark.parametrize(
    "arguments",
    [
        ("--hidden", "12,x"),
        ("--hidden", "0"),
        ("--dropout", "1"),
        ("--learning-rate", "0"),
        ("--learning-rate", "nan"),
        ("--dropout", "nan"),
        ("--unchanged", "1.1"),
        ("--iterations", "0"),
        ("--epochs", "0"),
        ("--epochs", "2", "--iterations", "3"),
        ("--epochs", "2", "--init", "model.keras", "--data", "crops"),
        ("--batch-size", "0"),
        ("--recipe", "secret"),
        ("--activation", "step"),
        ("--seed", "-1"),
        ("-o", "model.h5"),
    ],
)
def test_a_bad_option_destroys_nothing(run: Run, in_empty_folder: Path, arguments: tuple[str, ...]) -> None:
    Path("exports").mkdir()
    Path("exports/digits.keras").write_text("precious")
    result = run("train", *arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert [p.name for p in Path().rglob("*")] == ["exports", "digits.keras"]
    assert Path("exports/digits.keras").read_text() == "precious"


def test_bad_data_destroys_nothing(run: Run, in_empty_folder: Path) -> None:
    Path("exports").mkdir()
    Path("exports/digits.keras").write_text("precious")
    result = run("train", "--data", "nowhere")
    assert result.exit_code == 1
    assert "error: nowhere: no such file or folder" in result.stderr
    assert Path("exports/digits.keras").read_text() == "precious"


def test_an_output_that_is_a_folder_is_refused_before_the_work(run: Run, in_empty_folder: Path) -> None:
    Path("m.keras").mkdir()
    result = run("train", "-o", "m.keras")
    assert result.exit_code == 1
    assert "it is a folder" in result.stderr


def test_an_output_below_a_file_is_refused_before_the_work(run: Run, in_empty_folder: Path) -> None:
    Path("file").write_text("")
    result = run("train", "-o", "file/m.keras")
    assert result.exit_code == 1
    assert "cannot make the folder file" in result.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can write")
@pytest.mark.parametrize("options", [("-o", "/proc/m.keras"), ("--plot", "/proc/curves.png")])
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    run: Run, in_empty_folder: Path, options: tuple[str, ...]
) -> None:
    result = run("train", *options, "--data", "nowhere")  # training would fail on this folder, if it began
    assert result.exit_code == 1
    assert f"error: cannot write {options[1]}: " in result.stderr


def test_a_training_that_diverges_ends_and_writes_nothing(
    run: Run, npz_file: Path, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchdigits.learning.training.cross_entropy", lambda logits, labels: float("nan"))
    result = run("train", *QUICK, "--data", npz_file)
    assert result.exit_code == 1
    assert "the training diverged" in result.stderr
    assert list(Path("exports").iterdir()) == []


HOPELESS = ("--learning-rate", "10", "--iterations", "150", "--hidden", "16", "--batch-size", "16")


def test_a_training_that_learned_nothing_leaves_what_was_there(run: Run, npz_file: Path, in_empty_folder: Path) -> None:
    Path("m.keras").write_text("precious")
    result = run("train", *HOPELESS, "--data", npz_file, "-o", "m.keras")
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("batchdigits: error: the training learned nothing: after 150 iterations its labels are no")
    assert [path.name for path in Path().iterdir()] == ["m.keras"]
    assert Path("m.keras").read_text() == "precious"


def test_a_model_of_another_training_is_kept_under_another_name(
    run: Run, npz_file: Path, in_empty_folder: Path
) -> None:
    def train(*options: str) -> str:
        result = run("train", *QUICK, *options, "--data", npz_file, "-o", "m.keras")
        assert result.exit_code == 0, result.output
        return result.stderr

    Path("m.2.history.csv").write_text("of something else")
    Path("m.keras").touch()
    assert "of another training" not in train()  # an empty file
    train()  # the same command again
    first, history = Path("m.keras").read_bytes(), Path("m.history.csv").read_bytes()
    assert sorted(path.name for path in Path().iterdir()) == ["m.2.history.csv", "m.history.csv", "m.keras"]
    assert "batchdigits: m.keras is of another training, and is m.1.keras now\n" in train("--seed", "7")
    assert (Path("m.1.keras").read_bytes(), Path("m.1.history.csv").read_bytes()) == (first, history)
    assert read_card(Path("m.keras")).seed == 7
    Path("m.keras").write_text("a model of mine")
    assert "is m.3.keras now" in train()
    assert Path("m.3.keras").read_text() == "a model of mine"
    assert Path("m.2.history.csv").read_text() == "of something else"


def test_a_kept_model_lies_where_a_link_led_to(run: Run, npz_file: Path, in_empty_folder: Path) -> None:
    Path("models").mkdir()
    Path("models/a.keras").write_text("a model of mine")
    Path("m.keras").symlink_to("models/a.keras")
    assert run("train", *QUICK, "--data", npz_file, "-o", "m.keras").exit_code == 0
    assert Path("models/a.1.keras").read_text() == "a model of mine"
    assert Path("m.keras").is_symlink() and read_card(Path("models/a.keras"))


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": {}},
        {"seed": 9},
        {"data": {}},
        {"labels": tuple("abcdefghij"), "second_look": {}},
        {"libraries": {}},
    ],
)
def test_a_model_is_kept_if_anything_that_its_weights_follow_from_is_another(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    model = tmp_path / "m.keras"
    shutil.copy(PRETRAINED / "digits.keras", model)
    card = read_card(model)
    unfinished = replace(card, data={**card.data, "ok_outliers": {}}, accuracy={}, temperature=2.0)
    assert keep_older(model, unfinished) is None
    assert keep_older(model, replace(card, **change)) == tmp_path / "m.1.keras"


def test_without_tensorflow_it_names_the_extra(
    run: Run, npz_file: Path, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    result = run("train", *QUICK, "--data", npz_file)
    assert result.exit_code == 1
    assert "pip install 'batchdigits[tensorflow]'" in result.stderr


def test_dropout_is_off_when_the_network_is_used(run: Run, trained: Path) -> None:
    runtime = load_runtime(trained)
    glyphs = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    assert np.array_equal(runtime.logits(glyphs), runtime.logits(glyphs))


def test_an_export_that_fails_after_the_training_names_its_command(
    run: Run, npz_file: Path, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchdigits.learning.export.default_min_agreement", lambda card: 1.01)
    result = run("train", *QUICK, "--data", npz_file, "-o", "m.keras", "--export")
    assert result.exit_code == 1
    assert "(--min-agreement); nothing was written" in result.stderr
    assert f"next: batchdigits export --tflite --model m.keras --data {npz_file} -o m.tflite" in result.stderr
    assert Path("m.keras").exists()
    assert not Path("m.tflite").exists()


@pytest.mark.parametrize("name", ["", "./mnist", "mnist/"])
def test_a_name_that_path_would_make_another_one_is_no_data(run: Run, in_empty_folder: Path, name: str) -> None:
    for command in (("train", *QUICK), ("export", "--tflite", "--model", "built-in")):
        result = run(*command, "--data", name)
        assert result.exit_code == 2
        assert ("there is no " if name else "an empty text names no file") in result.stderr
        assert not list(Path().iterdir())


@pytest.mark.parametrize("option", ["--check", "--calibrate"])
def test_no_name_is_not_the_current_folder(run: Run, in_empty_folder: Path, option: str) -> None:
    result = run("export", "--tflite", "--model", "built-in", option, "")
    assert result.exit_code == 2
    assert "an empty text names no file" in result.stderr
