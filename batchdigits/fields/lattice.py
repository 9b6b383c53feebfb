"""Find the likeliest numbers in a lattice: a graph of steps, each of which reads some pieces of ink in one way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from batchdigits.fields.field_options import SEPARATORS

BEAM = 12  # values that are kept at each piece, for each length if that is told
NEGLIGIBLE = 10.0  # nats: what is so far behind the likeliest path adds nothing to the weight of a value
_MARKS = frozenset(SEPARATORS)  # which has no empty text


class Step(NamedTuple):
    """One way to read some neighbouring pieces.

    Attributes:
        start: the first piece.
        end: one past the last piece.
        text: the digit or separator; empty if the pieces are no part of the value.
        log_weight: how likely it is.
        glyph: which of the field's glyphs it was read from, or leaves out of a box; -1 for none.
    """

    start: int
    end: int
    text: str
    log_weight: float
    glyph: int = -1


class Path(NamedTuple):
    """A value with its likeliest way through the lattice.

    Attributes:
        value: its digits and separators.
        log_weight: of all ways that give the value, together.
        best: of the likeliest way.
        steps: that way.
    """

    value: str
    log_weight: float
    best: float
    steps: tuple[Step, ...]


def best_paths(steps: Sequence[Step], pieces: int, length: range | None = None) -> list[Path]:
    """The likeliest values of a lattice, the likeliest first.

    Args:
        steps: ways to read pieces.
        pieces: how many there are.
        length: numbers of digits that a value may have; None for any.
    """
    at = {0: [Path("", 0.0, 0.0, ())]}
    for end, ways in groupby(sorted(steps, key=lambda step: (step.end, step.start)), lambda step: step.end):
        longer: list[tuple[float, Path, Step]] = []
        for step in ways:
            before = at.get(step.start, [])
            if step.text in _MARKS:
                before = [path for path in before if _may_follow(step.text, path.value)]
            longer += [(path.best + step.log_weight, path, step) for path in before]
        at[end] = _likeliest(longer, length)
    paths = [path for path in at.get(pieces, ()) if path.value[-1:] not in _MARKS]
    if length is not None:
        paths = [path for path in paths if len(digits_of(path.value)) in length]
    return sorted(paths, key=lambda path: -path.log_weight)


def _may_follow(separator: str, value: str) -> bool:
    """Whether a separator may stand behind what was read so far: a digit; or nothing, if it is a sign."""
    return value[-1:].isdigit() or (separator == "-" and not value)


def digits_of(value: str) -> str:
    """The digits of a value, without its separators and sign."""
    return "".join(filter(str.isdigit, value))


def _likeliest(longer: list[tuple[float, Path, Step]], length: range | None) -> list[Path]:
    """The likeliest paths that end before a piece, one for each value.

    Args:
        longer: the log weight of each path with its last step, the path without that step, and the step.
        length: as for `best_paths`.
    """
    by_value: dict[str, Path] = {}
    kept: dict[int, int] = {}
    is_full = False
    longer.sort(key=itemgetter(0), reverse=True)
    for best, path, step in longer:
        if is_full and best < longer[0][0] - NEGLIGIBLE:
            break
        value = path.value + step.text
        known = by_value.get(value)
        if known is not None:
            lag = min(0.0, path.log_weight + step.log_weight - known.log_weight)
            total = known.log_weight + math.log1p(math.exp(lag))
            by_value[value] = Path(value, total, known.best, known.steps)
        elif not is_full:
            if length is not None:
                digits = len(digits_of(value))
                if kept.get(digits, 0) == BEAM or digits >= length.stop:
                    continue
                kept[digits] = kept.get(digits, 0) + 1
            by_value[value] = Path(value, path.log_weight + step.log_weight, best, (*path.steps, step))
            is_full = length is None and len(by_value) == BEAM
    return list(by_value.values())
