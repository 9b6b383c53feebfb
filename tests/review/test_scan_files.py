"""Where the images of a table are, and that no path leads out of the folders."""

from __future__ import annotations

import ntpath
import os
import zipfile
from pathlib import Path

import pytest

from batchdigits.errors import BatchdigitsError
from batchdigits.review.scan_files import ScanFiles


@pytest.fixture
def scans(in_empty_folder: Path) -> Path:
    """The current folder holds a folder of scans; beside it, outside, is a secret."""
    for name in ("scans/7/a.png", "scans/7/b.tif", "../secret.png", "../moved/scans/7/a.png", "../moved/a.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode())
    with zipfile.ZipFile("more.zip", "w") as archive:
        archive.writestr("7/c.png", b"c")
    return in_empty_folder


PATHS = ["scans/7/a.png", "scans/7/b.tif#2", "more.zip/7/c.png"]


def test_images_below_the_current_folder_are_found(scans: Path) -> None:
    files = ScanFiles([*PATHS, "gone.png"], [], scans)
    assert [files.locate(path) for path in PATHS] == PATHS
    assert files.locate(str(scans / PATHS[0])) == str(scans / PATHS[0])
    assert files.locate("gone.png") == "gone.png"  # decoding it says why there is no image
    assert files.has_any(PATHS)


def test_images_beside_the_table_are_found(scans: Path) -> None:
    outside = str(scans.parent / "moved" / "a.png")
    assert ScanFiles([outside], [], scans.parent / "moved").locate(outside) == outside


@pytest.mark.parametrize(
    "path",
    [
        "../secret.png",
        "scans/../../secret.png",
        "link.png",
        "folder/secret.png",
        "/etc/hostname",
        "more.zip/../../secret.png",
        "s3://bucket/a.png",
        "http://127.0.0.1/a.png",
        "file:///etc/hostname",
        "scans/\0.png",
        "scans/\ud800.png",
    ],
)
@pytest.mark.parametrize("folders", [[], [Path("scans")]])
def test_a_path_that_leads_out_of_the_folders_is_refused(scans: Path, path: str, folders: list[Path]) -> None:
    Path("link.png").symlink_to("../secret.png")
    Path("folder").symlink_to("..")
    files = ScanFiles([path], folders, scans)
    with pytest.raises(BatchdigitsError):
        files.locate(path)
    assert not files.has_any([path])


def test_images_that_were_moved_are_found_below_the_folder_that_is_given(scans: Path) -> None:
    moved = scans.parent / "moved"
    files = ScanFiles(["old/place/scans/7/a.png", "old/place/scans/7/gone.png"], [moved], scans)
    assert files.locate("old/place/scans/7/a.png") == str(moved / "scans/7/a.png")
    # One rule for all: the a.png that lies elsewhere is not taken for this one.
    assert files.locate("old/place/a.png") == str(moved / "a.png")
    with pytest.raises(BatchdigitsError, match="no such file in the folders of --scans"):
        files.locate("old/a.png")


MONTHS = ["Maerz/1.png", "Maerz/3.png", "April/1.png", "April/2.png", "Mai/1.png"]


@pytest.fixture
def months(in_empty_folder: Path) -> Path:
    """Scans of two months, which were moved, also under names that the table does not know."""
    for name in ("Maerz/1.png", "April/1.png", "April/2.png", "M3/1.png", "M4/2.png"):
        Path("Neu", name).parent.mkdir(parents=True, exist_ok=True)
        Path("Neu", name).touch()
    return in_empty_folder / "Neu"


@pytest.mark.parametrize("folders", [["Maerz", "April"], ["April", "Maerz"], ["Maerz"]])
def test_each_folder_is_for_the_paths_with_its_name(months: Path, folders: list[str]) -> None:
    files = ScanFiles(MONTHS, [months / folder for folder in folders], months)
    for path in MONTHS:
        if path.split("/")[0] in folders:
            assert files.locate(path) == str(months / path)
        else:
            with pytest.raises(BatchdigitsError, match="no such file"):
                files.locate(path)


def test_a_folder_that_may_be_several_is_refused(months: Path) -> None:
    with pytest.raises(BatchdigitsError, match="M3 may be each of April, Maerz, Mai in the paths of the table: give"):
        ScanFiles(MONTHS, [months / "M3"], months)
    paths = ["alt/Maerz/1.png", "Maerz/1.png"]
    with pytest.raises(BatchdigitsError, match="Maerz may be each of Maerz, alt/Maerz in"):
        ScanFiles(paths, [months / "Maerz"], months)
    files = ScanFiles(["a/1.png", "b/2.png"], [months / "M3", months / "M4"], months)
    assert [files.locate("a/1.png"), files.locate("b/2.png")] == [str(months / "M3/1.png"), str(months / "M4/2.png")]


def test_a_folder_may_be_another_one_whose_paths_are_not_all_in_the_table(months: Path) -> None:
    """As in a table from which rows were taken out: the folder's 1.png is that of such a row."""
    for name in ("archive/A", "feb/A"):
        Path(name).mkdir(parents=True)
        for number in (1, 2):
            Path(name, f"{number}.png").touch()
    paths = ["jan/A/1.png", "feb/A/2.png"]
    with pytest.raises(BatchdigitsError, match="A may be each of feb/A, jan/A in"):
        ScanFiles(paths, [Path("archive/A")], months)
    files = ScanFiles(paths, [Path("feb/A")], months)
    assert files.locate(paths[1]) == paths[1]
    with pytest.raises(BatchdigitsError, match="no such file"):
        files.locate(paths[0])


def test_scans_are_found_where_those_of_other_folders_are_gone(in_empty_folder: Path) -> None:
    Path("new/B").mkdir(parents=True)
    paths = [f"old/A/{number}.png" for number in range(250)] + [f"old/B/{number}.png" for number in range(50)]
    for number in range(50):
        Path(f"new/B/{number}.png").touch()
    files = ScanFiles(paths, [Path("new")], in_empty_folder)
    assert files.locate(paths[-1]).endswith("new/B/49.png")
    assert files.has_any(paths)


def test_paths_stay_as_they_are_where_they_lead_to_the_folder_that_is_given(scans: Path) -> None:
    assert ScanFiles(PATHS, [Path("scans")], scans).locate(PATHS[0]) == PATHS[0]


def test_a_folder_that_is_not_there_is_named(scans: Path) -> None:
    with pytest.raises(BatchdigitsError, match="nothere: no such folder"):
        ScanFiles(PATHS, [Path("nothere")], scans)


def test_a_file_on_another_drive_is_in_no_folder(scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ScanFiles(PATHS, [], scans)
    real = {"D:\\7\\a.png": "D:\\7\\a.png", "a.png": "C:\\scans\\a.png"}
    monkeypatch.setattr(os.path, "realpath", real.__getitem__)
    monkeypatch.setattr(os.path, "commonpath", ntpath.commonpath)
    files.folders = ["E:\\other", "C:\\scans"]
    assert files.locate("a.png") == "a.png"
    with pytest.raises(BatchdigitsError, match="outside of the folders"):
        files.locate("D:\\7\\a.png")
