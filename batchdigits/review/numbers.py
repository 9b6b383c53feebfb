"""What a person may type as the number of a field, in a rule and in words."""

from __future__ import annotations

from batchdigits.fields.values.rules import MAX_VALUE, VALUE

RULE = (
    "a number has digits, a space or one of . , - / : between two of them, a sign before them, and at most "
    f"{MAX_VALUE} characters"
)


def is_number(text: object) -> bool:
    """Whether a text is a number with its separators."""
    return isinstance(text, str) and len(text) <= MAX_VALUE and VALUE.fullmatch(text) is not None
