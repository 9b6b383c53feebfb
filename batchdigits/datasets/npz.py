"""An .npz in the layout of `keras.datasets.mnist`: x_train, y_train, x_test, y_test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import Splits, label_images, splits_of_two
from batchdigits.errors import DataError

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def load(path: Path) -> Splits:
    """Labelled glyphs from an .npz; the polarity of its images is found out for each.

    Raises:
        DataError: naming what is wrong with the file.
    """
    x_train, y_train, x_test, y_test = _arrays(path)
    training = label_images(f"{path}: x_train", x_train, y_train, ink="auto")
    return splits_of_two(path.name, training, label_images(f"{path}: x_test", x_test, y_test, ink="auto"))


def _arrays(path: Path) -> list[NDArray[np.generic]]:
    try:
        # a pickle from a stranger can run code
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            missing = [name for name in ARRAYS if name not in archive]
            if missing:
                raise DataError(f"{path}: no array {', '.join(missing)}; Keras's layout has {', '.join(ARRAYS)}")
            return [archive[name] for name in ARRAYS]
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except Exception as error:  # numpy, zipfile and zlib each raise their own on a file that is not as it should be
        raise DataError(
            f"{path}: not a readable .npz ({str(error).splitlines()[0] if str(error) else error!r})"
        ) from None
