"""The review threshold that keeps the risk under a given bound.

The risk is the share of wrong rows among `ok` rows: of digits with a wrong label, and of outliers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, lgamma, log, log1p
from typing import NamedTuple

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.card import Card

CONFIDENCE_LEVEL = 0.95  # probability that the true risk is under the bound
ROUNDS_UP = 5e-6  # added to a share before it is shown in per cent with three decimals
NEGLIGIBLE_SHARE = 1e-17  # of a float64 sum: adding a smaller term does not change it


class NoSuchThresholdError(BatchdigitsError):
    """The card's risk table supports no threshold for the target risk."""


def review_threshold(
    card: Card,
    min_confidence: float | None = None,
    target_risk: float | None = None,
    outlier_share: float | None = None,
) -> float:
    """The review threshold: the score below which a row is `review`. It is the card's if neither value is given.

    Args:
        card: the model's card.
        min_confidence: the threshold itself, 0-1.
        target_risk: the accepted share of wrong rows among `ok` rows, over 0 and under 1, which the threshold is
            chosen for (see `threshold_for`).
        outlier_share: the share of outliers among the scans, from 0 and under 1, that `target_risk` counts on; None for
            the card's.

    Raises:
        ValueError: the first two are both given, the last without `target_risk`, or one is out of its range.
        NoSuchThresholdError: see `threshold_for`.
    """
    if min_confidence is not None and target_risk is not None:
        raise ValueError("min_confidence and target_risk both set the review threshold; give one")
    if outlier_share is not None and target_risk is None:
        raise ValueError("outlier_share goes with target_risk")
    if min_confidence is not None:
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence is from 0 to 1, not {min_confidence!r}")
        return float(min_confidence)
    if target_risk is not None:
        if not 0 < target_risk < 1:
            raise ValueError(f"target_risk is over 0 and under 1, not {target_risk!r}")
        share = card.outlier_share if outlier_share is None else outlier_share
        if not 0 <= share < 1:
            raise ValueError(f"outlier_share is from 0 and under 1, not {share!r}")
        return threshold_for(card, target_risk, share)
    return card.thresholds["review"]


def threshold_for(card: Card, target_risk: float, outlier_share: float = 0.0) -> float:
    """The lowest threshold whose risk is at most `target_risk`, by an upper confidence bound.

    Thresholds are tested from the highest down to the first that fails. In this order the bound holds for the result
    however many thresholds there are (fixed sequence testing, as in Angelopoulos et al. 2021). A threshold that nothing
    wrong reaches, but too few images to support the risk, is passed over. One that something wrong reaches never is:
    then it could fail for a larger risk than one that passes it over, which would get the lower threshold.

    Args:
        card: the model's card; its risk table was measured on the validation split and degraded copies of it.
        target_risk: the accepted share of wrong rows among the `ok` rows, 0-1.
        outlier_share: the share of outliers among the scans, from 0 and under 1.

    Returns:
        A threshold that is never higher for a larger `target_risk`.

    Raises:
        NoSuchThresholdError: the card has no risk table, no outliers in it, too few images, or too many errors at every
            threshold.
    """
    rows = [row for row in card.risk if row["images"]]
    if not rows:
        raise NoSuchThresholdError("the model's card has no risk table; set --min-confidence by hand")
    if outlier_share and not all("outliers" in row for row in rows):
        raise NoSuchThresholdError("the model's card counts no outliers; use --outlier-share 0")
    steps = _steps(rows, outlier_share)
    threshold = _lowest(steps, target_risk)
    if threshold is None:
        supported = min(step.bound for step in steps if _lowest(steps, step.bound) is not None)
        raise NoSuchThresholdError(
            f"the model's validation data supports no risk under {supported + ROUNDS_UP:.3%} "
            f"(at {CONFIDENCE_LEVEL:.0%} confidence), and {100 * target_risk:.3g}% was asked for; "
            "set --min-confidence by hand"
        )
    return threshold


class _Step(NamedTuple):
    """A threshold to test: the upper bound of the risk, and whether nothing wrong reaches it."""

    threshold: float
    bound: float
    is_clean: bool


def _steps(rows: Sequence[Mapping[str, float]], outlier_share: float) -> list[_Step]:
    """The thresholds of a risk table's rows, which rise, from the highest down."""
    digits = max(int(row["images"]) for row in rows)
    outliers = max(int(row.get("outliers", 0)) for row in rows)
    steps = []
    for row in reversed(rows):
        wrong = (int(row["errors"]), int(row.get("outliers", 0)) if outlier_share else 0)
        bound = _risk_bound(int(row["images"]), digits, wrong, outliers, outlier_share)
        steps.append(_Step(float(row["threshold"]), bound, wrong == (0, 0)))
    return steps


def _lowest(steps: Sequence[_Step], risk: float) -> float | None:
    """The last threshold that supports the risk before the first that fails; None if there is none."""
    found = None
    for step in steps:
        if step.bound <= risk:
            found = step.threshold
        elif not step.is_clean:
            break
    return found


def _risk_bound(taken: int, digits: int, wrong: tuple[int, int], outliers: int, outlier_share: float) -> float:
    """Upper bound of the risk at a threshold, 0-1, at CONFIDENCE_LEVEL.

    Args:
        taken: digits at or over the threshold, at least 1.
        digits: all digits.
        wrong: of `taken`, the digits with a wrong label; and the outliers at or over the threshold.
        outliers: all outliers.
        outlier_share: the share of outliers among the scans, from 0 and under 1.
    """
    if not outlier_share:
        return clopper_pearson_upper_bound(wrong[0], taken)
    if not outliers:
        return 1.0
    level = 1 - (1 - CONFIDENCE_LEVEL) / 3  # three bounds, which hold together at CONFIDENCE_LEVEL (Bonferroni)
    error_rate = clopper_pearson_upper_bound(wrong[0], taken, level)
    accepted_outliers = outlier_share * clopper_pearson_upper_bound(wrong[1], outliers, level)
    accepted_digits = (1 - outlier_share) * (1 - clopper_pearson_upper_bound(digits - taken, digits, level))
    return (accepted_digits * error_rate + accepted_outliers) / (accepted_digits + accepted_outliers)


def clopper_pearson_upper_bound(errors: int, images: int, level: float = CONFIDENCE_LEVEL) -> float:
    """Upper end of the one-sided Clopper-Pearson interval (1934) for the share of `errors` in `images`, 0-1.

    At this share the probability of at most `errors` errors is 1 - `level`. Found by bisection.
    """
    low, high = errors / images, 1.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if binomial_cdf(errors, images, middle) > 1 - level else (low, middle)
    return high


def binomial_cdf(errors: int, images: int, share: float) -> float:
    """The probability of at most `errors` errors in `images` images, if each is wrong with the probability `share`.

    Terms are computed as logarithms to avoid underflow. `share` must be over `errors / images`: then the terms fall
    from the last to the first, and the sum can stop early.
    """
    probability = 0.0
    for k in range(errors, -1, -1):
        log_combinations = lgamma(images + 1) - lgamma(k + 1) - lgamma(images - k + 1)
        term = exp(log_combinations + k * log(share) + (images - k) * log1p(-share))
        probability += term
        if term <= probability * NEGLIGIBLE_SHARE:
            break
    return probability
