"""Tell dates, whose slashes are hard to tell from 1s, from other numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from batchdigits.fields.lattice import Path

DATE_WEIGHT = 6.0  # nats, of a value that is a date: where slashes are told of, it hardly is another number
DAY, MONTH, YEAR = "(0?[1-9]|[12][0-9]|3[01])", "(0?[1-9]|1[0-2])", "(1[89]|20)[0-9][0-9]"
FULL = f"({DAY}/{MONTH}|{MONTH}/{DAY})/{YEAR}|{YEAR}/{MONTH}/{DAY}"
SHORT = f"({DAY}/{MONTH}|{MONTH}/{DAY})/[0-9][0-9]"
DATE = re.compile(f"{FULL}|{SHORT}")
# The same with a separator missing, or both. The year of one with a point is whole: 12.345 is no date.
LACKING = re.compile(f"{FULL}|{SHORT}".replace("/", "[-/]?"))
LACKING_POINT = re.compile(FULL.replace("/", "[.]?"))


def is_date(value: str) -> bool:
    """Whether a value has a day, a month and a year with slashes, dashes or points between them."""
    return DATE.fullmatch(re.sub("[-.]", "/", value)) is not None


def may_lack_separators(value: str, separators: str) -> bool:
    """Whether a value is no date, but would be one with another separator, or with both of those that were told of.

    Args:
        value: digits and separators.
        separators: which separators there may be.
    """
    if is_date(value):
        return False
    if value.isdigit():
        return bool(set("/-") & set(separators)) and LACKING.fullmatch(value) is not None
    return (LACKING_POINT if "." in value else LACKING).fullmatch(value) is not None


def prefer_dates(paths: Sequence[Path]) -> list[Path]:
    """Values with their weights, in which dates are likelier, the likeliest first."""
    lifted = [
        path._replace(log_weight=path.log_weight + DATE_WEIGHT, best=path.best + DATE_WEIGHT)
        if is_date(path.value)
        else path
        for path in paths
    ]
    return sorted(lifted, key=lambda path: -path.log_weight)
