"""What a review shows and takes, without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from batchdigits.output.review_answers import Answer
from batchdigits.output.review_log import ReviewLog, log_path, read_review
from batchdigits.review.requests import RequestError
from batchdigits.review.review import Review
from batchdigits.review.rows import Filter, Rows
from batchdigits.review.setting import Setting
from tests.review.test_rows import row

Start = Callable[..., Review]
TABLE = [
    row("a.png", "7", 0.9),
    row("b.png", "1", 0.4, "review"),
    row("c.png", "", None, "blank"),
    row("a.png", "7", 0.9),
]
A, B, C, A_AGAIN = range(4)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return log_path(tmp_path / "rows.csv")


@pytest.fixture
def start(log: Path) -> Iterator[Start]:
    """A function that begins a review of TABLE, after it has ended the one before."""
    with ExitStack() as stack:

        def begin(**setting: Any) -> Review:
            stack.close()
            opened = stack.enter_context(closing(ReviewLog(log, "rows.csv")))
            return Review(Rows(TABLE), opened, Setting("rows.csv", **{"reviewer": "anna", **setting}))

        yield begin


def give(
    review: Review, row: int, kind: str = "label", label: str = "", view: str = "", tab: str = "t"
) -> dict[str, Any]:
    fields = {"row": row, "kind": kind, "label": label}
    return review.answer(tab, review.setting.mode, view, [fields], review.state()["last_action"])


def rows_of(cards: dict[str, Any]) -> list[int]:
    return [card["row"] for card in cards["cards"]]


def test_the_state_of_a_new_review(start: Start) -> None:
    assert start().state() == {
        "table": "rows.csv",
        "sample": "",
        "mode": "grid",
        "round": "first",
        "reviewer": "anna",
        "rows": 4,
        "classes": tuple("0123456789"),
        "are_numbers": False,
        "groups": [
            {"label": "1", "rows": 1, "answered": 0},
            {"label": "7", "rows": 2, "answered": 0},
            {"label": "", "rows": 1, "answered": 0},
        ],
        "statuses": {"ok": 2, "review": 1, "blank": 1},
        "answered": 0,
        "unsure": 0,
        "open_review": 1,
        "last_action": 1,
    }


def test_an_answer_is_written_and_counts_for_every_row_of_its_image(start: Start, log: Path) -> None:
    review = start()
    reply = give(review, A, label="1")
    answer = {"kind": "label", "label": "1"}
    assert reply["changes"] == [{"row": A, "answer": answer}, {"row": A_AGAIN, "answer": answer}]
    assert (reply["last_action"], reply["answered"]) == (2, 2)
    (settled,) = read_review(log).values()
    assert settled.answer == Answer("a.png", "label", "1", "7", "ok")
    assert review.state()["groups"][1] == {"label": "7", "rows": 2, "answered": 2}


def test_an_answer_remembers_its_image(log: Path) -> None:
    digests = {"a.png": "before", "b.png": ""}
    with closing(ReviewLog(log, "rows.csv")) as opened:
        review = Review(Rows(TABLE[:2]), opened, Setting("rows.csv", "anna"), lambda path: digests[path])
        give(review, A, label="7")
        give(review, B, "blank")
        digests.update({"a.png": "after", "b.png": "seen for the first time"})
        assert [card["has_changed"] for card in review.cards(Filter())["cards"]] == [False, True]  # B, A
        digests["a.png"] = ""  # the image is gone
        assert not any(card["has_changed"] for card in review.cards(Filter())["cards"])
    assert [one.answer.digest for one in read_review(log).values()] == ["before", ""]


def test_counts_follow_answers_and_undo(start: Start) -> None:
    review = start()
    assert give(review, B, "unsure")["unsure"] == 1
    assert review.state()["open_review"] == 0
    reply = review.undo("t", 2)
    assert (reply["undone"], reply["unsure"], reply["open_review"], reply["answered"]) == ([B], 0, 1, 0)
    assert reply["changes"] == [{"row": B, "answer": None}]
    assert review.undo("t", 3)["undone"] == []


def test_answers_that_are_sent_again_are_written_once(start: Start) -> None:
    review = start()

    def send(row: int, tab: str, request: str) -> Any:
        return review.answer(tab, "grid", "", [{"row": row, "kind": "blank"}], 1, request)

    first = send(A, "one", "x")
    assert send(A, "one", "x") == first
    assert send(B, "two", "x")["last_action"] == 3
    assert send(B, "one", "y")["last_action"] == 4
    assert send(B, "one", "y")["last_action"] == 4


def test_a_review_that_is_begun_again_goes_on(start: Start) -> None:
    give(start(), B, "unsure")
    state = start().state()
    assert (state["answered"], state["unsure"], state["open_review"], state["last_action"]) == (1, 1, 0, 2)


def test_cards_are_those_that_are_asked_for(start: Start) -> None:
    review = start()
    give(review, A, label="7")
    give(review, B, "unsure")
    assert rows_of(review.cards(Filter())) == [B, A, A_AGAIN, C]
    assert rows_of(review.cards(Filter(), "open")) == [C]
    assert rows_of(review.cards(Filter(), "done")) == [B, A, A_AGAIN]
    assert rows_of(review.cards(Filter(), "unsure")) == [B]
    page = review.cards(Filter(), start=1, count=2)
    assert (page["total"], rows_of(page)) == (4, [A, A_AGAIN])
    assert page["cards"][0] == {
        "row": A,
        "path": "a.png",
        "answer": {"kind": "label", "label": "7"},
        "has_changed": False,
        "label": "7",
        "score": 0.9,
        "status": "ok",
        "detail": "",
        "digits": None,
    }


def test_other_tabs_see_an_answer(start: Start) -> None:
    review = start()
    give(review, A, label="7", tab="one")
    give(review, B, label="7", tab="two")
    assert {change["row"] for change in review.changes(1)["changes"]} == {A, A_AGAIN, B}
    assert {change["row"] for change in review.changes(2)["changes"]} == {B}
    assert review.undo("one", 3)["undone"] == [A]


@pytest.mark.parametrize("setting", [{"mode": "blind"}, {"is_second": True, "reviewer": "ben"}])
def test_blind_keying_shows_no_prediction_and_the_order_of_the_table(start: Start, setting: dict[str, Any]) -> None:
    first = start()
    for position in (A, B, C):
        give(first, position, "blank")
    review = start(**setting)
    assert review.state()["groups"] == []
    assert review.state()["statuses"] == {}
    assert review.state()["open_review"] == 0
    cards = review.cards(Filter(group="7", status="review"))
    assert rows_of(cards) == [A, B, C, A_AGAIN]
    assert all(set(card) == {"row", "path", "answer", "has_changed"} for card in cards["cards"])
    assert all(set(card) == {"row", "path", "answer", "has_changed"} for card in review.neighbours(B, 1)["after"])


def test_differences_to_the_model_come_up_until_they_are_confirmed(start: Start, log: Path) -> None:
    review = start(mode="blind")
    give(review, A, label="7")
    give(review, B, label="4")
    give(review, C, "not_digit")
    (card,) = review.cards(Filter(), differences=True)["cards"]
    assert card["row"] == B
    assert card["others"] == [
        {"who": "model", "kind": "label", "label": "1"},
        {"who": "anna", "kind": "label", "label": "4"},
    ]
    give(review, B, label="4", view="differences")
    assert review.cards(Filter(), differences=True)["total"] == 0
    assert read_review(log)["b.png"].is_blind


def test_a_second_person_keys_what_was_answered_and_differences_come_up(start: Start, log: Path) -> None:
    first = start(mode="blind")
    give(first, A, label="7")
    give(first, B, label="4")
    second = start(is_second=True, mode="blind", reviewer="ben")
    assert second.state()["rows"] == 3
    assert [card["answer"] for card in second.cards(Filter())["cards"]] == [None] * 3
    give(second, A, label="7")
    give(second, B, label="9")
    (card,) = second.cards(Filter(), differences=True)["cards"]
    assert card["others"] == [
        {"who": "anna", "kind": "label", "label": "4"},
        {"who": "ben", "kind": "label", "label": "9"},
    ]
    assert read_review(log)["b.png"].answer.kind == "unsure"
    give(second, B, label="4", view="differences")
    assert second.cards(Filter(), differences=True)["total"] == 0
    assert read_review(log)["b.png"].answer.label == "4"
    assert second.cards(Filter())["cards"][1]["answer"] == {"kind": "label", "label": "4"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"row": 4, "kind": "blank"},
        {"row": -1, "kind": "blank"},
        {"row": True, "kind": "blank"},
        {"row": "0", "kind": "blank"},
        {"row": 0, "kind": "other"},
        {"row": 0, "kind": ["label"]},
        {"row": 0, "kind": "label"},
        {"row": 0, "kind": "label", "label": "10"},
        {"row": 0, "kind": "label", "label": ["7"]},
    ],
)
def test_what_is_no_answer_is_refused_and_not_written(start: Start, log: Path, fields: dict[str, Any]) -> None:
    review = start()
    before = log.read_bytes()
    with pytest.raises(RequestError):
        review.answer("t", "grid", "", [{"row": 1, "kind": "blank"}, fields], 1)
    with pytest.raises(RequestError):
        review.answer("t", "grid", "", [], 1)
    assert log.read_bytes() == before


def test_a_label_that_no_log_may_hold_is_refused_but_for_its_own_row(log: Path) -> None:
    table = [row("a.png", "x" * 65, 0.9), row("b.png", "7", 0.9)]
    with closing(ReviewLog(log, "rows.csv")) as opened:
        review = Review(Rows(table), opened, Setting("rows.csv", "anna"))
        give(review, 0, label="x" * 65)
        with pytest.raises(RequestError, match="at most 64 characters"):
            give(review, 1, label="x" * 65)
    assert set(read_review(log)) == {"a.png"}


def test_a_row_or_a_filter_that_there_is_not_is_refused(start: Start) -> None:
    review = start()
    with pytest.raises(RequestError):
        review.neighbours(4, 1)
    with pytest.raises(RequestError):
        review.cards(Filter(), "other")


def test_cards_tell_the_last_action_that_they_know(start: Start) -> None:
    review = start()
    before = review.state()["last_action"]
    give(review, A, "blank")
    now = review.state()["last_action"]
    assert now > before
    assert review.cards(Filter())["last_action"] == review.neighbours(B, 1)["last_action"] == now


def test_a_number_of_the_page_is_written_as_those_of_the_table(log: Path) -> None:
    numbers = [row(name, value, 0.9)._replace(is_number=True) for name, value in (("a", "12.50"), ("b", "07.25"))]
    with closing(ReviewLog(log, "rows.csv", are_numbers=True)) as opened:
        review = Review(Rows(numbers), opened, Setting("rows.csv", "anna", "single", False))
        for typed, label in (("1.386,37", "1386.37"), ("12,50", "12.50"), ("1740", "1740"), ("7.25", "7.25")):
            give(review, 0, label=typed)
            assert read_review(log)["a"].answer.label == label
