"""Interrupted trainings, and `batchdigits train --resume`."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from batchdigits.inference.model_file import read_card
from batchdigits.learning.recipes import RECIPES
from batchdigits.learning.training import Progress, Training
from batchdigits.learning.training_step import compile_step
from tests.cli.test_train import HOPELESS
from tests.cli.test_train_history import scalars
from tests.conftest import Run, run_process


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


@pytest.mark.parametrize("recipe", ["lesson", pytest.param("default", marks=pytest.mark.slow)])
def test_a_resumed_training_ends_with_the_same_weights_and_history(
    run: Run, npz_file: Path, tmp_path: Path, recipe: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "lesson", replace(RECIPES["lesson"], check_every=150))  # it measures nothing by itself
    quick = ("--iterations", "450", "--hidden", "16", "--batch-size", "32", "--dropout", "0.5")
    options = ("--recipe", recipe, *quick, "--data", npz_file)
    whole, halved = tmp_path / "whole.keras", tmp_path / "halved.keras"
    plot, halved_plot = tmp_path / "whole.png", tmp_path / "pictures" / "halved.png"
    assert run("train", *options, "-o", whole, "--plot", plot).exit_code == 0
    with monkeypatch.context() as patched:
        interrupt_after(patched, iterations=201)
        assert run("train", *options, "-o", halved, "--plot", halved_plot).exit_code == 130
    assert read_card(halved).sha256["payload"] != read_card(whole).sha256["payload"]
    with Image.open(halved_plot) as picture:
        assert picture.format == "PNG"
    assert halved_plot.read_bytes() != plot.read_bytes()
    board = ("--tensorboard", tmp_path / "logs") if find_spec("tensorboard") else ()
    result = run("train", *options, "-o", halved, "--plot", halved_plot, *board, "--resume")
    assert result.exit_code == 0, result.stderr
    assert read_card(halved).sha256["payload"] == read_card(whole).sha256["payload"]
    assert (tmp_path / "halved.history.csv").read_bytes() == (tmp_path / "whole.history.csv").read_bytes()
    assert halved_plot.read_bytes() == plot.read_bytes()
    assert sorted(p.name for p in tmp_path.glob("halved*")) == ["halved.history.csv", "halved.keras"]
    if board:
        require_scalars(tmp_path / f"logs/{recipe}-seed1", tmp_path / "whole.history.csv")


def require_scalars(board: Path, history: Path) -> None:
    """Assert that TensorBoard has the steps of a table of the history."""
    rows, found = list(csv.DictReader(history.read_text().splitlines())), scalars(board)
    assert sorted(found) == ["accuracy", "learning_rate", "loss", "validation"]
    assert [step for step, _ in found["loss"]] == [int(row["iteration"]) for row in rows]
    assert [step for step, _ in found["validation"]] == [int(row["iteration"]) for row in rows if row["validation"]]


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
    options = ("--iterations", "200", "--hidden", "16", "--batch-size", "16", "--data", npz_file)
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
    options = ("--iterations", "300", "--hidden", "16", "--batch-size", "16", "--data", npz_file, "-o", output)
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
