"""`batchdigits export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchdigits.cli.console import inform
from batchdigits.cli.options import data_option, model_option, output_option, verbosity_options
from batchdigits.cli.output_file import prepare

if TYPE_CHECKING:
    from batchdigits.learning.export import Quantize
    from batchdigits.reports.agreement import Agreement


@click.command()
@click.option("--tflite", is_flag=True, required=True, help="Write a TFLite model; the one format so far.")
@click.option(
    "--quantize",
    type=click.Choice(["int8", "none", "dynamic", "float16"]),
    default="int8",
    show_default=True,
    help="int8 is full-integer: int8 weights, activations, glyphs in and logits out.",
)
@model_option("The .keras model file to convert. [default: exports/digits.keras]")
@data_option("Labelled data for the ranges of int8 and for the table.")
@output_option("The model file to write.", default="exports/digits.tflite", show_default=True)
@verbosity_options
def export(tflite: bool, quantize: Quantize, model: Path | None, data: Path | None, output: Path) -> None:
    """Convert a .keras model file to TFLite, quantized, and show how well the two agree.

    \b
    Example:
        batchdigits export --tflite
        batchdigits export --tflite --quantize float16 -o exports/half.tflite
    """
    from batchdigits.datasets import load
    from batchdigits.errors import DataError
    from batchdigits.inference.model_file import read_model_file
    from batchdigits.inference.runtime import load_runtime
    from batchdigits.learning.export import balanced
    from batchdigits.learning.export import export as write
    from batchdigits.reports.agreement import compare

    prepare(output, ".tflite")
    source = model or Path("exports/digits.keras")
    if source.suffix != ".keras":
        raise click.BadParameter(f"{source} is not a .keras model file", param_hint="--model")
    keras_model = read_model_file(source)
    splits = load(data, keras_model.card.seed)
    if splits.classes != keras_model.card.labels:
        raise DataError(
            f"{splits.name}: its classes are not those of {source}; name the data it was trained on (--data)"
        )
    write(keras_model, quantize, balanced(splits.train), output)
    agreement = compare(load_runtime(source), load_runtime(output), splits.test)
    click.echo(_table(agreement, quantize, source, output))
    inform(f"wrote {output}")


def _table(agreement: Agreement, quantize: str, source: Path, output: Path) -> str:
    rows = [
        ("model", "size", f"accuracy on {agreement.images:,} test images"),
        (f"float32 ({source.suffix})", f"{source.stat().st_size:,} bytes", f"{agreement.first:.2%}"),
        (f"{quantize} ({output.suffix})", f"{output.stat().st_size:,} bytes", f"{agreement.second:.2%}"),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{name:<{widths[0]}}  {size:>{widths[1]}}  {accuracy}" for name, size, accuracy in rows]
    return "\n".join([*lines, f"both give the same label on {agreement.same:.2%}"])
