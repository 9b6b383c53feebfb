"""Who reviews which table, and how."""

from __future__ import annotations

from typing import NamedTuple

from batchdigits.output.review_answers import Mode, Round


class Setting(NamedTuple):
    """How a review goes.

    Attributes:
        table: the table's name.
        reviewer: the name of the person.
        mode: how the page begins; `blind` never shows a prediction before the end.
        is_second: whether a second person keys what was answered already.
        sample: the name of the sample of an audit whose rows are shown; empty for all rows.
    """

    table: str
    reviewer: str
    mode: Mode = "grid"
    is_second: bool = False
    sample: str = ""

    @property
    def round(self) -> Round:
        """The round of answers that are given one by one."""
        return "second" if self.is_second else "first"

    @property
    def is_blind(self) -> bool:
        """Whether predictions are hidden."""
        return self.is_second or self.mode == "blind"
