"""The form in which values are written down, and the rules that they can break."""

from __future__ import annotations

from typing import Any

import pytest

from batchdigits.fields.field_rules import FieldRules


def test_a_value_stays_as_it_is() -> None:
    assert FieldRules().written("007") == ("007", "")
    assert FieldRules(separators="/").written("1/12/2026") == ("1/12/2026", "")


def test_digits_only_leaves_the_separators_out() -> None:
    assert FieldRules(separators="/", digits_only=True).written("01/12/2026") == ("01122026", "")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.50", "12.50"),
        ("012,50", "012.50"),
        ("1.234,50", "1234.50"),
        ("12,345,678.90", "12345678.90"),
    ],
)
def test_decimals_are_written_behind_a_point(text: str, value: str) -> None:
    assert FieldRules(decimals=2).written(text) == (value, "")


@pytest.mark.parametrize("text", ["1250", "12.5", "12.500", "1.23.50", "12345.678,90", "12-50", ".50", "1/12.50"])
def test_a_number_without_its_decimals_breaks_the_rule(text: str) -> None:
    assert FieldRules(decimals=2).written(text) == (text, "not a number with 2 decimals")


def test_in_boxes_the_point_is_printed_and_not_written() -> None:
    assert FieldRules(decimals=2).marks == ".,"
    assert FieldRules(decimals=2, separators=",").marks == ","
    boxes = FieldRules(decimals=2, comb=6)
    assert boxes.marks == ""
    assert boxes.written("1250") == ("12.50", "")
    assert boxes.written("50") == ("50", "not a number with 2 decimals")


def test_a_pattern_is_for_the_whole_value_as_it_is_written() -> None:
    rules = FieldRules(separators="-", digits_only=True, pattern="[12].{3}")
    assert rules.written("1-234") == ("1234", "")
    assert rules.written("12345") == ("12345", "does not match [12].{3}")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"length": range(3)}, "length is from 1 to 32"),
        ({"length": range(9, 9)}, "length is from 1 to 32"),
        ({"length": range(9, 34)}, "length is from 1 to 32"),
        ({"comb": 1}, "comb is from 2 to 32"),
        ({"comb": 33}, "comb is from 2 to 32"),
        ({"comb": 4, "length": range(5, 6)}, "more digits than comb has boxes"),
        ({"separators": "1"}, "separators are characters such as"),
        ({"separators": ". "}, "separators are characters such as"),
        ({"decimals": 0}, "decimals is from 1 to 9"),
        ({"decimals": 10}, "decimals is from 1 to 9"),
        ({"decimals": 2, "digits_only": True}, "leaves out the point"),
        ({"pattern": "("}, "is no regular expression"),
    ],
)
def test_impossible_rules_are_refused(rules: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FieldRules(**rules)
