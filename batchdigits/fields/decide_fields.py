"""From cut fields to their predictions: a value for every source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from batchdigits.fields.cut_batch import CutPage
from batchdigits.fields.field_rules import FieldRules
from batchdigits.fields.read_field import Cut, Digit, FieldReading, read_cuts
from batchdigits.inference.card import Card
from batchdigits.inference.decide import SCORE_DECIMALS, Prediction, Status
from batchdigits.inference.runtime import Runtime
from batchdigits.inference.threshold import review_threshold
from batchdigits.text import counted

NO_NUMBER = "no number found"
MAX_OTHERS = 2  # other values that the detail of a `review` names
MIN_OTHER = 0.01  # their least probability


class FieldPrediction(NamedTuple):
    """The value of one field.

    Attributes:
        path: the source: its path as typed, with `#N` for a page of a multi-page file.
        value: the digits and separators of the number, with leading zeros; empty for `blank` and `error`, and for
            `review` where no number was found in the ink.
        confidence: probability that the value is right if the field holds a number, 0-1; None where there is none.
        status: the outcome.
        detail: the reason for `error`; for `review` the rule that the value breaks, or other values that it may be.
        score: probability that the value is right, 0-1; the review threshold is compared with it. None without a value.
        digits: each digit with its label, its confidence (0-1), and its box in pixels of the scan: first column and
            row, and one past the last.
    """

    path: str
    value: str
    confidence: float | None
    status: Status
    detail: str = ""
    score: float | None = None
    digits: tuple[Digit, ...] = ()

    def row(self, with_digits: bool = False) -> Prediction:
        """The row of a table, with the value as its label; with the digits as JSON, if they are asked for."""
        digits = _as_json(self.digits) if with_digits and self.digits else ""
        path, value, confidence, status, detail, score, _ = self
        return Prediction(path, value, confidence, status, detail, score=score, digits=digits)


def decide_fields(
    sources: Sequence[CutPage], runtime: Runtime, rules: FieldRules, threshold: float
) -> list[FieldPrediction]:
    """The prediction for each source, in order. The network gets the glyphs of all fields at once.

    Args:
        sources: fields that were decoded and cut.
        runtime: the network.
        rules: what is known of the values.
        threshold: score (0-1) below which a row is `review`.
    """
    readings = iter(_read([source.cut for source in sources if source.cut is not None], runtime, rules))
    return [
        _decide(source.source, source.fault if source.cut is None else next(readings), rules, threshold)
        for source in sources
    ]


def field_threshold(card: Card, min_confidence: float | None = None) -> float:
    """The score (0-1) below which a row is `review`: the one that is given, else that of the model."""
    return review_threshold(card, min_confidence)


def _read(cuts: Sequence[Cut], runtime: Runtime, rules: FieldRules) -> list[FieldReading | str]:
    """The reading of each cut, or why it has none: an unforeseen error costs one row and not the run."""
    try:
        return [*read_cuts(cuts, runtime, rules.length, rules.comb, rules.marks)]
    except Exception as error:
        if len(cuts) == 1:
            return [f"cannot be read ({type(error).__name__})"]
        return [reading for cut in cuts for reading in _read([cut], runtime, rules)]


def _decide(path: str, reading: FieldReading | str, rules: FieldRules, threshold: float) -> FieldPrediction:
    if isinstance(reading, str):
        return FieldPrediction(path, "", None, Status.ERROR, reading)
    if not reading.has_ink:
        return FieldPrediction(path, "", None, Status.BLANK)
    if not reading.value:
        return FieldPrediction(path, "", None, Status.REVIEW, _no_number(rules.length))
    value, fault = rules.written(reading.value)
    score = round(reading.score, SCORE_DECIMALS)
    if score >= threshold and not fault:
        return FieldPrediction(path, value, reading.confidence, Status.OK, "", score, reading.digits)
    others = [rules.written(other)[0] for other, share in reading.alternatives if share >= MIN_OTHER]
    others = [other for other in dict.fromkeys(others) if other != value][:MAX_OTHERS]
    detail = "; ".join(filter(None, (fault, f"or {', '.join(others)}" if others else "")))
    return FieldPrediction(path, value, reading.confidence, Status.REVIEW, detail, score, reading.digits)


def _no_number(length: range | None) -> str:
    if length is None:
        return NO_NUMBER
    digits = counted(length[0], "digit") if len(length) == 1 else f"{length[0]} to {length[-1]} digits"
    return f"no number of {digits} found"


def _as_json(digits: Sequence[Digit]) -> str:
    """Digits as a list of objects."""
    return json.dumps(
        [
            {"label": digit.label, "confidence": round(digit.confidence, SCORE_DECIMALS), "box": digit.box}
            for digit in digits
        ],
        separators=(",", ":"),
    )
