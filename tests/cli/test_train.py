from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchdigits.datasets import load
from batchdigits.inference.card import Card
from batchdigits.inference.model_file import read_card, read_model_file
from batchdigits.inference.tensorflow_runtime import build_network, load_network
from batchdigits.learning.initial_weights import network_of
from batchdigits.learning.logits import logits_of
from batchdigits.learning.recipes import ACTIVATIONS, RECIPES
from batchdigits.learning.training import Progress, Training
from batchdigits.learning.training_step import compile_step
from batchdigits.learning.training_targets import teacher_of
from tests.conftest import Arrays, Run, run_process

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


@pytest.mark.parametrize(
    ("option", "value", "recorded"),
    [
        ("hidden", "16,8", [16, 8]),
        ("activation", "tanh", "tanh"),
        ("activation", "none", ""),
        ("learning-rate", "0.02", 0.02),
        ("iterations", "4", 4),
        ("batch-size", "7", 7),
        ("dropout", "0.25", 0.25),
        ("unchanged", "0.5", 0.5),
    ],
)
def test_an_option_overrides_its_recipe(
    run: Run, npz_file: Path, tmp_path: Path, option: str, value: str, recorded: object
) -> None:
    output = tmp_path / "m.keras"
    result = run("train", *QUICK, f"--{option}", value, "--data", npz_file, "-o", output)
    assert result.exit_code == 0, result.output
    assert read_card(output).recipe[option.replace("-", "_")] == recorded


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
def test_every_activation_trains_and_loads_again(run: Run, npz_file: Path, tmp_path: Path, activation: str) -> None:
    output = tmp_path / "m.keras"
    assert run("train", *QUICK, "--activation", activation, "--data", npz_file, "-o", output).exit_code == 0
    assert run("classify", "samples/digits/3", "--model", output).exit_code == 0


