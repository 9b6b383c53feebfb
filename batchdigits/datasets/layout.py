"""Folders of labelled images: which of their sub-folders are classes, and which are splits."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from pathlib import Path

from batchdigits.errors import DataError
from batchdigits.files.disk import is_folder
from batchdigits.files.litter import is_litter_folder
from batchdigits.files.natural_order import natural_key
from batchdigits.text import first_names

TRAIN, VALIDATION, TEST = "train", "validation", "test"
NOT_DIGIT = "not_digit"  # the folder of outliers beside class folders: no label is right for them
SPLIT_NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}


def names_class(as_class: str | None, labels: Iterable[str] = ()) -> str | None:
    """NOT_DIGIT if it names a class and no outliers: if it is asked for, or a label of the model; else None."""
    return NOT_DIGIT if as_class == NOT_DIGIT or NOT_DIGIT in labels else None


def class_names(path: str | Path) -> list[str]:
    """The names of the sub-folders that may be classes, in natural order.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(path) as entries:
        return classes_among(entry.name for entry in entries if is_folder(entry))


def classes_among(folders: Iterable[str]) -> list[str]:
    """Those of the folders that are neither hidden nor litter, in natural order."""
    return sorted((name for name in folders if name[:1] != "." and not is_litter_folder(name)), key=natural_key)


def split_folders(path: Path) -> dict[str, Path]:
    """The folders with the classes of each split, by TRAIN, VALIDATION and TEST.

    Where the sub-folders of `path` are classes, `path` itself is the folder of TRAIN, and there is no other.

    Raises:
        DataError: there are folders of splits, but none of training images, two for one split, or others beside them.
        OSError: the folder cannot be read.
    """
    names = class_names(path)
    splits = [name for name in names if name.lower() in SPLIT_NAMES]
    if not splits or (splits != names and not any(_holds_classes(path / name) for name in splits)):
        return {TRAIN: path}
    if splits != names:
        others = first_names([name for name in names if name not in splits])
        raise DataError(
            f"{path}: {', '.join(splits)} hold classes of their own, and beside them is {others}; "
            f"give a folder with nothing but splits, or {path / splits[0]}"
        )
    folders = {SPLIT_NAMES[name.lower()]: path / name for name in splits}
    if len(folders) < len(splits):
        raise DataError(f"{path}: {', '.join(splits)}: two folders for one split; give one of them")
    if TRAIN not in folders:
        raise DataError(f"{path}: {', '.join(splits)} without a folder train; give {path / splits[0]}")
    return folders


def folders_to_give(path: str | Path, labels: Container[str] = ()) -> list[str]:
    """The folders with classes to give in place of one without: its sub-folders, or those of its only sub-folder.

    Args:
        path: the folder.
        labels: what a class is called; without any, two sub-folders of any name are classes.
    """
    while True:
        try:
            below = [os.path.join(path, name) for name in class_names(path)]  # noqa: PTH118 - paths stay as typed
        except OSError:  # at the latest, where a link leads to a folder above for the fortieth time
            return []
        found = [folder for folder in below if _holds_classes(folder, labels)]
        if found or len(below) != 1:
            return found
        path = below[0]


def _holds_classes(folder: str | Path, labels: Container[str] = ()) -> bool:
    try:
        names = class_names(folder)
    except OSError:
        return False
    return any(name in labels for name in names) if labels else len(names) > 1
