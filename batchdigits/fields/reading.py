"""What is read in a field, and what is known about it before."""

from __future__ import annotations

from typing import NamedTuple

from batchdigits.vision.normalise import Ink

Box = tuple[float, float, float, float]  # first column and row, and one past the last, in pixels of the scan


class ReadOptions(NamedTuple):
    """What is known about fields before they are read.

    Attributes:
        length: how many digits a value may have; None for any number.
        boxes: how many boxes the comb of each field has; None if that is to be found out, or there is none.
        separators: those that a value may have, of ".,-/"; others are left out.
        signed: whether a value may begin with a minus.
        ink: whether ink is dark or light; `auto` finds it out.
    """

    length: range | None = None
    boxes: int | None = None
    separators: str = ".,"
    signed: bool = False
    ink: Ink = "auto"


class Character(NamedTuple):
    """A digit or separator of a value.

    Attributes:
        label: the digit, or the separator.
        confidence: how probable it is, given that its ink is one character, 0-1.
        box: where it is.
    """

    label: str
    confidence: float
    box: Box


class FieldReading(NamedTuple):
    """The number of a field.

    Attributes:
        value: digits and separators as they stand; empty without any.
        confidence: how probable it is that all digits are right, and none is missing or too many, 0-1.
        digits: the digits of the value.
        separators: its separators, and its sign.
        alternatives: values with other digits, and their probabilities, the likeliest first.
        has_ink: whether there is any ink but printed lines.
        lead: the logarithm of one more than the value's lead over one with other digits, in nats.
        doubt: the least log probability of one of its digits, against other digits and outliers.
    """

    value: str = ""
    confidence: float = 0.0
    digits: tuple[Character, ...] = ()
    separators: tuple[Character, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    has_ink: bool = False
    lead: float = 0.0
    doubt: float = 0.0
