"""What a person may type as the number of a field; `page/number_keys.js` holds to the same rule."""

from __future__ import annotations

import re

from batchdigits.fields.rules import MAX_VALUE

RULE = (
    f"a number has digits, one of . , - / : between two of them, a sign before them, and at most {MAX_VALUE} characters"
)
_NUMBER = re.compile(r"[+-]?[0-9]+([.,/:-][0-9]+)*")


def is_number(text: object) -> bool:
    """Whether a text is a number with its separators."""
    return isinstance(text, str) and len(text) <= MAX_VALUE and _NUMBER.fullmatch(text) is not None
