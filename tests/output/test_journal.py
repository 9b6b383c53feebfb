"""The journal: records that can be read back, and damage that costs no more than the records it hits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import FileIO
from pathlib import Path

import pytest

from batchdigits.output import journal as module
from batchdigits.output.file_lock import lock
from batchdigits.output.journal import NO_STAMP, START, VERSION, Journal, stamp, stamp_of
from tests.conftest import ROOT

IDENTITY = {"--ink": "auto"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "j"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    journal.begin(IDENTITY)
    journal.add([5, 3, NO_STAMP, 9], [(10, 20), (20, 30), (30, 40), (40, 50)])
    yield journal
    journal.close()


@contextmanager
def reopened(path: Path, size: int = 50) -> Iterator[tuple[Journal, int]]:
    """The journal at `path`, and the end of the rows that an output of `size` bytes holds."""
    with closing(Journal(path)) as journal:
        yield journal, journal.keep(size)


def test_recorded_stamps_are_found(journal: Journal, path: Path) -> None:
    journal.close()
    with reopened(path) as (read, end):
        assert read.identity == IDENTITY
        assert (len(read), end) == (3, 50)
        assert read.find([9, 4, 3, NO_STAMP, 5, 2**64 - 1]) == [(40, 50), None, (20, 30), None, (10, 20), None]


def test_new_records_follow_the_old_ones(journal: Journal, path: Path) -> None:
    journal.close()
    with reopened(path) as (read, _):
        read.add([7], [(50, 60)])
    with reopened(path, 60) as (read, end):
        assert (len(read), end) == (4, 60)
        assert read.find([7, 3]) == [(50, 60), (20, 30)]


@pytest.mark.parametrize("torn", [1, 23])
def test_a_torn_record_does_not_count(journal: Journal, path: Path, torn: int) -> None:
    journal.close()
    os.truncate(path, path.stat().st_size - torn)
    with reopened(path) as (read, end):
        assert (len(read), end) == (2, 30)
        read.add([7], [(30, 35)])
    with reopened(path) as (read, _):
        assert read.find([7, 9]) == [(30, 35), None]


def test_a_record_of_missing_rows_does_not_count(journal: Journal, path: Path) -> None:
    journal.close()
    with reopened(path, 49) as (read, end):
        assert (len(read), end) == (2, 30)
        assert read.find([9]) == [None]


def test_a_record_that_ends_before_it_begins_does_not_count(journal: Journal, path: Path) -> None:
    journal.add([7], [(1 << 63, 45)])
    journal.close()
    with reopened(path) as (read, end):
        assert (len(read), end) == (3, 50)


def test_a_torn_first_line_is_an_empty_journal(path: Path) -> None:
    path.write_bytes(b'{"journal of": "batchdigits", "--ink": "au')
    with reopened(path) as (read, end):
        assert (read.identity, len(read), end) == ({}, 0, 0)


def test_a_journal_without_the_mark_has_the_version(journal: Journal, path: Path) -> None:
    """As older code of this version wrote it."""
    identity = {VERSION: "1", **IDENTITY}
    journal.begin(identity)
    journal.add([5], [(10, 20)])
    journal.close()
    path.write_bytes(path.read_bytes().replace(START + b", ", b"{"))
    with reopened(path) as (read, _):
        assert read.identity == identity
        read.add([7], [(20, 30)])
    with reopened(path) as (read, _):
        assert read.find([5, 7]) == [(10, 20), (20, 30)]


TORN = json.dumps({VERSION: "1"}).encode()


@pytest.mark.parametrize(
    "content", [b"my diary", b"something else\n", b'{"a": 1}\n', b"[1]\n", START + b"[" * 100_000 + b"\n", TORN]
)
def test_another_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError):
        Journal(path)
    assert path.read_bytes() == content


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_link_and_a_pipe_are_no_journal(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"")
    path.symlink_to(other)
    with pytest.raises(ValueError):
        Journal(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ValueError):
        Journal(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows removes no open file")
def test_a_journal_that_was_removed_before_it_was_locked_is_made_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Journal(path)

    def end_of_first(file: FileIO) -> None:
        first.remove()
        first.close()
        monkeypatch.setattr(module, "lock", lock)
        lock(file)

    monkeypatch.setattr(module, "lock", end_of_first)
    with closing(Journal(path)), pytest.raises(BlockingIOError):
        Journal(path)


def test_begin_drops_all_records(journal: Journal, path: Path) -> None:
    journal.begin({"--ink": "dark"})
    assert len(journal) == 0
    journal.close()
    with reopened(path) as (read, end):
        assert (read.identity, len(read), end) == ({"--ink": "dark"}, 0, 0)


def test_a_journal_that_is_open_cannot_be_opened_again(journal: Journal, path: Path) -> None:
    with pytest.raises(BlockingIOError):
        Journal(path)
    journal.close()
    Journal(path).close()


@pytest.mark.skipif(not f"{sys.prefix}{ROOT}".isascii(), reason="Python does not start there in the C locale")
def test_a_letter_that_the_locale_lacks_changes_no_stamp() -> None:
    path = "memory://x/\u20ac.png"
    program = f"from batchdigits.output.journal import stamp; print(stamp({path!a}, None))"
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    line = [sys.executable, "-c", program]
    result = subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, **locale})
    assert result.stdout == f"{stamp(path, None)}\n", result.stderr


def test_a_stamp_changes_with_path_size_and_time(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    stamps = set()
    for file in (first, second):
        file.write_bytes(b"1")
        os.utime(file, ns=(1, 1))
        stamps.add(stamp_of(str(file)))
    first.write_bytes(b"22")
    os.utime(first, ns=(1, 1))
    stamps.add(stamp_of(str(first)))
    os.utime(first, ns=(1, 2))
    stamps.add(stamp_of(str(first)))
    assert stamp_of(str(first)) in stamps
    stamps |= {stamp_of(str(tmp_path / "none")), stamp_of("nul\0"), stamp_of("\udcff")}
    assert len(stamps) == 7
    assert NO_STAMP not in stamps
