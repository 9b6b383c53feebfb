"""Rules that a value must keep."""

from __future__ import annotations

import pickle

import pytest

from batchdigits.fields.values.checks import parse_check
from batchdigits.fields.values.rules import Rules, parse_length, parse_pattern, parse_range


@pytest.mark.parametrize(
    ("rules", "kept", "broken", "name"),
    [
        (Rules(length=parse_length("3")), ["123", "1.23", "-123"], ["12", "1234", ""], "length"),
        (Rules(length=parse_length(" 2-3 ")), ["12", "123"], ["1", "1234"], "length"),
        (Rules(), ["1" * 32], ["1" * 33], "length"),
        (Rules(decimals=2), ["1.25", "0,50", "-3.00"], ["1.2", "125", "1.255", "1.2.50", "12/50"], "decimals"),
        (Rules(decimals=0), ["125", "-1"], ["1.2", "1."], "decimals"),
        (Rules(bounds=parse_range("0-300")), ["0", "300", "007", "299.5", "12,5"], ["301", "-1", "1.2.3", ""], "range"),
        (Rules(bounds=parse_range("-5 - -1")), ["-5", "-1"], ["-6", "0"], "range"),
        (Rules(bounds=parse_range("0,5-2")), ["0.5", "2"], ["0.4"], "range"),
        (Rules(pattern=parse_pattern("20[0-9]{2}")), ["2026"], ["12026", "20261", "1926"], "pattern"),
        (Rules(checks=(parse_check("luhn"),)), ["79927398713", "7992-7398-713"], ["79927398710"], "check"),
        (Rules(checks=(parse_check("d1 == 1"), parse_check("d2 == 2"))), ["12"], ["13", "22"], "check"),
    ],
)
def test_a_rule_names_what_a_value_breaks(rules: Rules, kept: list[str], broken: list[str], name: str) -> None:
    for one in (rules, pickle.loads(pickle.dumps(rules))):
        assert [one.broken(value) for value in kept] == [""] * len(kept)
        assert [one.broken(value) for value in broken] == [name] * len(broken)


@pytest.mark.parametrize("text", ["", "0", "5-3", "-3", "x", "33", "1-2-3", "1.5", "9999"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no length such as"):
        parse_length(text)


@pytest.mark.parametrize("text", ["", "300", "5-3", "-", "a-b", "0-nan", "1e5-2e5", "0-1-2", "9" * 40 + "-1"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no range such as"):
        parse_range(text)


@pytest.mark.parametrize("text", ["(", "[", "*", "(?P<1>x)", "a{99999999999}"])
def test_what_is_no_pattern_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="is no regular expression") as caught:
        parse_pattern(text)
    assert "\n" not in str(caught.value)
