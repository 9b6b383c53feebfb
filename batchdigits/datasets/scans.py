"""A folder of scans that need not have labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.images import images_of_pages
from batchdigits.errors import DataError
from batchdigits.files.sources import find
from batchdigits.text import counted
from batchdigits.vision.decode import decode

UNKNOWN = -1  # the label of a scan that lies in no class folder


class Scans(NamedTuple):
    """The likeliest candidate of every scan that has ink.

    Attributes:
        names: the scans' sources: paths as typed, with `#N` for a page of a multi-page file.
        glyphs: uint8 (N, 28, 28), N at least 1.
        labels: int64 (N,), the class whose name is that of the scan's folder; UNKNOWN where no class has this name.
        skipped: how many scans are blank or unreadable.
    """

    names: tuple[str, ...]
    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]
    skipped: int


def read_scans(folder: Path, classes: Sequence[str]) -> Scans:
    """Read the scans of a folder and of the folders below it.

    Raises:
        DataError: there is no such folder, or no scan in it has ink.
    """
    if not folder.exists():
        raise DataError(f"{folder}: no such file or folder")
    images = images_of_pages((page, _label(file, classes)) for file in find([str(folder)]) for page in decode(file))
    skipped = len(images.left_out)
    if not len(images.data):
        found = f"{counted(skipped, 'image')}, all blank or unreadable" if skipped else "no images"
        raise DataError(f"{folder}: {found}; it must hold scans with ink")
    return Scans(tuple(images.names), images.data.glyphs, images.data.labels, skipped)


def _label(file: str, classes: Sequence[str]) -> int:
    parent = Path(file).parent.name
    return classes.index(parent) if parent in classes else UNKNOWN
