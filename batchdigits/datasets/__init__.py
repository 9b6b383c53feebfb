"""Labelled glyphs, from whatever form people keep them in. Every form goes through the one normaliser."""

from __future__ import annotations

from pathlib import Path

from batchdigits.datasets.labelled import Splits
from batchdigits.errors import DataError

MNIST = Path(__file__).parent.parent / "data" / "mnist"


def load(data: Path | None, seed: int = 0, few_shot: bool = False) -> Splits:
    """Labelled glyphs, split into train, validation and test.

    Args:
        data: a folder of IDX files, a folder with one sub-folder a class, or an .npz in Keras's layout; None is the
            MNIST on board.
        seed: which images of a class-folder are held back.
        few_shot: whether class folders may be small; see `folder.load`.

    Raises:
        DataError: naming what is wrong with `data`.
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
    raise DataError(f"{data}: labelled data is a folder of IDX files, a folder with one sub-folder a class, or an .npz")
