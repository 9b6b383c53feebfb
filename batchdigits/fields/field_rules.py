"""What is known of the values of fields before they are read, and the form in which they are written down."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_DIGITS = 32  # of a value: no field has more, and a pattern may take time that grows fast with them
MAX_DECIMALS = 9
POINT_OR_COMMA = ".,"

are_separators = re.compile(r"[^\w\s]*").fullmatch


@dataclass(frozen=True)
class FieldRules:
    """Rules for values.

    Attributes:
        length: how many digits a value may have; None for any number.
        comb: the number of boxes for one digit each; None if there are no boxes, or if it is not known.
        separators: characters that may stand between digits.
        digits_only: whether a value is written down without its separators.
        decimals: digits behind the decimal point of a value; None for a value of any form.
        pattern: a regular expression that the whole value matches; None for any value.
    """

    length: range | None = None
    comb: int | None = None
    separators: str = ""
    digits_only: bool = False
    decimals: int | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        """Check the rules.

        Raises:
            ValueError: one is out of its range, or two do not go together.
        """
        length, comb, decimals = self.length, self.comb, self.decimals
        if length is not None and not (len(length) and 1 <= length[0] <= length[-1] <= MAX_DIGITS):
            raise ValueError(f"length is from 1 to {MAX_DIGITS} digits")
        if comb is not None and not 2 <= comb <= MAX_DIGITS:
            raise ValueError(f"comb is from 2 to {MAX_DIGITS} boxes, not {comb!r}")
        if length is not None and comb is not None and length[0] > comb:
            raise ValueError("length is more digits than comb has boxes")
        if not are_separators(self.separators):
            raise ValueError(f"separators are characters such as '/.-,', not {self.separators!r}")
        if decimals is not None and not 1 <= decimals <= MAX_DECIMALS:
            raise ValueError(f"decimals is from 1 to {MAX_DECIMALS}, not {decimals!r}")
        if decimals is not None and self.digits_only:
            raise ValueError("digits_only leaves out the point that decimals needs; give one")
        if self.pattern is not None:
            check_pattern(self.pattern)

    @property
    def marks(self) -> str:
        """The separators to look for: `--decimals` needs a point or a comma, unless it is printed between boxes."""
        needs_point = self.decimals is not None and self.comb is None
        return self.separators or (POINT_OR_COMMA if needs_point else "")

    def written(self, text: str) -> tuple[str, str]:
        """A value in the form that is asked for, and the rule that it breaks; empty for none.

        Args:
            text: digits and separators, as they stand in the field.
        """
        value = text
        if self.decimals is not None:
            number = self._with_point(text)
            if number is None:
                return text, f"not a number with {self.decimals} decimals"
            value = number
        elif self.digits_only:
            value = "".join(filter(str.isdigit, text))
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return value, f"does not match {self.pattern}"
        return value, ""

    def _with_point(self, text: str) -> str | None:
        """The number as `1234.50`, without separators of thousands; None if the point is not where it must be."""
        if self.comb is not None and text.isdigit() and len(text) > (self.decimals or 0):
            return f"{text[: -self.decimals]}.{text[-self.decimals :]}" if self.decimals else text
        match = re.fullmatch(rf"(\d+|\d{{1,3}}(?:[.,]\d{{3}})+)[.,](\d{{{self.decimals}}})", text)
        return f"{re.sub('[.,]', '', match[1])}.{match[2]}" if match else None


def check_pattern(pattern: str) -> None:
    """Check a regular expression.

    Raises:
        ValueError: it is none. The message is one line.
    """
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
