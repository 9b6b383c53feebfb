"""From a risk that someone accepts to the confidence below which a row is for review."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.card import Card

CONFIDENCE = 0.95  # that the true risk is under the bound
NEGLIGIBLE = 1e-17  # part of a sum of float64 that does not change it


class NoSuchThresholdError(BatchdigitsError):
    """The card's data supports no threshold for the risk that was asked for."""


def review_threshold(card: Card, min_confidence: float | None = None, target_risk: float | None = None) -> float:
    """The score below which a row is `review`.

    Args:
        card: of the model.
        min_confidence: the score itself, 0-1.
        target_risk: in its place, the accepted share of wrong labels among `ok` rows, over 0 and under 1. Without
            either it is the card's threshold.

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

    Thresholds are tried from the highest down to the first that fails, so that the bound holds for the one that is
    found, however many there are (fixed sequence testing, as in Angelopoulos et al. 2021). Those with too few images
    to tell anything, were none of them wrong, do not end it.

    Args:
        card: of the model; its risk table was measured on the validation split and degraded copies of it.
        target_risk: accepted share of wrong labels among the rows that are `ok`, 0-1.

    Raises:
        NoSuchThresholdError: the card has no risk table, or not enough data, or too many errors at every threshold.
    """
    found = None
    for row in reversed(card.risk):
        images = int(row["images"])
        if images and upper_bound(0, images) <= target_risk:
            if upper_bound(int(row["errors"]), images) > target_risk:
                break
            found = float(row["threshold"])
    if found is not None:
        return found
    bounds = [upper_bound(int(row["errors"]), int(row["images"])) for row in card.risk if row["images"]]
    if not bounds:
        raise NoSuchThresholdError("the model's card has no risk table; set --min-confidence by hand")
    raise NoSuchThresholdError(
        f"the model's validation data supports no risk under {min(bounds):.3%} (at {CONFIDENCE:.0%} confidence), "
        f"and {target_risk:.3%} was asked for; set --min-confidence by hand"
    )


def upper_bound(errors: int, images: int, confidence: float = CONFIDENCE) -> float:
    """Upper end of the one-sided Clopper-Pearson interval (1934) for a share of `errors` in `images`, 0-1.

    The share at which as few errors as were seen, or fewer, have a chance of 1 - `confidence`; found by bisection.
    """
    low, high = errors / images, 1.0
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if _chance_of_at_most(errors, images, middle) > 1 - confidence else (low, middle)
    return high


def _chance_of_at_most(errors: int, images: int, share: float) -> float:
    """Binomial distribution function, summed in logarithms so that nothing vanishes.

    `share` is over `errors / images`, so that terms only fall from the last to the first, and soon do not count.
    """
    chance = 0.0
    for k in range(errors, -1, -1):
        ways = lgamma(images + 1) - lgamma(k + 1) - lgamma(images - k + 1)
        term = exp(ways + k * log(share) + (images - k) * log1p(-share))
        chance += term
        if term <= chance * NEGLIGIBLE:
            break
    return chance
