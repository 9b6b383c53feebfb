"""Rules that a value must keep: its length, decimals, range, pattern and check digits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from batchdigits.fields.values.checks import Check

MAX_VALUE = 32  # characters: no field has more, and a pattern may take time that grows fast with them
MAX_LENGTH = MAX_VALUE
VALUE = re.compile(r"[+-]?[0-9]+([.,/: -][0-9]+)*")  # as lists have it and people type it; number_keys.js has it, too
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
_LENGTH = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3}))?")
_NUMBER = r"[+-]?[0-9]{1,32}(?:[.,][0-9]{1,32})?"
_RANGE = re.compile(rf"({_NUMBER})\s*-\s*({_NUMBER})")


@dataclass(frozen=True)
class Rules:
    """Rules for a value; None and () are none. An object can be pickled.

    Attributes:
        length: numbers of digits that it may have; see `parse_length`.
        decimals: how many digits stand behind its decimal point or comma.
        bounds: the least and the greatest number that it may be; see `parse_range`.
        pattern: a regular expression that the whole value must match; see `parse_pattern`.
        checks: that its digits must pass; see `checks.parse_check`.
    """

    length: range | None = None
    decimals: int | None = None
    bounds: tuple[Decimal, Decimal] | None = None
    pattern: re.Pattern[str] | None = None
    checks: tuple[Check, ...] = ()

    def broken(self, value: str) -> str:
        """The name of the first rule that a value breaks, for a message; empty if it keeps all."""
        digits = "".join(filter(str.isdigit, value))
        if len(value) > MAX_VALUE or (self.length is not None and len(digits) not in self.length):
            return "length"
        if self.decimals is not None and not _has_decimals(value, self.decimals):
            return "decimals"
        if self.bounds is not None and not _is_within(value, self.bounds):
            return "range"
        if self.pattern is not None and not self.pattern.fullmatch(value):
            return "pattern"
        return "" if all(check(digits) for check in self.checks) else "check"


def is_number(text: str) -> bool:
    """Whether a text is a number with its separators, and no longer than that of a field can be."""
    return len(text) <= MAX_VALUE and VALUE.fullmatch(text) is not None


def parse_length(text: str) -> range:
    """The numbers of digits that `9` or `5-8` stands for.

    Raises:
        ValueError: it is no such text. The message is one line.
    """
    match = _LENGTH.fullmatch(text.strip())
    least, most = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 0 < least <= most <= MAX_LENGTH:
        raise ValueError(f"{text!r} is no length such as 9 or 5-8, of {MAX_LENGTH} digits at most")
    return range(least, most + 1)


def parse_range(text: str) -> tuple[Decimal, Decimal]:
    """The least and the greatest number of `0-300`, `-5-10` or `0.5-2`.

    Raises:
        ValueError: it is no such text. The message is one line.
    """
    match = _RANGE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no range such as 0-300")
    least, greatest = _decimal(match[1]), _decimal(match[2])
    if least > greatest:
        raise ValueError(f"{text!r} is no range such as 0-300: its first number is the greater one")
    return least, greatest


def parse_pattern(text: str) -> re.Pattern[str]:
    """A regular expression that the whole value must match.

    Raises:
        ValueError: it is none, or empty. The message is one line.
    """
    if not text:
        raise ValueError("an empty pattern matches no number")
    try:
        return re.compile(text, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None


def _has_decimals(value: str, decimals: int) -> bool:
    if not NUMBER.fullmatch(value):
        return False
    _, point, behind = value.replace(",", ".").partition(".")
    return bool(point) == (decimals > 0) and len(behind) == decimals


def _is_within(value: str, bounds: tuple[Decimal, Decimal]) -> bool:
    return bool(NUMBER.fullmatch(value)) and bounds[0] <= _decimal(value) <= bounds[1]


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))
