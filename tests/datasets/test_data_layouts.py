from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from batchdigits.datasets import MNIST, load
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, read_idx
from batchdigits.datasets.labelled import LabelledGlyphs, normalise_labelled
from batchdigits.errors import DataError
from tests.conftest import Arrays, idx_bytes


def test_bundled_mnist_has_55000_training_5000_validation_and_10000_test_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def as_they_are(name: str, images: NDArray[Any], labels: NDArray[Any], ink: str) -> LabelledGlyphs:
        return LabelledGlyphs(images, labels.astype(np.int64))

    monkeypatch.setattr("batchdigits.datasets.idx.normalise_labelled", as_they_are)  # which takes seconds
    splits = load()
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [55_000, 5_000, 10_000]
    published = read_idx(MNIST / f"{TRAIN_LABELS}.gz")
    assert np.array_equal(splits.validation.labels, published[-5000:])
    assert splits.classes == tuple("0123456789")
    assert splits.name == "mnist"


def test_npz_and_idx_of_the_same_images_are_the_same_data(npz_file: Path, idx_folder: Path) -> None:
    npz, idx = load(npz_file), load(idx_folder)
    assert npz.fingerprint() == idx.fingerprint()


def test_different_data_has_different_fingerprints(npz_file: Path, idx_folder: Path, class_folder: Path) -> None:
    assert load(npz_file).fingerprint() == load(npz_file).fingerprint() != load(class_folder).fingerprint()


def test_class_folders_give_labels_and_hold_out_a_part_of_each_class(class_folder: Path) -> None:
    splits = load(class_folder, seed=1)
    assert splits.classes == ("oh", "one", "seven")
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [30, 3, 3]
    for part in (splits.train, splits.validation, splits.test):
        assert set(part.labels) == {0, 1, 2}
    assert load(class_folder, seed=2).fingerprint() != splits.fingerprint()


@pytest.mark.parametrize("name", [b"a\nb", b"\xff", "a\u2028b".encode()])
def test_a_folder_name_that_is_not_one_line_of_utf8_is_refused(class_folder: Path, name: bytes) -> None:
    (class_folder / "one").rename(class_folder / os.fsdecode(name))
    with pytest.raises(DataError, match="a label is one line of text"):
        load(class_folder)


def test_floats_in_0_to_1_give_the_same_glyphs_as_bytes(small_mnist: Arrays) -> None:
    images, labels = small_mnist["x_test"][:20], small_mnist["y_test"][:20]
    floats = normalise_labelled("x", images / np.float32(255), labels, "light")
    assert np.array_equal(floats.glyphs, normalise_labelled("x", images[..., None], labels[:, None], "light").glyphs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": None}, "no array x_train"),
        ({"y_test": np.zeros(3, np.uint8)}, "200 images but labels of shape (3,)"),
        ({"y_train": np.zeros(1000)}, "labels must be whole numbers"),
        ({"y_train": np.full(1000, -1)}, "labels must be whole numbers from 0"),
        ({"x_train": np.zeros((1000, 784), np.uint8)}, "images of shape (1000, 784)"),
        ({"x_train": np.zeros((1000, 0, 28), np.uint8)}, "images of shape (1000, 0, 28)"),
        ({"x_train": np.zeros((1000, 28, 28), np.int32)}, "images of int32"),
        ({"x_train": np.full((1000, 28, 28), 2.0)}, "must lie in 0-1"),
        ({"x_train": np.full((1000, 28, 28), np.nan)}, "must lie in 0-1"),
        ({"x_test": np.zeros((0, 28, 28), np.uint8), "y_test": np.zeros(0, np.uint8)}, "too few images"),
        ({"x_train": np.array([{"a": 1}], object)}, "not a readable .npz"),
    ],
)
def test_a_malformed_npz_says_what_is_wrong(
    tmp_path: Path, small_mnist: Arrays, change: dict[str, object], message: str
) -> None:
    arrays = {name: array for name, array in {**small_mnist, **change}.items() if array is not None}
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError) as error:
        load(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_a_file_that_is_not_an_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"not a readable \.npz") as error:
        load(path)
    assert "pickle" not in str(error.value)  # NumPy's advice is to load it so, which can run code


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (TRAIN_IMAGES, b"", "not an IDX file"),
        (TRAIN_IMAGES, b"\x89PNG....", "not an IDX file of unsigned bytes (it starts with 89504e47)"),
        (TRAIN_IMAGES, b"\0\0\x0d\x03" + bytes(12), "not an IDX file of unsigned bytes"),
        (TRAIN_IMAGES, b"\0\0\x08\x03\0\0", "truncated header"),
        (TRAIN_LABELS, b"\0\0\x08\x01\0\0\0\x09\1\2\3", "the header says 9 bytes (9,), the file has 3"),
        (TRAIN_LABELS, b"\0\0\x08\x04" + b"\xff" * 16, "the header says"),
        (TRAIN_IMAGES, b"\0\0\x08\x03\0\0\0\0" + b"\xff" * 8, "no array has the shape that the header says"),
        (TRAIN_IMAGES, b"\0\0\x08\x41" + b"\0\0\0\1" * 65 + b"\7", "no array has the shape that the header says"),
        (TRAIN_LABELS, idx_bytes(np.zeros(3, np.uint8)), "1000 images but labels of shape (3,)"),
        (TEST_LABELS, None, "t10k-labels-idx1-ubyte (or t10k-labels-idx1-ubyte.gz) is missing"),
    ],
)
def test_malformed_idx_files_say_what_is_wrong(
    idx_folder: Path, name: str, content: bytes | None, message: str
) -> None:
    (idx_folder / f"{name}.gz").unlink(missing_ok=True)
    if content is not None:
        (idx_folder / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        load(idx_folder)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:-30], "truncated .gz"),
        (lambda b: b[:40] + bytes(40) + b[80:], "corrupt .gz"),
        (lambda b: b"x" + b, "Not a gzipped file"),
    ],
)
def test_a_damaged_gz_is_refused(idx_folder: Path, damage: object, message: str) -> None:
    path = idx_folder / f"{TEST_IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        load(idx_folder)


