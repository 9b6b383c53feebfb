from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.errors import BatchdigitsError
from batchdigits.output.review_answers import Answer
from batchdigits.output.review_log import ReviewLog, is_of_numbers, log_path, read_review


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return log_path(tmp_path / "rows.csv")


Open = Callable[[Path], ReviewLog]


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(closing(ReviewLog(path, "rows.csv")))


def label(path: str, text: str, predicted: str = "1") -> Answer:
    return Answer(path, "label", text, predicted, "ok")


def test_the_log_lies_beside_the_table(tmp_path: Path) -> None:
    assert log_path(tmp_path / "rows.csv.gz") == tmp_path / "rows.csv.gz.review"


def test_answers_are_lines_behind_the_name_of_the_table(path: Path, opened: Open) -> None:
    log = opened(path)
    log.add("anna", "t1", "grid", "first", [label("a.png", "7"), Answer("b.png", "not_digit", "", "3", "review")])
    header, action = map(json.loads, path.read_text().splitlines())
    assert header == {"review_of": "rows.csv"}
    assert action.pop("at").endswith("+00:00")
    assert action == {
        "reviewer": "anna",
        "tab": "t1",
        "mode": "grid",
        "round": "first",
        "answers": [
            {"path": "a.png", "kind": "label", "label": "7", "predicted": "1", "status": "ok"},
            {"path": "b.png", "kind": "not_digit", "predicted": "3", "status": "review"},
        ],
    }


def test_a_log_of_numbers_says_so_and_answers_say_what_image_they_are_about(tmp_path: Path, opened: Open) -> None:
    path, digits = tmp_path / "numbers.csv.review", tmp_path / "rows.csv.review"
    given = Answer("a.png", "label", "1946", "1948", "review", "0123456789abcdef")
    with closing(ReviewLog(path, "numbers.csv", are_numbers=True)) as log:
        log.add("anna", "t1", "single", "first", [given])
    opened(digits)
    assert json.loads(path.read_text().splitlines()[0]) == {"review_of": "numbers.csv", "numbers": True}
    assert [one.answer for one in read_review(path).values()] == [given]
    assert (is_of_numbers(path), is_of_numbers(digits), is_of_numbers(tmp_path / "none")) == (True, False, False)


def test_the_last_answer_counts_until_it_is_undone(path: Path, opened: Open) -> None:
    log = opened(path)
    log.add("anna", "t1", "grid", "first", [label("a.png", "7")])
    log.add("anna", "t2", "grid", "first", [label("a.png", "8")])
    assert read_review(path)["a.png"].answer.label == "8"
    assert log.undo("anna", "t1")  # the first answer, which the other tab's has replaced
    assert read_review(path)["a.png"].answer.label == "8"
    assert log.undo("anna", "t2")
    assert read_review(path) == {}
    assert log.undo("anna", "t2") is None


def test_undo_goes_on_after_the_log_is_opened_again(path: Path, opened: Open) -> None:
    log = opened(path)
    for text in "789":
        log.add("anna", "t1", "grid", "first", [label("a.png", text)])
    log.undo("anna", "t1")
    log.close()
    log = opened(path)
    assert log.last == 5
    log.undo("anna", "t1")
    assert read_review(path)["a.png"].answer.label == "7"


def test_undo_in_a_new_tab_goes_on_with_what_the_same_person_did_before(path: Path, opened: Open) -> None:
    log = opened(path)
    log.add("anna", "t1", "grid", "first", [label("a.png", "7")])
    log.add("ben", "t2", "grid", "first", [label("b.png", "7")])
    log.close()
    log = opened(path)
    log.add("anna", "t3", "grid", "first", [label("c.png", "7")])
    log.add("anna", "t4", "grid", "first", [label("d.png", "7")])
    undone = [log.undo("anna", "t4"), log.undo("anna", "t4"), log.undo("anna", "t4")]
    assert [action and action.answers[0].path for action in undone] == ["d.png", "a.png", None]


def test_an_action_of_a_log_that_is_opened_again_has_the_number_of_its_line(path: Path, opened: Open) -> None:
    opened(path).close()
    log = opened(path)
    assert log.add("anna", "t1", "grid", "first", [label("a.png", "7")]).number == 2


def test_a_line_that_was_being_written_is_cut_off(path: Path, opened: Open) -> None:
    log = opened(path)
    log.add("anna", "t1", "grid", "first", [label("a.png", "7")])
    log.close()
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"at": "2026')
    assert set(read_review(path)) == {"a.png"}
    opened(path).close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("content", ["", "{", '{"review_of": "rows'])
