"""IDX, the file format of MNIST: http://yann.lecun.com/exdb/mnist/."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.images import images_of_array
from batchdigits.datasets.labelled import (
    DIGIT_NAMES,
    VALIDATION_DIVISOR,
    LabelledGlyphs,
    Splits,
    digit_classes,
    normalise_labelled,
)
from batchdigits.datasets.layout import TEST, TRAIN
from batchdigits.datasets.split import HeldOut, split
from batchdigits.errors import DataError

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
NAMES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
# Some unpackers put a dot before `idx`. EMNIST's names begin with those of its parts, and have `test` for `t10k`.
_NAME = re.compile(r"(emnist-[a-z]+-)?(train|t10k|test)-(images|labels)[-.](idx[13]-ubyte)(\.gz)?")
UNSIGNED_BYTE = 0x08  # the type code in MNIST's files; we read no other
MAX_BYTES = 1 << 32  # of one file, uncompressed: 5 million images of 28x28


def is_idx_folder(path: Path) -> bool:
    """Whether a folder holds at least one of the four files of MNIST or of a part of EMNIST."""
    return bool(_files(path))


def load(path: Path, name: str, seed: int) -> Splits:
    """Load the four IDX files of a folder, plain or .gz; `seed` chooses the images that are held out for validation.

    Raises:
        DataError: a file is missing or malformed, or there are several parts of EMNIST.
    """
    train, test = _load_train_and_test(path)
    parts = {TRAIN: images_of_array(TRAIN_IMAGES, train), TEST: images_of_array(TEST_IMAGES, test)}
    return split(str(path), name, digit_classes(train, test), parts, HeldOut(VALIDATION_DIVISOR), seed)


def load_mnist(path: Path) -> Splits:
    """Load the MNIST of the package, whose last 5,000 training images are for validation."""
    train, test = _load_train_and_test(path)
    size = len(train) // VALIDATION_DIVISOR
    return Splits("mnist", DIGIT_NAMES, train[slice(0, -size)], train[slice(-size, None)], test)


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
    try:
        return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
    except ValueError:  # such as more than 64 dimensions, or huge ones beside a 0
        raise DataError(f"{path}: no array has the shape that the header says") from None


def files_of_test_images(path: Path) -> tuple[Path, Path]:
    """The files of the test images and of their labels in a folder of IDX files.

    Raises:
        DataError: one is missing, or there are several parts of EMNIST.
    """
    _, files = _files_of_one(path, (TEST_IMAGES, TEST_LABELS))
    return files[TEST_IMAGES], files[TEST_LABELS]


def _load_train_and_test(path: Path) -> tuple[LabelledGlyphs, LabelledGlyphs]:
    prefix, files = _files_of_one(path, NAMES)

    def pair(images: str, labels: str) -> LabelledGlyphs:
        pictures = read_idx(files[images])
        if prefix and pictures.ndim == 3:  # EMNIST's images are stored column by column
            pictures = np.ascontiguousarray(pictures.transpose(0, 2, 1))
        return normalise_labelled(str(files[images]), pictures, read_idx(files[labels]), ink="auto")

    return pair(TRAIN_IMAGES, TRAIN_LABELS), pair(TEST_IMAGES, TEST_LABELS)


def _files_of_one(path: Path, names: Sequence[str]) -> tuple[str, dict[str, Path]]:
    """The files of the only data set in a folder, all `names` among them, and what is before MNIST's names."""
    parts = _files(path)
    if len(parts) > 1:
        found = ", ".join(sorted(prefix.strip("-") or "mnist" for prefix in parts))
        raise DataError(f"{path}: IDX files of several data sets: {found}; give a folder with those of one")
    ((prefix, files),) = parts.items()
    for name in names:
        if name not in files:
            wanted = prefix + (name.replace("t10k", "test") if prefix else name)
            raise DataError(f"{path}: {wanted} (or {wanted}.gz) is missing")
    return prefix, files


def _files(path: Path) -> dict[str, dict[str, Path]]:
    """The IDX files of a folder: by what is before MNIST's name, and by that name. Plain files go before .gz."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    try:
        files = sorted(path.iterdir())
    except OSError:
        return found
    for file in files:
        match = _NAME.fullmatch(file.name)
        if match and file.is_file():
            part = "train" if match[2] == "train" else "t10k"
            found[match[1] or ""].setdefault(f"{part}-{match[3]}-{match[4]}", file)
    return found
