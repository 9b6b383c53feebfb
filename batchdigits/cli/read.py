"""`batchdigits read`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import click

from batchdigits.cli.classify_request import INPUT_OPTIONS, OUTPUT_OPTIONS, RUN_OPTIONS, Request, add_options
from batchdigits.cli.make_table import make_table
from batchdigits.cli.options import Number
from batchdigits.fields.field_rules import MAX_DECIMALS, MAX_DIGITS, are_separators, check_pattern

if TYPE_CHECKING:
    from batchdigits.engines.field_settings import FieldSettings
    from batchdigits.inference.card import Card
    from batchdigits.output.columns import Columns
    from batchdigits.output.journal import Identity


class Length(click.ParamType[range]):
    """How many digits a value has: 9, or 5-8."""

    name = "N|N-M"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> range:
        """Parse a number, or two with a dash between."""
        if isinstance(value, range):
            return value
        match = re.fullmatch(r"([0-9]{1,3})(?:-([0-9]{1,3}))?", value.strip())
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= low <= high <= MAX_DIGITS:
            self.fail(f"{value!r} is no number of digits such as 9 or 5-8, from 1 to {MAX_DIGITS}", param, ctx)
        return range(low, high + 1)


class Separators(click.ParamType[str]):
    """Characters that may stand between digits."""

    name = "CHARS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the characters."""
        if not value or not are_separators(value):
            self.fail(f"{value!r} are no separators such as '/.-,'", param, ctx)
        return "".join(dict.fromkeys(value))


class Pattern(click.ParamType[str]):
    """A regular expression."""

    name = "REGEX"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the expression."""
        try:
            check_pattern(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


@dataclass(frozen=True, kw_only=True)
class ReadRequest(Request):
    """The values of all options, under their names."""

    command: ClassVar[str] = "read"
    done: ClassVar[str] = "read"

    length: range | None
    comb: int | None
    separators: str | None
    digits_only: bool
    decimals: int | None
    pattern: str | None
    digits: bool

    def check(self) -> None:
        """Check that the options can be combined.

        Raises:
            click.UsageError: they cannot.
        """
        super().check()
        if self.comb is not None and self.length is not None and self.length[0] > self.comb:
            raise click.UsageError("--length needs more digits than --comb has boxes.")
        if self.digits_only and self.decimals is not None:
            raise click.UsageError("--digits-only leaves out the point that --decimals needs; give one.")
        if self.digits_only and not self.separators:
            raise click.UsageError("--digits-only needs --separators.")

    def pipeline(self, card: Card) -> FieldSettings:
        """The settings of the workers."""
        from batchdigits.engines.field_settings import FieldSettings
        from batchdigits.fields.decide_fields import field_threshold
        from batchdigits.fields.field_rules import FieldRules

        rules = FieldRules(self.length, self.comb, self.separators or "", self.digits_only, self.decimals, self.pattern)
        return FieldSettings(rules, field_threshold(card, self.min_confidence), self.digits)

    def columns(self, card: Card, ids: Mapping[str, str] | None) -> Columns:
        """The columns of the rows."""
        from batchdigits.output.columns import Columns

        return Columns(ids=ids, answer="value", digits=self.digits)

    def row_options(self) -> Identity:
        """The options that rows depend on."""
        length = f"{self.length[0]}-{self.length[-1]}" if self.length else "any"
        return {
            "the command": self.command,
            "--length": length,
            "--comb": self.comb or "none",
            "--separators": self.separators or "none",
            "--digits-only": self.digits_only,
            "--decimals": "any" if self.decimals is None else self.decimals,
            "--pattern": self.pattern or "none",
            "--digits": self.digits,
        }


@click.command()
@add_options(
    *INPUT_OPTIONS,
    click.option("--length", type=Length(), help="How many digits a number has, such as 9 or 5-8."),
    click.option(
        "--comb", type=click.IntRange(2, MAX_DIGITS), metavar="N", help="The field has this many boxes in a row."
    ),
    click.option(
        "--separators",
        type=Separators(),
        help="Characters that may stand between digits, such as '/.-,'. They become part of the value.",
    ),
    click.option("--digits-only", is_flag=True, help="Leave the separators out of the value."),
    click.option(
        "--decimals",
        type=click.IntRange(1, MAX_DECIMALS),
        metavar="N",
        help="Values are amounts with this many decimals, written as 1234.50; others are `review`.",
    ),
    click.option("--pattern", type=Pattern(), help="A value that is not of this form is `review`."),
    click.option(
        "--min-confidence",
        type=Number(0, 1),
        help="Review threshold: rows with a lower score are `review`. [default: chosen for fields]",
    ),
    *OUTPUT_OPTIONS,
    click.option(
        "--digits", is_flag=True, help="Add the column `digits`: label, confidence and box of each digit, as JSON."
    ),
    *RUN_OPTIONS,
)
def read(**values: Any) -> None:
    """Read images of handwritten numbers into a table.

    A PATH is an image of one field, a folder or archive of such images, or a URL; - is one image on stdin. Every image
    gives one row, with a value of several digits. Its status is `ok`, `review` (a person should check it), `blank` (no
    ink) or `error` (unreadable; the detail says why). The exit code is 3 if some rows are errors. A run that was
    stopped is continued with --resume.

    \b
    Example:
        batchdigits read ./fields > numbers.csv
        batchdigits read ./ids --length 9 -o ids.csv --resume
        batchdigits read ./dates --separators /.- --pattern '\\d+/\\d+/\\d{4}' -o dates.xlsx
    """
    make_table(ReadRequest(**values))
