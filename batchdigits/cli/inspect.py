"""`batchdigits inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from batchdigits.cli.shared.options import TFLITE_MODEL, verbosity_options


@click.command()
@click.argument("file", type=TFLITE_MODEL)
@click.argument("other", type=TFLITE_MODEL, required=False)
@click.option("--json", "as_json", is_flag=True, help="Write everything as one JSON document.")
@verbosity_options
def inspect(file: Path, other: Path | None, as_json: bool) -> None:
    """Show the contents of a model file, or what differs between two.

    These are its card, tensors, operators and sizes. Files of other tools are shown too, as far as they can be read,
    with the reason why classify would refuse them.

    \b
    Example:
        batchdigits inspect exports/digits.tflite
        batchdigits inspect exports/digits.tflite --json | jq .card.accuracy
        batchdigits inspect exports/digits.tflite built-in
    """
    from batchdigits.reports.inspection import inspect_model_file
    from batchdigits.reports.inspection_differences import differences_table, model_differences
    from batchdigits.reports.inspection_table import inspection_table

    document = inspect_model_file(file)
    if other:
        differences = model_differences(document, inspect_model_file(other))
        click.echo(json.dumps(differences) if as_json else differences_table(differences))
    else:
        click.echo(json.dumps(document) if as_json else inspection_table(document))
