"""Text from outside, made fit for a terminal or a picture."""

from __future__ import annotations

import re
import unicodedata

_USER = re.compile(r"(\w://)[^/?#\s@]*@")
_QUERY = re.compile(r"(\w://[^\s?#]*)\?[^\s#]+")


def printable(text: str) -> str:
    """Text with everything that could steer a terminal, or turn a line around, escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def is_line(text: str) -> bool:
    """Whether text is one line, without control characters, that UTF-8 can hold; a file name need not be."""
    return not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)


def without_secrets(text: str) -> str:
    """Text whose URLs have neither user and password nor a query, where signatures and tokens are."""
    return _QUERY.sub(r"\1?...", _USER.sub(r"\1...@", text)) if "://" in text else text
