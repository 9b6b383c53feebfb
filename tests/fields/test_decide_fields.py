"""From readings to rows: rules, likeliest values, boxes, and unforeseen errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from batchdigits.errors import ModelFileError
from batchdigits.fields import decide_fields as module
from batchdigits.fields.cut_batch import CutPage
from batchdigits.fields.cut_field import Cut
from batchdigits.fields.decide_fields import FieldPrediction, decide_fields, field_threshold
from batchdigits.fields.decide_together import decide_together
from batchdigits.fields.field_options import FieldOptions, field_options
from batchdigits.fields.ink import View
from batchdigits.fields.left_out import LEFT_OUT, LeftOut
from batchdigits.fields.reading import Character, FieldReading
from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.decide import Status
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime

Decide = Callable[..., FieldPrediction]
VIEW = View(np.zeros((8, 8), np.uint8), 1.0, 0, 0)
DIGITS = tuple(Character(label, 0.9, (20 * place, 0, 20 * place + 16, 28)) for place, label in enumerate("1234"))
READING = FieldReading("1234", 0.6, DIGITS, (), (("1284", 0.3), ("12.34", 0.05), ("9", 0.001)), has_ink=True)
NOTHING = FieldReading(has_ink=True)
BLANK = FieldReading()
NO_WALLS = ": for ticks or lines under digits, give the length in place of comb"
EMPTY = CutPage("a.png", Cut(VIEW, [], []))


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return load_runtime(BUILT_IN_MODEL)


@pytest.fixture
def decide(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Decide:
    """A function that makes a prediction of a reading."""

    def decide_one(
        reading: FieldReading, options: FieldOptions | None = None, threshold: float = 0.5
    ) -> FieldPrediction:
        monkeypatch.setattr(module, "read_cut", lambda *arguments: reading)
        (prediction,) = decide_fields([EMPTY], runtime, options or field_options(), threshold)
        return prediction

    return decide_one


def test_the_score_is_compared_with_the_threshold(decide: Decide) -> None:
    assert decide(READING, threshold=0.6) == FieldPrediction(
        "a.png", "1234", 0.6, Status.OK, "", 0.6, DIGITS, {"1234": 0.6, "1284": 0.3, "12.34": 0.05, "9": 0.001}
    )
    review = decide(READING, threshold=0.600001)
    assert (review.status, review.detail) == ("review", "likeliest: 1234 (0.60), 1284 (0.30), 12.34 (0.05)")
    alone = READING._replace(alternatives=())
    assert decide(alone, threshold=1.0).detail == ""


def test_no_ink_is_blank_and_ink_without_a_number_is_for_review(decide: Decide) -> None:
    assert decide(BLANK) == FieldPrediction("a.png", "", None, Status.BLANK)
    for length, words in (
        (None, "no number found"),
        ("1", "no number of 1 digit found"),
        ("5-8", "no number of 5 to 8 "),
    ):
        prediction = decide(NOTHING, field_options(length=length))
        assert prediction[1:4] == ("", None, "review")
        assert prediction.detail.startswith(words)


def test_values_are_compared_as_they_are_written(decide: Decide) -> None:
    only = field_options(separators=".", digits_only=True)
    assert decide(READING, only, 1.0).detail == "likeliest: 1234 (0.65), 1284 (0.30)"


def test_a_rule_may_choose_another_value(decide: Decide) -> None:
    prediction = decide(READING, field_options(pattern="..8."))
    assert prediction.value == "1284"
    assert prediction.status == Status.OK
    assert prediction.detail == "read as 1234, by the pattern"
    assert prediction.confidence == pytest.approx(prediction.score, abs=1e-6)
    assert prediction.digits == ()  # they are those of 1234
    assert decide(READING, field_options(pattern="12.*")).digits == DIGITS


def test_a_value_in_another_form_is_looked_up_as_it_is_written(decide: Decide) -> None:
    only = field_options(separators=".", digits_only=True, values=["1284", "77"])
    assert decide(READING, only).value == "1284"
    assert decide(READING, field_options(values=["1284", "77"])).value == "1284"


def test_a_value_that_no_other_can_replace_is_for_review(decide: Decide) -> None:
    prediction = decide(READING, field_options(bounds="0-10"))
    assert (prediction.value, prediction.status) == ("1234", "review")
    assert prediction.detail.startswith("fails the range")


@pytest.mark.parametrize(
    ("boxes", "words"),
    [(4, ""), (3, "3 boxes found where 4 should be"), (0, f"no boxes found where 4 should be{NO_WALLS}")],
)
def test_another_number_of_boxes_is_for_review(decide: Decide, boxes: int, words: str) -> None:
    prediction = decide(READING._replace(boxes=boxes), field_options(comb=4))
    assert (prediction.value, prediction.detail) == ("1234", words)
    assert prediction.status == ("review" if words else "ok")
    blank = decide(BLANK._replace(boxes=boxes), field_options(comb=4))
    assert (blank.status, blank.detail) == ("blank", "")


def test_the_detail_of_a_review_names_slashes(decide: Decide) -> None:
    slashed = READING._replace(may_have_slashes=True)
    likeliest = "likeliest: 1234 (0.60), 1284 (0.30), 12.34 (0.05)"
    assert decide(slashed, threshold=0.7).detail == f"{module.UNTOLD_SLASHES}; {likeliest}"
    told = decide(slashed, field_options(separators="/"), 0.7)
    assert told.detail.startswith(module.MISSED_SLASHES)
    assert decide(slashed, threshold=0.5).detail == ""


@pytest.mark.parametrize(
    ("unread", "words"),
    [
        ("minus", "a minus may stand before the number, where none is read"),
        ("point", "a point may stand before the number, where none is read"),
        ("gap", "a point may stand between the digits, where none is read"),
        ("date", "it would be a date with one separator more, or two"),
        ("slash", "a slash may be a 1"),
    ],
)
def test_an_unread_mark_is_for_review_whatever_is_expected(decide: Decide, unread: str, words: str) -> None:
    reading = READING._replace(unread=unread, confidence=0.99)
    for pattern in (None, r"\d+"):
        prediction = decide(reading, field_options(signed=True, pattern=pattern))
        assert (prediction.status, prediction.detail) == ("review", words)


@pytest.mark.parametrize("mark", get_args(LeftOut))
def test_a_mark_that_is_left_out_is_named_and_changes_nothing(decide: Decide, mark: LeftOut) -> None:
    for confidence, status in ((0.99, "ok"), (0.6, "review")):
        reading = READING._replace(confidence=confidence)
        plain, marked = (decide(one, threshold=0.9) for one in (reading, reading._replace(left_out=(mark,))))
        assert marked.status == plain.status == status
        assert marked.detail == "; ".join(filter(None, [LEFT_OUT[mark], plain.detail]))


def test_what_is_wrong_with_a_field_and_its_value_stays_apart_where_values_are_unique(decide: Decide) -> None:
    wrong = READING._replace(boxes=3, may_have_slashes=True)
    options = field_options(comb=4, unique=True, values=["1284", "5555"])
    (row,), ((_, choice),) = decide_together([decide(wrong, options).row()], 0.5)
    words = f"3 boxes found where 4 should be; {module.UNTOLD_SLASHES}; read as 1234, by the list"
    assert (row.status, row.label, row.detail) == ("review", "1284", words)
    assert choice.is_expected
    none = field_options(comb=4, unique=True, values=["5555"])
    (row,), ((_, choice),) = decide_together([decide(wrong, none).row()], 0.5)
    assert row.detail.startswith(f"3 boxes found where 4 should be; {module.UNTOLD_SLASHES}; not on the list")
    assert not choice.is_expected


def test_slashes_are_named_where_values_are_unique(decide: Decide) -> None:
    slashed, unique = READING._replace(may_have_slashes=True), field_options(unique=True)
    for threshold, words in ((0.7, f"{module.UNTOLD_SLASHES}; likeliest: 1234"), (0.5, "")):
        (row,), _ = decide_together([decide(slashed, unique).row()], threshold)
        assert row.detail.startswith(words)
        assert bool(row.detail) is bool(words)


def test_digits_are_in_a_row_only_if_they_are_asked_for(decide: Decide) -> None:
    prediction = decide(READING)
    assert prediction.row().digits == ""
    digits = json.loads(prediction.row(with_digits=True).digits)
    assert digits[1] == {"label": "2", "confidence": 0.9, "box": [20, 0, 36, 28]}
    assert prediction.row().label == "1234"


def test_one_field_that_cannot_be_read_spoils_no_other(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    blank = np.zeros((28, 28), np.uint8)
    bad = Cut(VIEW, [blank], [blank])

    def read(cut: Cut, *arguments: object) -> FieldReading:
        if cut is bad:
            raise ZeroDivisionError
        return READING

    monkeypatch.setattr(module, "read_cut", read)
    pages = [EMPTY, CutPage("bad.png", bad), CutPage("no.png", None, "empty file"), EMPTY._replace(source="b.png")]
    done: list[int] = []
    rows = decide_fields(pages, runtime, field_options(), 0.5, lambda: done.append(1))
    assert len(done) == 4
    assert [row.status for row in rows] == ["ok", "error", "error", "ok"]
    assert [row.detail for row in rows[1:3]] == ["cannot be read (ZeroDivisionError)", "empty file"]
    assert [row.path for row in rows] == ["a.png", "bad.png", "no.png", "b.png"]


def test_what_was_read_is_the_likeliest_value_and_nothing_is_no_value(decide: Decide) -> None:
    doubtful = READING._replace(value="9", confidence=0.1, alternatives=(("09", 0.5), ("", 0.3), ("99", 0.05)))
    prediction = decide(doubtful, threshold=0.9)
    assert (prediction.value, prediction.status) == ("9", "review")
    assert prediction.detail == "likeliest: 9 (0.10), 09 (0.10), 99 (0.05)"
    assert list(prediction.alternatives.items()) == [("9", 0.1), ("09", 0.1), ("99", 0.05)]


@pytest.mark.parametrize("known", [{"bounds": "0-300"}, {"values": ["9", "09", "77"]}, {"unique": True}])
def test_the_same_holds_for_values_that_fit(decide: Decide, known: dict[str, Any]) -> None:
    doubtful = READING._replace(value="9", confidence=0.1, alternatives=(("09", 0.5), ("", 0.3), ("99", 0.05)))
    prediction = decide(doubtful, field_options(**known), 0.9)
    assert prediction.value == "9"
    assert next(iter(prediction.alternatives)) == "9"
    assert "" not in prediction.alternatives
    likelier = [share for share in prediction.alternatives.values() if share > prediction.alternatives["9"]]
    assert likelier == []


def test_another_value_still_replaces_one_that_breaks_a_rule_however_unlikely_it_was(decide: Decide) -> None:
    doubtful = READING._replace(value="9", confidence=0.1, alternatives=(("09", 0.85), ("99", 0.05)))
    prediction = decide(doubtful, field_options(pattern=".."), 0.9)
    assert (prediction.value, prediction.status) == ("09", "ok")
    assert prediction.detail == "read as 9, by the pattern"


def test_a_model_without_a_digit_reads_no_numbers(runtime: Runtime) -> None:
    card = replace(runtime.card, labels=("a", *runtime.card.labels[:-2]))
    with pytest.raises(ModelFileError, match=r"no label 8, 9; numbers are read with all ten digits"):
        field_threshold(card, 0.5)
    assert field_threshold(replace(card, labels=("x", *runtime.card.labels)), 0.5) == 0.5
