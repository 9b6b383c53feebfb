"""`batchdigits inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from batchdigits.cli.options import FILE, verbosity_options


@click.command()
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Write everything as one JSON document.")
@verbosity_options
def inspect(file: Path, as_json: bool) -> None:
    """Show what is inside a model file: its card, tensors, operators and sizes.

    A .tflite or .keras file that batchdigits did not make is shown as well, as far as it goes, with the reason why
    classify would refuse it.

    \b
    Example:
        batchdigits inspect exports/digits.tflite
        batchdigits inspect exports/digits.tflite --json | jq .card.accuracy
    """
    from batchdigits.reports.inspection import inspect as look
    from batchdigits.reports.inspection_table import inspection_table

    document = look(file)
    click.echo(json.dumps(document) if as_json else inspection_table(document))
