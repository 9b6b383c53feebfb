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
    """Show the contents of a model file.

    These are its card, tensors, operators and sizes. Files of other tools are shown too, as far as they can be read,
    with the reason why classify would refuse them.

    \b
    Example:
        batchdigits inspect exports/digits.tflite
        batchdigits inspect exports/digits.tflite --json | jq .card.accuracy
    """
    from batchdigits.reports.inspection import inspect_model_file
    from batchdigits.reports.inspection_table import inspection_table

    document = inspect_model_file(file)
    click.echo(json.dumps(document) if as_json else inspection_table(document))
