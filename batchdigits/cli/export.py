"""`batchdigits export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.console import is_verbose, print_message
from batchdigits.cli.options import FILE, Number, data_option, model_option, output_option, verbosity_options
from batchdigits.cli.output_file import prepare_output
from batchdigits.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from batchdigits.datasets.labelled import Splits
    from batchdigits.inference.model_file import ModelFile
    from batchdigits.learning.export_options import Target
    from batchdigits.learning.parity_check import Row


@click.command()
@click.option("--tflite", is_flag=True, required=True, help="Write a TFLite model; the one format so far.")
@click.option(
    "--quantize",
    type=click.Choice(["int8", "int16x8", "dynamic", "float16", "none"]),
    default="int8",
    show_default=True,
    help="int8 is full-integer: int8 weights and activations.",
)
@click.option(
    "--input-type",
    type=click.Choice(["uint8", "int8", "float32"]),
    help="What the file takes: a glyph's byte, the byte less 128, or 0-1. [default: int8 with int8, else float32]",
)
@click.option(
    "--output-type",
    type=click.Choice(["float32", "int8"]),
    help="What the file gives. [default: int8 with int8, else float32]",
)
@click.option(
    "--head",
    type=click.Choice(["logits", "probabilities"]),
    default="logits",
    show_default=True,
    help="What comes out; probabilities are a softmax at the end, in int8 in steps of 1/256.",
)
@click.option(
    "--batch",
    type=click.Choice(["1", "dynamic"]),
    default="1",
    show_default=True,
    help="Glyphs the file takes at once. LiteRT resizes 1 as well; some compilers refuse dynamic.",
)
@click.option("--per-tensor", is_flag=True, help="One scale for all weights of a layer: NNAPI, older TFLite Micro.")
@click.option("--calibrate", type=FILE, metavar="DIR", help="Your own scans for the ranges of int8 and int16x8.")
@click.option("--check", type=FILE, metavar="DIR", help="Your own scans, on which the export must agree as well.")
@click.option(
    "--min-agreement",
    type=Number(0, 100),
    metavar="PERCENT",
    help="Least share of images with the same label. [default: 99.8; 99 for a network without activation]",
)
@click.option("--c-array", type=FILE, metavar="DIR", help="Also write the model as C for a microcontroller.")
@model_option("The .keras model file to convert. [default: exports/digits.keras]")
@data_option("Labelled data for the ranges of int8 and for the proof.")
@output_option("The model file to write.", default="exports/digits.tflite", show_default=True)
@verbosity_options
def export(
    tflite: bool,
    calibrate: Path | None,
    check: Path | None,
    min_agreement: float | None,
    c_array: Path | None,
    model: Path | None,
    data: Path | None,
    output: Path,
    **form: Any,
) -> None:
    """Convert a .keras model file to TFLite, and prove that both give the same labels.

    The proof runs the validation split through LiteRT with XNNPACK, LiteRT's reference kernels and, where it is
    installed, TFLite Micro. A file that disagrees is not written. docs/export.md says what combines, and which device
    wants which.

    \b
    Example:
        batchdigits export --tflite
        batchdigits export --tflite --quantize float16 -o exports/half.tflite
        batchdigits export --tflite --calibrate ./scans --check ./scans --c-array firmware/digits
    """
    from batchdigits.datasets.scans import read_scans
    from batchdigits.inference.model_file import read_model_file
    from batchdigits.learning.export import make, write
    from batchdigits.learning.parity_check import check_agreement, least_agreement, prove

    target = _target(form, calibrate, c_array)
    prepare_output(output, ".tflite")
    if c_array and c_array.exists() and not c_array.is_dir():
        raise click.BadParameter(f"{c_array} is not a folder", param_hint="--c-array")
    source = model or Path("exports/digits.keras")
    if source.suffix != ".keras":
        raise click.BadParameter(f"{source} is not a .keras model file", param_hint="--model")
    keras = read_model_file(source)
    splits = _load(data, keras)
    own = read_scans(check, keras.card.labels) if check else None
    exported = make(keras, target, _calibration(calibrate, splits), output)
    proof = prove(keras, exported, splits, own)
    click.echo(_report(proof, target, keras.card.labels))
    least = least_agreement(keras.card) if min_agreement is None else min_agreement / 100
    check_agreement(proof, least)
    sources = _sources(exported, c_array)
    write(exported, proof)
    print_message(f"wrote {output} ({output.stat().st_size:,} bytes; {source} has {source.stat().st_size:,})")
    if c_array:
        from batchdigits.device.write import write_sources

        write_sources(sources, c_array)
        print_message(f"wrote {c_array}: model, network and normaliser in C99, golden vectors, and a README.md")


def _target(form: dict[str, Any], calibrate: Path | None, c_array: Path | None) -> Target:
    """The target of the options, once they combine.

    Raises:
        click.UsageError: naming those that do not.
    """
    from batchdigits.learning.export_options import CombinationError, choose_target

    try:
        target = choose_target(**form)
    except CombinationError as error:
        raise click.UsageError(str(error)) from None
    if calibrate and not target.is_calibrated:
        raise click.UsageError(f"--calibrate needs --quantize int8 or int16x8; {target.quantize} has no ranges to set")
    plain = (target.input_type, target.output_type, target.head, target.batch) == ("int8", "int8", "logits", "1")
    if c_array and not plain:
        raise click.UsageError(
            "--c-array needs --quantize int8 --input-type int8 --output-type int8 --head logits --batch 1"
        )
    return target


def _sources(exported: ModelFile, c_array: Path | None) -> dict[str, str]:
    """The C sources to write, made before anything is written."""
    if c_array is None:
        return {}
    from batchdigits.device.write import c_sources

    return c_sources(exported)


def _load(data: Path | None, keras: ModelFile) -> Splits:
    from batchdigits.datasets import load

    splits = load(data, keras.card.seed, few_shot="init" in keras.card.data)  # held back as when it was trained
    if splits.classes != keras.card.labels:
        raise DataError(
            f"{splits.name}: its classes are not those of {keras.path}; name the data it was trained on (--data)"
        )
    return splits


def _calibration(folder: Path | None, splits: Splits) -> NDArray[np.uint8]:
    from batchdigits.datasets.scans import read_scans
    from batchdigits.learning.representative_dataset import varied

    if folder is None:
        return varied(splits.train, classes=splits.classes)
    scans = read_scans(folder, splits.classes)
    blank = f"; {scans.skipped:,} blank or unreadable ones skipped" if scans.skipped else ""
    print_message(f"calibrating on {len(scans.glyphs):,} scans of {folder}{blank}")
    return scans.glyphs


def _report(proof: Sequence[Row], target: Target, labels: Sequence[str]) -> str:
    from batchdigits.reports.parity_table import SHOWN, disagreements, parity_table

    listed = disagreements(proof, labels, None if is_verbose() else SHOWN)
    return "\n\n".join(part for part in (parity_table(proof, target.quantize), listed) if part)
