"""Folders of splits, and folders above or below the one that is meant."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from batchdigits.datasets import load
from batchdigits.datasets.layout import folders_to_give
from batchdigits.errors import DataError
from batchdigits.reports.evaluation import class_folders

CLASSES = ("oh", "one", "seven")


def divide(classes: Path, top: Path, images: dict[str, range]) -> Path:
    """Move images of each class, by their numbers, to a folder of each split."""
    for split, numbers in images.items():
        for name in CLASSES:
            (top / split / name).mkdir(parents=True)
            for number in numbers:
                shutil.move(classes / name / f"{number}.png", top / split / name)
    return top


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("Training", "valid", "testing"),
        ("TRAIN", "Validation", "Test"),
    ],
)
def test_folders_of_splits_are_the_splits(class_folder: Path, tmp_path: Path, names: tuple[str, ...]) -> None:
    ranges = (range(7), range(7, 10), range(10, 12))
    splits = load(divide(class_folder, tmp_path / "data", dict(zip(names, ranges, strict=True))))
    assert splits.classes == CLASSES
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [21, 9, 6]
    assert splits.name == "data"
    assert splits.notes == ()


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({"train": range(10), "test": range(10, 12)}, [27, 3, 6]),
        ({"train": range(10), "val": range(10, 12)}, [27, 6, 3]),
        ({"train": range(12)}, [30, 3, 3]),
    ],
)
def test_what_has_no_folder_is_drawn_from_train(
    class_folder: Path, tmp_path: Path, given: dict[str, range], sizes: list[int]
) -> None:
    data = divide(class_folder, tmp_path / "data", given)
    splits = load(data, seed=1)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == sizes
    for part in (splits.train, splits.validation, splits.test):
        assert set(part.labels) == {0, 1, 2}
    assert load(data, seed=2).fingerprint() != splits.fingerprint()


def test_images_of_test_are_left_out_of_train(class_folder: Path, tmp_path: Path) -> None:
    data = divide(class_folder, tmp_path / "data", {"train": range(10), "test": range(10, 12)})
    shutil.copy(data / "test" / "one" / "10.png", data / "train" / "one")
    splits = load(data)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [27, 3, 6]
    assert "1 of 37 images are copies of others" in splits.notes[0]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (("val", "test"), "test, val without a folder train; give {data}/test"),
        (("train", "Train"), "Train, train: two folders for one split; give one of them"),
        (("train", "test", "extra"), "test, train hold classes of their own, and beside them is extra; "),
    ],
)
def test_unclear_splits_are_refused(class_folder: Path, tmp_path: Path, splits: tuple[str, ...], message: str) -> None:
    ranges = {name: range(4 * number, 4 * number + 4) for number, name in enumerate(splits)}
    data = divide(class_folder, tmp_path / "data", ranges)
    with pytest.raises(DataError) as error:
        load(data)
    assert message.format(data=data) in str(error.value)


def test_a_class_that_only_another_split_has_is_refused(class_folder: Path, tmp_path: Path) -> None:
    data = divide(class_folder, tmp_path / "data", {"train": range(8), "test": range(8, 12)})
    (data / "test" / "one").rename(data / "test" / "won")
    with pytest.raises(DataError, match="data/test: there are no training images of the class won"):
        load(data)


def test_a_split_without_images_is_refused(class_folder: Path, tmp_path: Path) -> None:
    data = divide(class_folder, tmp_path / "data", {"train": range(8), "val": range(8, 8), "test": range(8, 12)})
    with pytest.raises(DataError, match=r"too few images to train on .*0 for validation"):
        load(data)


def test_a_class_may_be_called_like_a_split(class_folder: Path) -> None:
    (class_folder / "one").rename(class_folder / "train")
    assert load(class_folder).classes == ("oh", "seven", "train")


@pytest.mark.parametrize("below", ["digits", "a/b/digits"])
def test_a_folder_above_the_class_folders_names_the_one_to_give(class_folder: Path, tmp_path: Path, below: str) -> None:
    inner = tmp_path / "outer" / below
    inner.parent.mkdir(parents=True)
    class_folder.rename(inner)
    with pytest.raises(DataError, match=f"outer: fewer than two class folders; give {inner}$"):
        load(tmp_path / "outer")
    with pytest.raises(DataError, match=rf"no folder in it is named like a label \(oh, one, seven\); give {inner}$"):
        class_folders(str(tmp_path / "outer"), CLASSES)


def test_evaluate_names_the_folders_of_splits(class_folder: Path, tmp_path: Path) -> None:
    data = divide(class_folder, tmp_path / "data", {"train": range(8), "test": range(8, 12)})
    with pytest.raises(DataError, match=f"named like a label .*; give {data}/test, {data}/train$"):
        class_folders(str(data), CLASSES)


def test_a_link_to_the_folder_itself_ends_the_search(tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(tmp_path)
    assert folders_to_give(tmp_path) == []


def test_a_folder_that_cannot_be_read_is_refused(class_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="classes: Permission denied"):
        load(class_folder)


def test_litter_and_images_beside_the_class_folders_are_skipped_and_counted(class_folder: Path) -> None:
    fingerprint = load(class_folder).fingerprint()
    for folder in (class_folder / "@eaDir", class_folder / "one" / "#recycle"):
        folder.mkdir()
        shutil.copy(class_folder / "seven" / "0.png", folder)
    for name in ("one/Thumbs.db", "one/._0.png", "loose.png"):
        shutil.copy(class_folder / "seven" / "1.png", class_folder / name)
    splits = load(class_folder)
    assert splits.fingerprint() == fingerprint
    assert splits.notes == (f"{class_folder}: skipped what is no image or in no class folder: 5 items",)
