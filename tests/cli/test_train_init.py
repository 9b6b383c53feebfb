"""`batchdigits train --init`: training a model further, on one's own crops or by a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import batchdigits
from batchdigits.datasets import load
from batchdigits.errors import DataError
from batchdigits.inference.model_file import read_card, read_model_file
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.initial_weights import shaped_like
from batchdigits.learning.recipes import DEFAULT
from batchdigits.learning.training import Training
from tests.cli.test_train_interrupted import interrupt_after
from tests.conftest import Arrays, Run

pytestmark = pytest.mark.usefixtures("small_mnist_mixed_in")

QUICK = ("--iterations", "3", "--batch-size", "16")


def write_few(folder: Path, mnist: Arrays, counts: dict[str, int]) -> Path:
    """So many crops of each digit, mirrored, so that they are no copies; those of other names are of 1s."""
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        images = mnist["x_train"][mnist["y_train"] == (int(name) if name.isdigit() else 1)]
        for number in range(count):
            Image.fromarray(255 - images[number, :, ::-1]).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def crops(tmp_path: Path, small_mnist: Arrays) -> Path:
    """Five crops of each digit, mirrored, so that they are no copies of MNIST's, and eleven more 1s."""
    return write_crops(tmp_path / "crops", small_mnist, {str(digit): digit for digit in range(10)}, more="1")


def write_crops(folder: Path, mnist: Arrays, classes: dict[str, int], more: str = "") -> Path:
    for name, digit in classes.items():
        (folder / name).mkdir(parents=True)
        images = mnist["x_train"][mnist["y_train"] == digit]
        for number, image in enumerate(images[: 16 if name == more else 5]):
            Image.fromarray(255 - image[:, ::-1]).save(folder / name / f"{number}.png")
    return folder


def test_the_card_names_the_data_and_the_model_before(run: Run, trained: Path, crops: Path, tmp_path: Path) -> None:
    output = tmp_path / "mine.keras"
    result = run("train", *QUICK, "--init", trained, "--data", crops, "-o", output)
    assert result.exit_code == 0, result.output
    card, init = read_card(output), read_card(trained)
    assert card.labels == init.labels
    assert card.network == init.network
    assert card.recipe["name"] == "fine-tuning"
    assert card.data["name"] == "crops"
    assert card.data["images"] == {"train": 4 * 9 + 14, "validation": 10, "test": 1}
    assert card.data["images_by_class"] == {str(digit): 16 if digit == 1 else 5 for digit in range(10)}
    assert card.data["sha256"] == load(crops, seed=1, few_shot=True).fingerprint()
    assert card.data["init"]["name"] == "digits.keras"
    assert card.data["init"]["sha256"] == init.sha256["payload"]
    assert card.data["init"]["accuracy"]["mnist_test"] == pytest.approx(init.accuracy["test"])
    assert card.data["mnist"]["share"] == 0.7
    assert card.data["mnist"]["images"] == {"train": 922, "validation": 78, "test": 200}
    assert set(card.accuracy) == {"validation", "test", "mnist_validation", "mnist_test"}
    before, now = card.data["init"]["accuracy"]["mnist_test"], card.accuracy["mnist_test"]
    assert f"Accuracy on 200 test images of MNIST: {before:.2%} before, {now:.2%} now" in result.stderr
    assert "Accuracy on 10 validation images of yours: " in result.stderr


