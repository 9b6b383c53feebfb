"""The history of `train` as a table, as a plot and for TensorBoard."""

from __future__ import annotations

import csv
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from batchdigits.inference.model_file import read_card
from tests.conftest import Run

OPTIONS = ("--hidden", "16", "--batch-size", "16", "--iterations", "60")

needs_tensorboard = pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")


def test_the_history_lies_beside_the_model(run: Run, npz_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.keras"
    assert run("train", *OPTIONS, "--data", npz_file, "-o", output).exit_code == 0
    rows = list(csv.DictReader((tmp_path / "mine.history.csv").read_text().splitlines()))
    assert [row["iteration"] for row in rows] == ["0", "50", "59"]
    assert [bool(row["validation"]) for row in rows] == [False, False, True]
    assert float(rows[-1]["validation"]) == pytest.approx(read_card(output).accuracy["validation"], abs=1e-6)
    assert all(0 < float(row["loss"]) < 10 and 0 <= float(row["accuracy"]) <= 1 for row in rows)
    assert list(rows[0]) == ["iteration", "loss", "accuracy", "validation", "learning_rate"]


def test_a_history_that_cannot_be_written_is_refused_before_the_work(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.history.csv").mkdir()
    result = run("train", *OPTIONS, "--data", "nowhere", "-o", tmp_path / "m.keras")
    assert result.exit_code == 1
    assert "m.history.csv: it is a folder" in result.stderr


@needs_tensorboard
@pytest.mark.slow
def test_each_run_has_its_own_tensorboard_folder(run: Run, npz_file: Path, tmp_path: Path) -> None:
    logs, seeds = tmp_path / "new" / "logs", ("1", "1", "2")
    options = (*OPTIONS, "--data", npz_file, "-o", tmp_path / "m.keras", "--tensorboard", logs)
    for seed in seeds:
        assert run("train", *options, "--seed", seed).exit_code == 0
    names = sorted(folder.name for folder in logs.iterdir())
    assert names == ["default-seed1", "default-seed1-2", "default-seed2"]
    assert all([step for step, _ in scalars(logs / name)["loss"]] == [0, 50, 59] for name in names)


def test_plot_of_a_bad_name_destroys_nothing(run: Run, in_empty_folder: Path) -> None:
    Path("curves.jpg").write_text("precious")
    result = run("train", "--plot", "curves.jpg")
    assert result.exit_code == 2
    assert "Invalid value for --plot: curves.jpg must end in .png or .svg" in result.stderr
    assert Path("curves.jpg").read_text() == "precious"


def test_without_matplotlib_plot_names_the_extra_before_the_work(
    run: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("train", "--data", "nowhere", "--plot", "curves.png")  # training would fail on `nowhere`, if it began
    assert result.exit_code == 1
    assert result.stderr.startswith("batchdigits: error: --plot needs an optional package; install it with: ")
    assert result.stderr.endswith("pip install 'batchdigits[plot]'\n")


def test_without_tensorboard_it_names_the_extra(
    run: Run, npz_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    output = tmp_path / "m.keras"
    result = run("train", *OPTIONS, "--data", npz_file, "-o", output, "--tensorboard", tmp_path / "logs")
    assert result.exit_code == 1
    assert "pip install 'batchdigits[tensorboard]'" in result.stderr
    assert list(tmp_path.iterdir()) == []


@needs_tensorboard
def test_a_tensorboard_folder_that_cannot_be_made_is_one_line(run: Run, npz_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    options = (*OPTIONS, "--data", npz_file, "-o", tmp_path / "m.keras")
    result = run("train", *options, "--tensorboard", tmp_path / "file" / "logs")
    assert result.exit_code == 1
    assert "cannot write" in result.stderr
    assert "Traceback" not in result.output


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The scalars of an event file, by tag: (step, value)."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})  # all of them
    events.Reload()
    return {
        tag: [(event.step, float(make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }
