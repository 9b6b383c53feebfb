"""From cut fields to their predictions: a value for every source."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import ModelFileError
from batchdigits.fields.cut_batch import CutPage
from batchdigits.fields.cut_field import Cut
from batchdigits.fields.field_options import FieldOptions
from batchdigits.fields.left_out import LEFT_OUT
from batchdigits.fields.read_field import classify_cuts, read_cut
from batchdigits.fields.reading import Character, FieldReading, Lattice
from batchdigits.fields.values.expected_values import SHOWN, choose
from batchdigits.fields.values.value_list import ValueList
from batchdigits.inference.card import DIGIT_NAMES, Card
from batchdigits.inference.decide import NO_PROBABILITIES, SCORE_DECIMALS, Prediction, Status
from batchdigits.inference.runtime import Runtime
from batchdigits.inference.threshold import review_threshold
from batchdigits.text import counted

REVIEW_THRESHOLD = 0.975  # of fields; a model card has none, since cutting counts as much as the network
MIN_SHOWN = 0.01  # probability of another value that the detail of a `review` names

UNTOLD_SLASHES = "may have slashes, which --separators / tells"
MISSED_SLASHES = "a 1 may be a slash"
UNREAD = {
    "minus": "a minus may stand before the number, where none is read",
    "point": "a point may stand before the number, where none is read",
    "gap": "a point may stand between the digits, where none is read",
    "date": "it would be a date with one separator more, or two",
    "slash": "a slash may be a 1",
}


class FieldPrediction(NamedTuple):
    """The value of one field.

    Attributes:
        path: the source: its path as typed, with `#N` for a page of a multi-page file.
        value: the digits and separators of the number, with leading zeros; empty for `blank` and `error`, and for
            `review` where no number was found in the ink.
        confidence: probability that the value is right, 0-1; None where there is none.
        status: the outcome.
        detail: the reason for `error`; the rule that the value breaks, or that made another one of it; for `review`,
            the likeliest values.
        score: the same with six decimals; the review threshold is compared with it. None without a value.
        digits: each digit with its label, its confidence (0-1), and its box in pixels of the scan: first column and
            row, and one past the last. None of a value that a rule has changed.
        alternatives: the likeliest values with their probabilities (0-1), the likeliest first.
    """

    path: str
    value: str
    confidence: float | None
    status: Status
    detail: str = ""
    score: float | None = None
    digits: tuple[Character, ...] = ()
    alternatives: Mapping[str, float] = NO_PROBABILITIES

    def as_dict(self) -> dict[str, Any]:
        """All attributes by name, in types that JSON has; `status` as its text, and each digit as a dict, too."""
        digits = [digit._asdict() | {"box": list(map(float, digit.box))} for digit in self.digits]
        others = {"status": str(self.status), "digits": digits, "alternatives": dict(self.alternatives)}
        return self._asdict() | others

    def row(self, with_digits: bool = False) -> Prediction:
        """The row of a table, with the value as its label; with the digits as JSON, if they are asked for."""
        digits = _as_json(self.digits) if with_digits and self.digits else ""
        return Prediction(
            self.path, self.value, self.confidence, self.status, self.detail, self.alternatives, self.score, digits
        )


def field_threshold(card: Card, min_confidence: float | None = None) -> float:
    """The score (0-1) below which a row is `review`: the one that is given, else that for fields.

    Raises:
        ModelFileError: a digit is no label of the model.
    """
    if missing := [digit for digit in DIGIT_NAMES if digit not in card.labels]:
        raise ModelFileError(f"the model has no label {', '.join(missing)}; numbers are read with all ten digits")
    return REVIEW_THRESHOLD if min_confidence is None else review_threshold(card, min_confidence)


def decide_fields(
    sources: Sequence[CutPage],
    runtime: Runtime,
    options: FieldOptions,
    threshold: float,
    on_done: Callable[[], object] = lambda: None,
) -> list[FieldPrediction]:
    """The prediction for each source, in order. The network gets the glyphs of all fields at once.

    If values are unique, each has the value as it was read, and in its detail what is wrong with that, for
    `decide_together`.

    Args:
        sources: fields that were decoded and cut.
        runtime: the network.
        options: what is known of the values.
        threshold: score (0-1) below which a row is `review`.
        on_done: called after each field.
    """
    return decide_each(sources, runtime, [options] * len(sources), threshold, on_done)


def decide_each(
    sources: Sequence[CutPage],
    runtime: Runtime,
    options: Sequence[FieldOptions],
    threshold: float,
    on_done: Callable[[], object] = lambda: None,
) -> list[FieldPrediction]:
    """Do what `decide_fields` does, for fields with options of their own."""
    rows = iter(classify_cuts([source.cut for source in sources if source.cut is not None], runtime))
    predictions = []
    for (path, cut, fault), own in zip(sources, options, strict=True):
        reading = fault if cut is None else _read(cut, next(rows), own)
        predictions.append(_with_notes(_decide(path, reading, own, threshold), reading, own))
        on_done()
    return predictions


def _read(cut: Cut, log_p: NDArray[np.float64], options: FieldOptions) -> FieldReading | str:
    """The reading of a cut, or why it has none: an unforeseen error costs one row and not the run."""
    try:
        return read_cut(cut, log_p, options.reading_options)
    except Exception as error:
        return f"cannot be read ({type(error).__name__})"


def _decide(path: str, reading: FieldReading | str, options: FieldOptions, threshold: float) -> FieldPrediction:
    if isinstance(reading, str):
        return FieldPrediction(path, "", None, Status.ERROR, reading)
    if not reading.has_ink:
        return FieldPrediction(path, "", None, Status.BLANK)
    if not reading.value:
        return FieldPrediction(path, "", None, Status.REVIEW, _no_number(options.length))
    value = options.written(reading.value)
    alternatives = _written(reading, options)
    if options.expected:
        lattice = None if options.changes_form else reading.lattice
        belief = options.expected.believe(_Written(alternatives, lattice))
        values = dict(belief.values)
        if options.unique:
            as_read, probability = belief.as_read, belief.as_read_probability
            return FieldPrediction(path, as_read, probability, Status.OK, belief.fault, None, reading.digits, values)
        choice = choose(belief, threshold)
        digits = reading.digits if choice.value == value else ()
        score = round(choice.confidence, SCORE_DECIMALS)
        return FieldPrediction(
            path, choice.value, choice.confidence, choice.status, choice.detail, score, digits, values
        )
    (_, most), *_ = alternatives
    values = {other: min(share, most) for other, share in alternatives if other}
    score = round(reading.confidence, SCORE_DECIMALS)
    if score >= threshold:
        return FieldPrediction(path, value, reading.confidence, Status.OK, "", score, reading.digits, values)
    shown = [f"{other} ({share:.2f})" for other, share in islice(values.items(), SHOWN) if share >= MIN_SHOWN]
    detail = f"likeliest: {', '.join(shown)}" if len(shown) > 1 else ""
    return FieldPrediction(path, value, reading.confidence, Status.REVIEW, detail, score, reading.digits, values)


def _with_notes(prediction: FieldPrediction, reading: FieldReading | str, options: FieldOptions) -> FieldPrediction:
    """The prediction, with what else there is to say of its field in the detail; most of it makes it `review`.

    Where values are unique, the notes end with "; " in any case, so that `decide_together` can take them off again.
    """
    if isinstance(reading, str) or not reading.has_ink:
        return prediction
    notes = []
    if options.comb is not None and reading.boxes != options.comb:
        remedy = "" if reading.boxes else ": for ticks or lines under digits, give the length in place of comb"
        notes.append(f"{reading.boxes or 'no'} boxes found where {options.comb} should be{remedy}")
    if reading.unread:
        notes.append(UNREAD[reading.unread])
    status = Status.REVIEW if notes else prediction.status
    if reading.may_have_slashes and (options.unique or status is Status.REVIEW):
        notes.append(MISSED_SLASHES if "/" in options.separators else UNTOLD_SLASHES)
    notes += [LEFT_OUT[mark] for mark in reading.left_out]
    detail = "; ".join([*notes, prediction.detail])
    return prediction._replace(status=status, detail=detail if options.unique else detail.removesuffix("; "))


class _Written(NamedTuple):
    """A reading with its values as they are written down, for `ExpectedValues.believe`."""

    alternatives: Sequence[tuple[str, float]]
    lattice: Lattice | None

    def among(self, listed: ValueList) -> Sequence[tuple[str, float]]:
        if self.lattice is None:
            return [(value, share) for value, share in self.alternatives if value in listed.values]
        return self.lattice.among(listed)


def _written(reading: FieldReading, options: FieldOptions) -> list[tuple[str, float]]:
    """The value and the others as they are written down, with their probabilities, the likeliest of the others first.

    The probability of the value is that of the whole reading, with ink that is in doubt, and those of the others share
    the rest, so one of them may have a greater one, and still is not likelier. A field without digits is one of them.
    """
    shares: dict[str, float] = {}
    for text, share in ((reading.value, reading.confidence), *reading.alternatives):
        value = options.written(text)
        shares[value] = shares.get(value, 0.0) + share
    first, *others = shares.items()
    return [first, *sorted(others, key=lambda pair: -pair[1])]


def _no_number(length: range | None) -> str:
    if length is None:
        return "no number found"
    digits = counted(length[0], "digit") if len(length) == 1 else f"{length[0]} to {length[-1]} digits"
    return f"no number of {digits} found"


def _as_json(digits: Sequence[Character]) -> str:
    """Digits as a list of objects."""
    return json.dumps(
        [
            {
                "label": digit.label,
                "confidence": round(digit.confidence, SCORE_DECIMALS),
                "box": [round(side) for side in digit.box],
            }
            for digit in digits
        ],
        separators=(",", ":"),
    )
