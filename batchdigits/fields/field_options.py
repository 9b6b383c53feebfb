"""What is known of fields before they are read, and the form in which their values are written down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batchdigits.fields.values.checks import may_pass, parse_check
from batchdigits.fields.values.rules import MAX_LENGTH, Rules, parse_length, parse_pattern, parse_range

if TYPE_CHECKING:
    from batchdigits.fields.reading import ReadOptions
    from batchdigits.fields.values.expected_values import ExpectedValues
    from batchdigits.vision.normalise import Ink

MAX_DECIMALS = 9
SEPARATORS = "/.-,"
POINT_OR_COMMA = ".,"
OPTIONS = {
    "length": "length",
    "comb": "comb",
    "separators": "separators",
    "digits-only": "digits_only",
    "signed": "signed",
    "decimals": "decimals",
    "range": "bounds",
    "pattern": "pattern",
    "check": "checks",
    "unique": "unique",
}  # as a command line and a template have them, and the parameters of `field_options`


@dataclass(frozen=True)
class FieldOptions:
    """The options that values depend on; made by `field_options`, and can be pickled.

    Attributes:
        ink: whether ink is dark or light; `auto` finds it out for each scan.
        length: how many digits a value may have; None for any number.
        comb: the number of boxes for one digit each; None if there are no boxes, or if it is not known.
        separators: characters that may stand between digits.
        digits_only: whether a value is written down without its separators.
        signed: whether a minus may stand before a value.
        decimals: digits behind the decimal point of a value; None for a value of any form.
        expected: the rules that a value keeps as it is written down, and the list that it is on; None without any.
        unique: whether no two fields have the same value, so that values are chosen for all fields together.
        is_as_wide: whether a comb is about as wide as the scan of its field, as where a template says where it is.
    """

    ink: Ink = "auto"
    length: range | None = None
    comb: int | None = None
    separators: str = ""
    digits_only: bool = False
    signed: bool = False
    decimals: int | None = None
    expected: ExpectedValues | None = None
    unique: bool = False
    is_as_wide: bool = False

    @property
    def reading_options(self) -> ReadOptions:
        """What is known before a field is read. Decimals need a point or comma, unless it is printed between boxes."""
        needs_point = self.decimals is not None and self.comb is None and not set(POINT_OR_COMMA) & set(self.separators)
        separators = self.separators + (POINT_OR_COMMA if needs_point else "")
        from batchdigits.fields.reading import ReadOptions  # it loads NumPy, which --help does not wait for

        return ReadOptions(self.length, self.comb, separators, self.signed, self.ink, self.is_as_wide)

    @property
    def changes_form(self) -> bool:
        """Whether a value may be written down in another form than it stands in the field."""
        return self.digits_only or self.decimals is not None

    def written(self, text: str) -> str:
        """A value in the form that is asked for, if it has that form.

        Args:
            text: digits and separators, as they stand in the field.
        """
        sign = "-" if text.startswith("-") else ""
        if self.decimals is not None:
            return sign + self._with_point(text.removeprefix("-"), self.decimals)
        if self.digits_only:
            return (sign if self.signed else "") + "".join(filter(str.isdigit, text))
        return text

    def written_list(self, values: Sequence[str]) -> tuple[str, ...]:
        """Listed values in that form, each once; a point is never added, also where it is printed between boxes."""
        without_boxes = replace(self, comb=None)
        return tuple(dict.fromkeys(map(without_boxes.written, values)))

    def cannot_have(self, value: str) -> bool:
        """Whether no field can be read as a value, because it has a separator or sign that was not told of."""
        from batchdigits.inference.card import DIGIT_NAMES  # it loads NumPy, too

        allowed = set(self.separators) | set("." if self.decimals is not None else "")
        return not set(value.removeprefix("-" if self.signed else "")) - allowed <= set(DIGIT_NAMES)

    def _with_point(self, text: str, decimals: int) -> str:
        """The number as `1234.50`, without separators of thousands; the text if the point is not where it must be."""
        if self.comb is not None and text.isdigit() and len(text) > decimals:
            return f"{text[:-decimals]}.{text[-decimals:]}"
        match = re.fullmatch(rf"(\d+|\d{{1,3}}(?:[.,]\d{{3}})+)[.,](\d{{{decimals}}})", text)
        return f"{re.sub('[.,]', '', match[1])}.{match[2]}" if match else text


def field_options(
    *,
    ink: Ink = "auto",
    length: str | None = None,
    comb: int | None = None,
    separators: str = "",
    digits_only: bool = False,
    signed: bool = False,
    decimals: int | None = None,
    bounds: str | None = None,
    pattern: str | None = None,
    checks: Sequence[str] = (),
    values: Sequence[str] | None = None,
    unique: bool = False,
) -> FieldOptions:
    """Options as a user gives them.

    Args:
        ink: as in `FieldOptions`.
        length: `9` or `5-8`.
        comb: as in `FieldOptions`.
        separators: as in `FieldOptions`.
        digits_only: as in `FieldOptions`.
        signed: as in `FieldOptions`.
        decimals: as in `FieldOptions`.
        bounds: the least and the greatest number, as `0-300`.
        pattern: a regular expression for the whole value.
        checks: names of check digits, or expressions, that a value passes.
        values: the values of which each field holds one; None for any.
        unique: as in `FieldOptions`.

    Raises:
        ValueError: one is no such text, or out of its range, or two do not go together. The message is one line.
        BatchdigitsError: all listed values break the rules.
    """
    from batchdigits.fields.values.expected_values import expect

    lengths = None if length is None else parse_length(length)
    if comb is not None and not 2 <= comb <= MAX_LENGTH:
        raise ValueError(f"a comb has 2 to {MAX_LENGTH} boxes, not {comb!r}")
    if lengths is not None and comb is not None and lengths[0] > comb:
        raise ValueError(f"a number of {lengths[0]} digits does not fit into {comb} boxes")
    if decimals is not None and not 1 <= decimals <= MAX_DECIMALS:
        raise ValueError(f"a number has 1 to {MAX_DECIMALS} decimals, not {decimals!r}")
    if decimals is not None and digits_only:
        raise ValueError("a number of digits only has no point before its decimals")
    if values is not None and not values:
        raise ValueError("the list of values is empty")
    rules = Rules(
        decimals=decimals,
        bounds=None if bounds is None else parse_range(bounds),
        pattern=None if pattern is None else parse_pattern(pattern),
        checks=tuple(map(parse_check, checks)),
    )
    if possible := lengths or (comb and range(1, comb + 1)):
        for text, check in zip(checks, rules.checks, strict=True):
            if not may_pass(check, possible):
                raise ValueError(f"no number of that length passes the check {text!r}")
    if values is not None:  # the cutting keeps to the length, but a list may not
        rules = replace(rules, length=lengths)
    options = FieldOptions(
        ink, lengths, comb, parse_separators(separators), digits_only, signed, decimals, None, unique
    )
    if rules == Rules() and values is None and not unique:
        return options
    return replace(options, expected=expect(rules, None if values is None else options.written_list(values)))


def parse_separators(text: str) -> str:
    """Characters that may stand between digits, each once.

    Raises:
        ValueError: some cannot. The message is one line.
    """
    if not set(text) <= set(SEPARATORS):
        raise ValueError(f"{text!r} are not separators; these can be read: {SEPARATORS}")
    return "".join(dict.fromkeys(text))
