"""The review threshold that keeps the risk (the share of wrong labels among `ok` rows) under a given bound."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.card import Card

CONFIDENCE_LEVEL = 0.95  # probability that the true risk is under the bound
NEGLIGIBLE_SHARE = 1e-17  # of a float64 sum: adding a smaller term does not change it


class NoSuchThresholdError(BatchdigitsError):
    """The card's risk table supports no threshold for the target risk."""


def review_threshold(card: Card, min_confidence: float | None = None, target_risk: float | None = None) -> float:
    """The review threshold: the score below which a row is `review`. It is the card's if neither value is given.

    Args:
        card: the model's card.
        min_confidence: the threshold itself, 0-1.
        target_risk: the accepted share of wrong labels among `ok` rows, over 0 and under 1, which the threshold is
            chosen for (see `threshold_for`).

    Raises:
        ValueError: both are given, or one is out of its range.
        NoSuchThresholdError: see `threshold_for`.
    """
    if min_confidence is not None and target_risk is not None:
        raise ValueError("min_confidence and target_risk both set the review threshold; give one")
    if min_confidence is not None:
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence is from 0 to 1, not {min_confidence!r}")
        return float(min_confidence)
    if target_risk is not None:
        if not 0 < target_risk < 1:
            raise ValueError(f"target_risk is over 0 and under 1, not {target_risk!r}")
        return threshold_for(card, target_risk)
    return card.thresholds["review"]


def threshold_for(card: Card, target_risk: float) -> float:
    """The lowest threshold whose risk is at most `target_risk`, by an upper confidence bound.

    Thresholds are tested from the highest down to the first that fails. In this order the bound holds for the result
    however many thresholds there are (fixed sequence testing, as in Angelopoulos et al. 2021). A threshold with so few
    images that it would fail without a single error is skipped.

    Args:
        card: the model's card; its risk table was measured on the validation split and degraded copies of it.
        target_risk: the accepted share of wrong labels among the `ok` rows, 0-1.

    Raises:
        NoSuchThresholdError: the card has no risk table, too few images, or too many errors at every threshold.
    """
    found = None
    for row in reversed(card.risk):
        images = int(row["images"])
        if images and clopper_pearson_upper_bound(0, images) <= target_risk:
            if clopper_pearson_upper_bound(int(row["errors"]), images) > target_risk:
                break
            found = float(row["threshold"])
    if found is not None:
        return found
    bounds = [clopper_pearson_upper_bound(int(row["errors"]), int(row["images"])) for row in card.risk if row["images"]]
    if not bounds:
        raise NoSuchThresholdError("the model's card has no risk table; set --min-confidence by hand")
    raise NoSuchThresholdError(
        f"the model's validation data supports no risk under {min(bounds):.3%} (at {CONFIDENCE_LEVEL:.0%} confidence), "
        f"and {target_risk:.3%} was asked for; set --min-confidence by hand"
    )


def clopper_pearson_upper_bound(errors: int, images: int, level: float = CONFIDENCE_LEVEL) -> float:
    """Upper end of the one-sided Clopper-Pearson interval (1934) for the share of `errors` in `images`, 0-1.

    At this share the probability of at most `errors` errors is 1 - `level`. Found by bisection.
    """
    low, high = errors / images, 1.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if _binomial_cdf(errors, images, middle) > 1 - level else (low, middle)
    return high


def _binomial_cdf(errors: int, images: int, share: float) -> float:
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
