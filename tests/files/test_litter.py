"""What systems leave beside images is passed over, in every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchdigits.datasets import load
from batchdigits.files.sources import Tally, estimate, find
from batchdigits.reports.evaluation import class_folders
from tests.conftest import SAMPLES, Run

FOLDERS = (
    "$RECYCLE.BIN",
    "#recycle",
    "@eaDir",
    ".@__thumb",
    ".thumbnails",
    ".ipynb_checkpoints",
    "__MACOSX",
    "lost+found",
    ".Trash-1000",
    ".Trash",
    ".Trashes",
    ".AppleDouble",
    ".dtrash",
)
FILES = (
    "._3.png",
    "~$3.png",
    "3.png~",
    "3.png.crdownload",
    "Thumbs.db",
    "desktop.ini",
    ".rows.csv.part",
    ".4.csv.DONE",
)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_litter_is_skipped_and_counted(tmp_path: Path, name: str) -> None:
    png = (SAMPLES / "digits" / "4" / "as-is.png").read_bytes()
    for file in (name, "4.png", "4"):
        (tmp_path / file).write_bytes(png)
    tally = Tally()
    assert list(find([str(tmp_path)], tally)) == [str(tmp_path / "4"), str(tmp_path / "4.png")]
    assert tally.skipped == 1


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_litter_is_skipped_and_counted(tmp_path: Path, name: str) -> None:
    for folder in (name, "Trash-1000", "recycle"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").touch()
    tally = Tally()
    found = list(find([str(tmp_path)], tally))
    assert found == [str(tmp_path / folder / "a.png") for folder in ("Trash-1000", "recycle")]
    assert tally.skipped == 1
    assert estimate([str(tmp_path)]) == 2
    assert list(find([str(tmp_path / name)])) == [str(tmp_path / name / "a.png")]  # named by hand


def test_litter_is_no_class(class_folder: Path) -> None:
    before = load(class_folder).classes
    (class_folder / "@eaDir").mkdir()
    (class_folder / "lost+found").mkdir()
    assert load(class_folder).classes == before
    assert len(class_folders(str(class_folder), before)) == 3


def test_a_pattern_that_matches_nothing_is_named(run: Run, tmp_path: Path) -> None:
    result = run("classify", "samples/digits/0", "--include", "*.tiff", "-o", tmp_path / "out.csv")
    assert result.exit_code == 1
    assert "no images in samples/digits/0 that match --include *.tiff" in result.stderr
    result = run("classify", "samples/digits/0", "--include", "*.tiff", "--include", "*.png")
    assert result.exit_code == 0
    assert "--include *.tiff matches no file" in result.stderr
    assert "--include *.png" not in result.stderr
    result = run("classify", "samples/digits/0", "--include", "*.png", "--include", "as-*")
    assert "matches no file" not in result.stderr
