"""Arrays of images as inputs: .npy, .npz and IDX."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.files.archives import archive
from batchdigits.files.sources import Tally, find
from batchdigits.vision.decode import decode
from batchdigits.vision.grey import Scan
from tests.conftest import Run, idx_bytes
from tests.engines.helpers import classify, rows

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 9, 7), np.uint8)
IMAGES[:, 0, 0] = 255  # so that every image has the same range as a float


def scan_of(source: str) -> Scan:
    (page,) = decode(source)
    assert page.fault == ""
    assert page.source == source
    assert page.scan is not None
    return page.scan


def fault_of(source: str) -> str:
    (page,) = decode(source)
    return page.fault


def save(path: Path, array: NDArray[np.generic]) -> Path:
    np.save(path, array)
    return path


def scans_of(path: Path) -> list[Scan]:
    return [scan_of(source) for source in find([str(path)])]


@pytest.mark.parametrize(
    "array",
    [
        IMAGES,
        IMAGES[..., None],
        IMAGES / 255,
        (IMAGES / 255).astype(np.float16),
        IMAGES.astype(np.float32),
        IMAGES.astype(np.int64),
        IMAGES.astype(">u2") * 257,
        np.repeat(IMAGES[..., None], 3, axis=3),
        np.concatenate([np.repeat(IMAGES[..., None], 3, axis=3), np.full((*IMAGES.shape, 1), 255, np.uint8)], axis=3),
    ],
    ids=["uint8", "one channel", "float64", "float16", "0-255", "int64", "big endian", "RGB", "RGBA"],
)
def test_images_of_any_type(tmp_path: Path, array: NDArray[np.generic]) -> None:
    path = save(tmp_path / "a.npy", array)
    assert list(find([str(path)])) == [f"{path}/{index}" for index in range(12)]
    assert np.array_equal(scans_of(path), IMAGES)


def test_red_is_not_blue(tmp_path: Path) -> None:
    red = np.zeros((1, 9, 7, 3), np.uint8)
    red[0, :5, :, 0] = 255
    assert scan_of(f"{save(tmp_path / 'a.npy', red)}/0").max() in (76, 255)  # red's luma, or its own channel
    assert np.array_equal(scan_of(f"{tmp_path / 'a.npy'}/0"), scan_of(f"{save(tmp_path / 'b.npy', red)}/0"))


def test_booleans_are_black_and_white(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npy", IMAGES > 99)
    assert np.array_equal(scans_of(path), np.where(IMAGES > 99, 255, 0))


@pytest.mark.parametrize("is_compressed", [False, True])
def test_an_npz_has_its_arrays_by_name(tmp_path: Path, is_compressed: bool) -> None:
    path = tmp_path / "a.npz"
    arrays = {"x_train": IMAGES, "x_test": 255 - IMAGES[:2], "y_train": np.arange(12), "conv": np.ones((3, 3, 1, 32))}
    (np.savez_compressed if is_compressed else np.savez)(path, **arrays)  # type: ignore[arg-type]
    tally = Tally()
    sources = [*(f"{path}/x_test/{n}" for n in range(2)), *(f"{path}/x_train/{n}" for n in range(12))]
    assert list(find([str(path)], tally)) == sources
    assert tally == Tally(sources=14, skipped=2)
    for source in sources[::-1]:
        array = 255 - IMAGES if "x_test" in source else IMAGES
        assert np.array_equal(scan_of(source), array[int(source.rpartition("/")[2])])


def test_each_name_in_an_npz_comes_once(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", labels=np.arange(3))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("labels", "no array")
    tally = Tally()
    assert list(find([str(tmp_path / "a.npz")], tally)) == []
    assert tally.skipped == 1


@pytest.mark.parametrize(
    "name", ["train-images-idx3-ubyte", "a.idx3-ubyte", "T10K-IMAGES.IDX3-UBYTE", "emnist-idx3-ubyte"]
)
@pytest.mark.parametrize("end", ["", ".gz"])
def test_idx_files(tmp_path: Path, name: str, end: str) -> None:
    path = tmp_path / (name + end)
    path.write_bytes(gzip.compress(idx_bytes(IMAGES)) if end else idx_bytes(IMAGES))
    if name.startswith("emnist"):  # whose images are transposed
        assert np.array_equal(scans_of(path), [image.ravel().reshape(9, 7, order="F") for image in IMAGES])
    else:
        assert np.array_equal(scans_of(path), IMAGES)
        assert np.array_equal(scan_of(f"{path}/3"), IMAGES[3])


@pytest.mark.parametrize("index", ["12", "-1", "01", "1.0", "", "x", "0/0", "9" * 30, "\u0661"])
def test_an_index_that_is_none_is_a_fault(tmp_path: Path, index: str) -> None:
    path = save(tmp_path / "a.npy", IMAGES)
    assert fault_of(f"{path}/{index}") == "no such image in the array"


@pytest.mark.parametrize(
    "array", [np.arange(9), np.zeros((9, 784)), np.zeros((0, 9, 9)), np.array(["a"]), np.zeros((2, 9, 9), complex)]
)
def test_an_array_without_images_is_like_an_empty_folder(tmp_path: Path, array: NDArray[np.generic]) -> None:
    path = save(tmp_path / "a.npy", array)
    tally = Tally()
    assert list(find([str(path)], tally)) == []
    assert tally == Tally(skipped=1, empty_folders=[str(path)])


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[[print]]]), allow_pickle=True)
    assert list(find([str(tmp_path / "a.npy")])) == []


@pytest.mark.parametrize(("shape", "number"), [("(1L, 9L, 9L)", 1), ("(1, 9, 0x9if 1 else 9)", 0)])
@pytest.mark.parametrize("name", ["a.npy", "an array without its suffix"])
def test_headers_that_numpy_or_python_warn_of(
    tmp_path: Path, name: str, shape: str, number: int, recwarn: pytest.WarningsRecorder
) -> None:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    path = tmp_path / name
    path.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(81))
    faults = [fault_of(source) for source in find([str(path)])]
    assert faults.count("") == (number if path.suffix else 0)
    assert not recwarn.list


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.idx3-ubyte", "a.idx3-ubyte.gz"])
@pytest.mark.parametrize("kept", [0.9, 0.02])
def test_a_truncated_array_is_one_error(tmp_path: Path, name: str, kept: float) -> None:
    path = tmp_path / name
    big = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
    if name.endswith("npy"):
        np.save(path, big)
    elif name.endswith("npz"):
        np.savez(path, x=big)
    else:
        path.write_bytes(gzip.compress(idx_bytes(big)) if name.endswith("gz") else idx_bytes(big))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)] if kept > 0.1 else data[:12])
    assert list(find([str(path)])) == [str(path)]
    assert fault_of(str(path)).startswith("truncated or corrupt ")


def test_fortran_order_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npy", np.asfortranarray(IMAGES))
    assert [fault_of(source) for source in find([str(path)])] == [
        "an array in Fortran order; save numpy.ascontiguousarray of it"
    ]


def test_other_idx_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels-idx3-ubyte"
    path.write_bytes(idx_bytes(IMAGES).replace(b"\x08\x03", b"\x0d\x03", 1))
    assert [fault_of(source) for source in find([str(path)])] == ["not an IDX file of images"]


@pytest.mark.parametrize("shape", [(1 << 31, 1, 1), (1, 1 << 15, 1 << 15), (1 << 20, 1, 1)])
def test_a_header_that_claims_too_much_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    header = b"\0\0\x08\x03" + np.array(shape, ">u4").tobytes()
    for path, data in ((tmp_path / "a-idx3-ubyte", header), (tmp_path / "b-idx3-ubyte.gz", gzip.compress(header))):
        path.write_bytes(data)
        assert list(find([str(path)])) == [str(path)]
        assert fault_of(str(path))


def test_limit_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.npy", IMAGES)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 11)
    assert list(find([str(path)])) == [str(path)]
    assert fault_of(str(path)) == "too large: more than 11 members"


def test_a_compressed_array_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1000, 200, 200), np.uint8))
    (tmp_path / "a-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.zeros((1000, 200, 200), np.uint8))))
    for name in ("a.npz", "a-idx3-ubyte.gz"):
        assert list(find([str(tmp_path / name)])) == [str(tmp_path / name)]
        assert fault_of(str(tmp_path / name)) == "too large: unpacks to over 200 times its size"


def test_the_command_reads_mnist(tmp_path: Path, small_mnist: dict[str, NDArray[np.uint8]], run: Run) -> None:
    np.savez_compressed(tmp_path / "mnist.npz", x_test=small_mnist["x_test"], y_test=small_mnist["y_test"])
    result = classify("mnist.npz", cwd=tmp_path)
    found = rows(result.stdout)
    assert [row[0] for row in found] == [f"mnist.npz/x_test/{index}" for index in range(200)]
    right = [row[1] == str(label) for row, label in zip(found, small_mnist["y_test"], strict=True)]
    assert sum(right) > 190
    assert b"1 other file skipped" in result.stderr
