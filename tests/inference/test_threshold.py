from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchdigits.inference.card import Card
from batchdigits.inference.threshold import (
    NoSuchThresholdError,
    clopper_pearson_upper_bound,
    review_threshold,
    threshold_for,
)

NETWORK = {"hidden": [8], "activation": ""}
RISK = (
    {"threshold": 0.0, "coverage": 1.0, "images": 10_000, "errors": 200},
    {"threshold": 0.9, "coverage": 0.9, "images": 9_000, "errors": 20},
    {"threshold": 0.99, "coverage": 0.5, "images": 5_000, "errors": 1},
    {"threshold": 0.999, "coverage": 0.0, "images": 0, "errors": 0},
)
CARD = Card(labels=("0", "1"), network=NETWORK, risk=RISK)


@pytest.mark.parametrize(
    ("errors", "images", "bound"),
    [
        (0, 100, 0.029513),
        (1, 100, 0.046560),
        (5, 1000, 0.010485),
        (20, 9000, 0.003228),
        (0, 1, 0.95),
        (10**7, 10**9, 0.010005),
    ],
)
def test_the_upper_bound_is_the_one_of_clopper_and_pearson(errors: int, images: int, bound: float) -> None:
    assert clopper_pearson_upper_bound(errors, images) == pytest.approx(bound, abs=2e-6)


@pytest.mark.parametrize(("risk", "threshold"), [(0.03, 0.0), (0.004, 0.9), (0.001, 0.99)])
def test_finds_the_lowest_threshold_whose_bound_is_within_the_risk(risk: float, threshold: float) -> None:
    assert threshold_for(CARD, risk) == threshold


def test_the_upper_bound_of_the_errors_decides_not_their_share() -> None:
    assert RISK[1]["errors"] / RISK[1]["images"] < 0.0025
    assert threshold_for(CARD, 0.0025) == 0.99


def test_no_threshold_below_a_failing_one_is_tried() -> None:
    lucky = {"threshold": 0.5, "coverage": 1.0, "images": 20_000, "errors": 0}
    assert threshold_for(Card(labels=("0", "1"), network=NETWORK, risk=(lucky, *RISK[1:])), 0.001) == 0.99


def test_a_risk_too_small_for_the_data_is_an_error() -> None:
    with pytest.raises(NoSuchThresholdError, match=r"supports no risk under 0\.095%.*0\.01% was asked for"):
        threshold_for(CARD, 0.0001)


FEW = (
    {"threshold": 0.0, "coverage": 1.0, "images": 400, "errors": 20},
    {"threshold": 0.9, "coverage": 0.75, "images": 300, "errors": 1},
    {"threshold": 0.99, "coverage": 0.25, "images": 100, "errors": 0},
)


@pytest.mark.parametrize("risk", [0.016, 0.03])
def test_a_threshold_that_few_images_reach_and_no_error_is_passed_over(risk: float) -> None:
    card = Card(labels=("0", "1"), network=NETWORK, risk=FEW)
    assert threshold_for(card, risk) == 0.9  # 0.99 supports no risk under 2.951 %


@pytest.mark.parametrize("risk", [0.001, 0.016, 0.03])
def test_one_that_an_error_reaches_is_not_and_the_risk_that_is_named_is_supported(risk: float) -> None:
    card = Card(labels=("0", "1"), network=NETWORK, risk=(*FEW[:2], {**FEW[2], "errors": 1}))
    with pytest.raises(NoSuchThresholdError, match=f"no risk under 4.656%.* and {100 * risk:.3g}% was asked for"):
        threshold_for(card, risk)
    assert threshold_for(card, 0.04656) == 0.9


def test_nor_is_one_that_an_outlier_reaches_if_there_are_any() -> None:
    rows = [{**row, "outliers": count} for row, count in zip(FEW, (1_000, 1, 1), strict=True)]
    card = Card(labels=("0", "1"), network=NETWORK, risk=tuple(rows))
    assert threshold_for(card, 0.016) == 0.9
    with pytest.raises(NoSuchThresholdError, match="supports no risk"):
        threshold_for(card, 0.022, 0.01)
    assert threshold_for(replace(card, risk=(*rows[:2], {**rows[2], "outliers": 0})), 0.022, 0.01) == 0.9


