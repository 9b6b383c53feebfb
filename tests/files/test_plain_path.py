"""One spelling of a path."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.files.plain_path import folder_of, folders_of, plain_path


@given(st.lists(st.sampled_from(["a", "b.png", ".", "", ".c", "d."]), min_size=1).map("/".join))
def test_two_spellings_are_one_path_where_the_system_says_so(path: str) -> None:
    named = f"{path}/x"  # sources do not end in a slash
    assert plain_path(named) == os.path.normpath(named).replace("//", "/")


@pytest.mark.parametrize(
    "path", ["../a.png", "a/../b.png", "s3://bucket//a.png", "x.zip/./a//b.png", "X.TAR.GZ/./a.png", "", "a./b", "/a"]
)
def test_what_may_be_another_file_stays(path: str) -> None:
    assert plain_path(path) == path


def test_the_path_of_an_archive_is_spelled_plainly() -> None:
    assert plain_path(".//in/./x.zip/./a//b.png") == "in/x.zip/./a//b.png"


def test_the_folders_of_a_path_as_they_may_have_been_typed() -> None:
    assert list(folders_of(".//a.zip/b/c.png")) == ["a.zip/b", "a.zip/b/", "a.zip", "a.zip/", ".", "./"]
    assert list(folders_of("/a/b.png")) == ["/a", "/a/", "/"]


def test_the_folders_of_a_path_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchdigits.files.plain_path.SEPARATORS", ("/", "\\"))
    path = "in/a\\b\\c.png"
    assert set(folders_of(path)) >= {"in/a\\b", "in/a", "in/a\\", "in/a/", "in", "in/", "in\\", ".", ".\\"}
    assert folder_of(path) == "in/a\\b"
