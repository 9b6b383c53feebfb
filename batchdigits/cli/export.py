"""`batchdigits export`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.shared.console import is_verbose, print_message
from batchdigits.cli.shared.model_choice import chosen_model
from batchdigits.cli.shared.options import (
    FILE,
    OUTPUT_FILE,
    Number,
    class_option,
    corrections_option,
    data_option,
    model_option,
    output_option,
    verbosity_options,
)
from batchdigits.cli.shared.output_file import is_at_or_below, prepare_document, prepare_output
from batchdigits.cli.shared.usage import refuse_given, usage_errors

if TYPE_CHECKING:
    from batchdigits.inference.model_file import ModelFile
    from batchdigits.learning.export import Export
    from batchdigits.learning.parity_check import ParityRow


@click.command()
@click.option("--tflite", is_flag=True, help="Write a TFLite model, made from a .keras model file.")
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
@click.option("--c-array", type=FILE, metavar="DIR", help="Write the model as C for a microcontroller.")
@click.option(
    "--package",
    type=(click.Choice(["arduino", "platformio", "esp-idf", "zephyr", "cmake"]), FILE),
    metavar="KIND DIR",
    help="Write the model as a library for a build system (arduino, platformio, esp-idf, zephyr or cmake) to a "
    "new folder.",
)
@click.option(
    "--web", type=OUTPUT_FILE, metavar="FILE.html", help="Write a page that classifies in a browser, in one file."
)
@model_option(
    "The model file: a .keras, which is converted, or without --tflite a .tflite too; built-in, tiny and nano are in "
    "the package. [default: with --tflite exports/digits.keras, else as in classify]"
)
@data_option("The data that the model was trained on, for the ranges of int8 and the parity check.")
@corrections_option("Logs of reviews that the model was trained on, as in train.")
@class_option
@output_option("The model file to write.", default="exports/digits.tflite", show_default=True)
@verbosity_options
@click.pass_context
def export(
    context: click.Context,
    /,
    tflite: bool,
    c_array: Path | None,
    package: tuple[str, Path] | None,
    web: Path | None,
    model: Path | None,
    output: Path,
    **conversion: Any,
) -> None:
    """Convert a model file to TFLite, or write it for a device or a browser.

    A .keras model file is converted, and a parity check compares the labels of both networks for the validation split:
    on LiteRT with XNNPACK, on LiteRT's reference kernels and, if it is installed, on TFLite Micro. If too many labels
    differ, nothing is written. A .tflite model file is taken as it is, without TensorFlow. The page "Export" of the
    documentation shows which options combine, and which device needs which.

    \b
    Example:
        batchdigits export --tflite
        batchdigits export --tflite --quantize float16 -o exports/half.tflite
        batchdigits export --tflite --calibrate ./scans --check ./scans --c-array firmware/digits
        batchdigits export --model built-in --c-array firmware/digits
        batchdigits export --model tiny --package arduino libraries/batchdigits
        batchdigits export --model built-in --web digits.html
    """
    if not (tflite or c_array or package or web):
        raise click.UsageError("name what to write: --tflite, --c-array DIR, --package KIND DIR or --web FILE.html.")
    if c_array and c_array.exists() and not c_array.is_dir():
        raise click.BadParameter(f"{c_array} is not a folder.", param_hint="--c-array")
    if c_array and package and is_at_or_below(c_array, package[1]):
        raise click.UsageError("--c-array and --package need two folders, neither of them in the package.")
    if c_array:
        from batchdigits.device.write import require_own

        require_own(c_array)
    if package:
        from batchdigits.device.package import require_free

        require_free(package[1])
    if web:
        from batchdigits.web.page import BEGIN

        prepare_document(web, ".html", BEGIN, "--web", "page of batchdigits export")
    if not tflite:
        refuse_given(context, ["output"], "is the file that --tflite writes")
    chosen = _model_to_export(tflite, model)
    parity: Sequence[ParityRow] = ()
    if chosen.suffix == ".keras":
        exported, parity = _convert(chosen, output, tflite, bool(c_array or package or web), **conversion)
    else:
        refuse_given(context, conversion, f"is for a .keras model file, and {chosen} is exported already")
        exported = _read(chosen)
    written = list(_written(exported, c_array, package))  # made before anything is written, because it may fail
    page = _page(exported) if web else ""
    if tflite:
        from batchdigits.learning.export import write_export

        write_export(exported, parity)
        print_message(f"wrote {output} ({output.stat().st_size:,} bytes; {chosen} has {chosen.stat().st_size:,})")
    for folder, files, content in written:
        from batchdigits.device.write import write_sources

        write_sources(files, folder)
        print_message(f"wrote {folder}: {content}")
    if web:
        from batchdigits.web.page import write_page

        write_page(page, web)
        print_message(f"wrote {web} ({web.stat().st_size:,} bytes), which classifies in a browser")


def _page(model: ModelFile) -> str:
    from batchdigits.web.page import web_page

    return web_page(model)


def _written(
    model: ModelFile, c_array: Path | None, package: tuple[str, Path] | None
) -> Iterator[tuple[Path, dict[str, str], str]]:
    """The folders to write: the text of each file by its path, and what they are."""
    from batchdigits.device.package import package_sources
    from batchdigits.device.write import c_sources

    if c_array:
        yield c_array, c_sources(model), "model, network and normaliser in C99, golden vectors, and a README.md"
    if package:
        kind, folder = package
        yield folder, package_sources(kind, model), f"a library for {kind} in C99, an example, and a README.md"


def _model_to_export(tflite: bool, model: Path | None) -> Path:
    """The model file to export: a .keras with `--tflite`, else a .keras or a .tflite."""
    from batchdigits.inference.choose import EXPORTED_KERAS, PRETRAINED

    if not tflite:
        chosen = chosen_model(None, model)
        if chosen.suffix not in (".keras", ".tflite"):
            raise click.BadParameter(f"{chosen} is neither a .keras nor a .tflite model file.", param_hint="--model")
        return chosen
    chosen = model or EXPORTED_KERAS
    if chosen.parent == PRETRAINED and chosen.with_suffix(".keras").exists():
        chosen = chosen.with_suffix(".keras")
    if chosen.suffix != ".keras":
        reason = "is a .tflite already" if chosen.suffix == ".tflite" else "is not a .keras model file"
        raise click.BadParameter(f"{chosen} {reason}; --tflite converts a .keras.", param_hint="--model")
    return chosen


def _convert(
    keras: Path,
    output: Path,
    tflite: bool,
    as_c: bool,
    *,
    calibrate: Path | None,
    check: Path | None,
    min_agreement: float | None,
    data: tuple[Path, ...],
    corrections: tuple[Path, ...],
    as_class: str | None,
    **options: Any,
) -> tuple[ModelFile, Sequence[ParityRow]]:
    """Convert a .keras model file in memory, print the parity check, and require that it passes."""
    from batchdigits.learning.export import prepare_export
    from batchdigits.learning.export_options import export_options
    from batchdigits.learning.parity_check import default_min_agreement, require_agreement

    with usage_errors():
        chosen = export_options(**options, calibrate=calibrate is not None, c_array=as_c)
    if tflite:
        prepare_output(output, ".tflite")
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
    return converted.model, converted.parity


def _read(tflite: Path) -> ModelFile:
    from batchdigits.inference.model_file import read_model_file

    return read_model_file(tflite)


def _report(export: Export, mode: str) -> str:
    from batchdigits.reports.parity_table import MAX_LISTED, disagreements, parity_table

    listed = disagreements(export.parity, export.keras.card.labels, None if is_verbose() else MAX_LISTED)
    return "\n\n".join(part for part in (parity_table(export.parity, mode), listed) if part)
