"""From logits to a row's label, confidence and status."""

from __future__ import annotations

import numpy as np
import pytest

from batchdigits.inference.card import Card
from batchdigits.inference.decide import (
    MAY_BE_OUTLIER,
    ONLY_LINES,
    SEVERAL_OR_NONE,
    Prediction,
    Status,
    decide,
    scores,
    softmax,
)
from batchdigits.inference.runtime import Glyphs, Logits
from batchdigits.vision.normalise import Candidates
from batchdigits.vision.normalise_batch import Normalised

LABELS = ("a", "b")


class Scripted:
    """A runtime that returns given logits, one row for each glyph."""

    def __init__(self, logits: list[list[float]], rejects: bool = False) -> None:
        self.card = Card(labels=LABELS, network={}, rejects=rejects)
        self._logits = np.array(logits, np.float32)

    def logits(self, glyphs: Glyphs) -> Logits:
        assert len(glyphs) == len(self._logits)
        return self._logits


def glyphs(count: int, *priors: float) -> Candidates:
    return Candidates(tuple(np.full((28, 28), level, np.uint8) for level in range(count)), priors or (1.0,) * count)


def decided(logits: list[float], rejects: bool, threshold: float) -> Prediction:
    (row,), _ = decide([Normalised("x.png", glyphs(1))], Scripted([logits], rejects), threshold)
    return row


def test_of_two_candidates_the_one_with_the_highest_score_decides_the_first_of_equals() -> None:
    logits = [[1.0, 2.0], [3.0, 0.0], [5.0, 4.0], [4.0, 5.0], [0.0, 9.0]]
    none = Candidates()
    sources = [
        Normalised("1", glyphs(2)),
        Normalised("2", none),
        Normalised("3", glyphs(2)),
        Normalised("4", glyphs(1)),
    ]
    rows, chosen = decide([*sources, Normalised("5", none, "empty file")], Scripted(logits), 0.0)
    assert [(row.path, row.label) for row in rows] == [("1", "a"), ("2", ""), ("3", "a"), ("4", "b"), ("5", "")]
    assert [row.status for row in rows] == ["ok", "blank", "ok", "ok", "error"]
    assert [None if glyph is None else int(glyph[0, 0]) for glyph in chosen] == [1, None, 0, 0, None]


def test_a_candidate_decides_by_its_score_times_its_prior() -> None:
    logits = [[2.0, 0.0], [0.0, 3.0]]  # scores of 0.88 and 0.95
    for priors, label in (((1.0, 1.0), "b"), ((1.0, 0.5), "a"), ((0.5, 1.0), "b")):
        (row,), _ = decide([Normalised("x", glyphs(2, *priors))], Scripted(logits), 0.0)
        assert row.label == label


def test_candidates_of_another_label_lower_the_score_and_not_the_confidence() -> None:
    (alone,), _ = decide([Normalised("x", glyphs(1))], Scripted([[4.0, 0.0]]), 0.0)
    (agreed,), _ = decide([Normalised("x", glyphs(2))], Scripted([[4.0, 0.0], [3.0, 0.0]]), 0.0)
    (disputed,), _ = decide([Normalised("x", glyphs(2))], Scripted([[4.0, 0.0], [0.0, 4.0]]), 0.6)
    assert alone == agreed
    assert (disputed.label, disputed.confidence, disputed.status) == ("a", alone.confidence, Status.REVIEW)
    assert disputed.score == pytest.approx((alone.score or 0.0) / 2)


def test_one_candidate_decides_however_low_all_scores_are() -> None:
    logits = [[-300.0, -400.0], [-400.0, -300.0]]
    (row,), _ = decide([Normalised("x", glyphs(2, 0.2, 0.1))], Scripted(logits, rejects=True), 0.5)
    assert (row.label, row.status) == ("a", Status.REVIEW)


def test_a_blank_row_tells_whether_printed_lines_were_on_it() -> None:
    sources = [Normalised("1", Candidates()), Normalised("2", Candidates(has_lines=True))]
    rows, _ = decide(sources, Scripted([]), 0.5)
    assert [(row.status, row.detail) for row in rows] == [(Status.BLANK, ""), (Status.BLANK, ONLY_LINES)]


