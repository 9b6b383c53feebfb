"""From a source's candidates to its prediction: one row for every source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.card import Card
from batchdigits.inference.runtime import Glyphs, Logits, Runtime
from batchdigits.vision.normalise import Candidates, Glyph
from batchdigits.vision.normalise_batch import Normalised
from batchdigits.vision.writing import shows_several

MAY_BE_OUTLIER = "may be no digit"
ONLY_LINES = "only printed lines"
SEVERAL_OR_NONE = "several digits, or none"
SCORE_DECIMALS = 6  # those of the CSV: the status follows from the score as it is written
MIN_SEVERAL = 0.2  # the detail of a doubtful row names two digits that are as probable as this
MIN_WEIGHT = 1e-12  # of a candidate, so that one of them decides, however low their scores are
NO_PROBABILITIES: Mapping[str, float] = {}


class Status(StrEnum):
    """The outcome for a source: `ok` or `review` by its score, `blank` without ink, `error` if it cannot be read."""

    OK = "ok"
    REVIEW = "review"
    BLANK = "blank"
    ERROR = "error"


class FormPage(NamedTuple):
    """What a row for a page of a form has besides.

    Attributes:
        page: the number of the form's page, from 1; 0 if the scan is none of them.
        fields: the prediction of each of its fields by its name, or of one of them.
        note: what is wrong with its file; else empty.
        box: of a single field, its corners in pixels of the page: column and row of the top left, top right, bottom
            right and bottom left one as the form is read, with blanks between; else empty.
    """

    page: int
    fields: Mapping[str, Prediction]
    note: str = ""
    box: str = ""


class Prediction(NamedTuple):
    """One row for one source.

    Attributes:
        path: the source as in the CSV: its path as typed, with `#N` for a page of a multi-page file.
        label: the class's name; empty for `blank` and `error`, and for `review` where no digit was found in much ink.
        confidence: probability of `label`, 0-1; None where there is none.
        status: the outcome.
        detail: the reason for `error`, or for `review` where it is not the confidence alone; for `blank`, what was on
            it; else empty.
        probabilities: probability of every class by its name, 0-1, in the order of the labels; empty unless asked for.
        score: probability that the glyph is a digit, and the one that `label` names, 0-1; lower where another digit may
            stand beside it. The review threshold is compared with it. For a model that does not reject outliers it is
            the confidence. None without a label.
        digits: of a field, whose `label` is a number of several digits, each of them as JSON; empty unless asked for.
        form: of a page of a form, or a field of it, what a row for these has besides; else None.
    """

    path: str
    label: str
    confidence: float | None
    status: Status
    detail: str = ""
    probabilities: Mapping[str, float] = NO_PROBABILITIES
    score: float | None = None
    digits: str = ""
    form: FormPage | None = None

    def as_dict(self) -> dict[str, Any]:
        """All attributes of a digit's prediction by name, in types that JSON has; `status` as its text."""
        document = self._asdict() | {"status": str(self.status), "probabilities": dict(self.probabilities)}
        del document["digits"], document["form"]
        return document


# A glyph's label and confidence, its score, the score as rows have it, and the probabilities of all classes, if they
# are asked for.
_Answer = tuple[str, float, float, float, Mapping[str, float]]


def decide(
    sources: Sequence[Normalised], runtime: Runtime, threshold: float, probabilities: bool = False
) -> tuple[list[Prediction], list[Glyph | None]]:
    """The prediction for each source, and the glyph that it is made from.

    The network gets all candidates at once. Of a source's candidates, the one with the highest score times prior
    decides; of equals, the first. Its score is then lowered by what speaks for candidates with another label, and by
    the probability that there are two digits beside each other.

    Args:
        sources: sources that were decoded and normalised.
        runtime: the network.
        threshold: score (0-1) below which a row is `review`.
        probabilities: whether predictions have the probabilities of all classes.

    Returns:
        Predictions and glyphs, in order; None for a source without a candidate.
    """
    every_glyph = [glyph for source in sources for glyph in source.candidates.glyphs + source.candidates.pair]
    answers = _answers(runtime.logits(_stacked(every_glyph)), runtime.card, probabilities) if every_glyph else iter(())
    ok = Status.OK  # looked up once for many rows
    predictions: list[Prediction] = []
    chosen: list[Glyph | None] = []
    for path, candidates, fault in sources:
        glyphs = candidates.glyphs
        if not glyphs:
            predictions.append(failed(path, fault) if fault else _without_glyph(path, candidates))
            chosen.append(None)
            continue
        index, answer = 0, next(answers)
        if len(glyphs) > 1:
            index, answer = _choose([answer, *islice(answers, len(glyphs) - 1)], candidates.priors)
        several = 0.0
        if candidates.pair:
            several = next(answers)[2] * next(answers)[2]
            answer = _lowered(answer, 1.0 - several)
        label, confidence, _, score, by_name = answer
        status, detail = (ok, "") if score >= threshold else _in_doubt(glyphs[index], confidence, threshold, several)
        predictions.append(Prediction(path, label, confidence, status, detail, by_name, score))
        chosen.append(glyphs[index])
    return predictions, chosen


