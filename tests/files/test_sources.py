"""find: which files are sources, in which order they come, and that none is lost."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from unittest.mock import Mock

import pytest

from batchdigits.files import disk, sources
from batchdigits.files.disk import Disk
from batchdigits.files.filter import Filter
from batchdigits.files.sources import Tally, estimate, find
from tests.conftest import Run

PNG = b"\x89PNG\r\n\x1a\n"  # the bytes that `find` examines; only `decode` reads more


def make(root: Path, *names: str, content: bytes = PNG) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def below(root: Path, tally: Tally | None = None) -> list[str]:
    return [os.path.relpath(path, root) for path in find([str(root)], tally)]


def test_natural_order_folder_by_folder(tmp_path: Path) -> None:
    make(tmp_path, "img10.png", "img2.png", "img1.png", "10/b.png", "9/c2.png", "9/c10.png", "9/a/z.png", "img02.png")
    assert below(tmp_path) == [
        "9/a/z.png",
        "9/c2.png",
        "9/c10.png",
        "10/b.png",
        "img1.png",
        "img02.png",  # as large as img2: the raw name decides
        "img2.png",
        "img10.png",
    ]


def test_typed_paths_keep_their_order_and_duplicates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a/1.png", "b/1.png")
    monkeypatch.chdir(tmp_path)
    assert list(find(["b", "./a/", "b/1.png", "a//1.png", "b", "."])) == [
        "b/1.png",
        "./a/1.png",
        "b/1.png",
        "a//1.png",
        "b/1.png",
        "./a/1.png",
        "./b/1.png",
    ]


def test_a_suffix_or_first_bytes_make_a_source_but_system_files_are_none(tmp_path: Path) -> None:
    make(tmp_path, "no_suffix", "photo.txt", "scan.PNG", "._scan.png", ".DS_Store", "Thumbs.db", "desktop.ini")
    make(tmp_path, "not_really.jpg", "notes.txt", "labels.csv", "BMW.txt", content=b"BM, or P5 for short")
    make(tmp_path, "empty.tif", "empty", content=b"")
    tally = Tally()
    assert below(tmp_path, tally) == ["empty.tif", "no_suffix", "not_really.jpg", "photo.txt", "scan.PNG"]
    assert tally == Tally(sources=5, skipped=8)


@pytest.mark.parametrize("name", ["notes.txt", ".DS_Store", "._a.png", "missing.png", "nul\0.png", ""])
def test_a_typed_path_is_always_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "notes.txt", ".DS_Store", "._a.png")
    assert list(find([name])) == [name]


def test_typed_folders_without_a_source_are_listed_as_empty(tmp_path: Path) -> None:
    make(tmp_path, "full/1.png")
    make(tmp_path, "text/a.txt", content=b"a")
    (tmp_path / "empty").mkdir()
    folders = [str(tmp_path / name) for name in ("empty", "full", "text")]
    tally = Tally()
    assert len(list(find(folders, tally))) == 1
    assert tally == Tally(sources=1, skipped=1, empty_folders=[folders[0], folders[2]])


def test_everything_with_an_image_suffix_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "folder.png/1.png")
    (tmp_path / "dangling.png").symlink_to("nowhere")
    (tmp_path / "self.png").symlink_to("self.png")
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.chdir(tmp_path)  # the whole path of a socket may have 107 bytes at most
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        assert below(tmp_path) == [
            "dangling.png",
            "folder.png",
            "folder.png/1.png",
            "pipe.png",
            "self.png",
            "socket.png",
        ]


def test_a_page_that_is_named_by_itself_says_what_to_name(run: Run, in_empty_folder: Path) -> None:
    Path("doc.pdf").touch()
    result = run("classify", "doc.pdf#4")
    message = "error: doc.pdf#4: a page is not named by itself; doc.pdf has all pages of the file\n"
    assert (result.exit_code, result.stderr) == (1, f"batchdigits: {message}")
    assert "doc.pdf#b: no such file or folder" in run("classify", "doc.pdf#b").stderr


def test_a_fifo_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # without a suffix, only its first bytes could make it a source
    tally = Tally()
    assert below(tmp_path, tally) == []
    assert tally.skipped == 1


def test_links_to_folders_are_followed_but_not_upwards(tmp_path: Path) -> None:
    make(tmp_path, "a/b/1.png", "elsewhere/2.png")
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "a/here").symlink_to(".")
    (tmp_path / "a/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "a/link.png").symlink_to(tmp_path / "a/b/1.png")
    assert below(tmp_path / "a") == ["b/1.png", "link/2.png", "link.png"]


def test_an_unreadable_folder_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a/1.png", "closed/2.png", "z/3.png")

    def scandir(path: str) -> os._ScandirIterator[str]:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return original(path)

    original = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    assert below(tmp_path) == ["a/1.png", "closed", "z/3.png"]
    closed = str(tmp_path / "closed")
    tally = Tally()
    assert list(find([closed], tally)) == [closed]
    assert tally == Tally(sources=1)


def test_a_file_that_cannot_be_read_is_a_source_under_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_bytes(b"text")
    (tmp_path / "link").symlink_to("nowhere")
    assert list(find([str(tmp_path)])) == []
    monkeypatch.setattr(disk, "open", Mock(side_effect=PermissionError), raising=False)
    assert list(find([str(tmp_path)])) == [str(tmp_path / "secret")]
    assert estimate([str(tmp_path)]) == 1


def test_a_folder_that_vanishes_during_the_walk_is_a_source(tmp_path: Path) -> None:
    make(tmp_path, "a/1.png", "b/2.png")
    walk = find([str(tmp_path)])
    assert next(walk).endswith("a/1.png")
    (tmp_path / "b/2.png").unlink()
    (tmp_path / "b").rmdir()
    assert [os.path.relpath(path, tmp_path) for path in walk] == ["b"]


def test_folders_are_listed_only_as_they_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *(f"{folder}/{file}.png" for folder in range(20) for file in range(3)))
    listed: list[str] = []
    original = sources._list

    def note(path: str, disk: Disk) -> sources._Folder | None:
        listed.append(path)
        return original(path, disk)

    monkeypatch.setattr(sources, "_list", note)
    assert len(list(islice(find([str(tmp_path)]), 4))) == 4
    assert len(listed) == 3  # the top folder, 0 and 1


def test_paths_are_taken_one_by_one() -> None:
    def typed() -> Iterator[str]:
        yield "one.png"
        raise AssertionError("asked for too early")

    assert next(find(typed())) == "one.png"


def test_a_tree_deeper_than_the_recursion_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    depth = 1200
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    make(Path(), "1.png")
    os.chdir(tmp_path)
    try:
        assert list(find(["d"])) == ["d/" * depth + "1.png"]
    finally:  # pytest would clean up by recursion
        subprocess.run(["rm", "-r", "d"], check=True)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe2.png"
    with open(raw, "wb") as file:  # noqa: PTH123 - a name in bytes
        file.write(PNG)
    make(tmp_path, "\u00e9.png")
    assert [os.fsencode(path) for path in find([str(tmp_path)])] == [os.fsencode(tmp_path / "\u00e9.png"), raw]


def test_a_pattern_with_a_slash_matches_paths_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sep", "\\")
    assert not Filter(exclude=["deep/*.png"]).wants_file("deep\\a.png", "a.png")


def test_the_estimate_counts_what_is_found_and_no_archive(tmp_path: Path) -> None:
    make(tmp_path, "no_suffix", "a.png", "not.jpg.txt", "b/c.png", "b/d", "x.png/e.png", "@eaDir/f.png", "b/not/g.png")
    make(tmp_path, "notes.txt", "b/notes", content=b"text")
    rules = Filter(exclude=["*not*"])
    for filtered in (Filter(), rules):
        assert estimate([str(tmp_path)], filtered) == len(list(find([str(tmp_path)], rules=filtered)))
    assert estimate([str(tmp_path / "b"), str(tmp_path / "a.png")], rules) == 3
    (tmp_path / "b" / "link").symlink_to(tmp_path / "x.png")
    assert estimate([str(tmp_path)]) is None
    (tmp_path / "b" / "link").unlink()
    for archive in ("b/scans.zip", "b/images.npy"):
        make(tmp_path, archive)
        assert estimate([str(tmp_path / archive)]) is None
    assert estimate([str(tmp_path)]) is None
