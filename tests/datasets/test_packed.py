"""Packed data, pen strokes, and several data sets joined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.datasets import load
from batchdigits.datasets.join import SIZE_EXPONENT, join
from batchdigits.datasets.labelled import likeliest_glyph
from batchdigits.datasets.packed import GREY_STEP, TEST, TRAIN, VALIDATION
from batchdigits.datasets.pen import draw_scan
from batchdigits.errors import DataError
from batchdigits.vision.normalise import normalise
from tests.conftest import Arrays

Packed = dict[str, NDArray[Any]]

# A 1 of one stroke and a 7 of two, on a square of 256 points.
ONE = [np.array([(60, 60), (128, 0), (128, 255)])]
SEVEN = [np.array([(0, 0), (180, 0), (70, 255)]), np.array([(50, 128), (160, 128)])]


@pytest.fixture
def scans(small_mnist: Arrays) -> Packed:
    """Twenty scans of digits and two outliers, a blank scan among them."""
    images = [255 - image for image in small_mnist["x_train"][:21]] + [np.full((30, 24), 255, np.uint8)]
    return {
        "labels": np.r_[small_mnist["y_train"][:20].astype(np.int8), -1, 3],
        "splits": np.array([TRAIN] * 16 + [VALIDATION] * 2 + [TEST] * 2 + [TRAIN] * 2, np.uint8),
        "levels": np.concatenate([image.ravel() // GREY_STEP for image in images]).astype(np.uint8),
        "sizes": np.array([image.shape for image in images], np.uint16),
    }


@pytest.fixture
def strokes() -> Packed:
    """Thirty drawings: 1, 7 and an outlier in turns."""
    drawings = [ONE, SEVEN, [np.array([(0, 0), (255, 255)]), np.array([(0, 255), (255, 0)])]] * 10
    return {
        "labels": np.array([1, 7, -1] * 10, np.int8),
        "splits": np.array([TRAIN] * 24 + [VALIDATION] * 3 + [TEST] * 3, np.uint8),
        "points": np.concatenate([stroke for drawing in drawings for stroke in drawing]).astype(np.uint8),
        "stroke_sizes": np.array([len(stroke) for drawing in drawings for stroke in drawing], np.uint16),
        "stroke_counts": np.array([len(drawing) for drawing in drawings], np.uint16),
    }


def saved(arrays: Packed, path: Path) -> Path:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


def test_packed_scans_are_split_as_the_file_says(scans: Packed, small_mnist: Arrays, tmp_path: Path) -> None:
    splits = load(saved(scans, tmp_path / "scans.npz"))
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [16, 2, 2]
    assert splits.test.labels.tolist() == small_mnist["y_train"][18:20].tolist()
    assert splits.outliers is not None and len(splits.outliers.train) == 1  # the blank scan is none
    level = (255 - small_mnist["x_train"][0]) // GREY_STEP * GREY_STEP
    assert np.array_equal(splits.train.glyphs[0], normalise(level)[0])


def test_packed_strokes_are_drawn_with_other_pens(strokes: Packed, tmp_path: Path) -> None:
    splits = load(saved(strokes, tmp_path / "pen.npz"))
    assert splits.train.labels.tolist() == [1, 7] * 8
    drawings = splits.drawings
    assert drawings is not None and len(drawings) == 16
    assert all(np.array_equal(*pair) for pair in zip(drawings.strokes(3), SEVEN, strict=True))
    some = {drawings.glyph(3, np.random.default_rng(seed)).tobytes() for seed in range(5)}
    assert len(some) == 5
    again = drawings.glyph(3, np.random.default_rng(0)).tobytes()
    assert again in some
    assert load(tmp_path / "pen.npz").fingerprint() == splits.fingerprint()


def test_a_drawn_scan_has_its_strokes_inside() -> None:
    for seed in range(50):
        scan = draw_scan(SEVEN, np.random.default_rng(seed))
        assert scan.shape[0] <= 250
        assert max(scan[0].mean(), scan[-1].mean(), scan[:, 0].mean(), scan[:, -1].mean()) < 40
        assert likeliest_glyph(scan, "light").any()
    assert likeliest_glyph(draw_scan([np.array([(0, 0)]), ONE[0]], np.random.default_rng(1)), "light").any()


def test_joined_data_is_drawn_by_the_root_of_its_size_and_every_class_alike(
    scans: Packed, strokes: Packed, tmp_path: Path
) -> None:
    splits = load(saved(strokes, tmp_path / "pen.npz"), saved(scans, tmp_path / "scans.npz"))
    assert splits.name == "pen, scans"
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [32, 4, 4]
    assert splits.mixture is not None and splits.drawings is not None and splits.outliers is not None
    assert splits.train.labels[-16:].tolist() == [1, 7] * 8  # drawings are the last
    assert len(splits.outliers.train) == 9
    assert splits.outliers.chances[0] / splits.outliers.chances[1] == pytest.approx(8**0.5)
    assert splits.outliers.chances.sum() == pytest.approx(1)
    chances, labels = splits.mixture.chances, splits.train.labels
    of_class = [chances[labels == label].sum() for label in np.unique(labels)]
    assert np.allclose(of_class, 1 / len(of_class))
    is_drawn = np.arange(32) >= 16
    in_both = [label for label in (1, 7) if label in labels[:16]]
    assert in_both
    for label in in_both:
        ratio = chances[is_drawn & (labels == label)].sum() / chances[~is_drawn & (labels == label)].sum()
        assert ratio == pytest.approx((16 / 16) ** SIZE_EXPONENT)


def test_drawings_stay_as_they_are_drawn_anew(strokes: Packed, tmp_path: Path) -> None:
    pen = load(saved(strokes, tmp_path / "pen.npz"))
    joined = join([replace(pen, train=pen.test, test=pen.train, drawings=None), pen])
    assert joined.drawings is not None and len(joined.drawings) == 16
    assert np.array_equal(joined.train.glyphs[-16:], pen.train.glyphs)


@pytest.fixture
def small_bundle(idx_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small MNIST in the package, as the whole one takes seconds to normalise."""
    monkeypatch.setattr("batchdigits.datasets.MNIST", idx_folder)


