"""`batchdigits read`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from batchdigits.cli.numbers.request import ReadRequest
from batchdigits.cli.shared.options import Count, Share, ink_option
from batchdigits.cli.table.make_table import make_table
from batchdigits.cli.table.options import INPUT_OPTIONS, OUTPUT_OPTIONS, RUN_OPTIONS, add_options
from batchdigits.fields.field_options import MAX_DECIMALS, SEPARATORS, parse_separators
from batchdigits.fields.values.checks import CHECKS, parse_check
from batchdigits.fields.values.rules import MAX_LENGTH, parse_length, parse_pattern, parse_range


class Parsed(click.ParamType[str]):
    """Text that a function can parse."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        """A type of some name; the function raises ValueError for other texts."""
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself."""
        try:
            self._parse(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        return str(value)


@click.command()
@add_options(
    *INPUT_OPTIONS,
    ink_option,
    click.option("--length", type=Parsed("N|N-M", parse_length), help="How many digits a number has, as 9 or 5-8."),
    click.option(
        "--comb",
        type=Count(2, MAX_LENGTH),
        help="The field is a comb: this many printed boxes in a row, for a digit each.",
    ),
    click.option(
        "--separators",
        type=Parsed("CHARS", parse_separators),
        default="",
        help=f"Those of the four characters {SEPARATORS} that may stand between digits. They become part of the value.",
    ),
    click.option("--digits-only", is_flag=True, help="Leave the separators out of the value."),
    click.option("--signed", is_flag=True, help="A minus may stand before a number."),
    click.option(
        "--decimals",
        type=Count(1, MAX_DECIMALS),
        help="Values are amounts with this many decimals, written as 1234.50.",
    ),
    click.option("--range", "bounds", type=Parsed("A-B", parse_range), help="Values are numbers from A to B: 0-300."),
    click.option(
        "--pattern",
        type=Parsed("REGEX", parse_pattern),
        help="Values have this form, a regular expression: '[12]\\d{3}' is four digits, the first a 1 or 2.",
    ),
    click.option(
        "--check",
        "checks",
        type=Parsed("CHECK", parse_check),
        multiple=True,
        help=f"Values pass this check: {', '.join(CHECKS)}, or an expression such as '(d1 + 2*d2) % 10 == d3'. May be "
        "given several times.",
    ),
    click.option(
        "--values",
        metavar="FILE[:COLUMN]",
        help="Each value is on this list: a file with one a line, or a column of a CSV file.",
    ),
    click.option(
        "--unique",
        is_flag=True,
        help="No two fields have the same value: values are chosen for all fields together, when all have been read.",
    ),
    click.option(
        "--template",
        metavar="FORM.toml",
        help="Each page is a form with the fields of this file, which `batchdigits template` begins: one row a page, "
        "and one column a field.",
    ),
    click.option("--long", is_flag=True, help="With --template, one row a field."),
    click.option(
        "--min-confidence",
        type=Share(),
        help="Rows with a lower score are `review`: 0.9 or 90%. [default: chosen for fields]",
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
    gives one row, with a value of several digits; with --template, every page of a form, with its fields. The status of
    a row is `ok`, `review` (a person should check it), `blank` (no ink) or `error` (unreadable; the detail says why).
    The exit code is 3 if some rows are errors. A run that was stopped is continued with --resume.

    Say what you know of the numbers, with --length to --unique: the likeliest value that keeps to it is taken. If none
    is likely enough, the row is `review`, and says what the value breaks.

    \b
    Example:
        batchdigits read ./fields > numbers.csv
        batchdigits read ./ids --length 9 -o ids.csv --resume
        batchdigits read ./dates --separators /.- --pattern '\\d+/\\d+/\\d{4}' -o dates.xlsx
        batchdigits read ./scans.pdf --template form.toml -o forms.xlsx
    """
    make_table(ReadRequest(**values))
