"""A folder of scans that nobody has labelled, or whose class folders have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import DataError
from batchdigits.files.sources import find
from batchdigits.quiet import silent_stderr
from batchdigits.vision.decode import decode
from batchdigits.vision.normalise import normalise

UNKNOWN = -1  # the label of a scan that lies in no class folder


class Scans(NamedTuple):
    """The likelier reading of every scan that has ink.

    Attributes:
        names: the scans' sources, as typed.
        glyphs: uint8 (N, 28, 28), N at least 1.
        labels: int64 (N,), the class whose folder the scan lies in; UNKNOWN where there is none of that name.
        skipped: scans that are blank or unreadable.
    """

    names: tuple[str, ...]
    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]
    skipped: int


def read_scans(folder: Path, classes: Sequence[str]) -> Scans:
    """The scans of a folder and those below it.

    Raises:
        DataError: there is no scan with ink in it.
    """
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
            above = Path(file).parent.name
            names.append(page.source)
            glyphs.append(candidates[0])
            labels.append(classes.index(above) if above in classes else UNKNOWN)
    if not glyphs:
        there = f"{skipped:,} images, all of them blank or unreadable" if skipped else "no images"
        raise DataError(f"{folder}: {there}; a folder of scans with ink on them is needed")
    return Scans(tuple(names), np.stack(glyphs), np.array(labels, np.int64), skipped)
