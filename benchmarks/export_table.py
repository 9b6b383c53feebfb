"""The tables of docs/explanation/export.md: every mode on every runtime; size, accuracy, agreement, latency.

    python benchmarks/export_table.py [--model FILE.keras] [--data PATH]

A runtime that does not support a mode has a row that says so.
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
from batchdigits.learning.export import make
from batchdigits.learning.export_options import Target, choose_target
from batchdigits.learning.representative_dataset import varied

CALLS = 500  # of one glyph, whose median is the latency
ROUNDING = 1e-4  # logits of float32 that are closer are the same, but for the order of summing
REFERENCE = "LiteRT reference"

TARGETS: dict[str, Target] = {
    "none": choose_target("none"),
    "float16": choose_target("float16"),
    "dynamic": choose_target("dynamic"),
    "int8": choose_target("int8"),
    "int8 --per-tensor": choose_target("int8", per_tensor=True),
    "int8 --head probabilities": choose_target("int8", head="probabilities"),
    "int16x8": choose_target("int16x8"),
}
# How each runtime is had: for all images at once, and for one at a time.
RUNTIMES: dict[str, Callable[[ModelFile, int], Runtime]] = {
    "LiteRT XNNPACK": LiteRTRuntime,
    REFERENCE: lambda model, size: LiteRTRuntime(model, size, kernels="reference"),
    "TFLite Micro": lambda model, size: MicroRuntime(model),
}


@click.command()
@click.option("--model", type=click.Path(path_type=Path), help="The .keras model file. [default: the built-in one]")
@click.option("--data", type=click.Path(path_type=Path), help="Labelled data. [default: the MNIST on board]")
def main(model: Path | None, data: Path | None) -> None:
    """Print the tables as markdown."""
    try:
        keras = read_model_file(model or PRETRAINED / "digits.keras")
        for line in _tables(keras, load(data, keras.card.seed)):
            click.echo(line)
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}, {keras.path.name}; latency at batch 1 on one thread of this machine.")


def _tables(keras: ModelFile, splits: Splits) -> Iterator[str]:
    """The table, and one of where the runtimes' bits differ."""
    glyphs = splits.test.glyphs
    expected = TensorFlowRuntime(keras, BATCH_SIZE).logits(glyphs)
    calibration = varied(splits.train)
    columns = ("--quantize", f"against {REFERENCE}", "logits that differ", "largest difference of a probability")
    bits = [f"| {' | '.join(columns)} | labels that differ |", "| --- | --- | ---: | ---: | ---: |"]
    yield f"| --quantize | bytes | runtime | accuracy on {len(glyphs):,} test images | same label | latency | arena |"
    yield "| --- | ---: | --- | ---: | ---: | ---: | ---: |"
    for name, target in TARGETS.items():
        exported = make(keras, target, calibration, Path(f"{name}.tflite"))
        found: dict[str, NDArray[np.float32]] = {}
        for runtime, load_it in RUNTIMES.items():
            cells: tuple[str, ...]
            try:
                found[runtime] = load_it(exported, BATCH_SIZE).logits(glyphs)
                cells = _cells(exported, runtime, compare(expected, found[runtime], splits.test.labels), glyphs[:1])
            except MicroError as reason:
                cells = str(reason), "-", "-", "-"
            yield f"| {name} | {len(exported.payload):,} | {runtime} | {' | '.join(cells)} |"
        others = (runtime for runtime in found if runtime != REFERENCE)
        bits += [f"| {name} | {other} | {_difference(found[REFERENCE], found[other])} |" for other in others]
    yield from ("", *bits)


def _cells(exported: ModelFile, name: str, agreement: Agreement, glyph: NDArray[np.uint8]) -> tuple[str, ...]:
    """Accuracy, agreement, latency and arena."""
    single = RUNTIMES[name](exported, 1)
    latency = median(_seconds(single, glyph) for _ in range(CALLS))
    arena = f"{needed_arena(exported):,}" if isinstance(single, MicroRuntime) else "-"
    return f"{agreement.second or 0:.2%}", f"{agreement.same:.2%}", f"{1e6 * latency:.0f} us", arena


def _difference(first: NDArray[np.float32], second: NDArray[np.float32]) -> str:
    """How many logits differ by more than float32's rounding, the most that a probability does, and how many labels."""
    values = float(np.mean(np.abs(first - second) > ROUNDING))
    probability = float(np.abs(softmax(first) - softmax(second)).max())
    labels = int(np.count_nonzero(first.argmax(axis=1) != second.argmax(axis=1)))
    return f"{values:.2%} | {probability:.2g} | {labels:,}"


def _seconds(runtime: Runtime, glyph: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    runtime.logits(glyph)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
