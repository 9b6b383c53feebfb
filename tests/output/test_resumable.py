"""A resumable output: however a run is killed and resumed, the file is that of an undisturbed run."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchdigits.errors import BatchdigitsError
from batchdigits.output import resumable
from batchdigits.output.journal import failed_stamp, stamp_of
from batchdigits.output.reader_protocol import RowForm, RowHead
from batchdigits.output.resumable import ResumableOutput

IDENTITY = {"the model": "abc", "--ink": "auto"}
HEADER = b"head\n"


class KilledError(Exception):
    pass


class Lines:
    """Reads the rows of these tests: the path, and what the file holds."""

    can_add: ClassVar[bool] = True

    def pieces(self, path: Path) -> Iterator[bytes]:
        yield from path.read_bytes().splitlines(keepends=True)

    delimiter = ""

    def for_file(self, path: Path) -> Lines:
        return self

    def rows_in(self, rows: bytes) -> Iterator[bytes]:
        yield from rows.splitlines(keepends=True)

    def in_form(self, rows: bytes, form: RowForm) -> bytes:
        return rows.replace(b"\n", form.line_end)

    def as_written(self, rows: bytes) -> bytes:
        return rows

    def head(self, row: bytes) -> RowHead:
        path, _, content = row.decode().strip().partition(",")
        return RowHead(path, content == "gone")


def write(
    path: Path, files: Sequence[str], *, resume: bool | None = None, stop_after: int = 1 << 30, prune: bool = False
) -> list[str]:
    """Write one row for each file, as the engine does; the files that this run did.

    Raises:
        KilledError: the run was killed after `stop_after` files.
    """
    done: list[str] = []
    with ResumableOutput(path, IDENTITY, HEADER, resume, Lines(), prune) as output:
        for file in output.unfinished(files):
            if len(done) == stop_after:
                raise KilledError
            output.write([row(file)], [stamp_of(file)])
            done.append(file)
        output.finish()
    return done


def row(file: str) -> bytes:
    content = Path(file).read_text() if Path(file).exists() else "gone"
    return f"{file},{content}\n".encode()


def complete(files: Iterable[str]) -> bytes:
    """The output of an undisturbed run."""
    return HEADER + b"".join(map(row, files))


def beside(path: Path) -> set[str]:
    """The names of the hidden files beside the output."""
    return {entry.name for entry in path.parent.iterdir() if entry.is_file() and entry.name.startswith(".")}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "in").mkdir()
    names = [tmp_path / "in" / str(number) for number in range(10)]
    for name in names:
        name.write_text("x")
    return list(map(str, names))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.csv"


@pytest.fixture
def begun(path: Path, files: list[str]) -> Path:
    """The output of a run that was killed after six files."""
    with pytest.raises(KilledError):
        write(path, files, stop_after=6)
    return path


def test_an_undisturbed_run(path: Path, files: list[str]) -> None:
    assert write(path, files) == files
    assert path.read_bytes() == complete(files)
    assert beside(path) == {".out.csv.done"}


def test_the_output_gets_its_name_only_when_complete(begun: Path) -> None:
    assert not begun.exists()
    assert beside(begun) == {".out.csv.part", ".out.csv.journal"}


def test_an_old_output_stays_until_the_new_one_is_complete(path: Path, files: list[str]) -> None:
    path.write_text("old")
    with pytest.raises(KilledError):
        write(path, files, resume=False, stop_after=6)
    assert path.read_text() == "old"
    write(path, files, resume=True)
    assert path.read_bytes() == complete(files)


def test_a_resumed_run_does_the_rest(begun: Path, files: list[str]) -> None:
    assert write(begun, files, resume=True) == files[6:]
    assert begun.read_bytes() == complete(files)
    assert beside(begun) == {".out.csv.done"}


def test_resuming_without_an_unfinished_run_starts_one(path: Path, files: list[str]) -> None:
    assert write(path, files, resume=True) == files
    assert path.read_bytes() == complete(files)


def test_unfinished_rows_are_not_dropped_without_an_option(begun: Path, files: list[str]) -> None:
    with pytest.raises(BatchdigitsError, match=r"6 files of it are done: add --resume to continue, or --overwrite"):
        write(begun, files)
    assert write(begun, files, resume=False) == files
    assert begun.read_bytes() == complete(files)


def test_a_run_without_rows_leaves_no_file(path: Path, files: list[str]) -> None:
    with pytest.raises(KilledError):
        write(path, files, stop_after=0)
    assert beside(path) == set()


def test_what_is_left_of_a_killed_run_that_cannot_be_resumed_is_in_no_way(path: Path, files: list[str]) -> None:
    killed = ResumableOutput(path, IDENTITY, HEADER, None, Lines(), keep=False)
    killed.write([row(files[0])], [stamp_of(files[0])])
    for name in beside(path):
        shutil.copy(path.with_name(name), path.with_name(f"{name}.left"))
    killed.__exit__(None, None, None)
    for name in beside(path):
        path.with_name(name).rename(path.with_name(name.removesuffix(".left")))
    assert write(path, files) == files
    assert beside(path) == {".out.csv.done"}


def test_rows_that_are_removed_during_a_run_are_not_kept(path: Path, files: list[str]) -> None:
    with ResumableOutput(path, IDENTITY, HEADER, None, Lines()) as output:
        output.write([row(files[0])], [stamp_of(files[0])])
        assert output.kept == 1
        path.with_name(".out.csv.part").unlink()
        assert output.kept == 0


@pytest.mark.parametrize("tail", [b"torn", b"a complete line without a record in the journal\n"])
def test_lines_without_a_record_are_dropped(begun: Path, files: list[str], tail: bytes) -> None:
    with (begun.parent / ".out.csv.part").open("ab") as part:
        part.write(tail)
    write(begun, files, resume=True)
    assert begun.read_bytes() == complete(files)


def test_a_file_that_changed_is_done_again(begun: Path, files: list[str]) -> None:
    Path(files[2]).write_text("changed")
    assert write(begun, files, resume=True) == [files[2], *files[6:]]
    assert begun.read_bytes() == complete(files)
    assert beside(begun) == {".out.csv.done"}


def test_files_added_and_removed_since_the_last_run(begun: Path, files: list[str]) -> None:
    now = [files[0], str(begun), *files[3:5], files[9]]
    assert write(begun, now, resume=True) == [str(begun), files[9]]
    assert begun.read_bytes() == HEADER + b"".join([row(files[0]), f"{begun},gone\n".encode(), *map(row, now[2:])])


def test_the_same_file_twice(path: Path, files: list[str]) -> None:
    files += files
    with pytest.raises(KilledError):
        write(path, files, stop_after=12)
    write(path, files, resume=True)
    assert path.read_bytes() == complete(files)


def test_a_file_with_an_error_does_not_count_as_done(path: Path, files: list[str]) -> None:
    with suppress(KilledError), ResumableOutput(path, IDENTITY, HEADER, None, Lines()) as output:
        for file, stamp in zip(files[:3], map(stamp_of, files), strict=False):
            output.write([row(file)], [failed_stamp(stamp) if file == files[1] else stamp])
        assert output.done == 2
        raise KilledError
    with ResumableOutput(path, IDENTITY, HEADER, True, Lines()) as output:
        assert output.resumed == 2


def test_a_file_without_a_stamp_is_done_again(path: Path, files: list[str]) -> None:
    with pytest.raises(KilledError), ResumableOutput(path, IDENTITY, HEADER, None, Lines()) as output:
        for _ in zip(output.unfinished(files), range(5), strict=False):
            pass
        output.write(
            [b"error\n", row(files[1]), b"error\n", row(files[3])], [0, stamp_of(files[1]), 0, stamp_of(files[3])]
        )
        raise KilledError
    assert write(path, files, resume=True) == [files[0], files[2], *files[4:]]
    assert path.read_bytes() == complete(files)


@pytest.mark.parametrize("name", IDENTITY)
def test_a_run_with_another_option_is_refused_by_its_name(begun: Path, name: str) -> None:
    with pytest.raises(BatchdigitsError, match=f"cannot resume .*: {name} was {IDENTITY[name]} .* and is other now"):
        ResumableOutput(begun, {**IDENTITY, name: "other"}, HEADER, True, Lines())
    assert beside(begun) == {".out.csv.part", ".out.csv.journal"}


def test_two_runs_do_not_write_one_file(path: Path) -> None:
    with (
        ResumableOutput(path, IDENTITY, HEADER, None, Lines()),
        pytest.raises(BatchdigitsError, match="another run is writing it"),
    ):
        ResumableOutput(path, IDENTITY, HEADER, None, Lines())


def test_a_file_that_is_no_journal_is_left_alone(path: Path) -> None:
    (path.parent / ".out.csv.journal").write_text("my diary\n")
    with pytest.raises(BatchdigitsError, match="is not a journal of batchdigits; move it away"):
        ResumableOutput(path, IDENTITY, HEADER, None, Lines())
    assert (path.parent / ".out.csv.journal").read_text() == "my diary\n"


@pytest.mark.parametrize("name", ["part", "whole"])
def test_a_hidden_file_without_a_journal_is_left_alone(path: Path, files: list[str], name: str) -> None:
    mine = path.with_name(f".out.csv.{name}")
    mine.write_text("mine")
    with pytest.raises(BatchdigitsError, match=rf"\.out\.csv\.{name} is not of a run of batchdigits; move it away"):
        write(path, files, resume=False)
    assert mine.read_text() == "mine"
    assert beside(path) == {mine.name}


@pytest.mark.parametrize("name", ["part", "whole", "done"])
def test_a_link_in_place_of_a_hidden_file_is_not_followed(begun: Path, files: list[str], name: str) -> None:
    mine = begun.with_name("mine")
    mine.write_text("mine")
    link = begun.with_name(f".out.csv.{name}")
    link.unlink(missing_ok=True)
    link.symlink_to(mine)
    with pytest.raises(BatchdigitsError, match="is not of a run of batchdigits"):
        write(begun, files, resume=True)
    assert mine.read_text() == "mine"


def test_an_assembled_file_of_a_killed_run_is_dropped(begun: Path, files: list[str]) -> None:
    begun.with_name(".out.csv.whole").write_text("torn")
    write(begun, files, resume=False)
    assert beside(begun) == {".out.csv.done"}


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    with pytest.raises(BatchdigitsError, match="is a directory"):
        ResumableOutput(tmp_path, IDENTITY, HEADER, None, Lines())


def test_a_journal_without_its_rows_does_not_count(begun: Path, files: list[str]) -> None:
    (begun.parent / ".out.csv.part").unlink()
    assert write(begun, files) == files
    assert begun.read_bytes() == complete(files)


def test_lines_can_be_converted(begun: Path, files: list[str]) -> None:
    def upper(lines: Iterator[bytes], path: Path) -> None:
        path.write_bytes(b"".join(lines).upper())

    Path(files[2]).write_text("changed")
    with ResumableOutput(begun, IDENTITY, HEADER, True, Lines()) as output:
        for file in output.unfinished(files):
            output.write([row(file)], [stamp_of(file)])
        output.finish(upper)
    assert begun.read_bytes() == complete(files).upper()
    assert beside(begun) == {".out.csv.done"}


def test_a_full_disk_is_one_line_of_error_and_keeps_the_rows(
    begun: Path, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(BatchdigitsError, match=r"cannot write .*csv: No space left"):
        patch.setattr(resumable, "write_all", full)
        write(begun, files, resume=True)
    assert write(begun, files, resume=True) == files[6:]
    assert begun.read_bytes() == complete(files)


Step = tuple[int, list[tuple[int, str]], int]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 12),  # rows that a run writes before it is killed
            st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["y", "zz", ""])), max_size=3),  # files that change
            st.integers(0, 60),  # bytes that are torn off the journal
        ),
        max_size=4,
    )
)
def test_the_file_after_any_kills_and_changes_is_that_of_an_undisturbed_run(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    files = [str(folder / str(number)) for number in range(10)]
    for file in files:
        Path(file).write_text("x")
    path = folder / "out" / "out.csv"
    path.parent.mkdir()
    for rows, changes, torn in steps:
        with suppress(KilledError):
            write(path, files, resume=True, stop_after=rows)
        for number, content in changes:
            Path(files[number]).write_text(content)
        journal = path.parent / ".out.csv.journal"
        if journal.exists():
            os.truncate(journal, max(0, journal.stat().st_size - torn))
    write(path, files, resume=True)
    assert path.read_bytes() == complete(files)
    assert beside(path) == {".out.csv.done"}
