"""Labelled glyphs from every data layout that we support. All of them go through the same normaliser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from batchdigits.datasets.labelled import Splits
from batchdigits.errors import DataError

MNIST = Path(__file__).parent.parent / "data" / "mnist"


BUNDLED = Path("mnist")  # names the MNIST of the package, where there is no such file or folder


def load(*data: Path, seed: int = 0, few_shot: bool = False, as_class: str | None = None) -> Splits:
    """Load labelled glyphs, split into train, validation and test; those of several data sets are joined.

    Args:
        data: folders of IDX files, folders with one sub-folder for each class or split, .npz files in Keras's layout,
            packed data, or BUNDLED for the MNIST of the package; without any, this alone.
        seed: chooses the images that are held out where the data does not say which.
        few_shot: whether class folders may be few and small; see `folder.load`. Data sets need not have the same
            classes then.
        as_class: whether the folder `not_digit` is a class; see `folder.load`.

    Raises:
        DataError: data does not exist, has another layout, or is malformed; or several have different classes.
    """
    from batchdigits.datasets.join import join, with_all_classes
    from batchdigits.datasets.split import note_few_images

    parts = [_load_one(path, seed, few_shot, as_class) for path in data or [BUNDLED]]
    splits = join(with_all_classes(parts) if few_shot else parts) if len(parts) > 1 else parts[0]
    if few_shot:
        return splits  # which is for fine-tuning; it draws all classes equally often, and may need outliers alone
    if not len(splits.train):
        reason = "there are only outliers in it" if splits.outliers else "no digit in it has ink"
        reason = "all its digits are held back" if len(splits.test) else reason
        raise DataError(f"{splits.name}: {reason}; add data with digits")
    if not (len(splits.validation) and len(splits.test)):  # packed data may hold back none
        sizes = f"{len(splits.validation)} for validation, {len(splits.test)} for test"
        raise DataError(f"{splits.name}: it holds back too few digits ({sizes}); add data that does, such as mnist")
    return replace(splits, notes=(*splits.notes, *note_few_images(splits.train, splits.classes)))


def _load_one(data: Path, seed: int, few_shot: bool, as_class: str | None) -> Splits:
    from batchdigits.datasets import idx

    if data == BUNDLED and not data.exists():
        return idx.load_mnist(MNIST)
    if data.is_dir() and idx.is_idx_folder(data):
        return idx.load(data, data.name, seed)
    if data.is_dir():
        from batchdigits.datasets import folder

        return folder.load(data, seed, few_shot, as_class)
    if data.suffix == ".npz":
        from batchdigits.datasets import npz

        return npz.load(data, seed)
    if not data.exists():
        raise DataError(f"{data}: no such file or folder")
    raise DataError(
        f"{data}: labelled data is a folder of IDX files, a folder with one sub-folder for each class, or an .npz"
    )
