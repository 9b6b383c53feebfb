"""A finished output that a later run adds to: what is in it stays, hand-edited rows too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from unittest.mock import Mock

import numpy as np
import pytest

from batchdigits.errors import BatchdigitsError
from batchdigits.files.plain_path import folders_of
from batchdigits.output import resumable, unread
from batchdigits.output.done_file import COUNTED, COUNTS, done_path, read_done, records, source_id, write_done
from batchdigits.output.finished import FinishedOutput
from batchdigits.output.journal import failed_stamp, stamp_of
from batchdigits.output.resumable import ResumableOutput
from tests.output.test_resumable import HEADER, IDENTITY, KilledError, Lines, beside, complete, row, write


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "in").mkdir()
    names = [str(tmp_path / "in" / str(number)) for number in range(6)]
    for name in names:
        Path(name).write_text("x")
    return names


@pytest.fixture
def finished(tmp_path: Path, files: list[str]) -> Path:
    """The finished output of all files, with the second row edited by hand."""
    path = tmp_path / "out.csv"
    write(path, files)
    edit(path, row(files[1]), edited(files[1]))
    return path


def edit(path: Path, before: bytes, after: bytes) -> None:
    content = path.read_bytes()
    assert before in content
    path.write_bytes(content.replace(before, after))


def edited(file: str) -> bytes:
    return f"{file},by hand\n".encode()


def test_a_finished_output_is_not_replaced_unasked(finished: Path, files: list[str]) -> None:
    before = finished.read_bytes()
    with pytest.raises(BatchdigitsError, match=r"out\.csv exists: add --resume to add .*, or --overwrite"):
        write(finished, files)
    assert finished.read_bytes() == before
    assert beside(finished) == {".out.csv.done"}
    assert write(finished, files, resume=False) == files
    assert finished.read_bytes() == complete(files)


def test_an_edited_row_stays_although_its_file_has_changed(finished: Path, files: list[str]) -> None:
    before = finished.read_bytes()
    for file in files:
        os.utime(file, ns=(1, 1))
    for _ in range(2):  # the second time, the first one has noted the change
        done = write(finished, files, resume=True)
        assert finished.read_bytes() == before
    assert done == []
    for file in files:
        os.utime(file, ns=(2, 2))
    assert write(finished, files, resume=True) == [file for file in files if file != files[1]]
    edit(finished, edited(files[1]), b"")  # to have it made anew
    assert write(finished, files, resume=True) == [files[1]]
    assert sorted(finished.read_bytes().splitlines()) == sorted(complete(files).splitlines())


def test_many_rows_of_a_file_take_as_long_as_those_of_many_files(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, [])
    seconds = []
    for source in ("{}.png", "scans.pdf"):
        path.write_bytes(HEADER + b"".join(f"{source.format(number)},7\n".encode() for number in range(80_000)))
        start = process_time()
        FinishedOutput(path, Lines(), IDENTITY)
        seconds.append(process_time() - start)
    assert seconds[1] < 3 * seconds[0]


def test_rows_with_the_checksum_of_their_own_bytes_are_not_edited(
    finished: Path, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As older versions wrote it of rows that they added to a table in a spreadsheet's form."""
    monkeypatch.setattr(Lines, "as_written", lambda self, rows: rows.upper())
    os.utime(files[0], ns=(1, 1))
    assert write(finished, files, resume=True) == [files[0]]
    os.utime(files[0], ns=(2, 2))
    assert write(finished, files, resume=True) == [files[0]]  # now with that of the row as it was written


def test_a_row_that_a_person_added_stays(finished: Path, files: list[str], tmp_path: Path) -> None:
    added = tmp_path / "in" / "new"
    added.touch()
    finished.write_bytes(finished.read_bytes() + edited(str(added)))
    assert write(finished, [*files, str(added)], resume=True) == []
    assert finished.read_bytes().endswith(edited(str(added)))


def test_an_empty_file_is_no_output(tmp_path: Path, files: list[str]) -> None:
    (tmp_path / "out.csv").touch()
    assert write(tmp_path / "out.csv", files) == files


