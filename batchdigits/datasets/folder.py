"""Class folders: sub-folders whose name is the label of the images in them, in one folder or one for each split."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from batchdigits.datasets.idx import NAMES
from batchdigits.datasets.images import Images, images_of_pages
from batchdigits.datasets.labelled import DIGIT_NAMES, OUTLIER, Splits
from batchdigits.datasets.layout import NOT_DIGIT, TRAIN, class_names, folders_to_give, split_folders
from batchdigits.datasets.split import HeldOut, split
from batchdigits.errors import DataError
from batchdigits.files.filter import Filter
from batchdigits.files.sources import Tally, find
from batchdigits.text import counted, first_names, is_line
from batchdigits.vision.decode import decode

# Of a class that MNIST does not have: four for training and one for validation; one or two for test would say nothing.
MIN_IMAGES_FEW_SHOT = 5
HELD_OUT = HeldOut(divisor=10, min_images=3)
FEW_SHOT = HeldOut(divisor=10, min_images=MIN_IMAGES_FEW_SHOT, min_test=0, filled=DIGIT_NAMES)


def load(path: Path, seed: int, few_shot: bool = False, as_class: str | None = None) -> Splits:
    """Load labelled glyphs from class folders, or from folders of splits, each of which has class folders.

    Args:
        path: the folder above the class folders, or above those of the splits.
        seed: chooses the images that are held out for the splits that have no folder.
        few_shot: whether a class of fewer than ten images gives one image to validation, none to test, and the rest to
            training. A single class folder will then do, since the model has other classes, and MNIST digits.
        as_class: NOT_DIGIT for a class of this name; otherwise the folder of this name holds outliers.

    Raises:
        DataError: there are too few classes; the name of one is not a line of UTF-8; a split has a class that
            is not in training; or see `split`.
    """
    try:
        folders = split_folders(path)
        names = class_names(folders[TRAIN])
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    classes = [name for name in names if name != NOT_DIGIT or as_class == NOT_DIGIT]
    is_enough = few_shot and names and not folders_to_give(folders[TRAIN])  # the model has the other classes
    if len(classes) < 2 and not is_enough:
        raise DataError(_no_classes(folders[TRAIN], names, classes, few_shot))
    for name in classes:
        if not is_line(name):
            raise DataError(f"{folders[TRAIN] / name}: a label is one line of text, in UTF-8; rename the folder")
    tally = Tally()
    labels = {name: label for label, name in enumerate(classes)}
    if as_class != NOT_DIGIT:
        labels[NOT_DIGIT] = OUTLIER
    parts = {kind: _read(path, folder, labels, tally) for kind, folder in folders.items()}
    splits = split(str(path), path.name, tuple(classes), parts, FEW_SHOT if few_shot else HELD_OUT, seed)
    return replace(splits, notes=(*splits.notes, *_note_skipped(path, tally)))


def _no_classes(path: Path, names: Sequence[str], classes: Sequence[str], few_shot: bool) -> str:
    """Why a folder has too few class folders, and which folder may be meant."""
    if len(classes) < len(names):
        return f"{path}: fewer than two class folders beside {NOT_DIGIT}, which holds outliers without --class"
    better = folders_to_give(path)
    if better:
        return f"{path}: fewer than two class folders; give {first_names(better)}"
    least = "" if few_shot else ", and at least two"
    return (
        f"{path}: a folder of labelled images has one sub-folder for each class{least}, "
        f"or the IDX files {', '.join(NAMES)}, each also .gz, or those of EMNIST"
    )


def _read(path: Path, top: Path, classes: Mapping[str, int], tally: Tally) -> Images:
    """The images of the class folders in `top`, with names below `path`; `tally` counts what else is there.

    The folders' labels are in `classes`.
    """
    unknown = [name for name in class_names(top) if name not in classes]
    if unknown:
        raise DataError(f"{top}: there are no training images of the class {first_names(unknown)}")
    beside = Tally()
    in_no_class = list(find([str(top)], beside, Filter(recursive=False)))
    tally.skipped += len(in_no_class) + beside.skipped - len(class_names(top))
    return images_of_pages(
        (page._replace(source=page.source.removeprefix(f"{path}{os.sep}")), label)
        for name, label in classes.items()
        if (top / name).is_dir()
        for file in find([str(top / name)], tally)
        for page in decode(file)
    )


def _note_skipped(path: Path, tally: Tally) -> list[str]:
    if not tally.skipped:
        return []
    return [f"{path}: skipped what is no image or in no class folder: {counted(tally.skipped, 'item')}"]
