"""Labelled glyphs from every data layout that we support. All of them go through the same normaliser."""

from __future__ import annotations

from pathlib import Path

from batchdigits.datasets.labelled import Splits
from batchdigits.errors import DataError

MNIST = Path(__file__).parent.parent / "data" / "mnist"


def load(data: Path | None, seed: int = 0, few_shot: bool = False) -> Splits:
    """Load labelled glyphs, split into train, validation and test.

    Args:
        data: a folder of IDX files, a folder with one sub-folder for each class, or an .npz in Keras's layout; None
            for the bundled MNIST.
        seed: chooses the images of class folders that are held out.
        few_shot: whether class folders may be small; see `folder.load`.

    Raises:
        DataError: `data` does not exist, has another layout, or is malformed.
    """
    from batchdigits.datasets import idx

    if data is None:
        return idx.load(MNIST, "mnist")
    if data.is_dir() and idx.is_idx_folder(data):
        return idx.load(data, data.name)
    if data.is_dir():
        from batchdigits.datasets import folder

        return folder.load(data, seed, few_shot)
    if data.suffix == ".npz":
        from batchdigits.datasets import npz

        return npz.load(data)
    if not data.exists():
        raise DataError(f"{data}: no such file or folder")
    raise DataError(
        f"{data}: labelled data is a folder of IDX files, a folder with one sub-folder for each class, or an .npz"
    )
