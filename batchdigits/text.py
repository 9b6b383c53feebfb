"""Text from outside, made fit for a terminal or a picture."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text with everything that could steer a terminal, or turn a line around, escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