def test_without_anything_new_the_file_is_not_touched(finished: Path, files: list[str]) -> None:
    before = finished.read_bytes(), finished.stat().st_mtime_ns, finished.stat().st_ino
    assert write(finished, files, resume=True) == []
    assert (finished.read_bytes(), finished.stat().st_mtime_ns, finished.stat().st_ino) == before
    assert beside(finished) == {".out.csv.done"}


def test_new_files_are_added_in_their_order_and_edited_rows_stay(finished: Path, files: list[str]) -> None:
    new = files[3] + "a"
    Path(new).write_text("new")
    now = [*files[:4], new, *files[4:]]
    assert write(finished, now, resume=True) == [new]
    expected = complete(now).replace(row(files[1]), edited(files[1]))
    assert finished.read_bytes() == expected
    assert write(finished, now, resume=True) == []  # and again
    assert finished.read_bytes() == expected


@pytest.mark.parametrize("mode", [0o600, 0o440])
@pytest.mark.parametrize("is_woven", [False, True])
def test_a_table_that_is_added_to_keeps_its_mode_and_group(
    finished: Path, files: list[str], mode: int, is_woven: bool
) -> None:
    finished.chmod(mode)
    if is_root := os.geteuid() == 0:
        os.chown(finished, 12, 34)
    new = files[0] + "a"
    Path(new).write_text("new")
    named = [new, *files] if is_woven else [*files, new]
    with pytest.raises(KilledError):
        write(finished, [*named, files[0] + "b"], resume=True, stop_after=1)
    assert finished.with_name(".out.csv.part").stat().st_mode & 0o777 == mode | 0o600
    assert write(finished, named, resume=True) == []
    assert finished.read_bytes().count(b"new") == 1
    status = finished.stat()
    assert status.st_mode & 0o777 == mode
    assert not is_root or (status.st_uid, status.st_gid) == (12, 34)


def test_files_that_changed_are_done_again(finished: Path, files: list[str]) -> None:
    Path(files[4]).write_text("changed")
    assert write(finished, files, resume=True) == [files[4]]
    assert finished.read_bytes() == complete(files).replace(row(files[1]), edited(files[1]))


@pytest.mark.parametrize("prune", [False, True])
def test_rows_of_files_that_are_no_longer_named_stay_unless_pruned(
    finished: Path, files: list[str], prune: bool
) -> None:
    Path(files[4]).write_text("changed")
    assert write(finished, files[3:], resume=True, prune=prune) == [files[4]]
    first = [] if prune else files[:3]
    assert finished.read_bytes() == complete([*first, *files[3:]]).replace(row(files[1]), edited(files[1]))