def test_a_header_that_was_being_written_is_written_again(path: Path, opened: Open, content: str) -> None:
    path.write_text(content)
    assert read_review(path) == {}
    opened(path).close()
    assert path.read_text() == '{"review_of": "rows.csv"}\n'


def test_an_answer_that_cannot_be_written_leaves_the_log_as_it_was(
    path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened(path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(BatchdigitsError, match="No space left"):
            log.add("anna", "t1", "grid", "first", [label("a.png", "7")])
    assert path.read_bytes() == before
    log.add("anna", "t1", "grid", "first", [label("b.png", "7")])
    assert set(read_review(path)) == {"b.png"}


def test_a_second_review_of_the_same_table_is_refused(path: Path, opened: Open) -> None:
    log = opened(path)
    with pytest.raises(BatchdigitsError, match="in use"):
        opened(path)
    log.close()
    opened(path).close()


@pytest.mark.parametrize(
    "content", ["path,label\n", "my notes", '{"x": 1}', "[1]\n", '{"x": 1}\n', "[" * 100_000 + "\n"]
)
def test_another_file_is_refused_and_stays(path: Path, opened: Open, content: str) -> None:
    path.write_text(content)
    for read in (opened, read_review):
        with pytest.raises(BatchdigitsError, match="no log"):
            read(path)
    assert path.read_text() == content


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "other"},
        {"round": "third"},
        {"answers": 1},
        {"answers": [{"path": "a", "kind": "other", "predicted": "", "status": ""}]},
        {"answers": [{"path": "a", "kind": "label", "label": "", "predicted": "", "status": ""}]},
        {"answers": [{"path": "a", "kind": "label", "label": "a\nb", "predicted": "", "status": ""}]},
        {"answers": [{"path": "a", "kind": "label", "label": "7" * 65, "predicted": "", "status": ""}]},
        {"answers": [{"path": "a", "kind": "label", "label": "\x1b[2J", "predicted": "", "status": ""}]},
        {"answers": [{"path": "a", "kind": "blank", "label": "7", "predicted": "", "status": ""}]},
        {"answers": [1]},
        {"undo": 9},
    ],
)
def test_a_damaged_line_is_named(path: Path, opened: Open, change: dict[str, object]) -> None:
    opened(path).close()
    action = {"at": "", "reviewer": "a", "tab": "t", "mode": "grid", "round": "first", "answers": [], **change}
    with path.open("a") as file:
        file.write(json.dumps(action) + "\n")
    with pytest.raises(BatchdigitsError, match="damaged in line 2"):
        read_review(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_refused_and_not_waited_for(path: Path, opened: Open) -> None:
    os.mkfifo(path)
    for read in (opened, read_review):
        with pytest.raises(BatchdigitsError, match="is no log of batchdigits review"):
            read(path)


def test_a_log_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BatchdigitsError, match="nothing has been reviewed yet"):
        read_review(tmp_path / "rows.csv.review")


def test_two_persons_who_differ_leave_a_question_until_they_agree(path: Path, opened: Open) -> None:
    log = opened(path)
    log.add("anna", "t", "blind", "first", [label("same.png", "7"), label("differ.png", "7")])
    log.add("ben", "t", "blind", "second", [label("same.png", "7"), label("differ.png", "1")])
    same, differ = read_review(path).values()
    assert (same.answer.label, same.reviewer) == ("7", "anna + ben")
    assert (differ.answer.kind, differ.answer.label, differ.reviewer) == ("unsure", "", "anna + ben")
    log.add("ben", "t", "blind", "agreed", [label("differ.png", "7")])
    settled = read_review(path)["differ.png"]
    assert (settled.answer.label, settled.reviewer) == ("7", "ben")


def test_only_an_image_that_was_keyed_before_its_prediction_was_shown_is_blind(path: Path, opened: Open) -> None:
    log = opened(path)
    log.add("anna", "t", "blind", "first", [label("a.png", "7"), label("b.png", "7")])
    log.add("anna", "t", "grid", "first", [label("a.png", "1"), label("c.png", "1")])
    log.add("anna", "t", "blind", "first", [label("c.png", "1")])
    assert {path: settled.is_blind for path, settled in read_review(path).items()} == {
        "a.png": True,
        "b.png": True,
        "c.png": False,
    }


texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8)
paths = st.binary(min_size=1, max_size=8).map(lambda name: name.decode(errors="surrogateescape"))


@given(st.lists(st.tuples(paths, texts), max_size=5))
def test_any_path_and_label_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = log_path(tmp_path_factory.mktemp("log") / "rows.csv")
    with closing(ReviewLog(path, "rows.csv")) as log:
        for name, text in rows:
            log.add("anna", "t", "single", "first", [label(name, text)])
    assert {name: settled.answer.label for name, settled in read_review(path).items()} == dict(rows)