def test_a_gz_with_more_bytes_than_its_header_says_is_refused(idx_folder: Path) -> None:
    content = idx_bytes(np.zeros((200, 28, 28), np.uint8)) + b"more"
    (idx_folder / f"{TEST_IMAGES}.gz").write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match="the header says 156800 bytes"):
        load(idx_folder)


@pytest.mark.parametrize("name", ["{}.idx{}-ubyte", "{}.idx{}-ubyte.gz", "{}-idx{}-ubyte.gz"])
def test_idx_files_with_the_names_that_unpackers_give_are_read(idx_folder: Path, tmp_path: Path, name: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for part in ("train", "t10k"):
        for kind, dimensions in (("images", 3), ("labels", 1)):
            (file,) = idx_folder.glob(f"{part}-{kind}-*")
            content = idx_bytes(read_idx(file))
            target = other / name.format(f"{part}-{kind}", dimensions)
            target.write_bytes(gzip.compress(content) if target.suffix == ".gz" else content)
    assert load(other).fingerprint() == load(idx_folder).fingerprint()


def write_emnist(folder: Path, part: str, arrays: Arrays) -> None:
    """Write arrays under the names of a part of EMNIST, whose images are stored column by column."""
    folder.mkdir(exist_ok=True)
    for split in ("train", "test"):
        columns = np.ascontiguousarray(arrays[f"x_{split}"].transpose(0, 2, 1))
        for name, array in (("images-idx3", columns), ("labels-idx1", arrays[f"y_{split}"])):
            (folder / f"emnist-{part}-{split}-{name}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(array)))


def test_emnist_is_turned_upright(idx_folder: Path, small_mnist: Arrays, tmp_path: Path) -> None:
    write_emnist(tmp_path / "emnist", "digits", small_mnist)
    assert load(tmp_path / "emnist").fingerprint() == load(idx_folder).fingerprint()
    (tmp_path / "emnist" / "emnist-digits-test-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"emnist-digits-test-labels-idx1-ubyte \(or .*\.gz\) is missing"):
        load(tmp_path / "emnist")


def test_several_data_sets_of_idx_files_in_a_folder_are_refused(idx_folder: Path, small_mnist: Arrays) -> None:
    write_emnist(idx_folder, "letters", small_mnist)
    with pytest.raises(DataError, match="IDX files of several data sets: emnist-letters, mnist; give a folder with"):
        load(idx_folder)


def test_a_folder_of_other_names_says_which_are_read(idx_folder: Path) -> None:
    for file in idx_folder.iterdir():
        file.rename(file.with_name(f"my-{file.name}"))
    with pytest.raises(DataError) as error:
        load(idx_folder)
    assert all(name in str(error.value) for name in (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, "EMNIST"))


@pytest.mark.parametrize("layout", ["npz", "idx"])
def test_dark_ink_gives_the_same_glyphs(idx_folder: Path, small_mnist: Arrays, tmp_path: Path, layout: str) -> None:
    dark = {name: 255 - array if name[0] == "x" else array for name, array in small_mnist.items()}
    path = tmp_path / "dark.npz" if layout == "npz" else idx_folder
    light = load(idx_folder).fingerprint()
    np.savez(tmp_path / "dark.npz", **dark)  # type: ignore[arg-type]
    (idx_folder / TRAIN_IMAGES).write_bytes(idx_bytes(dark["x_train"]))
    (idx_folder / f"{TEST_IMAGES}.gz").write_bytes(gzip.compress(idx_bytes(dark["x_test"])))
    assert load(path).fingerprint() == light


def test_an_array_of_both_polarities_is_judged_image_by_image(small_mnist: Arrays) -> None:
    pictures, labels = small_mnist["x_train"][:200].copy(), small_mnist["y_train"][:200]
    light = normalise_labelled("x", pictures, labels, "light").glyphs
    pictures[::4] = 255 - pictures[::4]
    differ = (normalise_labelled("x", pictures, labels, "auto").glyphs != light).any(axis=(1, 2))
    assert differ.mean() < 0.01


def test_a_folder_without_class_folders_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one sub-folder for each class, and at least two"):
        load(tmp_path)


def test_a_class_of_two_images_is_refused(class_folder: Path) -> None:
    for image in sorted((class_folder / "one").iterdir())[2:]:
        image.unlink()
    with pytest.raises(DataError, match="each class needs at least 3 images, and one has 2"):
        load(class_folder)


def test_hidden_folders_and_files_are_not_classes(class_folder: Path) -> None:
    (class_folder / ".cache").mkdir()
    (class_folder / "README.txt").write_text("twelve of each")
    (class_folder / "one" / "notes.txt").write_text("all mine")
    assert load(class_folder).classes == ("oh", "one", "seven")


@pytest.mark.parametrize("name", ["digits.h5", "digits.png"])
def test_a_missing_file_or_one_of_another_layout_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(DataError, match="no such file"):
        load(path)
    Image.new("L", (2, 2)).save(tmp_path / "digits.png")
    path.touch()
    with pytest.raises(DataError, match="labelled data is a folder of IDX files"):
        load(path)