COUNT = st.tuples(st.sampled_from([3, 10, 30, 100, 300, 1000]), st.integers(0, 2), st.integers(0, 2))


@settings(max_examples=50)
@given(counts=st.lists(COUNT, min_size=2, max_size=6), share=st.sampled_from([0.0, 0.02]))
def test_a_larger_risk_never_has_a_higher_threshold(counts: list[tuple[int, int, int]], share: float) -> None:
    over = np.cumsum(counts, axis=0)  # images, errors and outliers at or over each threshold, the highest first
    rows = [
        {"threshold": 1 - step / 10, "images": images, "errors": errors, "outliers": outliers}
        for step, (images, errors, outliers) in enumerate(over.tolist())
    ]
    card = Card(labels=("0", "1"), network=NETWORK, risk=tuple(reversed(rows)))
    refused, found = 2.0, []
    for risk in np.geomspace(0.005, 0.9, 16):
        try:
            found.append(threshold_for(card, risk, share))
        except NoSuchThresholdError:
            found.append(refused)
    assert found == sorted(found, reverse=True)


def test_a_threshold_behind_a_failing_one_is_no_supported_risk() -> None:
    rows = ({"threshold": 0.0, "coverage": 1.0, "images": 400, "errors": 1}, {**FEW[1], "errors": 90})
    with pytest.raises(NoSuchThresholdError, match=r"supports no risk under 34\.\d+%.*20% was asked for"):
        threshold_for(Card(labels=("0", "1"), network=NETWORK, risk=rows), 0.2)


def test_a_card_without_a_risk_table_is_an_error() -> None:
    with pytest.raises(NoSuchThresholdError, match="no risk table"):
        threshold_for(Card(labels=("0", "1"), network=NETWORK), 0.01)


OUTLIERS = (1_000, 40, 2, 0)  # at or over each threshold of RISK
WITH_OUTLIERS = replace(
    CARD,
    risk=tuple({**row, "outliers": count} for row, count in zip(RISK, OUTLIERS, strict=True)),
    outlier_share=0.05,
)


@pytest.mark.parametrize(("share", "threshold"), [(0.0, 0.9), (0.01, 0.9), (0.1, 0.99)])
def test_the_more_outliers_are_expected_the_higher_the_threshold(share: float, threshold: float) -> None:
    assert threshold_for(WITH_OUTLIERS, 0.005, share) == threshold


def test_the_bound_holds_for_nearly_all_samples_at_the_risk_itself() -> None:
    rng, share, outliers_over, errors_over = np.random.default_rng(1), 0.1, 0.05, 0.01
    risk = share * outliers_over / (share * outliers_over + (1 - share) * 0.9) + 0.009
    failures = 0
    for _ in range(200):
        taken = int(rng.binomial(2_000, 0.9))
        row = {
            "threshold": 0.5,
            "coverage": taken / 2_000,
            "images": taken,
            "errors": int(rng.binomial(taken, errors_over)),
            "outliers": int(rng.binomial(500, outliers_over)),
        }
        first = {"threshold": 0.0, "coverage": 1.0, "images": 2_000, "errors": 2_000, "outliers": 500}
        with suppress(NoSuchThresholdError):
            failures += threshold_for(replace(CARD, risk=(first, row)), risk, share) == 0.5
    assert failures <= 10  # 5 % of 200: each finds a threshold although its risk is a little over what was asked for


def test_a_card_without_outliers_is_an_error_unless_none_are_expected() -> None:
    assert threshold_for(CARD, 0.004, 0.0) == 0.9
    with pytest.raises(NoSuchThresholdError, match="counts no outliers; use --outlier-share 0"):
        threshold_for(CARD, 0.004, 0.01)


def test_the_outlier_share_is_the_cards_unless_it_is_given() -> None:
    assert review_threshold(WITH_OUTLIERS, target_risk=0.005, outlier_share=0) == 0.9
    assert review_threshold(WITH_OUTLIERS, target_risk=0.005) == threshold_for(WITH_OUTLIERS, 0.005, 0.05)
    for share in (-0.1, 1.0):
        with pytest.raises(ValueError, match="outlier_share is from 0"):
            review_threshold(WITH_OUTLIERS, target_risk=0.005, outlier_share=share)
    with pytest.raises(ValueError, match="goes with target_risk"):
        review_threshold(WITH_OUTLIERS, outlier_share=0.1)
