"""What a person types as the truth about an image, into a sample, a column or a list."""

from __future__ import annotations

import re

TYPED_NO_DIGIT, TYPED_BLANK = "x", "blank"  # truths that are no label
NO_DIGIT_WORDS = (TYPED_NO_DIGIT, "not_digit", "no digit", "no number")  # also as a reviewed table has it in its detail

_digit = re.compile(r"'?([0-9])(?:[.,]0+)?").fullmatch
_apostrophe = re.compile(r"^'(?=[0-9+-])")


def is_no_label(truth: str) -> bool:
    """Whether a truth says that there is nothing to read, in a table without such a label."""
    return truth.casefold() in (*NO_DIGIT_WORDS, TYPED_BLANK)


def without_apostrophe(truth: str) -> str:
    """A truth without the apostrophe by which a spreadsheet takes a number for text: `007` for `'007`."""
    return _apostrophe.sub("", truth)


def plain_digit(truth: str) -> str:
    """A truth about one digit, of which pandas or a spreadsheet may have made `7.0`, `7,0` or `'7`."""
    digit = _digit(truth)
    return digit[1] if digit else truth