def _stacked(glyphs: Sequence[Glyph]) -> Glyphs:
    """Glyphs in one array, in less time than `np.array` takes."""
    return np.frombuffer(b"".join([glyph.data for glyph in glyphs]), np.uint8).reshape(-1, *glyphs[0].shape)


def _in_doubt(glyph: Glyph, confidence: float, threshold: float, several: float) -> tuple[Status, str]:
    """The status and the detail of a row whose score is under the threshold."""
    if several >= MIN_SEVERAL or shows_several(glyph):
        return Status.REVIEW, SEVERAL_OR_NONE
    return Status.REVIEW, MAY_BE_OUTLIER if round(confidence, SCORE_DECIMALS) >= threshold else ""


def _choose(answers: list[_Answer], priors: Sequence[float]) -> tuple[int, _Answer]:
    """The index of the candidate that decides, and its answer."""
    weights = [max(score, MIN_WEIGHT) * prior for (_, _, score, _, _), prior in zip(answers, priors, strict=True)]
    index = weights.index(max(weights))
    label = answers[index][0]
    agreeing = sum(weight for weight, answer in zip(weights, answers, strict=True) if answer[0] == label)
    return index, _lowered(answers[index], agreeing / sum(weights))


def _lowered(answer: _Answer, share: float) -> _Answer:
    """An answer with a share of its score."""
    label, confidence, score, _, by_name = answer
    return label, confidence, score * share, round(score * share, SCORE_DECIMALS), by_name


def _answers(logits: Logits, card: Card, with_probabilities: bool) -> Iterator[_Answer]:
    """An answer for each glyph, from logits (N, classes); ties go to the lowest class."""
    probabilities = softmax(logits)
    labels = [card.labels[index] for index in probabilities.argmax(axis=1).tolist()]
    by_name: Iterable[Mapping[str, float]] = repeat(NO_PROBABILITIES, len(labels))
    if with_probabilities:
        by_name = [dict(zip(card.labels, row, strict=True)) for row in probabilities.tolist()]
    confidences, exact = probabilities.max(axis=1), _scores(probabilities, logits, card.rejects)
    rounded = exact.round(SCORE_DECIMALS)  # all at once, which is faster
    return zip(labels, confidences.tolist(), exact.tolist(), rounded.tolist(), by_name, strict=True)


def _without_glyph(path: str, candidates: Candidates) -> Prediction:
    """The row for a source without ink, with printed lines alone, or with writing that is no single digit."""
    if candidates.holds_writing:
        return Prediction(path, "", None, Status.REVIEW, SEVERAL_OR_NONE)
    return blank(path, candidates.has_lines)


def blank(path: str, has_lines: bool = False) -> Prediction:
    """The row for a source without ink, or with printed lines alone."""
    return Prediction(path, "", None, Status.BLANK, ONLY_LINES if has_lines else "")


def failed(path: str, fault: str) -> Prediction:
    """The row for a source that could not be read."""
    return Prediction(path, "", None, Status.ERROR, fault)


def softmax(logits: Logits) -> NDArray[np.float64]:
    """Probabilities, float64 and of the same shape, over the last axis."""
    wide = logits.astype(np.float64)
    exponentials = np.exp(wide - wide.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def scores(logits: Logits, rejects: bool) -> NDArray[np.float64]:
    """The score of each glyph, float64 (N,): the probability that it is a digit, and the one of its top logit.

    Args:
        logits: float32 (N, classes).
        rejects: the card's `rejects`: whether there is one more class, for outliers, with the logit 0.
    """
    return _scores(softmax(logits), logits, rejects)


def _scores(probabilities: NDArray[np.float64], logits: Logits, rejects: bool) -> NDArray[np.float64]:
    confidences: NDArray[np.float64] = probabilities.max(axis=1)
    if not rejects:
        return confidences
    # The log-odds are -log(sum(exp(logits))). That is log(confidence) less the top logit, without another sum.
    log_odds_of_outlier = np.log(confidences) - logits.max(axis=1)
    with_rejection: NDArray[np.float64] = confidences * np.exp(-np.logaddexp(0.0, log_odds_of_outlier))
    return with_rejection
