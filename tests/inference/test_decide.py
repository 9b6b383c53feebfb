"""From logits to a row's label, confidence and status."""

from __future__ import annotations

import numpy as np
import pytest

from batchdigits.inference.decide import NO_DIGIT, Decided, Prediction, Status, decide, scores, softmax

LABELS = ("a", "b")


def decided(logits: list[float], rejects: bool, threshold: float) -> Prediction:
    return decide("x.png", Decided.of(np.array([logits], np.float32), rejects), 0, LABELS, threshold)


def test_a_score_is_the_confidence_for_a_model_that_does_not_reject() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (100, 10)).astype(np.float32)
    assert np.allclose(scores(logits, rejects=False), softmax(logits).max(axis=1))


def test_a_score_is_that_of_one_class_more_for_a_model_that_rejects() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (100, 10)).astype(np.float32)
    with_nothing = softmax(np.concatenate([logits, np.zeros((100, 1), np.float32)], axis=1))
    assert np.allclose(scores(logits, rejects=True), with_nothing[:, :10].max(axis=1))


def test_logits_that_are_far_out_are_no_trouble() -> None:
    assert scores(np.array([[-1e4, -2e4], [1e4, 0]], np.float32), rejects=True).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("logits", "rejects", "status", "detail"),
    [
        ([4.0, -4.0], True, Status.OK, ""),
        ([-3.0, -9.0], True, Status.REVIEW, NO_DIGIT),  # it would be an a, if it were one
        ([-3.0, -9.0], False, Status.OK, ""),
        ([5.0, 4.9], True, Status.REVIEW, ""),
        ([-3.0, -3.1], True, Status.REVIEW, ""),  # unsure of both: the confidence says enough
    ],
)
def test_what_is_perhaps_no_digit_is_for_review(
    logits: list[float], rejects: bool, status: Status, detail: str
) -> None:
    row = decided(logits, rejects, 0.8)
    assert (row.label, row.status, row.detail) == ("a", status, detail)
    assert row.confidence == pytest.approx(float(softmax(np.array(logits)).max()))
    assert row.score is not None
    assert (row.score >= 0.8) == (status is Status.OK)
