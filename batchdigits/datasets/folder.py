"""A folder with one sub-folder a class: the sub-folder's name is the label."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from batchdigits.datasets.labelled import Labelled, Splits, one_glyph
from batchdigits.errors import DataError
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import decode
from batchdigits.vision.normalise import Glyph
from batchdigits.vision.sources import find, natural_key

HELD_BACK = 10  # one in ten for validation and one in ten for test, and at least one of each


def load(path: Path, seed: int) -> Splits:
    """Labelled glyphs from class folders; a part of every class, chosen by `seed`, is held back.

    Raises:
        DataError: there are fewer than two classes, a class has fewer than three images, or an image is unreadable.
    """
    folders = sorted((f for f in path.iterdir() if f.is_dir() and f.name[0] != "."), key=lambda f: natural_key(f.name))
    if len(folders) < 2:
        raise DataError(f"{path}: a folder of labelled images has one sub-folder a class, and at least two")
    rng = np.random.default_rng(seed)
    train, validation, test = [], [], []
    for label, folder in enumerate(folders):
        glyphs = _glyphs(folder)
        labelled = Labelled(glyphs, np.full(len(glyphs), label, np.int64))[rng.permutation(len(glyphs))]
        held_back = max(1, len(glyphs) // HELD_BACK)
        validation.append(labelled[slice(0, held_back)])
        test.append(labelled[slice(held_back, 2 * held_back)])
        train.append(labelled[slice(2 * held_back, None)])
    names = tuple(folder.name for folder in folders)
    return Splits(path.name, names, _together(train), _together(validation), _together(test))


def _glyphs(folder: Path) -> Glyph:
    glyphs = []
    for file in find([str(folder)]):
        with silent_stderr():
            pages = list(decode(file))
        for page in pages:
            if page.scan is None:
                raise DataError(f"{page.source}: {page.fault}; mend or remove it, labelled data must be whole")
            glyphs.append(one_glyph(page.scan, "auto"))
    if len(glyphs) < 3:
        raise DataError(f"{folder}: {len(glyphs)} images; a class needs at least three (train, validation, test)")
    return np.stack(glyphs)


def _together(parts: list[Labelled]) -> Labelled:
    return Labelled(np.concatenate([p.glyphs for p in parts]), np.concatenate([p.labels for p in parts]))
