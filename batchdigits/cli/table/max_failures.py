"""`--max-failures N|P%`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import click

from batchdigits.errors import TooManyFailuresError

MIN_IMAGES_FOR_PERCENT = 100  # of fewer, a single error could be a share over the limit


@dataclass(frozen=True)
class MaxFailures:
    """How many rows may be errors.

    Attributes:
        limit: a number of rows, or a percentage of all rows (0-100).
        is_percent: whether `limit` is a percentage.
    """

    limit: Decimal
    is_percent: bool

    def check(self, counts: Counter[str], rows_before: int = 0, *, at_the_end: bool = False) -> None:
        """Check the rows so far.

        Args:
            counts: the numbers of this run's rows, by status.
            rows_before: the number of rows without an error that earlier runs made. Their errors are tried again.
            at_the_end: whether all rows are there, so that a share of few counts, too.

        Raises:
            TooManyFailuresError: more of them are errors than the limit allows.
        """
        failures, images = counts["error"], counts.total() + rows_before
        if self.is_percent and images < MIN_IMAGES_FOR_PERCENT and not at_the_end:
            return
        if (100 * failures > self.limit * images) if self.is_percent else (failures > self.limit):
            raise TooManyFailuresError(
                f"{failures:,} of {images:,} images could not be read, more than --max-failures {self} allows"
            )

    def __str__(self) -> str:
        """The option's value as typed."""
        return f"{self.limit}{'%' if self.is_percent else ''}"


class MaxFailuresType(click.ParamType[MaxFailures]):
    """A number of images, or a percentage of them."""

    name = "N|P%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> MaxFailures:
        """Parse a whole number, or a percentage from 0 to 100."""
        match = re.fullmatch(r"(\d{1,18})|(\d{1,3}(?:\.\d{1,6})?)%", str(value))
        if match is None or float(match[2] or 0) > 100:
            self.fail(f"{value!r} is neither a number of images, such as 50, nor a percentage, such as 5%.", param, ctx)
        return MaxFailures(Decimal(match[1] or match[2]), is_percent=match[1] is None)
