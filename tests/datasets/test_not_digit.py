"""The folder `not_digit` beside class folders: outliers in training, export and evaluation, or a class."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from batchdigits.datasets import load
from batchdigits.errors import DataError
from batchdigits.inference.model_file import read_card
from tests.conftest import Arrays, Run

QUICK = ("--iterations", "3", "--hidden", "8", "--batch-size", "32")


@pytest.fixture
def with_outliers(class_folder: Path, small_mnist: Arrays) -> Path:
    """Twelve images of each of three classes, and twenty outliers."""
    (class_folder / "not_digit").mkdir()
    for number, image in enumerate(small_mnist["x_train"][small_mnist["y_train"] == 4][:20]):
        Image.fromarray(255 - image).save(class_folder / "not_digit" / f"{number}.png")
    return class_folder


def test_its_images_are_outliers_and_held_back_in_part(with_outliers: Path) -> None:
    splits = load(with_outliers, seed=1)
    assert splits.classes == ("oh", "one", "seven")
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [30, 3, 3]
    assert splits.outliers
    assert [len(part) for part in splits.outliers] == [16, 2, 2, 16]
    glyphs = np.concatenate(splits.outliers[:3])
    assert len(np.unique(glyphs, axis=0)) == 20
    digits = np.concatenate([part.glyphs for part in (splits.train, splits.validation, splits.test)])
    assert not {glyph.tobytes() for glyph in glyphs} & {glyph.tobytes() for glyph in digits}


def test_other_outliers_are_other_data(with_outliers: Path) -> None:
    before = load(with_outliers, seed=1).fingerprint()
    (with_outliers / "not_digit" / "0.png").unlink()
    assert load(with_outliers, seed=1).fingerprint() != before
    shutil.rmtree(with_outliers / "not_digit")
    assert load(with_outliers, seed=1).outliers is None


def test_copies_of_outliers_in_joined_data_are_on_one_side(with_outliers: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(with_outliers, other)
    for image in sorted((other / "not_digit").iterdir())[::2]:
        image.unlink()  # so that others are held back
    splits = load(with_outliers, other)
    assert splits.outliers
    train, validation, test, chances = splits.outliers
    kinds = [{glyph.tobytes() for glyph in part} for part in (train, validation, test)]
    assert not (kinds[0] & kinds[1] or kinds[0] & kinds[2] or kinds[1] & kinds[2])
    assert len(set.union(*kinds)) == 20
    assert len(chances) == len(train)
    assert chances.sum() == pytest.approx(1)
    assert any("of which another of these has a copy" in note for note in splits.notes)


def test_an_image_that_is_a_class_here_and_an_outlier_there_is_named(with_outliers: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(with_outliers, other)
    shutil.rmtree(other / "not_digit")
    shutil.copy(with_outliers / "not_digit" / "3.png", other / "oh" / "four.png")
    (note,) = (note for note in load(with_outliers, other).notes if "two labels" in note)
    assert f"{with_outliers.name}/not_digit/3.png (not_digit) and other/oh/four.png (oh)" in note


def test_an_image_that_is_both_a_class_and_an_outlier_is_named(with_outliers: Path) -> None:
    shutil.copy(with_outliers / "one" / "0.png", with_outliers / "not_digit" / "stray.png")
    assert any("one/0.png (one) and not_digit/stray.png (not_digit)" in note for note in load(with_outliers).notes)


def test_a_class_of_this_name_can_be_asked_for(with_outliers: Path) -> None:
    splits = load(with_outliers, as_class="not_digit")
    assert splits.classes == ("not_digit", "oh", "one", "seven")
    assert splits.outliers is None


def test_splits_may_have_it_or_not(with_outliers: Path, tmp_path: Path) -> None:
    for name in ("oh", "one", "seven", "not_digit"):
        (tmp_path / "data" / "test" / name).mkdir(parents=True)
        for number in (1, 2):
            (with_outliers / name / f"{number}.png").rename(tmp_path / "data" / "test" / name / f"{number}.png")
    with_outliers.rename(tmp_path / "data" / "train")
    splits = load(tmp_path / "data")
    assert splits.outliers
    assert [len(part) for part in splits.outliers[:3]] == [17, 1, 2]
    shutil.rmtree(tmp_path / "data" / "train" / "not_digit")
    others = load(tmp_path / "data")
    assert others.classes == splits.classes
    assert others.outliers
    assert [len(part) for part in others.outliers[:3]] == [0, 0, 2]
    with pytest.raises(DataError, match="no training images of the class not_digit"):
        load(tmp_path / "data", as_class="not_digit")


def test_one_class_and_outliers_are_too_few_classes(with_outliers: Path) -> None:
    for name in ("oh", "seven"):
        shutil.rmtree(with_outliers / name)
    with pytest.raises(DataError, match="fewer than two class folders beside not_digit, which holds outliers without"):
        load(with_outliers)
    assert load(with_outliers, as_class="not_digit").classes == ("not_digit", "one")


def test_a_network_learns_to_reject_them(run: Run, with_outliers: Path, tmp_path: Path) -> None:
    model, exported = tmp_path / "m.keras", tmp_path / "m.tflite"
    result = run("train", *QUICK, "--data", with_outliers, "-o", model)
    assert result.exit_code == 0, result.output
    card = read_card(model)
    assert card.rejects
    assert card.labels == ("oh", "one", "seven")
    assert card.data["outliers"] == 20
    assert card.data["ok_outliers"]["images"] == 4
    assert f"Share of 4 held-back outliers that is ok: {card.data['ok_outliers']['now']:.2%}\n" in result.stderr
    options = ("--model", model, "--data", with_outliers, "--min-agreement", "0")
    assert run("export", "--tflite", *options, "-o", exported).exit_code == 0
    result = run("evaluate", with_outliers, "--model", exported)
    assert " of 20" in result.stdout
    result = run("evaluate", with_outliers, "--model", exported, "--class", "not_digit")
    assert (result.exit_code, "the model has no label not_digit" in result.stderr) == (1, True)


def test_a_recipe_without_outliers_says_that_they_are_left_out(run: Run, with_outliers: Path, tmp_path: Path) -> None:
    result = run("train", "--recipe", "lesson", *QUICK, "--data", with_outliers, "-o", tmp_path / "m.keras")
    assert "the recipe lesson learns nothing from outliers; those of the data are left out" in result.stderr
    assert not read_card(tmp_path / "m.keras").rejects


def test_as_a_class_it_is_one_in_every_command(run: Run, with_outliers: Path, tmp_path: Path) -> None:
    model, exported = tmp_path / "m.keras", tmp_path / "m.tflite"
    result = run("train", *QUICK, "--data", with_outliers, "--class", "not_digit", "-o", model)
    assert result.exit_code == 0, result.output
    assert read_card(model).labels == ("not_digit", "oh", "one", "seven")
    command = ("export", "--tflite", "--model", model, "--data", with_outliers, "--class", "not_digit", "-o", exported)
    assert shlex.join(map(str, command)) in result.stderr
    for option in ((), ("--class", "not_digit")):  # the model's label says the same
        options = ("--model", model, "--data", with_outliers, "--min-agreement", "0", *option)
        assert run("export", "--tflite", *options, "-o", exported).exit_code == 0
        assert " 56 " in run("evaluate", with_outliers, "--model", exported, *option).stdout
    result = run("train", *QUICK, "--data", with_outliers, "--class", "oh", "-o", model)
    assert (result.exit_code, "'oh' is not 'not_digit'" in result.stderr) == (2, True)