def test_labels_other_than_digits_can_be_trained_exported_and_classified(
    run: Run, trained: Path, small_mnist: Arrays, tmp_path: Path
) -> None:
    letters = write_crops(tmp_path / "letters", small_mnist, {"0": 0, "I": 1, "x": 7}, more="x")
    output, exported = tmp_path / "letters.keras", tmp_path / "letters.tflite"
    options = ("--only-classes", "--init", trained, "--data", letters)
    result = run("train", "--iterations", "300", "--batch-size", "64", *options, "-o", output)
    assert result.exit_code == 0, result.output
    assert "new labels: I, x" in result.stderr
    assert "labels without a folder, which the new model will not know: 1, 2, 3, 4, 5, 6, 7, 8, 9" in result.stderr
    card = read_card(output)
    assert card.labels == ("0", "I", "x")
    assert (read_card(trained).rejects, card.rejects) == (True, True)
    assert card.data["mnist"]["images"]["train"] < 110
    assert card.accuracy["mnist_test"] > 0.8
    result = run("export", "--tflite", "--model", output, "--data", letters, "-o", exported)
    assert result.exit_code == 0, result.output
    assert set(read_card(exported).quantization["agreement"]) == {"validation", "test"}
    agreement = read_card(exported).quantization["agreement"]
    assert agreement["test"]["images"] == card.data["images"]["test"] + card.data["mnist"]["images"]["test"]
    for model in (output, exported):
        classifier = batchdigits.Classifier(model)
        right = [classifier.classify(path).label == path.parent.name for path in letters.glob("*/*.png")]
        assert len(right) == 26
        assert np.mean(right) > 0.8


def test_an_export_is_checked_on_glyphs_that_were_held_back(
    run: Run, trained: Path, small_mnist: Arrays, tmp_path: Path
) -> None:
    letters = write_crops(tmp_path / "letters", small_mnist, {"a": 0, "b": 1})
    output, exported = tmp_path / "m.keras", tmp_path / "m.tflite"
    quickly = (*QUICK, "--only-classes")
    assert run("train", *quickly, "--init", trained, "--data", letters, "-o", output).exit_code == 0
    options = ("--model", output, "--data", letters, "-o", exported, "--min-agreement", "0")
    result = run("export", "--tflite", *options)
    assert result.exit_code == 0, result.output
    assert set(read_card(exported).quantization["agreement"]) == {"validation"}  # five crops leave none for a test
    assert "test" not in result.stdout


def test_a_folder_of_two_digits_keeps_the_models_ten_labels(
    run: Run, trained: Path, small_mnist: Arrays, tmp_path: Path
) -> None:
    few, output = write_few(tmp_path / "few", small_mnist, {"3": 1, "7": 6}), tmp_path / "m.keras"
    result = run("train", *QUICK, "--init", trained, "--data", few, "-o", output)
    assert result.exit_code == 0, result.output
    card = read_card(output)
    assert card.labels == read_card(trained).labels
    assert card.data["images"] == {"train": 6, "validation": 1, "test": 0}
    assert card.data["mnist"]["images"]["train"] == 922
    assert "labels without images of yours, which MNIST fills: 0, 1, 2, 4, 5, 6, 8, 9\n" in result.stderr
    exported = ("--model", output, "--min-agreement", "0", "-o", tmp_path / "m.tflite")
    assert run("export", "--tflite", "--data", few, *exported).exit_code == 0
    result = run("train", *QUICK, "--init", trained, "--data", few, "--only-classes", "-o", output)
    assert result.exit_code == 0, result.output
    assert read_card(output).labels == ("3", "7")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("7", "one sub-folder for each class, and at least two"),
        ("A", "one sub-folder for each class, and at least two"),
        ("not_digit", "fewer than two class folders beside"),
    ],
)
def test_one_folder_is_enough_to_go_on_from_a_model(
    run: Run, trained: Path, small_mnist: Arrays, tmp_path: Path, name: str, fault: str
) -> None:
    one, output = write_few(tmp_path / "one", small_mnist, {name: 5}), tmp_path / "m.keras"
    result = run("train", *QUICK, "--init", trained, "--data", one, "-o", output)
    assert result.exit_code == 0, result.output
    assert read_card(output).labels == (*read_card(trained).labels, *(["A"] if name == "A" else []))
    assert read_card(output).data.get("outliers", 0) == (5 if name == "not_digit" else 0)
    result = run("train", *QUICK, "--data", one, "-o", output)
    assert (result.exit_code, fault in result.stderr) == (1, True)
    result = run("train", *QUICK, "--init", trained, "--data", one, "--only-classes", "-o", output)
    assert "a model has at least two classes; leave --only-classes out" in result.stderr


