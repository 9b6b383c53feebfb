"""Tell dates with slashes, which are hard to tell from 1s, from other numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from batchdigits.fields.lattice import Path

DATE_WEIGHT = 6.0  # nats, of a value that is a date: where slashes are told of, it hardly is another number
DAY, MONTH, YEAR = "(0?[1-9]|[12][0-9]|3[01])", "(0?[1-9]|1[0-2])", "(1[89]|20)[0-9][0-9]"
DATE = re.compile(f"({DAY}/{MONTH}|{MONTH}/{DAY})/({YEAR}|[0-9][0-9])|{YEAR}/{MONTH}/{DAY}")


def is_date(value: str) -> bool:
    """Whether a value has a day, a month and a year with slashes between them, or with dashes."""
    return DATE.fullmatch(value.replace("-", "/")) is not None


def prefer_dates(paths: Sequence[Path]) -> list[Path]:
    """Values with their weights, in which dates are likelier, the likeliest first."""
    lifted = [
        path._replace(log_weight=path.log_weight + DATE_WEIGHT, best=path.best + DATE_WEIGHT)
        if is_date(path.value)
        else path
        for path in paths
    ]
    return sorted(lifted, key=lambda path: -path.log_weight)
