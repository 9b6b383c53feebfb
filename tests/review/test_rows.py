"""The order of rows, and filters."""

from __future__ import annotations

import pytest

from batchdigits.output.table import TableRow
from batchdigits.review.rows import Filter, Rows


def row(path: str, label: str, score: float | None = 0.9, status: str = "ok") -> TableRow:
    return TableRow(path, label, score, status, "", score)


ROWS = Rows(
    [
        row("a/1.png", "7", 0.9),
        row("a/2.png", "1", 0.8),
        row("a/3.png", "7", 0.4, "review"),
        row("b/4.png", "", None, "blank"),
        row("b/5.png", "7", None, "by hand"),
        row("b/6.png", "1", 0.7),
    ]
)


def matching(wanted: Filter) -> list[int]:
    return list(ROWS.matching(wanted))


def test_each_class_has_its_least_likely_row_first_and_rows_without_a_label_are_last() -> None:
    assert ROWS.groups == {"1": [5, 1], "7": [2, 0, 4], "": [3]}
    assert matching(Filter()) == [5, 1, 2, 0, 4, 3]


def test_filters() -> None:
    assert matching(Filter(group="7")) == [2, 0, 4]
    assert matching(Filter(group="")) == [3]
    assert matching(Filter(group="nothing")) == []
    assert matching(Filter(status="review")) == [2]
    assert matching(Filter(text="B/")) == [5, 4, 3]
    assert matching(Filter(in_table_order=True)) == [0, 1, 2, 3, 4, 5]
    assert matching(Filter(by_score=True)) == [2, 5, 1, 0, 3, 4]
    assert matching(Filter(group="7", in_table_order=True)) == [0, 2, 4]


def test_a_table_of_digits_offers_all_ten_and_any_other_its_own_classes() -> None:
    assert ROWS.classes == tuple("0123456789")
    assert Rows([row("a", "b10", 1), row("b", "b9", 1), row("c", "", None)]).classes == ("b9", "b10")


def test_labels_that_no_row_has_can_be_added() -> None:
    assert Rows([row("a", "3", 1)], ["x", "3", "10"]).classes == (*"0123456789", "10", "x")
    assert Rows([row("a", "B", 1)], ["D", "C"]).classes == ("B", "C", "D")
    assert Rows([row("a", "1946", 1)._replace(is_number=True)], ["x"]).classes == ()


def test_numbers_have_no_classes_and_those_for_review_come_first() -> None:
    table = [
        TableRow("a", "12", 0.9, "ok", "", 0.9, True),
        TableRow("b", "", None, "blank", "", None, True),
        TableRow("c", "7", 0.95, "review", "8 boxes found where 9 should be", 0.95, True),
        TableRow("d", "", None, "review", "no number found", None, True),
        TableRow("e", "7", 0.8, "ok", "", 0.8, True),
    ]
    rows = Rows(table)
    assert (rows.are_numbers, rows.classes, rows.groups) == (True, (), {})
    assert list(rows.matching(Filter())) == list(rows.matching(Filter(by_score=True))) == [3, 2, 4, 0, 1]
    assert list(rows.matching(Filter(in_table_order=True))) == [0, 1, 2, 3, 4]
    assert not ROWS.are_numbers


@pytest.mark.parametrize(
    ("label", "status", "digits"), [("12-6", "reviewed", {"": 3}), ("1", "review", {}), ("1234", "ok", {})]
)
def test_how_many_digits_numbers_have_is_known_if_all_that_are_sure_agree(
    label: str, status: str, digits: dict[str, int]
) -> None:
    table = [row(str(number), f"12{number}")._replace(is_number=True) for number in range(4)]
    assert Rows([*table, row("e", label, 0.9, status)._replace(is_number=True)]).digits == digits


def test_neighbours_lie_in_the_same_folder() -> None:
    assert ROWS.neighbours(2, 3) == ([0, 1], [])
    assert ROWS.neighbours(4, 1) == ([3], [5])


def test_rows_of_the_same_image_belong_together() -> None:
    rows = Rows([row("a", "1", 1), row("b", "1", 1), row("a", "2", 1)])
    assert list(rows.positions("a")) == [0, 2]
    assert list(rows.positions("c")) == []
