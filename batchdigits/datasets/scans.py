"""A folder of scans that need not have labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import DataError
from batchdigits.files.sources import find
from batchdigits.quiet import silent_stderr
from batchdigits.text import counted
from batchdigits.vision.decode import decode
from batchdigits.vision.normalise import normalise

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
    names, glyphs, labels = [], [], []
    skipped = 0
    for file in find([str(folder)]):
        with silent_stderr():
            pages = list(decode(file))
        for page in pages:
            candidates = () if page.scan is None else normalise(page.scan)
            if not candidates:
                skipped += 1
                continue
            parent = Path(file).parent.name
            names.append(page.source)
            glyphs.append(candidates[0])
            labels.append(classes.index(parent) if parent in classes else UNKNOWN)
    if not glyphs:
        found = f"{counted(skipped, 'image')}, all blank or unreadable" if skipped else "no images"
        raise DataError(f"{folder}: {found}; it must hold scans with ink")
    return Scans(tuple(names), np.stack(glyphs), np.array(labels, np.int64), skipped)
