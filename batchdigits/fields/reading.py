"""What is read in a field, and what is known about it before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from batchdigits.fields.field_options import POINT_OR_COMMA
from batchdigits.fields.lattice import Path, Step
from batchdigits.fields.lattice_reading import LatticeReading
from batchdigits.fields.left_out import LeftOut
from batchdigits.fields.values.value_list import ValueList
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
        is_as_wide: whether the comb of each field is about as wide as its scan, as where a template says where it is.
    """

    length: range | None = None
    boxes: int | None = None
    separators: str = ""
    signed: bool = False
    ink: Ink = "auto"
    is_as_wide: bool = False

    @property
    def points(self) -> str:
        """Those of the separators that are a point or comma, the point first."""
        return "".join(mark for mark in POINT_OR_COMMA if mark in self.separators)


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


class Lattice(NamedTuple):
    """All ways to read a field.

    Attributes:
        steps: its steps, which name the likeliest labels of a glyph.
        pieces: their number.
        log_p: the log probabilities of the classes for each glyph; the outlier's is the last.
        paths: the likeliest ways, the likeliest first.
        confidence: how probable it is that the first one is right, 0-1.
        is_full: whether a digit was found in each box of a comb.
    """

    steps: Sequence[Step]
    pieces: int
    log_p: Sequence[Sequence[float]]
    paths: Sequence[Path]
    confidence: float
    is_full: bool = False

    def among(self, listed: ValueList) -> Sequence[tuple[str, float]]:
        """The likeliest values of a list with their probabilities, also where a glyph has an unlikely label.

        In a comb that is full, none has fewer digits than boxes: a list that lost its zeros would drop those in front.
        """
        glyphs = {(step.start, step.end): step for step in self.steps if step.glyph >= 0 and step.text.isdigit()}
        others = [] if self.is_full else [step for step in self.steps if not step.text.isdigit()]
        digits = [
            step._replace(text=str(label), log_weight=step.log_weight - row[int(step.text)] + row[label])
            for step in glyphs.values()
            for row in [self.log_p[step.glyph]]
            for label in range(len(row) - 1)
        ]
        values = [(path.value, path.log_weight) for path in self.paths]
        reading = LatticeReading([*others, *digits], self.pieces, values)
        (_, first), *_ = reading.alternatives
        scale = (1.0 - self.confidence) / max(1.0 - first, 1e-12)  # as the alternatives of a reading
        return [
            (value, self.confidence if value == self.paths[0].value else min(share * scale, 1.0 - self.confidence))
            for value, share in reading.among(listed)
        ]


class FieldReading(NamedTuple):
    """The number of a field.

    Attributes:
        value: digits and separators as they stand; empty without any.
        confidence: how probable it is that all digits are right, and none is missing or too many, 0-1.
        digits: the digits of the value.
        separators: its separators, and its sign.
        alternatives: other values, and their probabilities, the likeliest first.
        has_ink: whether there is any ink but printed lines.
        lead: the logarithm of one more than the value's lead over the next one, in nats.
        doubt: the least log probability of one of its digits, against other digits and outliers.
        boxes: how many boxes the field has in a row; 0 without a comb.
        may_have_slashes: whether ink that is a 1, or was left out, may be a slash, which no separator told of.
        lattice: all ways to read it; None without a value.
        unread: `minus` or `point`, if one that was told of may stand before the digits without being part of the value;
            `gap`, if a point may stand between them, or `date`, if separators of one may; `slash`, if it is a date only
            with a slash that looks like a 1; else empty.
        left_out: the clear marks that were left out, as nobody told of them.
    """

    value: str = ""
    confidence: float = 0.0
    digits: tuple[Character, ...] = ()
    separators: tuple[Character, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    has_ink: bool = False
    lead: float = 0.0
    doubt: float = 0.0
    boxes: int = 0
    may_have_slashes: bool = False
    lattice: Lattice | None = None
    unread: str = ""
    left_out: tuple[LeftOut, ...] = ()