@pytest.mark.parametrize("folder", ["in", "in/", ".//in"])
def test_rows_below_a_folder_or_archive_that_cannot_be_read_are_not_pruned(
    tmp_path: Path, files: list[str], monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path, below = Path("out.csv"), ["in/0", "in/deep/1"]
    Path("in/deep").mkdir()
    for name in ("in/deep/1", "inner"):
        Path(name).write_text("x")
    write(path, [*below, "inner"])
    rows = [row(name) for name in below]
    Path("in").rename("away")
    for _ in range(2):
        write(path, [folder], resume=True, prune=True)
        assert path.read_bytes() == b"".join([HEADER, row(folder), *rows])


def test_the_folders_of_rows_are_looked_up_once_for_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = Mock(side_effect=folders_of)
    monkeypatch.setattr(unread, "folders_of", look_up)
    is_held = unread.Unread(np.array([source_id("in")], np.uint64)).holds
    assert [is_held(path) for path in ("0", "1", "in/0", "in/1", "2", "3")] == [False, False, True, True, False, False]
    assert look_up.call_count == 3


def test_the_error_of_a_folder_or_archive_that_can_be_read_again_is_dropped(tmp_path: Path, files: list[str]) -> None:
    path, folder = tmp_path / "out.csv", f"{tmp_path}/in"
    errors = [f"{tmp_path}/", folder, f"{folder}/none"]
    with ResumableOutput(path, IDENTITY, HEADER, None, Lines()) as output:
        for file in output.unfinished(errors):
            output.write([f"{file},gone\n".encode()], [failed_stamp(stamp_of(file))])
        output.finish()
    edit(path, f"{folder},gone\n".encode(), edited(folder))  # a person has answered
    spelled = [file.replace("/in/", "/.//in/") for file in files]
    write(path, spelled, resume=True)
    assert path.read_bytes() == b"".join([HEADER, *map(row, spelled), edited(folder), row(errors[2])])


def test_a_file_under_another_spelling_is_not_added_again(
    finished: Path, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = finished.read_bytes()
    spelled = [file.replace("/in/", "/./in//") for file in files]
    assert write(finished, spelled, resume=True) == []
    assert finished.read_bytes() == before
    Path(files[4]).write_text("changed")
    assert write(finished, spelled, resume=True) == [spelled[4]]
    assert finished.read_bytes() == before.replace(f"{files[4]},x\n".encode(), row(spelled[4]))
    monkeypatch.chdir(tmp_path)
    relative = [f"in/{number}" for number in range(6)]
    with pytest.raises(KilledError):
        write(Path("other.csv"), relative, stop_after=3)
    assert write(Path("other.csv"), [f"./{file}" for file in relative], resume=True) == [f"./in/{n}" for n in (3, 4, 5)]


def test_rows_that_are_not_named_stay_behind_the_row_they_followed(finished: Path, files: list[str]) -> None:
    Path(files[5]).write_text("changed")
    write(finished, [files[5], files[2]], resume=True)
    unnamed = [row(files[0]), edited(files[1]), row(files[3]), row(files[4])]
    assert finished.read_bytes() == b"".join([HEADER, *unnamed, row(files[5]), row(files[2])])


def test_an_error_is_tried_again_unless_a_person_has_answered_it(tmp_path: Path, files: list[str]) -> None:
    path = tmp_path / "out.csv"
    missing = [str(tmp_path / "in" / name) for name in ("a", "b")]
    with ResumableOutput(path, IDENTITY, HEADER, None, Lines()) as output:
        for file in output.unfinished(missing):
            output.write([row(file)], [failed_stamp(stamp_of(file))])
        output.finish()
    edit(path, row(missing[0]), edited(missing[0]))
    assert write(path, missing, resume=True) == [missing[1]]
    assert path.read_bytes() == HEADER + edited(missing[0]) + row(missing[1])


def test_a_killed_run_that_added_is_resumed(finished: Path, files: list[str]) -> None:
    new = [files[0] + letter for letter in "abc"]
    for name in new:
        Path(name).write_text("new")
    before = finished.read_bytes()
    for stop_after in (0, 1):
        with pytest.raises(KilledError):
            write(finished, [files[0], *new, *files[2:]], resume=True, stop_after=stop_after)
        assert finished.read_bytes() == before
    with pytest.raises(BatchdigitsError, match="is unfinished, and 1 files of it are done"):
        write(finished, files)
    assert write(finished, [files[0], *new, *files[2:]], resume=True) == new[1:]
    now = [files[0], *new, *files[1:]]
    assert sorted(finished.read_bytes().splitlines()) == sorted(
        complete(now).replace(row(files[1]), edited(files[1])).splitlines()
    )


@pytest.mark.parametrize("resume", [True, False])
def test_what_a_person_writes_during_the_run_is_not_replaced(finished: Path, files: list[str], resume: bool) -> None:
    Path(files[0]).write_text("changed")
    with (
        pytest.raises(BatchdigitsError, match="has been written since this run began, and is left as it is"),
        ResumableOutput(finished, IDENTITY, HEADER, resume, Lines()) as output,
    ):
        for file in output.unfinished(files):
            output.write([row(file)], [1])
        finished.write_bytes(b"mine\n")
        os.utime(finished, ns=(1, 1))
        output.finish()
    assert finished.read_bytes() == b"mine\n"
    assert ".out.csv.part" in beside(finished)
    if not resume:
        with pytest.raises(BatchdigitsError, match="has been written since this run began"):
            write(finished, files, resume=True)
        finished.rename(finished.with_name("moved.csv"))
        write(finished, files, resume=True)
        assert finished.read_bytes() == complete(files)


def test_what_a_person_saves_in_the_last_moment_is_not_replaced(finished: Path, files: list[str]) -> None:
    def convert(lines: Iterator[bytes], path: Path) -> None:
        path.write_bytes(b"".join(lines))
        finished.write_bytes(b"mine\n")

    Path(files[0]).write_text("changed")
    with (
        pytest.raises(BatchdigitsError, match="has been written since this run began"),
        ResumableOutput(finished, IDENTITY, HEADER, True, Lines()) as output,
    ):
        for file in output.unfinished(files):
            output.write([row(file)], [stamp_of(file)])
        output.finish(convert)
    assert finished.read_bytes() == b"mine\n"


def test_a_table_edited_between_two_runs_that_add_keeps_the_edits(finished: Path, files: list[str]) -> None:
    for file in files[2:4]:
        Path(file).write_text("changed")
    with pytest.raises(KilledError):
        write(finished, files, resume=True, stop_after=1)
    edit(finished, row(files[4]), edited(files[4]))
    assert write(finished, files, resume=True) == files[2:4]
    expected = complete(files)
    for file in (files[1], files[4]):
        expected = expected.replace(row(file), edited(file))
    assert finished.read_bytes() == expected


def test_a_run_that_is_killed_in_its_last_steps_is_resumed(
    finished: Path, files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def killed(*_: object) -> None:
        raise KilledError

    def killed_behind(path: Path, target: Path) -> None:
        replace(path, target)
        if target == finished:
            raise KilledError

    for place, name, by in ((resumable, "write_done", killed), (Path, "replace", killed_behind)):
        Path(files[0]).write_text(f"changed, {name}")
        with monkeypatch.context() as patch, pytest.raises(KilledError):
            patch.setattr(place, name, by)
            write(finished, files, resume=True)
        write(finished, files, resume=True)
        assert finished.read_bytes() == complete(files).replace(row(files[1]), edited(files[1]))
        assert write(finished, files, resume=True) == []
        assert beside(finished) == {".out.csv.done"}


def test_a_file_that_is_as_it_was_before_the_last_change_is_done_again(finished: Path, files: list[str]) -> None:
    before = Path(files[0]).stat()
    Path(files[0]).write_text("changed")
    assert write(finished, files, resume=True) == files[:1]
    Path(files[0]).write_text("x")
    os.utime(files[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert write(finished, files, resume=True) == files[:1]
    assert finished.read_bytes() == complete(files).replace(row(files[1]), edited(files[1]))


@pytest.mark.parametrize("prune", [False, True])
def test_a_second_row_of_a_file_stays_with_the_first(finished: Path, files: list[str], prune: bool) -> None:
    with finished.open("ab") as table:
        table.write(edited(files[2]) + b"\n" + b",a note\n")
    new = files[5] + "a"
    Path(new).write_text("new")
    assert write(finished, [*files, new], resume=True, prune=prune) == [new]
    rows = [row(files[0]), edited(files[1]), row(files[2]), edited(files[2]), *map(row, files[3:]), row(new)]
    assert finished.read_bytes() == b"".join([HEADER, *rows, b"\n", b",a note\n"])


def test_a_file_that_is_named_twice_has_its_rows_twice(tmp_path: Path, files: list[str]) -> None:
    path = tmp_path / "out.csv"
    twice = [files[0], files[1], files[0]]
    write(path, twice)
    assert write(path, [*twice, files[2]], resume=True) == [files[2]]
    assert sorted(path.read_bytes().splitlines()) == sorted(complete([*twice, files[2]]).splitlines())
    assert write(path, [*twice, files[2]], resume=True) == []
    Path(files[0]).write_text("changed")  # its rows are not taken for edited ones
    assert write(path, [*twice, files[2]], resume=True) == [files[0], files[0]]
    assert write(path, [*twice, files[2]], resume=True) == []


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_the_pages_of_a_file_are_found_in_any_order(tmp_path: Path, files: list[str], order: tuple[int, ...]) -> None:
    path = tmp_path / "out.csv"
    with ResumableOutput(path, IDENTITY, HEADER, None, Lines()) as output:
        for file in output.unfinished(files[:3]):
            pages = b"".join(f"{file}#{page},x\n".encode() for page in order) if file == files[1] else row(file)
            output.write([pages], [stamp_of(file)])
        output.finish()
    before = path.read_bytes()
    assert write(path, files[:3], resume=True) == []
    assert write(path, files[:4], resume=True) == [files[3]]
    assert path.read_bytes() == before + row(files[3])


def test_files_with_names_like_pages(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("x#1", "x#2", "x")]
    for name in names:
        Path(name).write_text("x")
    path = tmp_path / "out" / "rows.csv"
    path.parent.mkdir()
    write(path, names[:2])
    for _ in range(2):
        write(path, names, resume=True)
        assert path.read_bytes() == complete(names)


@pytest.mark.parametrize("content", [None, b"", b"no json\n", b"[]\n", b'{"the model": "abc"}\n1234567'])
def test_an_output_of_unknown_origin_is_left_alone(finished: Path, files: list[str], content: bytes | None) -> None:
    before = finished.read_bytes()
    done_path(finished).unlink()
    if content is not None:
        done_path(finished).write_bytes(content)
    with pytest.raises(
        BatchdigitsError, match=r"cannot add to .*: \.out\.csv\.done beside it is missing or damaged; move or rename it"
    ):
        write(finished, files, resume=True)
    assert finished.read_bytes() == before
    assert beside(finished) <= {".out.csv.done"}


def test_another_model_cannot_add(finished: Path, files: list[str]) -> None:
    edit(done_path(finished), b'"abc"', b'"xyz"')
    with pytest.raises(BatchdigitsError, match="the model was xyz when it was begun, and is abc now"):
        write(finished, files, resume=True)


def test_an_older_version_that_did_not_know_an_option_is_named(finished: Path, files: list[str]) -> None:
    edit(done_path(finished), b'"the model"', b'"the modem"')
    with pytest.raises(BatchdigitsError, match="the model was not known when it was begun, and is abc now"):
        write(finished, files, resume=True)


def test_24_bytes_a_source(finished: Path, files: list[str]) -> None:
    _, _, content = done_path(finished).read_bytes().partition(b"\n")
    assert len(content) == 24 * len(files)


@dataclass
class Stack:
    """The table of a file of several pages, between two others."""

    path: Path
    files: list[str]
    pages: int = 3

    def row(self, page: int) -> bytes:
        mark = f"#{page}" if self.pages > 1 else ""
        return f"{self.files[1]}{mark},x\n".encode()

    def rows(self) -> list[bytes]:
        return [row(self.files[0]), *map(self.row, range(1, self.pages + 1)), row(self.files[2])]

    def run(self) -> FinishedOutput:
        """Add to the table."""
        with ResumableOutput(self.path, IDENTITY, HEADER, True, Lines()) as output:
            for file in output.unfinished(self.files):
                output.write([b"".join(self.rows()[1:-1]) if file == self.files[1] else row(file)], [stamp_of(file)])
            output.finish()
        assert output.old
        return output.old


@pytest.fixture
def stack(tmp_path: Path, files: list[str]) -> Stack:
    stack = Stack(tmp_path / "out.csv", files[:3])
    stack.path.write_bytes(HEADER)
    write_done(stack.path, IDENTITY, np.empty(0, COUNTED))
    stack.run()
    assert stack.path.read_bytes() == HEADER + b"".join(stack.rows())
    return stack


@pytest.mark.parametrize("gone", [(1,), (2,), (3,), (1, 3)])
@pytest.mark.parametrize("has_changed", [False, True])
def test_lost_rows_of_a_file_are_made_again_and_edited_ones_stay(
    stack: Stack, gone: tuple[int, ...], has_changed: bool
) -> None:
    for page in gone:
        edit(stack.path, stack.row(page), b"")
    by_hand = stack.row(2 if 2 not in gone else 3)
    edit(stack.path, by_hand, by_hand.replace(b"x", b"by hand"))
    if has_changed:
        os.utime(stack.files[1], ns=(1, 1))
    expected = HEADER + b"".join(stack.rows()).replace(by_hand, by_hand.replace(b"x", b"by hand"))
    old = stack.run()
    assert stack.path.read_bytes() == expected
    assert (old.kept, old.short, old.edited, old.names["short"]) == (3, 1, has_changed, [stack.files[1]])
    old = stack.run()
    assert (stack.path.read_bytes(), old.kept, old.short, old.edited) == (expected, 3, 0, 0)


def test_lost_rows_of_a_file_with_fewer_pages_by_now_are_looked_for_once(stack: Stack) -> None:
    edit(stack.path, stack.row(3), b"")
    stack.pages = 2
    assert [stack.run().short for _ in range(2)] == [1, 0]
    assert stack.path.read_bytes() == HEADER + b"".join(stack.rows())


def test_a_new_page_of_a_file_with_edited_rows_is_added(stack: Stack) -> None:
    edit(stack.path, stack.row(2), stack.row(2).replace(b"x", b"by hand"))
    Path(stack.files[1]).write_text("changed")
    stack.pages = 4
    old = stack.run()
    assert stack.path.read_bytes() == HEADER + b"".join(stack.rows()).replace(b"#2,x", b"#2,by hand")
    assert (old.kept, old.edited, old.names["edited"]) == (3, 1, [stack.files[1]])


def test_the_edited_row_of_an_only_page_is_that_of_the_first_one(tmp_path: Path, files: list[str]) -> None:
    files[1] += ".tif"
    stack = Stack(tmp_path / "out.csv", files[:3], pages=1)
    write(stack.path, files[:1])
    stack.run()
    by_hand = edited(files[1])
    edit(stack.path, stack.row(1), by_hand)
    for stack.pages, rows in ((1, 1), (3, 3), (4, 4), (1, 4)):  # a row stays though its page is gone
        Path(files[1]).write_text("x" * stack.pages)
        stack.run()
        pages = [f"{files[1]}#{page},x\n".encode() for page in range(2, rows + 1)]
        assert stack.path.read_bytes() == b"".join([HEADER, row(files[0]), by_hand, *pages, row(files[2])])


def test_a_page_that_could_not_be_read_costs_no_edit_of_another(stack: Stack) -> None:
    edit(stack.path, stack.row(1), stack.row(1).replace(b"x", b"by hand"))
    edit(stack.path, stack.row(3), stack.row(3).replace(b"x", b"gone"))
    assert stack.run().changed == 1
    assert stack.path.read_bytes() == HEADER + b"".join(stack.rows()).replace(b"#1,x", b"#1,by hand")


def test_a_killed_run_that_made_lost_rows_again_keeps_the_edited_ones(stack: Stack) -> None:
    edit(stack.path, stack.row(1), b"")
    edit(stack.path, stack.row(2), stack.row(2).replace(b"x", b"by hand"))
    with pytest.raises(KilledError), ResumableOutput(stack.path, IDENTITY, HEADER, True, Lines()) as output:
        for file in output.unfinished(stack.files):
            output.write([b"".join(stack.rows()[1:-1])], [stamp_of(file)])
        raise KilledError
    stack.run()
    assert stack.path.read_bytes() == HEADER + b"".join(stack.rows()).replace(b"#2,x", b"#2,by hand")


@pytest.mark.parametrize("new", [[], ["new"]])
def test_a_table_of_an_older_version_gets_the_numbers_of_its_rows(
    finished: Path, files: list[str], tmp_path: Path, new: list[str]
) -> None:
    identity, done = read_done(finished)
    older = {name: value for name, value in identity.items() if name != COUNTS}
    content = records(*(done[name].tolist() for name in ("source", "stamp", "checksum"))).tobytes()
    done_path(finished).write_bytes(json.dumps(older).encode() + b"\n" + content)
    added = [str(tmp_path / "in" / name) for name in new]
    for name in added:
        Path(name).write_text("new")
    assert write(finished, [*files, *added], resume=True) == added
    assert finished.read_bytes() == complete([*files, *added]).replace(row(files[1]), edited(files[1]))
    assert read_done(finished)[1]["lines"].tolist() == [1] * (6 + len(added))
    assert beside(finished) == {".out.csv.done"}


def test_a_row_without_a_path_is_never_pruned(finished: Path, files: list[str]) -> None:
    with finished.open("ab") as table:
        table.write(b",a note\n")
    write(finished, files[:1], resume=True, prune=True)
    assert finished.read_bytes() == HEADER + row(files[0]) + b",a note\n"
