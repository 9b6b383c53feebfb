"""The layout with one sub-folder for each class: the sub-folder's name is the label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import LabelledGlyphs, Splits, concatenate, likeliest_glyph
from batchdigits.errors import DataError
from batchdigits.files.litter import is_litter_folder
from batchdigits.files.natural_order import natural_key
from batchdigits.files.sources import find
from batchdigits.quiet import silent_stderr
from batchdigits.text import is_line
from batchdigits.vision.decode import decode

HELD_OUT_DIVISOR = 10  # a tenth of each class is for validation and a tenth for test; at least one image each
MIN_IMAGES = 3  # of a class: one each for training, validation and test
MIN_IMAGES_FEW_SHOT = 5  # four for training and one for validation; one or two test images would say nothing


def load(path: Path, seed: int, few_shot: bool = False) -> Splits:
    """Load labelled glyphs from class folders, and hold out a part of each class, chosen by `seed`.

    Args:
        path: the folder above the class folders.
        seed: chooses the images that are held out.
        few_shot: whether a class of fewer than ten images gives one image to validation, none to test, and the rest to
            training.

    Raises:
        DataError: there are fewer than two classes; the name of one is not a line of UTF-8; one has too few images; or
            an image is unreadable.
    """
    folders = sorted((f for f in path.iterdir() if f.is_dir() and _is_class(f.name)), key=lambda f: natural_key(f.name))
    if len(folders) < 2:
        raise DataError(f"{path}: a folder of labelled images has one sub-folder for each class, and at least two")
    for folder in folders:
        if not is_line(folder.name):
            raise DataError(f"{folder}: a label is one line of text, in UTF-8; rename the folder")
    rng = np.random.default_rng(seed)
    train, validation, test = [], [], []
    min_images = MIN_IMAGES_FEW_SHOT if few_shot else MIN_IMAGES
    for label, glyphs in enumerate(_glyphs_by_class(path, folders, min_images)):
        labels = np.full(len(glyphs), label, np.int64)
        shuffled = LabelledGlyphs(glyphs, labels)[rng.permutation(len(glyphs))]
        validation_size = max(1, len(glyphs) // HELD_OUT_DIVISOR)
        test_size = len(glyphs) // HELD_OUT_DIVISOR if few_shot else validation_size
        validation.append(shuffled[slice(0, validation_size)])
        test.append(shuffled[slice(validation_size, validation_size + test_size)])
        train.append(shuffled[slice(validation_size + test_size, None)])
    names = tuple(folder.name for folder in folders)
    return Splits(path.name, names, concatenate(train), concatenate(validation), concatenate(test))


def _is_class(name: str) -> bool:
    return not name.startswith(".") and not is_litter_folder(name)


def _glyphs_by_class(path: Path, folders: list[Path], min_images: int) -> list[NDArray[np.uint8]]:
    """The glyphs, uint8 (N, 28, 28), of each folder; an error if a folder has too few."""
    classes = [_read_glyphs(folder) for folder in folders]
    too_small = [
        f"{folder.name} has {len(glyphs)}"
        for folder, glyphs in zip(folders, classes, strict=True)
        if len(glyphs) < min_images
    ]
    if too_small:
        raise DataError(f"{path}: each class needs at least {min_images} images, and {', '.join(too_small)}")
    return classes


def _read_glyphs(folder: Path) -> NDArray[np.uint8]:
    """All glyphs of a folder, uint8 (N, 28, 28)."""
    glyphs = []
    for file in find([str(folder)]):
        with silent_stderr():
            pages = list(decode(file))
        for page in pages:
            if page.scan is None:
                raise DataError(f"{page.source}: {page.fault}; repair or remove it: labelled images must be readable")
            glyphs.append(likeliest_glyph(page.scan, "auto"))
    return np.stack(glyphs) if glyphs else np.empty((0, 28, 28), np.uint8)