@pytest.mark.usefixtures("small_bundle")
def test_scans_without_ink_are_no_data_to_train_on(scans: Packed, tmp_path: Path) -> None:
    scans["levels"][:] = 15
    scans["labels"][:] = 3
    with pytest.raises(DataError, match="scans: no digit in it has ink"):
        load(saved(scans, tmp_path / "scans.npz"))


@pytest.mark.usefixtures("small_bundle")
def test_outliers_alone_are_no_data_to_train_on(strokes: Packed, tmp_path: Path) -> None:
    strokes["labels"][:] = -1
    with pytest.raises(DataError, match="pen: there are only outliers in it"):
        load(saved(strokes, tmp_path / "pen.npz"))
    with pytest.raises(DataError, match="pen, pen: there are only outliers in it"):
        load(tmp_path / "pen.npz", tmp_path / "pen.npz")
    assert load(Path("mnist"), tmp_path / "pen.npz").name == "mnist, pen"


@pytest.mark.usefixtures("small_bundle")
@pytest.mark.parametrize(
    ("missing", "sizes"), [(VALIDATION, "0 for validation"), (TEST, "2 for validation, 0 for test")]
)
def test_digits_of_which_none_are_held_back_need_other_data(
    missing: int, sizes: str, strokes: Packed, tmp_path: Path
) -> None:
    strokes["splits"][strokes["splits"] == missing] = TRAIN
    path = saved(strokes, tmp_path / "pen.npz")
    with pytest.raises(DataError, match=rf"pen: it holds back too few digits \({sizes}"):
        load(path)
    assert load(Path("mnist"), path).name == "mnist, pen"


@pytest.mark.usefixtures("small_bundle")
def test_a_folder_named_mnist_is_that_folder(class_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(class_folder.parent)
    assert load(Path("mnist")).classes == tuple("0123456789")
    class_folder.rename("mnist")
    assert load(Path("mnist")).classes == ("oh", "one", "seven")


def test_data_sets_of_the_same_name_stay_apart(scans: Packed, strokes: Packed, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    splits = load(saved(strokes, tmp_path / "x.npz"), saved(scans, tmp_path / "other" / "x.npz"))
    assert [source.name for source in splits.sources] == ["x", "x (2)"]
    assert [(source.digits, source.outliers, source.test) for source in splits.sources] == [(16, 1, 2), (16, 8, 2)]


def test_outliers_are_split_as_the_file_says(strokes: Packed, tmp_path: Path) -> None:
    outliers = load(saved(strokes, tmp_path / "pen.npz")).outliers
    assert outliers is not None
    assert [len(part) for part in outliers] == [8, 1, 1, 8]


def test_data_without_outliers_has_none(strokes: Packed, tmp_path: Path) -> None:
    strokes["labels"][strokes["labels"] < 0] = 7
    assert load(saved(strokes, tmp_path / "pen.npz")).outliers is None


def test_joined_data_needs_the_same_classes(scans: Packed, class_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"its classes are not those of scans: .*; they may differ only with --init"):
        load(saved(scans, tmp_path / "scans.npz"), class_folder)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: arrays.update(labels=arrays["labels"][:-1]),
        lambda arrays: arrays.update(labels=arrays["labels"] + 9),
        lambda arrays: arrays.update(labels=arrays["labels"] - 9),
        lambda arrays: arrays.update(splits=arrays["splits"][1:]),
        lambda arrays: arrays.update(levels=arrays["levels"][:-5]),
        lambda arrays: arrays.update(levels=np.append(arrays["levels"], np.uint8(3))),
        lambda arrays: arrays.update(levels=arrays["levels"] + 200),
        lambda arrays: arrays.update(levels=arrays["levels"].astype(object)),
        lambda arrays: arrays.update(sizes=arrays["sizes"][:, :1]),
        lambda arrays: arrays.update(sizes=arrays["sizes"] * 0),
        lambda arrays: arrays.update(sizes=np.full((22, 2), 1 << 32), levels=arrays["levels"][:0]),  # 0 pixels in int64
        lambda arrays: arrays.update({name: array[:0] for name, array in arrays.items()}),
    ],
)
def test_spoilt_scans_are_refused_in_one_line(scans: Packed, spoil: Callable[[Packed], Any], tmp_path: Path) -> None:
    spoil(scans)
    with pytest.raises(DataError, match=r"^[^\n]*scans\.npz: [^\n]*$"):
        load(saved(scans, tmp_path / "scans.npz"))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: arrays.update(stroke_counts=arrays["stroke_counts"] + 1),
        lambda arrays: arrays.update(stroke_counts=arrays["stroke_counts"] * 0),
        lambda arrays: arrays.update(stroke_sizes=arrays["stroke_sizes"] * 1000),
        lambda arrays: arrays.update(stroke_sizes=arrays["stroke_sizes"] * 0),
        lambda arrays: arrays.update(points=arrays["points"][:, :1]),
        lambda arrays: arrays.update(points=arrays["points"][:-2]),
    ],
)
def test_spoilt_strokes_are_refused_in_one_line(
    strokes: Packed, spoil: Callable[[Packed], Any], tmp_path: Path
) -> None:
    spoil(strokes)
    with pytest.raises(DataError, match=r"^[^\n]*pen\.npz: [^\n]*$"):
        load(saved(strokes, tmp_path / "pen.npz"))