def test_writing_that_is_no_single_digit_is_for_a_person() -> None:
    wide = np.zeros((28, 28), np.uint8)
    wide[10:16, 4:24] = 255
    sources = [Normalised("page", Candidates(holds_writing=True)), Normalised("strip", Candidates((wide,), (1.0,)))]
    rows, chosen = decide(sources, Scripted([[4.0, 0.0]]), 0.999)
    assert rows[0] == Prediction("page", "", None, Status.REVIEW, SEVERAL_OR_NONE)
    assert (rows[1].label, rows[1].status, rows[1].detail) == ("a", Status.REVIEW, SEVERAL_OR_NONE)
    assert chosen[0] is None
    assert decide(sources, Scripted([[4.0, 0.0]]), 0.5)[0][1].status is Status.OK


def test_two_digits_beside_each_other_lower_the_score_and_are_named() -> None:
    """A pair speaks against a row as far as both of it are digits."""
    digit, none = [9.0, 0.0], [-9.0, -9.0]
    pair = glyphs(1)._replace(pair=glyphs(2).glyphs)
    several, alone, single = (
        Normalised("several", pair),
        Normalised("alone", glyphs(1)),
        Normalised("single", pair),
    )
    logits = [digit, digit, digit, digit, digit, digit, none]
    rows, _ = decide([several, alone, single], Scripted(logits, rejects=True), 0.75)
    assert [(row.label, row.status, row.detail) for row in rows] == [
        ("a", "review", SEVERAL_OR_NONE),
        ("a", "ok", ""),
        ("a", "ok", ""),
    ]
    assert rows[0].score is not None and rows[0].score < 0.01
    assert rows[0].confidence == rows[1].confidence


def test_a_row_in_doubt_for_other_reasons_does_not_name_a_pair_that_is_hardly_one() -> None:
    doubtful = Normalised("x", glyphs(1)._replace(pair=glyphs(2).glyphs))
    (row,), _ = decide([doubtful], Scripted([[0.5, 0.0], [9.0, 0.0], [-3.0, -3.0]], rejects=True), 0.75)
    assert (row.status, row.detail) == ("review", "")


def test_probabilities_are_named_and_add_up_to_one() -> None:
    (row,), _ = decide([Normalised("x", glyphs(1))], Scripted([[1.0, 2.0]]), 0.0, probabilities=True)
    assert list(row.probabilities) == list(LABELS)
    assert sum(row.probabilities.values()) == pytest.approx(1.0)
    assert row.as_dict() == {
        "path": "x",
        "label": "b",
        "confidence": row.confidence,
        "status": "ok",
        "detail": "",
        "probabilities": row.probabilities,
        "score": row.score,
    }


def test_a_score_is_the_confidence_for_a_model_that_does_not_reject() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (100, 10)).astype(np.float32)
    assert np.allclose(scores(logits, rejects=False), softmax(logits).max(axis=1))


def test_a_score_counts_outliers_as_one_more_class_for_a_model_that_rejects() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (100, 10)).astype(np.float32)
    with_outlier = softmax(np.concatenate([logits, np.zeros((100, 1), np.float32)], axis=1))
    assert np.allclose(scores(logits, rejects=True), with_outlier[:, :10].max(axis=1))


def test_extreme_logits_give_scores_of_0_and_1() -> None:
    assert scores(np.array([[-1e4, -2e4], [1e4, 0]], np.float32), rejects=True).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("logits", "rejects", "status", "detail"),
    [
        ([4.0, -4.0], True, Status.OK, ""),
        ([-3.0, -9.0], True, Status.REVIEW, MAY_BE_OUTLIER),  # probably an outlier; if it is a digit, an a
        ([-3.0, -9.0], False, Status.OK, ""),
        ([5.0, 4.9], True, Status.REVIEW, ""),
        ([-3.0, -3.1], True, Status.REVIEW, ""),  # the confidence alone is under the threshold
    ],
)
def test_a_glyph_that_may_be_an_outlier_is_for_review(
    logits: list[float], rejects: bool, status: Status, detail: str
) -> None:
    row = decided(logits, rejects, 0.8)
    assert (row.label, row.status, row.detail) == ("a", status, detail)
    assert row.confidence == pytest.approx(float(softmax(np.array(logits)).max()))
    assert row.score is not None
    assert (row.score >= 0.8) == (status is Status.OK)
