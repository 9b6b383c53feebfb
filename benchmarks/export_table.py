"""The tables of docs/explanation/export.md: every mode on every runtime.

The first table has size, accuracy, agreement with float32, latency and arena; the second compares the runtimes.

    python benchmarks/export_table.py [--model FILE.keras] [--data PATH]

If a runtime does not support a mode, its row says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import click
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import load
from batchdigits.datasets.labelled import Splits
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.decide import softmax
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.micro_runtime import MicroError, MicroRuntime, needed_arena
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.inference.runtime import BATCH_SIZE, Runtime
from batchdigits.inference.tensorflow_runtime import TensorFlowRuntime
from batchdigits.learning.agreement import Agreement, compare
from batchdigits.learning.export import convert_model
from batchdigits.learning.export_options import ExportOptions, export_options
from batchdigits.learning.representative_dataset import representative_glyphs

LATENCY_CALLS = 500  # with one glyph each; the latency is their median
MAX_ROUNDING_ERROR = 1e-4  # differences of float32 logits up to this come from the order of summation
REFERENCE = "LiteRT reference"

MODES: dict[str, ExportOptions] = {
    "none": export_options("none"),
    "float16": export_options("float16"),
    "dynamic": export_options("dynamic"),
    "int8": export_options("int8"),
    "int8 --per-tensor": export_options("int8", per_tensor=True),
    "int8 --head probabilities": export_options("int8", head="probabilities"),
    "int16x8": export_options("int16x8"),
}
# Each runtime, for a model and a batch size.
RUNTIMES: dict[str, Callable[[ModelFile, int], Runtime]] = {
    "LiteRT XNNPACK": LiteRTRuntime,
    REFERENCE: lambda model, size: LiteRTRuntime(model, size, kernels="reference"),
    "TFLite Micro": lambda model, size: MicroRuntime(model),
}


@click.command()
@click.option("--model", type=click.Path(path_type=Path), help="The .keras model file. [default: the built-in one]")
@click.option(
    "--data", multiple=True, type=click.Path(path_type=Path), help="Labelled data. [default: the bundled MNIST]"
)
def main(model: Path | None, data: tuple[Path, ...]) -> None:
    """Print the tables in Markdown."""
    try:
        keras = read_model_file(model or PRETRAINED / "digits.keras")
        for line in _tables(keras, load(*data, seed=keras.card.seed)):
            click.echo(line)
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}, {keras.path.name}; latency at batch 1 on one thread of this machine.")


def _tables(keras: ModelFile, splits: Splits) -> Iterator[str]:
    """The lines of the two tables; the second compares the runtimes' logits."""
    glyphs = splits.test.glyphs
    expected = TensorFlowRuntime(keras, BATCH_SIZE).logits(glyphs)
    representative = representative_glyphs(splits.train)
    columns = ("`--quantize`", f"against {REFERENCE}", "logits that differ", "largest difference of a probability")
    bits = [f"| {' | '.join(columns)} | labels that differ |", "| --- | --- | ---: | ---: | ---: |"]
    yield f"| `--quantize` | bytes | runtime | accuracy on {len(glyphs):,} test images | same label | latency | arena |"
    yield "| --- | ---: | --- | ---: | ---: | ---: | ---: |"
    for name, options in MODES.items():
        exported = convert_model(keras, options, representative, Path(f"{name}.tflite"))
        found: dict[str, NDArray[np.float32]] = {}
        for runtime, load_runtime in RUNTIMES.items():
            cells: tuple[str, ...]
            try:
                found[runtime] = load_runtime(exported, BATCH_SIZE).logits(glyphs)
                cells = _cells(exported, runtime, compare(expected, found[runtime], splits.test.labels), glyphs[:1])
            except MicroError as reason:
                cells = str(reason), "-", "-", "-"
            yield f"| `{name}` | {len(exported.payload):,} | {runtime} | {' | '.join(cells)} |"
        others = (runtime for runtime in found if runtime != REFERENCE)
        bits += [f"| `{name}` | {other} | {_difference(found[REFERENCE], found[other])} |" for other in others]
    yield from ("", *bits)


def _cells(exported: ModelFile, name: str, agreement: Agreement, glyph: NDArray[np.uint8]) -> tuple[str, ...]:
    """Accuracy, agreement, latency and arena."""
    single = RUNTIMES[name](exported, 1)
    latency = median(_seconds(single, glyph) for _ in range(LATENCY_CALLS))
    arena = f"{needed_arena(exported):,}" if isinstance(single, MicroRuntime) else "-"
    return f"{agreement.export_accuracy or 0:.2%}", f"{agreement.same_label:.2%}", f"{1e6 * latency:.0f} us", arena


def _difference(first: NDArray[np.float32], second: NDArray[np.float32]) -> str:
    """Share of logits that differ by more than rounding, largest difference of a probability, labels that differ."""
    values = float(np.mean(np.abs(first - second) > MAX_ROUNDING_ERROR))
    probability = float(np.abs(softmax(first) - softmax(second)).max())
    labels = int(np.count_nonzero(first.argmax(axis=1) != second.argmax(axis=1)))
    return f"{values:.2%} | {probability:.2g} | {labels:,}"


def _seconds(runtime: Runtime, glyph: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    runtime.logits(glyph)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
