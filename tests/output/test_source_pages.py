"""Whether an image is still the one that it was."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

from batchdigits.output.source_pages import digest_of


def test_a_digest_is_that_of_the_bytes(in_empty_folder: Path) -> None:
    Path("a.png").write_bytes(b"one")
    first = digest_of("a.png")
    Path("b.png").write_bytes(b"one")
    assert (len(first), digest_of("b.png"), digest_of("a.png#2")) == (16, first, first)
    Path("a.png").write_bytes(b"two")
    assert digest_of("a.png") != first
    Path("large.tif").write_bytes(bytes(1 << 19))
    before = digest_of("large.tif")
    Path("large.tif").write_bytes(bytes((1 << 19) - 1) + b"x")  # not in what is read first
    assert digest_of("large.tif#2") != before


def test_a_member_has_its_own(in_empty_folder: Path) -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("a.png", b"one")
        archive.writestr("b.png", b"two")
    Path("a.png").write_bytes(b"one")
    assert digest_of("a.zip/a.png") == digest_of("a.png") != digest_of("a.zip/b.png")
    with tarfile.open("a.tar", "w") as archive:
        archive.add("a.png")
    assert digest_of("a.tar/a.png") == ""


def test_what_cannot_be_read_has_none(in_empty_folder: Path) -> None:
    Path("empty.png").touch()
    os.mkfifo("fifo.png")
    for name in ("none.png", "empty.png", "fifo.png", ".", "a\0b.png", "http://127.0.0.1:1/a.png"):
        assert digest_of(name) == ""
