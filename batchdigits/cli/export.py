"""`batchdigits export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.console import is_verbose, print_message
from batchdigits.cli.options import (
    FILE,
    KERAS_MODEL,
    Number,
    class_option,
    corrections_option,
    data_option,
    model_option,
    output_option,
    verbosity_options,
)
from batchdigits.cli.output_file import prepare_output
from batchdigits.cli.usage import usage_errors

if TYPE_CHECKING:
    from batchdigits.learning.export import Export


@click.command()
@click.option("--tflite", is_flag=True, required=True, help="Write a TFLite model. No other format is supported yet.")
@click.option(
    "--quantize",
    type=click.Choice(["int8", "int16x8", "dynamic", "float16", "none"]),
    default="int8",
    show_default=True,
    help="Types of the numbers in the network; int8 is full-integer: weights and activations are int8.",
)
@click.option(
    "--input-type",
    type=click.Choice(["uint8", "int8", "float32"]),
    help="Input of the network: uint8 is a glyph's bytes, int8 the bytes minus 128, float32 the bytes over 255. "
    "[default: int8 with --quantize int8, else float32]",
)
@click.option(
    "--output-type",
    type=click.Choice(["float32", "int8"]),
    help="Output of the network. [default: int8 with --quantize int8, else float32]",
)
@click.option(
    "--head",
    type=click.Choice(["logits", "probabilities"]),
    default="logits",
    show_default=True,
    help="What the network gives: logits, or probabilities by a softmax, in int8 in steps of 1/256.",
)
@click.option(
    "--batch",
    type=click.Choice(["1", "dynamic"]),
    default="1",
    show_default=True,
    help="Batch size of the network. LiteRT can resize a batch of 1, too; some compilers refuse dynamic.",
)
@click.option(
    "--per-tensor", is_flag=True, help="One scale for all weights of a layer, for NNAPI and older TFLite Micro."
)
@click.option(
    "--calibrate", type=FILE, metavar="DIR", help="Folder of your own scans, which set the ranges of int8 and int16x8."
)
@click.option(
    "--check", type=FILE, metavar="DIR", help="Folder of your own scans, for which the labels must agree as well."
)
@click.option(
    "--min-agreement",
    type=Number(0, 100),
    metavar="PERCENT",
    help="Least share of images that must get the same label in both files. "
    "[default: 99.8; 99 for a network without activation]",
)
@click.option("--c-array", type=FILE, metavar="DIR", help="Also write the model as C for a microcontroller.")
@model_option(
    "The .keras model file to convert; built-in is the one in the package. [default: exports/digits.keras]", KERAS_MODEL
)
@data_option("The data that the model was trained on, for the ranges of int8 and the parity check.")
@corrections_option("Logs of reviews that the model was trained on, as in train.")
@class_option
@output_option("The model file to write.", default="exports/digits.tflite", show_default=True)
@verbosity_options
def export(
    tflite: bool,
    calibrate: Path | None,
    check: Path | None,
    min_agreement: float | None,
    c_array: Path | None,
    model: Path | None,
    data: tuple[Path, ...],
    corrections: tuple[Path, ...],
    as_class: str | None,
    output: Path,
    **options: Any,
) -> None:
    """Convert a .keras model file to TFLite.

    A parity check compares the labels of both files for the validation split: on LiteRT with XNNPACK, on LiteRT's
    reference kernels and, if it is installed, on TFLite Micro. If too many labels differ, nothing is written. The page
    "Export" of the documentation shows which options combine, and which device needs which.

    \b
    Example:
        batchdigits export --tflite
        batchdigits export --tflite --quantize float16 -o exports/half.tflite
        batchdigits export --tflite --calibrate ./scans --check ./scans --c-array firmware/digits
    """
    from batchdigits.learning.export import prepare_export, write_export
    from batchdigits.learning.export_options import export_options
    from batchdigits.learning.parity_check import default_min_agreement, require_agreement

    with usage_errors():
        chosen = export_options(**options, calibrate=calibrate is not None, c_array=c_array is not None)
    prepare_output(output, ".tflite")
    if c_array and c_array.exists() and not c_array.is_dir():
        raise click.BadParameter(f"{c_array} is not a folder", param_hint="--c-array")
    keras = model or Path("exports/digits.keras")
    if keras.suffix != ".keras":
        raise click.BadParameter(f"{keras} is not a .keras model file", param_hint="--model")
    converted = prepare_export(keras, output, chosen, data, calibrate, check, corrections, as_class)
    if converted.scans:
        skipped = f"; {converted.scans.skipped:,} blank or unreadable ones skipped" if converted.scans.skipped else ""
        print_message(
            f"{len(converted.scans.glyphs):,} scans of {calibrate} set the ranges of {chosen.quantize}{skipped}"
        )
    click.echo(_report(converted, chosen.quantize))
    require_agreement(
        converted.parity, default_min_agreement(converted.keras.card) if min_agreement is None else min_agreement / 100
    )
    sources = _c_sources(converted) if c_array else {}  # before anything is written, because it may fail
    write_export(converted.model, converted.parity)
    print_message(f"wrote {output} ({output.stat().st_size:,} bytes; {keras} has {keras.stat().st_size:,})")
    if c_array:
        from batchdigits.device.write import write_sources

        write_sources(sources, c_array)
        print_message(f"wrote {c_array}: model, network and normaliser in C99, golden vectors, and a README.md")


def _c_sources(export: Export) -> dict[str, str]:
    from batchdigits.device.write import c_sources

    return c_sources(export.model)


def _report(export: Export, mode: str) -> str:
    from batchdigits.reports.parity_table import MAX_LISTED, disagreements, parity_table

    listed = disagreements(export.parity, export.keras.card.labels, None if is_verbose() else MAX_LISTED)
    return "\n\n".join(part for part in (parity_table(export.parity, mode), listed) if part)
