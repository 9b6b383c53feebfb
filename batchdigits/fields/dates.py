"""Tell dates, whose slashes are hard to tell from 1s, from other numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from batchdigits.fields.lattice import Path
from batchdigits.inference.card import DIGIT_NAMES

DATE_WEIGHT = 6.0  # nats, of a value that is a date: where slashes are told of, it hardly is another number
DAY, MONTH, YEAR = "(0?[1-9]|[12][0-9]|3[01])", "(0?[1-9]|1[0-2])", "(1[89]|20)[0-9][0-9]"
FULL_DAY, FULL_MONTH = "(0[1-9]|[12][0-9]|3[01])", "(0[1-9]|1[0-2])"
FULL = f"({DAY}/{MONTH}|{MONTH}/{DAY})/{YEAR}|{YEAR}/{MONTH}/{DAY}"
DATE = re.compile(f"{FULL}|({DAY}/{MONTH}|{MONTH}/{DAY})/[0-9][0-9]")
# Without slashes, 9.8.96 may be 98.96 and a speck, so all digits of the year are there, or of day and month.
WITHOUT_SLASHES = re.compile(f"{FULL}|{FULL_DAY}/{FULL_MONTH}/[0-9][0-9]")
# Dates that lack a separator, or both: what stands together has all digits, as 12/26 and 123/2016 may be anything,
# and 2011/12 is a year.
JOINED = f"{FULL_DAY}{FULL_MONTH}|{FULL_MONTH}{FULL_DAY}"
LACKING = re.compile(
    f"({JOINED})/?{YEAR}|({DAY}/{MONTH}|{MONTH}/{DAY}){YEAR}|{YEAR}/?({FULL_MONTH}{FULL_DAY})|{YEAR}{FULL_MONTH}/{FULL_DAY}"
    f"|(?!{YEAR})({JOINED})/[0-9][0-9]|({FULL_DAY}/{FULL_MONTH}|{FULL_MONTH}/{FULL_DAY})[0-9][0-9]"
)
LACKING_POINT = re.compile(f"({JOINED})/{YEAR}|({DAY}/{MONTH}|{MONTH}/{DAY}){YEAR}")


def is_date(value: str) -> bool:
    """Whether a value has a day, a month and a year with two slashes, dashes or points between them."""
    marks = set(value) - set(DIGIT_NAMES)
    form = DATE if marks == {"/"} else WITHOUT_SLASHES
    return len(marks) == 1 and form.fullmatch(re.sub("[-.]", "/", value)) is not None


def may_lack_separators(value: str, separators: str) -> bool:
    """Whether a value is no date, but would be one with another separator, or with two slashes or dashes.

    Args:
        value: digits and separators.
        separators: which separators were told of.
    """
    marks = set(value) - set(DIGIT_NAMES)
    if len(marks) > 1 or is_date(value) or not (marks or set("/-") & set(separators)):
        return False
    form = LACKING_POINT if marks == {"."} else LACKING
    return form.fullmatch(re.sub("[-.]", "/", value)) is not None


def prefer_dates(paths: Sequence[Path]) -> list[Path]:
    """Values with their weights, in which dates are likelier, the likeliest first."""
    lifted = [
        path._replace(log_weight=path.log_weight + DATE_WEIGHT, best=path.best + DATE_WEIGHT)
        if is_date(path.value)
        else path
        for path in paths
    ]
    return sorted(lifted, key=lambda path: -path.log_weight)
