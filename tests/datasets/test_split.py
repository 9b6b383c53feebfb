"""What is held out for validation and test, and what a person is told about labelled data before training."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from batchdigits.datasets import load
from batchdigits.datasets.images import Images
from batchdigits.datasets.labelled import LabelledGlyphs, Splits
from batchdigits.datasets.layout import TEST, TRAIN
from batchdigits.datasets.split import HeldOut, split
from batchdigits.errors import DataError
from tests.conftest import Arrays, Run, idx_bytes


def keys(data: LabelledGlyphs) -> set[bytes]:
    return {glyph.tobytes() for glyph in data.glyphs}


def counts(splits: Splits) -> list[list[int]]:
    """Images of each class, for training, validation and test."""
    parts = (splits.train, splits.validation, splits.test)
    return [np.bincount(part.labels, minlength=len(splits.classes)).tolist() for part in parts]


def images(glyphs: list[int], labels: list[int]) -> Images:
    """Images whose glyphs are full of one value each."""
    stack = np.array(glyphs, np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    return Images(LabelledGlyphs(stack, np.array(labels, np.int64)), [f"{i}.png" for i in range(len(glyphs))])


@pytest.fixture
def sorted_mnist(small_mnist: Arrays) -> Arrays:
    """Training images sorted by label, with twelve classes."""
    labels = small_mnist["y_train"].copy()
    labels[:30], labels[30:60] = 10, 11
    order = np.argsort(labels, kind="stable")
    return {**small_mnist, "x_train": small_mnist["x_train"][order], "y_train": labels[order]}


@pytest.mark.parametrize("layout", ["npz", "idx"])
def test_sorted_arrays_hold_out_a_twelfth_of_each_class(
    sorted_mnist: Arrays, idx_folder: Path, tmp_path: Path, layout: str
) -> None:
    path = tmp_path / "sorted.npz" if layout == "npz" else idx_folder
    np.savez(tmp_path / "sorted.npz", **sorted_mnist)  # type: ignore[arg-type]
    (idx_folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(sorted_mnist["x_train"]))
    (idx_folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(sorted_mnist["y_train"]))
    splits = load(path, seed=1)
    train, validation, _ = counts(splits)
    of_class = np.bincount(sorted_mnist["y_train"])
    assert validation == (of_class // 12).tolist()
    assert train == (of_class - validation).tolist()
    assert splits.fingerprint() == load(path, seed=1).fingerprint()
    assert keys(splits.validation) != keys(load(path, seed=2).validation)


def test_an_only_image_of_a_class_is_for_training(sorted_mnist: Arrays, tmp_path: Path) -> None:
    sorted_mnist["y_train"][-29:] = 10
    np.savez(tmp_path / "one.npz", **sorted_mnist)  # type: ignore[arg-type]
    train, validation, _ = counts(load(tmp_path / "one.npz"))
    assert (train[11], validation[11]) == (1, 0)


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2)), min_size=20), st.integers(0, 9))
def test_copies_are_on_one_side(pairs: list[tuple[int, int]], seed: int) -> None:
    glyphs, labels = (list(values) for values in zip(*pairs, strict=True))
    try:
        splits = split("data", "data", ("a", "b", "c"), {TRAIN: images(glyphs, labels)}, HeldOut(4), seed)
    except DataError as error:
        assert "too few images to train on" in str(error)
        return
    parts = [keys(part) for part in (splits.train, splits.validation, splits.test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert sum(len(part) for part in (splits.train, splits.validation, splits.test)) == len(pairs)


def test_test_images_are_not_learned() -> None:
    train, test = images([*range(1, 25), 1], [0, 1] * 12 + [0]), images([1, 2, 99], [0, 0, 0])
    splits = split("data", "data", ("a", "b"), {TRAIN: train, TEST: test}, HeldOut(4), 1)
    assert len(splits.test) == 3
    assert not (keys(splits.train) | keys(splits.validation)) & keys(splits.test)
    assert splits.notes == (
        "data: 3 of 28 images are copies of others; copies are never both learned and held back",
        "data: 1 image with two labels: 1.png (b) and 1.png (a)",
    )


def test_copies_are_counted_and_an_image_with_two_labels_is_named_with_both_files(class_folder: Path) -> None:
    assert load(class_folder).notes == ()
    for number in range(4):
        with Image.open(class_folder / "one" / f"{number}.png") as image:
            image.save(class_folder / "one" / f"copy{number}.bmp")  # other bytes, the same picture
    shutil.copy(class_folder / "seven" / "3.png", class_folder / "oh" / "stray.png")
    splits = load(class_folder)
    assert splits.notes == (
        f"{class_folder}: 5 of 41 images are copies of others; copies are never both learned and held back",
        f"{class_folder}: 1 image with two labels: oh/stray.png (oh) and seven/3.png (seven)",
    )
    assert not keys(splits.train) & (keys(splits.validation) | keys(splits.test))


def test_copies_do_not_make_a_class_large_enough(class_folder: Path) -> None:
    for image in sorted((class_folder / "one").iterdir())[1:]:
        shutil.copy(class_folder / "one" / "0.png", image)
    with pytest.raises(
        DataError, match=r"each class needs at least 3 images, and one has 1; .*: 11 of 36 images are cop"
    ):
        load(class_folder)


def test_blank_and_unreadable_images_are_left_out_and_named(class_folder: Path) -> None:
    (class_folder / "one" / "0.png").write_bytes(b"")
    Image.new("L", (20, 20), 255).save(class_folder / "seven" / "1.png")
    splits = load(class_folder)
    assert np.sum(counts(splits)) == 34
    assert splits.notes == (
        f"{class_folder}: left out 2 of 36 labelled images, blank or unreadable: "
        "one/0.png (empty file), seven/1.png (blank)",
    )


def test_over_a_tenth_of_blank_images_is_refused(class_folder: Path) -> None:
    for number in range(4):
        Image.new("L", (20, 20), 255).save(class_folder / "one" / f"blank{number}.png")
    assert len(load(class_folder).notes) == 1  # four of forty are a tenth
    (class_folder / "one" / "more.png").write_bytes(b"")
    with pytest.raises(DataError) as error:
        load(class_folder)
    assert "5 of 41 labelled images are blank or unreadable, more than 10%: one/blank0.png (blank)" in str(error.value)


def test_a_class_that_is_too_small_for_want_of_blank_images_says_so(class_folder: Path) -> None:
    for image in sorted((class_folder / "one").iterdir())[2:]:
        image.unlink()
    Image.new("L", (20, 20), 255).save(class_folder / "one" / "blank.png")
    with pytest.raises(DataError, match=r"one has 2; .*: left out 1 of 27 .*: one/blank\.png \(blank\)"):
        load(class_folder)


def test_blank_images_of_an_array_are_left_out_and_numbered(small_mnist: Arrays, tmp_path: Path) -> None:
    pictures = small_mnist["x_train"].copy()
    pictures[[3, 500]] = 0
    np.savez(tmp_path / "a.npz", **{**small_mnist, "x_train": pictures})  # type: ignore[arg-type]
    splits = load(tmp_path / "a.npz")
    assert len(splits.train) + len(splits.validation) == 998
    assert splits.train.glyphs.any(axis=(1, 2)).all()
    assert splits.notes[0].endswith(
        "left out 2 of 1,200 labelled images, blank or unreadable: x_train[3] (blank), x_train[500] (blank)"
    )


def test_names_after_the_first_few_are_counted(class_folder: Path) -> None:
    for number in range(6, 12):
        (class_folder / "one" / f"{number}.png").write_bytes(b"")
    for number in range(40):
        value = np.zeros((40, 40), np.uint8)
        value[10:30, 5 + number // 2 : 9 + number] = 255
        Image.fromarray(value).save(class_folder / "oh" / f"bar{number}.png")
    assert "one/10.png (empty file) and 1 more" in load(class_folder).notes[0]


def test_classes_with_few_images_are_named(run: Run, sorted_mnist: Arrays, tmp_path: Path) -> None:
    keep = (sorted_mnist["y_train"] != 7) | (np.cumsum(sorted_mnist["y_train"] == 7) <= 6)
    few = {**sorted_mnist, "x_train": sorted_mnist["x_train"][keep], "y_train": sorted_mnist["y_train"][keep]}
    few["y_train"][few["y_train"] == 11] = 12
    np.savez(tmp_path / "few.npz", **few)
    note = "few images to train on: class 7 has 5, class 11 has 0; the median class has 81"
    assert load(tmp_path / "few.npz").notes == (note,)
    options = ("--iterations", "3", "--hidden", "8", "--data", tmp_path / "few.npz", "-o", tmp_path / "m.keras")
    result = run("train", *options)
    assert result.exit_code == 0, result.output
    assert f"batchdigits: {note}\n" in result.stderr


def test_joined_data_keeps_the_notes_of_each(class_folder: Path) -> None:
    (class_folder / "one" / "0.png").write_bytes(b"")
    notes = load(class_folder, class_folder).notes
    assert len(notes) == 2
    assert all("one/0.png (empty file)" in note for note in notes)


@pytest.fixture
def other_folder(class_folder: Path) -> Path:
    """The same images under other names and in another format, so that others are held out of them."""
    for image in class_folder.glob("*/*.png"):
        copy = class_folder.with_name("copies") / image.parent.name / f"{99 - int(image.stem)}.bmp"
        copy.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(image) as picture:
            picture.save(copy)
    return class_folder.with_name("copies")


def test_copies_in_joined_data_are_on_one_side(class_folder: Path, other_folder: Path) -> None:
    alone = [load(folder) for folder in (class_folder, other_folder)]
    splits = load(class_folder, other_folder)
    train, validation, test = keys(splits.train), keys(splits.validation), keys(splits.test)
    assert test == keys(alone[0].test) | keys(alone[1].test)
    assert validation == (keys(alone[0].validation) | keys(alone[1].validation)) - test
    assert train == (keys(alone[0].train) | keys(alone[1].train)) - validation - test
    left_out = 72 - int(np.sum(counts(splits)))
    assert left_out
    assert splits.notes == (
        f"classes, copies: left out {left_out} images of which another of these has a copy; "
        "copies are never both learned and held back",
    )
    assert splits.mixture and len(splits.mixture.chances) == len(splits.train)
    assert sum(source.digits for source in splits.sources) == len(splits.train)


def test_data_of_which_all_is_held_back_elsewhere_is_not_called_outliers(small_mnist: Arrays, tmp_path: Path) -> None:
    other = {"train": "test", "test": "train"}
    swapped = {f"{array}_{part}": small_mnist[f"{array}_{other[part]}"] for array in "xy" for part in other}
    np.savez(tmp_path / "one.npz", **small_mnist)  # type: ignore[arg-type]
    np.savez(tmp_path / "two.npz", **swapped)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"one\.npz, two\.npz: all its digits are held back; add data with digits"):
        load(tmp_path / "one.npz", tmp_path / "two.npz")


def test_an_image_with_another_label_in_other_data_is_named(class_folder: Path, other_folder: Path) -> None:
    (other_folder / "oh" / "99.bmp").rename(other_folder / "seven" / "0.bmp")
    assert (
        "classes, copies: 1 image with two labels: classes/oh/0.png (oh) and copies/seven/0.bmp (seven)"
        in load(class_folder, other_folder).notes
    )
    (class_folder / "seven" / "stray.png").write_bytes((class_folder / "oh" / "0.png").read_bytes())
    assert sum("two labels" in note for note in load(class_folder, other_folder).notes) == 1  # named in one of them