def test_a_folder_of_class_folders_that_is_called_like_a_digit_is_not_taken_for_one(
    run: Run, trained: Path, small_mnist: Arrays, tmp_path: Path
) -> None:
    write_few(tmp_path / "data" / "1", small_mnist, {"3": 5, "7": 5})
    result = run("train", "--init", trained, "--data", tmp_path / "data", "-o", tmp_path / "m.keras")
    assert (result.exit_code, f"give {tmp_path}/data/1" in result.stderr) == (1, True)


def test_a_label_that_mnist_does_not_have_needs_five_images(
    run: Run, trained: Path, small_mnist: Arrays, tmp_path: Path
) -> None:
    few = write_few(tmp_path / "few", small_mnist, {"3": 1, "tick": 4, "x": 5})
    result = run("train", "--init", trained, "--data", few, "-o", tmp_path / "m.keras")
    assert result.exit_code == 1
    assert "each class needs at least 5 images, and tick has 4" in result.stderr
    more = write_few(tmp_path / "more", small_mnist, {"3": 1, "tick": 5})
    known = tmp_path / "known.keras"
    assert run("train", *QUICK, "--init", trained, "--data", more, "-o", known).exit_code == 0
    three = write_few(tmp_path / "three", small_mnist, {"3": 5, "4": 5})
    result = run("train", *QUICK, "--init", known, "--data", three, "-o", tmp_path / "m.keras")
    assert result.exit_code == 1
    assert "each class that MNIST does not have needs at least 5 images, and for training tick has 0" in result.stderr
    assert run("train", *QUICK, "--init", known, "--data", three, "--data", more, "-o", known).exit_code == 0
    assert read_card(known).labels == (*"0123456789", "tick")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--hidden", "8"), "--hidden does not go with --init"),
        (("--data", "crops", "--hidden", "8"), "--hidden does not go with --init"),
        (("--data", "crops", "--activation", "none"), "--activation does not go with --init"),
        (("--data", "crops", "--teacher", "t.keras"), "--teacher does not go with --init"),
    ],
)
def test_options_that_do_not_go_with_init_destroy_nothing(
    run: Run, trained: Path, in_empty_folder: Path, options: tuple[str, ...], message: str
) -> None:
    Path("exports").mkdir()
    Path("exports/digits.keras").write_text("precious")
    result = run("train", "--init", trained, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert Path("exports/digits.keras").read_text() == "precious"


def test_without_data_a_model_is_trained_further_by_a_recipe(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchdigits.learning.train.load", lambda **options: load(npz_file, **options))
    output = tmp_path / "more.keras"
    options = ("--recipe", "tiny", *QUICK, "--learning-rate", "1e-9", "--teacher", trained)
    result = run("train", "--init", trained, *options, "-o", output)
    assert result.exit_code == 0, result.output
    card, init = read_card(output), read_card(trained)
    assert card.network == init.network  # not the recipe's
    assert card.recipe["name"] == "tiny"
    assert card.sha256["init_1"] == card.sha256["teacher_1"] == init.sha256["payload"]
    assert card.accuracy["test"] == pytest.approx(init.accuracy["test"], abs=0.011)


def test_a_model_of_other_classes_is_refused(trained: Path, npz_file: Path) -> None:
    splits = replace(load(npz_file), classes=tuple("abcdefghij"))
    with pytest.raises(DataError, match="its classes are not those of the data"):
        Training(DEFAULT, splits, 1, init=[read_model_file(trained)])


def test_training_starts_from_the_mean_of_several_models(
    run: Run, trained: Path, npz_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchdigits.learning.train.load", lambda **options: load(npz_file, **options))
    others = (trained, tmp_path / "other.keras")
    assert run("train", "--init", trained, *QUICK, "-o", others[1]).exit_code == 0
    both, output = (("--init", others[0], "--init", others[1]), tmp_path / "mean.keras")
    result = run("train", *both, "--iterations", "0", "-o", output)
    assert result.exit_code == 0, result.output
    first, second, mean = (load_network(read_model_file(path)).get_weights() for path in (*others, output))
    for kernel in range(0, len(mean) - 2, 2):  # the temperature is in the last layer
        assert np.allclose(mean[kernel], (first[kernel] + second[kernel]) / 2, atol=1e-7)
    assert read_card(output).sha256["init_2"] == read_card(others[1]).sha256["payload"]
    result = run("train", *both, "--data", npz_file, "-o", tmp_path / "none.keras")
    assert (result.exit_code, "--data needs a single --init" in result.stderr) == (2, True)


def test_models_of_different_shapes_have_no_mean(trained: Path, npz_file: Path) -> None:
    model = read_model_file(trained)
    other = replace(model, card=replace(model.card, network={"hidden": [8], "activation": "relu"}))
    with pytest.raises(DataError, match="a network of another shape"):
        Training(shaped_like(model, DEFAULT), load(npz_file), 1, init=[model, other])


def test_only_a_keras_file_can_be_trained_further(run: Run, crops: Path, tmp_path: Path) -> None:
    from batchdigits.inference.choose import PRETRAINED

    options = ("--data", crops, "-o", tmp_path / "m.keras")
    result = run("train", "--init", PRETRAINED / "digits.tflite", *options)
    assert result.exit_code == 1
    assert "only a .keras file can be trained further" in result.stderr
    assert "no such model file" in run("train", "--init", "no.keras", *options).stderr


def test_an_interrupted_training_keeps_the_model_it_overwrites_and_can_resume(
    run: Run, trained: Path, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, model = tmp_path / "whole.keras", tmp_path / "digits.keras"
    model.write_bytes(trained.read_bytes())
    options = ("--iterations", "60", "--batch-size", "16", "--data", crops)
    assert run("train", *options, "--init", trained, "-o", whole).exit_code == 0
    with monkeypatch.context() as patch:
        interrupt_after(patch, iterations=51)
        result = run("train", *options, "--init", model, "-o", model)
    assert result.exit_code == 130
    assert "digits.keras stays as it was; the same command with --resume continues the training" in result.stderr
    assert model.read_bytes() == trained.read_bytes()
    result = run("train", *options, "--init", whole, "-o", model, "--resume")
    assert result.exit_code == 1
    assert "is of another recipe, seed" in result.stderr
    result = run("train", *options, "--init", model, "-o", model, "--resume")
    assert result.exit_code == 0, result.output
    assert read_card(model).sha256["payload"] == read_card(whole).sha256["payload"]


def test_with_a_recipe_a_model_is_trained_further_on_several_data_sets(
    run: Run, trained: Path, npz_file: Path, idx_folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "more.keras"
    options = ("--recipe", "tiny", *QUICK, "--learning-rate", "1e-9", "--teacher", trained)
    result = run("train", "--init", trained, "--data", npz_file, "--data", idx_folder, *options, "-o", output)
    assert result.exit_code == 0, result.output
    card, init = read_card(output), read_card(trained)
    assert card.recipe["name"] == "tiny"
    assert card.data["name"] == f"{npz_file.name}, {idx_folder.name}"
    assert set(card.data["sources"]) == {npz_file.name, idx_folder.name}
    assert sum(one["digits"] for one in card.data["sources"].values()) == card.data["images"]["train"]
    halves = [card.accuracy[f"test_{path.name}"] for path in (npz_file, idx_folder)]
    assert np.mean(halves) == pytest.approx(card.accuracy["test"])
    assert all(f"test images of {path.name}: " in result.output for path in (npz_file, idx_folder))
    assert card.data["images"]["test"] == 2 * init.data["images"]["test"]
    assert card.sha256["init_1"] == card.sha256["teacher_1"] == init.sha256["payload"]
