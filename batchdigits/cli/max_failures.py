"""`--max-failures N|P%`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import click

from batchdigits.errors import TooManyFailuresError

ENOUGH = 100  # images before a share of them is taken for one of all


@dataclass(frozen=True)
class MaxFailures:
    """How many rows may be errors: `most` of them, or that many percent."""

    most: Decimal
    percent: bool

    def check(self, counts: Counter[str], *, at_the_end: bool = False) -> None:
        """See whether a run may go on.

        Raises:
            TooManyFailuresError: it may not.
        """
        failures, images = counts["error"], counts.total()
        if self.percent and images < ENOUGH and not at_the_end:
            return
        if (100 * failures > self.most * images) if self.percent else (failures > self.most):
            raise TooManyFailuresError(
                f"{failures:,} of {images:,} images could not be read, more than --max-failures {self} allows"
            )

    def __str__(self) -> str:
        """As typed."""
        return f"{self.most}{'%' if self.percent else ''}"


class MaxFailuresType(click.ParamType[MaxFailures]):
    """A number of images, or a share of them."""

    name = "N|P%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> MaxFailures:
        """A whole number, or a percentage from 0 to 100."""
        text = re.fullmatch(r"(\d{1,18})|(\d{1,3}(?:\.\d{1,6})?)%", str(value))
        if text is None or float(text[2] or 0) > 100:
            self.fail(f"{value!r} is neither a number of images, such as 50, nor a share, such as 5%", param, ctx)
        return MaxFailures(Decimal(text[1] or text[2]), percent=text[1] is None)
