"""The options for values, and the form in which values are written down."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

from batchdigits.cli.read import read
from batchdigits.fields.field_options import OPTIONS, field_options


def test_the_names_of_options_are_those_of_the_command_and_of_python() -> None:
    of_read = {option.name: max(option.opts, key=len) for option in read.params}
    assert {parameter: f"--{name}" for name, parameter in OPTIONS.items()}.items() <= of_read.items()
    assert {*OPTIONS.values(), "ink", "values"} == inspect.signature(field_options).parameters.keys()


def test_a_value_stays_as_it_is() -> None:
    assert field_options().written("007") == "007"
    assert field_options(separators="/").written("1/12/2026") == "1/12/2026"


def test_digits_only_leaves_the_separators_out() -> None:
    assert field_options(separators="/", digits_only=True).written("01/12/2026") == "01122026"


def test_digits_only_keeps_the_sign_of_a_signed_number() -> None:
    assert field_options(separators="-", digits_only=True, signed=True).written("-2-5") == "-25"
    assert field_options(separators="-", digits_only=True).written("-2-5") == "25"


def test_a_list_is_written_in_the_form_of_the_values() -> None:
    amounts = field_options(decimals=2, values=["12,50", "1.234,50", "12.50", "7"])
    assert amounts.written_list(["12,50", "1.234,50", "12.50", "7"]) == ("12.50", "1234.50", "7")
    assert amounts.expected
    assert amounts.expected.left_out == ("7",)
    assert field_options(separators="/", digits_only=True).written_list(["3/12/2026"]) == ("3122026",)
    assert field_options(decimals=2, comb=6).written_list(["1250", "12,50"]) == ("1250", "12.50")


def test_values_with_untold_separators_are_known() -> None:
    assert field_options().cannot_have("12.50")
    assert not field_options(separators=".").cannot_have("12.50")
    assert not field_options(decimals=2).cannot_have("12.50")
    assert field_options(separators=".").cannot_have("-12")
    assert not field_options(signed=True).cannot_have("-12")
    assert field_options(signed=True).cannot_have("1-2")


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
    options = field_options(decimals=2)
    assert options.written(text) == value
    assert options.expected
    assert not options.expected.rules.broken(value)


@pytest.mark.parametrize("text", ["1250", "12.5", "12.500", "1.23.50", "12345.678,90", "12-50", ".50", "1/12.50"])
def test_a_number_without_its_decimals_breaks_the_rule(text: str) -> None:
    options = field_options(decimals=2)
    assert options.written(text) == text
    assert options.expected
    assert options.expected.rules.broken(text) == "decimals"


def test_a_minus_stays_before_the_number() -> None:
    options = field_options(signed=True, decimals=2, bounds="-2000-0")
    assert options.reading_options.signed
    assert options.written("-1.234,50") == "-1234.50"
    assert options.expected
    assert not options.expected.rules.broken("-1234.50")


def test_in_boxes_the_point_is_printed_and_not_written() -> None:
    assert field_options().reading_options.separators == ""
    assert field_options(decimals=2).reading_options.separators == ".,"
    assert field_options(decimals=2, separators=",").reading_options.separators == ","
    assert field_options(decimals=2, separators="-").reading_options.separators == "-.,"
    boxes = field_options(decimals=2, comb=6)
    assert (boxes.reading_options.separators, boxes.reading_options.boxes) == ("", 6)
    assert boxes.written("1250") == "12.50"
    assert boxes.written("50") == "50"


def test_options_can_be_sent_to_a_worker() -> None:
    options = field_options(
        length="5-8", separators="--/", decimals=1, bounds="0-9", pattern=r"\d", checks=["luhn", "d1 == 1"]
    )
    assert options.separators == "-/"
    assert pickle.loads(pickle.dumps(options)).length == options.length == range(5, 9)
    assert field_options(length="5-8").expected is None  # the cutting keeps to it


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"length": "0-3"}, "is no length such as 9 or 5-8"),
        ({"comb": 1}, "a comb has 2 to 32 boxes, not 1"),
        ({"comb": 33}, "a comb has 2 to 32 boxes, not 33"),
        ({"comb": 4, "length": "5"}, "a number of 5 digits does not fit into 4 boxes"),
        ({"separators": "1"}, "'1' are not separators"),
        ({"separators": ".:"}, "these can be read: /.-,"),
        ({"decimals": 0}, "a number has 1 to 9 decimals, not 0"),
        ({"decimals": 10}, "a number has 1 to 9 decimals, not 10"),
        ({"decimals": 2, "digits_only": True}, "has no point before its decimals"),
        ({"bounds": "9"}, "is no range such as"),
        ({"pattern": "("}, "is no regular expression"),
        ({"checks": ["("]}, "write one such as"),
        ({"checks": ["luhn", "isbn10"], "length": "5-9"}, "no number of that length passes the check 'isbn10'"),
        ({"checks": ["ean13"], "comb": 12}, "no number of that length passes the check 'ean13'"),
        ({"checks": ["not d9 == 1"], "length": "5-8"}, "no number of that length passes the check 'not d9 == 1'"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        field_options(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"checks": ["isbn10"], "length": "9-10"},
        {"checks": ["ean13"], "comb": 13},
        {"checks": ["d9 == 1", "value % 11 == 0"], "length": "9"},
        {"checks": ["d1 == 1 or d9 == 1"], "length": "5"},
        {"checks": ["isbn10", "d9 == 1"]},
    ],
)
def test_checks_that_some_numbers_pass_are_taken(options: dict[str, Any]) -> None:
    assert field_options(**options).expected
