"""IDX, the file format of MNIST: http://yann.lecun.com/exdb/mnist/."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import LabelledGlyphs, Splits, normalise_labelled, splits_from_train_and_test
from batchdigits.errors import DataError

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
UNSIGNED_BYTE = 0x08  # the type code in MNIST's files; we read no other
MAX_BYTES = 1 << 32  # of one file, uncompressed: 5 million images of 28x28


def is_idx_folder(path: Path) -> bool:
    """Whether a folder holds at least one of the four files of MNIST."""
    return any(_find(path, name) for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS))


def load(path: Path, name: str) -> Splits:
    """Load the four IDX files of a folder, plain or .gz. Their ink is light on dark, as in MNIST.

    Raises:
        DataError: a file is missing or malformed.
    """
    train = _load_pair(path, TRAIN_IMAGES, TRAIN_LABELS)
    test = _load_pair(path, TEST_IMAGES, TEST_LABELS)
    return splits_from_train_and_test(name, train, test)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes, plain or .gz, as a uint8 array of the shape in its header.

    Raises:
        DataError: the file cannot be read, is too large, truncated or corrupt, or is not such an IDX file.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except EOFError:
        raise DataError(f"{path}: truncated .gz file") from None
    except zlib.error as error:
        raise DataError(f"{path}: corrupt .gz file ({error})") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise DataError(f"{path}: more than {MAX_BYTES} bytes")
    return _parse(path, content)


def _parse(path: Path, content: bytes) -> NDArray[np.uint8]:
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE:
        raise DataError(f"{path}: not an IDX file of unsigned bytes (it starts with {content[:4].hex() or 'nothing'})")
    dimensions = content[3]
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(f"{path}: truncated header")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    expected = int(np.prod(shape, dtype=object))
    if len(content) - header != expected:
        raise DataError(f"{path}: the header says {expected} bytes {shape}, the file has {len(content) - header}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _load_pair(path: Path, images: str, labels: str) -> LabelledGlyphs:
    for name in (images, labels):
        if _find(path, name) is None:
            raise DataError(f"{path}: {name} (or {name}.gz) is missing")
    image_file, label_file = _find(path, images), _find(path, labels)
    assert image_file and label_file
    return normalise_labelled(str(image_file), read_idx(image_file), read_idx(label_file), ink="light")


def _find(path: Path, name: str) -> Path | None:
    return next((p for p in (path / name, path / f"{name}.gz") if p.is_file()), None)
