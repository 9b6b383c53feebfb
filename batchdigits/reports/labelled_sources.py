"""Labelled images as sources to classify: class folders, archives of them, and arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import BUNDLED, MNIST
from batchdigits.datasets.idx import files_of_test_images, is_idx_folder, read_idx
from batchdigits.datasets.layout import NOT_DIGIT, classes_among
from batchdigits.datasets.npz import read_labels
from batchdigits.errors import DataError
from batchdigits.files.archives import is_archive, is_array, open_archive
from batchdigits.files.image_formats import has_image_suffix
from batchdigits.files.litter import is_litter_file
from batchdigits.files.source_error import SourceError
from batchdigits.files.sources import find
from batchdigits.reports.evaluation import LAYOUT, check_classes, class_folders, class_of
from batchdigits.text import first_names, printable


class LabelledSources(NamedTuple):
    """The sources of labelled data.

    Attributes:
        sources: found as they are needed.
        true_class: the name of a source's class; empty if it has none.
    """

    sources: Iterator[str]
    true_class: Callable[[str], str]


def labelled_sources(path: str, labels: Sequence[str], as_class: str | None = None) -> LabelledSources:
    """The sources of a folder or an archive of class folders, or of the test images of an .npz or of IDX files.

    Args:
        path: the data; also an IDX file of images, with that of its labels beside it, or BUNDLED.
        labels: the model's labels. Folders may also be called `not_digit`.
        as_class: `not_digit` if this must be a label, too.

    Raises:
        DataError: the data cannot be read, is no labelled data, or has a class that is no label.
    """
    if is_archive(path):
        return _in_archive(path, labels, as_class)
    folder = MNIST if path == str(BUNDLED) and not BUNDLED.exists() else Path(path)
    if is_idx_folder(folder):
        images, answers = files_of_test_images(folder)
        return _in_array(str(images), "", read_idx(answers), labels)
    if is_array(path):
        return _in_array(*_array(Path(path)), labels)
    return LabelledSources(find(class_folders(path, labels, as_class)), partial(class_of, path=path))


def _in_archive(path: str, labels: Sequence[str], as_class: str | None) -> LabelledSources:
    names = _names_in(path)
    top = ""  # the folder above the class folders: archives often hold one folder with everything in it
    while len(folders := _folders_below(top, names)) == 1 and folders[0] not in (*labels, NOT_DIGIT):
        top += f"{folders[0]}/"
    if not set(folders) & set(labels):
        raise DataError(f"{path}: no folder in it is named like a label ({first_names(labels, 10)}); {LAYOUT}")
    for name in names:
        if "/" not in name.removeprefix(top) and has_image_suffix(name) and not is_litter_file(name):
            raise DataError(f"{path}: {printable(name)} lies in no folder of a class; {LAYOUT}")
    check_classes(path, folders, labels, as_class)
    return LabelledSources(find([path]), partial(_folder_below, f"{path}/{top}"))


def _names_in(archive_path: str) -> list[str]:
    try:
        with closing(open_archive(archive_path)) as archive:
            return list(archive.names())
    except SourceError as error:
        raise DataError(f"{archive_path}: {error}") from None
    except OSError as error:
        raise DataError(f"{archive_path}: {error.strerror or error}") from None


def _folders_below(top: str, names: Sequence[str]) -> list[str]:
    return classes_among({folder for name in names if (folder := _folder_below(top, name))})


def _folder_below(top: str, name: str) -> str:
    """The first folder of a name below `top`; empty if there is none."""
    folder, slash, _ = name.removeprefix(top).partition("/")
    return folder if slash and name.startswith(top) else ""


def _array(path: Path) -> tuple[str, str, NDArray[Any]]:
    """A file of images, the name of their array in it, and their labels."""
    if path.suffix.lower() == ".npz":
        return str(path), "x_test", read_labels(path)
    answers = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    if answers.name == path.name or not answers.is_file():
        raise DataError(f"{path}: its labels are not beside it; labelled arrays are an .npz, or two IDX files")
    return str(path), "", read_idx(answers)


def _in_array(path: str, array: str, answers: NDArray[Any], labels: Sequence[str]) -> LabelledSources:
    number = sum(name.rpartition("/")[0] == array for name in _names_in(path))
    answers = answers[:, 0] if answers.ndim == 2 and answers.shape[-1] == 1 else answers
    if answers.shape != (number,) or not np.issubdtype(answers.dtype, np.integer):
        raise DataError(f"{path}: {number:,} images, but labels of shape {answers.shape} and type {answers.dtype}")
    check_classes(path, [str(label) for label in np.unique(answers)], labels)
    below = f"{path}/{array}/" if array else f"{path}/"
    sources = (f"{below}{index}" for index in range(number))
    return LabelledSources(sources, lambda source: str(answers[int(source.removeprefix(below))]))
