"""A folder with one sub-folder a class: the sub-folder's name is the label."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from batchdigits.datasets.labelled import Labelled, Splits, one_glyph
from batchdigits.errors import DataError
from batchdigits.files.natural_order import natural_key
from batchdigits.files.sources import find
from batchdigits.quiet import silent_stderr
from batchdigits.text import is_line
from batchdigits.vision.decode import decode
from batchdigits.vision.normalise import Glyph

HELD_BACK = 10  # one in ten for validation and one in ten for test, and at least one of each

LEAST = 3  # images of a class: one each for training, validation and test
LEAST_FEW_SHOT = 5  # four to learn from, and one for validation; a test of one or two would say nothing


def load(path: Path, seed: int, few_shot: bool = False) -> Splits:
    """Labelled glyphs from class folders; a part of every class, chosen by `seed`, is held back.

    Args:
        path: the folder above the class folders.
        seed: which images are held back.
        few_shot: whether classes of fewer than ten images keep all but one for training, and none for test.

    Raises:
        DataError: there are fewer than two classes, one has no fit name or too few images, or an image is unreadable.
    """
    folders = sorted((f for f in path.iterdir() if f.is_dir() and f.name[0] != "."), key=lambda f: natural_key(f.name))
    if len(folders) < 2:
        raise DataError(f"{path}: a folder of labelled images has one sub-folder a class, and at least two")
    for folder in folders:
        if not is_line(folder.name):
            raise DataError(f"{folder}: a label is one line of text, in UTF-8; rename the folder")
    rng = np.random.default_rng(seed)
    train, validation, test = [], [], []
    for label, glyphs in enumerate(_enough(path, folders, LEAST_FEW_SHOT if few_shot else LEAST)):
        labelled = Labelled(glyphs, np.full(len(glyphs), label, np.int64))[rng.permutation(len(glyphs))]
        held_back = max(1, len(glyphs) // HELD_BACK)
        validation.append(labelled[slice(0, held_back)])
        tested = len(glyphs) // HELD_BACK if few_shot else held_back
        test.append(labelled[slice(held_back, held_back + tested)])
        train.append(labelled[slice(held_back + tested, None)])
    names = tuple(folder.name for folder in folders)
    return Splits(path.name, names, _together(train), _together(validation), _together(test))


def _enough(path: Path, folders: list[Path], least: int) -> list[Glyph]:
    """The glyphs of each folder."""
    classes = [_glyphs(folder) for folder in folders]
    small = [
        f"{folder.name} has {len(glyphs)}"
        for folder, glyphs in zip(folders, classes, strict=True)
        if len(glyphs) < least
    ]
    if small:
        raise DataError(f"{path}: each class needs at least {least} images, and {', '.join(small)}")
    return classes


def _glyphs(folder: Path) -> Glyph:
    """All of a folder's glyphs, uint8 (N, 28, 28)."""
    glyphs = []
    for file in find([str(folder)]):
        with silent_stderr():
            pages = list(decode(file))
        for page in pages:
            if page.scan is None:
                raise DataError(f"{page.source}: {page.fault}; mend or remove it, labelled data must be whole")
            glyphs.append(one_glyph(page.scan, "auto"))
    return np.stack(glyphs) if glyphs else np.empty((0, 28, 28), np.uint8)


def _together(parts: list[Labelled]) -> Labelled:
    return Labelled(np.concatenate([p.glyphs for p in parts]), np.concatenate([p.labels for p in parts]))