def test_the_same_seed_gives_the_same_weights(run: Run, npz_file: Path, tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        options = ("--iterations", "12", "--hidden", "16", "--dropout", "0.5", "--seed", str(seed))
        result = run("train", *options, "--data", npz_file, "-o", tmp_path / f"{name}.keras")
        assert result.exit_code == 0, result.output
        digests.append(read_card(tmp_path / f"{name}.keras").sha256["payload"])
    assert digests[0] == digests[1] != digests[2]


@pytest.fixture(scope="module")
def teacher(run_once: Run, npz_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolutional network after a very short training."""
    output = tmp_path_factory.mktemp("teacher") / "teacher.keras"
    result = run_once("train", *QUICK, "--recipe", "teacher", "--data", npz_file, "-o", output)
    assert result.exit_code == 0, result.output
    return output


@pytest.mark.slow
def test_a_teacher_classifies_but_is_not_exported(run: Run, teacher: Path, tmp_path: Path) -> None:
    assert read_card(teacher).network == {"hidden": [8], "activation": "relu", "filters": [32, 64, 64, 128]}
    assert run("classify", "samples/digits/3", "--model", teacher).exit_code == 0
    result = run("export", "--tflite", "--model", teacher, "-o", tmp_path / "m.tflite")
    assert result.exit_code == 1
    assert "has convolutions" in result.stderr
    assert not (tmp_path / "m.tflite").exists()


def test_a_teacher_changes_the_weights_and_is_in_the_card(
    run: Run, npz_file: Path, teacher: Path, tmp_path: Path
) -> None:
    cards = {}
    for name, options in (("with", ("--teacher", teacher)), ("without", ())):
        output = tmp_path / f"{name}.keras"
        result = run("train", *QUICK, "--recipe", "tiny", *options, "--data", npz_file, "-o", output)
        assert result.exit_code == 0, result.output
        cards[name] = read_card(output).sha256
    assert cards["with"]["payload"] != cards["without"]["payload"]
    assert cards["with"]["teacher_1"] == read_card(teacher).sha256["payload"]


def test_of_several_teachers_the_mean_is_learned(teacher: Path, trained: Path, small_mnist: Arrays) -> None:
    networks = [load_network(read_model_file(path)) for path in (teacher, trained)]
    glyphs = small_mnist["x_test"][:5]
    alone = [teacher_of([network], 3.0, 10)(glyphs) for network in networks]
    assert not np.allclose(alone[0], alone[1])
    assert np.allclose(teacher_of(networks, 3.0, 10)(glyphs), np.mean(alone, axis=0), atol=1e-6)


def test_two_teachers_are_in_the_card(run: Run, npz_file: Path, teacher: Path, trained: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.keras"
    options = ("--recipe", "tiny", "--teacher", teacher, "--teacher", trained, "--data", npz_file)
    assert run("train", *QUICK, *options, "-o", output).exit_code == 0
    sources = read_card(output).sha256
    assert sources["teacher_1"] == read_card(teacher).sha256["payload"]
    assert sources["teacher_2"] == read_card(trained).sha256["payload"]


def test_the_tiny_recipe_is_for_microcontrollers(run: Run, npz_file: Path, tmp_path: Path) -> None:
    output, exported = tmp_path / "m.keras", tmp_path / "m.tflite"
    quick = ("--iterations", "3", "--batch-size", "16", "--data", npz_file)
    assert run("train", "--recipe", "tiny", *quick, "-o", output).exit_code == 0
    gate = ("--data", npz_file, "--min-agreement", "0")
    result = run("export", "--tflite", "--model", output, *gate, "-o", exported)
    assert result.exit_code == 0, result.output
    assert exported.stat().st_size < 120_000


@pytest.mark.parametrize(
    ("name", "message"), [("m.tflite", "a teacher is a .keras file"), ("no.keras", "no such model file")]
)
def test_a_teacher_that_is_no_keras_file_is_refused(run: Run, in_empty_folder: Path, name: str, message: str) -> None:
    result = run("train", *QUICK, "--teacher", name)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not Path("exports/digits.keras").exists()


def test_a_teacher_of_other_classes_is_refused(run: Run, small_mnist: Arrays, teacher: Path, tmp_path: Path) -> None:
    more = tmp_path / "twelve.npz"
    np.savez(more, **{**small_mnist, "y_train": np.arange(1000) % 12})  # type: ignore[arg-type]
    result = run("train", *QUICK, "--teacher", teacher, "--data", more, "-o", tmp_path / "m.keras")
    assert result.exit_code == 1
    assert "its classes are not those of the data" in result.stderr


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


HOPELESS = ("--learning-rate", "10", "--iterations", "150", "--hidden", "16")


def test_a_training_that_learned_nothing_leaves_what_was_there(run: Run, npz_file: Path, in_empty_folder: Path) -> None:
    Path("m.keras").write_text("precious")
    result = run("train", *HOPELESS, "--data", npz_file, "-o", "m.keras")
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("batchdigits: error: the training learned nothing: after 150 iterations its labels are no")
    assert [path.name for path in Path().iterdir()] == ["m.keras"]
    assert Path("m.keras").read_text() == "precious"


def test_an_interrupted_training_that_learned_nothing_yet_leaves_what_was_there(
    run: Run, npz_file: Path, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("m.keras").write_text("precious")
    interrupt_after(monkeypatch, iterations=101)
    result = run("train", *HOPELESS, "--data", npz_file, "-o", "m.keras")
    assert result.exit_code == 130
    assert "nothing learned so far, so no model is written; the same command with --resume continues" in result.stderr
    assert Path("m.keras").read_text() == "precious"
    assert Path("m.keras.checkpoint.npz").exists()


def test_without_tensorflow_it_names_the_extra(
    run: Run, npz_file: Path, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    result = run("train", *QUICK, "--data", npz_file)
    assert result.exit_code == 1
    assert "pip install 'batchdigits[tensorflow]'" in result.stderr


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_signal_saves_the_training_so_far(npz_file: Path, tmp_path: Path, number: int, code: int) -> None:
    output = tmp_path / "m.keras"
    command = [sys.executable, "-m", "batchdigits", "train", "--recipe", "lesson", "--iterations", "100000000"]
    with subprocess.Popen([*command, "--data", npz_file, "-o", output], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while "Iteration 100" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        rest = process.stderr.read()
    assert process.returncode == code, rest
    assert "saving the training so far" in rest
    assert "with --resume continues the training" in rest
    assert read_card(output).accuracy["test"] > 0.5


def test_the_output_of_libraries_is_hidden(run: Run, npz_file: Path, tmp_path: Path) -> None:
    result = run_process("train", *QUICK, "--data", npz_file, "-o", tmp_path / "m.keras")
    assert result.returncode == 0
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 4, result.stderr  # the validation split, the accuracy, the file, the next command
    assert run("train", *QUICK, "--data", npz_file, "-o", tmp_path / "m.keras", "-q").stderr == ""


def test_dropout_is_off_when_the_network_is_used(run: Run, trained: Path) -> None:
    from batchdigits.inference.load import load_runtime

    runtime = load_runtime(trained)
    glyphs = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    assert np.array_equal(runtime.logits(glyphs), runtime.logits(glyphs))


@pytest.mark.parametrize("recipe", ["lesson", pytest.param("default", marks=pytest.mark.slow)])
def test_a_resumed_training_ends_with_the_same_weights(
    run: Run, npz_file: Path, tmp_path: Path, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--recipe", recipe, "--iterations", "450", "--hidden", "16", "--dropout", "0.5", "--data", npz_file)
    whole, halved = tmp_path / "whole.keras", tmp_path / "halved.keras"
    assert run("train", *options, "-o", whole).exit_code == 0
    interrupt_after(monkeypatch, iterations=201)
    result = run("train", *options, "-o", halved)
    assert result.exit_code == 130
    monkeypatch.undo()
    assert read_card(halved).sha256["payload"] != read_card(whole).sha256["payload"]
    result = run("train", *options, "-o", halved, "--resume")
    assert result.exit_code == 0, result.stderr
    assert read_card(halved).sha256["payload"] == read_card(whole).sha256["payload"]
    assert (tmp_path / "halved.history.csv").read_bytes() == (tmp_path / "whole.history.csv").read_bytes()
    assert sorted(p.name for p in tmp_path.glob("halved*")) == ["halved.history.csv", "halved.keras"]


@pytest.mark.parametrize("recipe", ["lesson", pytest.param("default", marks=pytest.mark.slow)])
def test_signals_in_the_middle_of_a_step_change_no_weights(
    run: Run, npz_file: Path, tmp_path: Path, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--recipe", recipe, "--iterations", "600", "--hidden", "16", "--batch-size", "32", "--data", npz_file)
    whole, cut = tmp_path / "whole.keras", tmp_path / "cut.keras"
    assert run("train", *options, "-o", whole).exit_code == 0
    resumed: tuple[str, ...] = ()
    for steps in (3, 5):
        with monkeypatch.context() as patched:
            signal_during_a_step(patched, after=steps)
            assert run("train", *options, "-o", cut, *resumed).exit_code == 130
        with np.load(tmp_path / "cut.keras.checkpoint.npz") as state:
            assert state["counts"][0] == state["optimizer_0"] == state["history"][-1, 0] + 1
        resumed = ("--resume",)
    assert run("train", *options, "-o", cut, *resumed).exit_code == 0
    assert read_card(cut).sha256["payload"] == read_card(whole).sha256["payload"]
    assert cut.with_suffix(".history.csv").read_bytes() == whole.with_suffix(".history.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_signals_at_random_moments_change_no_weights(npz_file: Path, tmp_path: Path, recipe: str) -> None:
    options = ["--recipe", recipe, "--iterations", "400", "--batch-size", "32", "--data", str(npz_file)]
    whole, cut = tmp_path / "whole.keras", tmp_path / "cut.keras"
    assert run_process("train", *options, "-o", whole).returncode == 0
    rng = np.random.default_rng(3)
    command = [sys.executable, "-m", "batchdigits", "train", *options, "-o", str(cut)]
    resumed: list[str] = []
    for _ in range(6):
        with subprocess.Popen([*command, *resumed], stderr=subprocess.DEVNULL) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(3, 9))  # TensorFlow is loaded by then, mostly
            process.send_signal(rng.choice([signal.SIGINT, signal.SIGTERM]))
        resumed = ["--resume"] if cut.with_name("cut.keras.checkpoint.npz").exists() else []
    result = run_process(*command[3:], *resumed)
    assert result.returncode == 0, result.stderr
    assert read_card(cut).sha256["payload"] == read_card(whole).sha256["payload"]
    assert cut.with_suffix(".history.csv").read_bytes() == whole.with_suffix(".history.csv").read_bytes()


@pytest.mark.parametrize("patience", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_an_interruption_while_saving_loses_no_training(
    run: Run, npz_file: Path, tmp_path: Path, patience: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from batchdigits.learning import recipes

    impatient = replace(recipes.DEFAULT, patience=patience, check_every=20, learning_rate=0.05, warmup=0)
    monkeypatch.setitem(recipes.RECIPES, "default", impatient)
    options = ("--iterations", "200", "--hidden", "16", "--data", npz_file)
    whole, stopped = tmp_path / "whole.keras", tmp_path / "stopped.keras"
    assert run("train", *options, "-o", whole).exit_code == 0
    with monkeypatch.context() as patched:
        patched.setattr("batchdigits.learning.save.scale_confidence", interrupt)
        result = run("train", *options, "-o", stopped)
    assert (result.exit_code, stopped.exists()) == (130, False)
    assert "the training is saved; the same command with --resume continues it" in result.stderr
    result = run("train", *options, "-o", stopped, "--resume")
    assert result.exit_code == 0, result.stderr
    assert "Iteration" not in result.stderr  # training had ended
    assert read_card(stopped).sha256["payload"] == read_card(whole).sha256["payload"]
    assert sorted(p.name for p in tmp_path.glob("stopped*")) == ["stopped.history.csv", "stopped.keras"]


def test_resume_refuses_a_checkpoint_that_does_not_fit(
    run: Run, npz_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "m.keras"
    options = ("--iterations", "300", "--hidden", "16", "--data", npz_file, "-o", output)
    result = run("train", *options, "--resume")
    assert result.exit_code == 1
    assert "nothing to resume" in result.stderr
    interrupt_after(monkeypatch, iterations=101)
    assert run("train", *options).exit_code == 130
    monkeypatch.undo()
    for other in (("--seed", "2"), ("--dropout", "0.1")):
        result = run("train", *options, *other, "--resume")
        assert result.exit_code == 1
        assert "the checkpoint is of another recipe, seed, teacher or data" in result.stderr
    checkpoint = tmp_path / "m.keras.checkpoint.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    result = run("train", *options, "--resume")
    assert result.exit_code == 1
    assert "incomplete checkpoint" in result.stderr


def interrupt(*arguments: object) -> None:
    raise KeyboardInterrupt


def signal_during_a_step(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """A SIGINT from another thread while the compiled step runs, after so many calls of it."""
    calls = 0

    def compile_and_signal(*arguments: Any) -> tuple[Any, Any]:
        step, optimizer = compile_step(*arguments)

        def signalled(*inputs: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == after:
                threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()
            step(*inputs)

        return signalled, optimizer

    monkeypatch.setattr("batchdigits.learning.training.compile_step", compile_and_signal)


def interrupt_after(monkeypatch: pytest.MonkeyPatch, iterations: int) -> None:
    """Ctrl-C as soon as a training has done so many iterations."""
    whole_run = Training.run

    def run_and_interrupt(self: Training) -> Generator[Progress, None, None]:
        for progress in whole_run(self):
            if self.done >= iterations:
                signal.raise_signal(signal.SIGINT)
            yield progress

    monkeypatch.setattr(Training, "run", run_and_interrupt)
