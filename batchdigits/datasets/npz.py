"""An .npz in the layout of `keras.datasets.mnist`, with x_train, y_train, x_test and y_test; or packed data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import packed
from batchdigits.datasets.images import images_of_array
from batchdigits.datasets.labelled import VALIDATION_DIVISOR, Splits, digit_classes, normalise_labelled
from batchdigits.datasets.layout import TEST, TRAIN
from batchdigits.datasets.split import HeldOut, split
from batchdigits.errors import DataError
from batchdigits.text import first_line

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def load(path: Path, seed: int) -> Splits:
    """Load labelled glyphs from an .npz; `seed` chooses the training images that are held out for validation.

    Raises:
        DataError: the file cannot be read, or its arrays are missing or malformed.
    """
    arrays = _arrays(path)
    if packed.is_packed(set(arrays)):
        return packed.load(path, arrays)
    x_train, y_train, x_test, y_test = (arrays[name] for name in ARRAYS)
    train = normalise_labelled(f"{path}: x_train", x_train, y_train, ink="auto")
    test = normalise_labelled(f"{path}: x_test", x_test, y_test, ink="auto")
    parts = {TRAIN: images_of_array("x_train", train), TEST: images_of_array("x_test", test)}
    return split(str(path), path.name, digit_classes(train, test), parts, HeldOut(VALIDATION_DIVISOR), seed)


def read_labels(path: Path) -> NDArray[np.generic]:
    """The labels of the test images.

    Raises:
        DataError: the file cannot be read, or has no such array.
    """
    arrays = _arrays(path, ("y_test",))
    if "y_test" not in arrays:
        raise DataError(f"{path}: packed data is for training")
    return arrays["y_test"]


def _arrays(path: Path, names: Sequence[str] = ARRAYS) -> dict[str, NDArray[np.generic]]:
    try:
        with path.open("rb") as stream:
            if not is_zipfile(stream):  # NumPy would take it for a pickle, and say how to run what is in it
                raise DataError(f"{path}: not a readable .npz (it is another file, or not whole)")
            stream.seek(0)
            # loading a pickle of unknown origin can run code
            with np.load(stream, allow_pickle=False) as archive:
                if packed.is_packed(set(archive)):
                    return dict(archive)
                missing = [name for name in names if name not in archive]
                if missing:
                    raise DataError(f"{path}: no array {', '.join(missing)}; Keras's layout has {', '.join(ARRAYS)}")
                return {name: archive[name] for name in names}
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except Exception as error:  # numpy, zipfile and zlib raise many types on a malformed file
        raise DataError(f"{path}: not a readable .npz ({first_line(error)})") from None
