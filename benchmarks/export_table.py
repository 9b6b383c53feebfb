"""docs/export.md's table: every mode on every runtime, with size, accuracy, agreement with float32, and latency.

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
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.micro_runtime import MicroError, MicroRuntime, needed_arena
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.inference.runtime import BATCH_SIZE, Runtime
from batchdigits.inference.tensorflow_runtime import TensorFlowRuntime
from batchdigits.learning.calibration_glyphs import varied
from batchdigits.learning.export import make
from batchdigits.learning.target import Target, choose_target
from batchdigits.reports.agreement import compare

CALLS = 500  # of one glyph, whose median is the latency

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
    "LiteRT reference": lambda model, size: LiteRTRuntime(model, size, kernels="reference"),
    "TFLite Micro": lambda model, size: MicroRuntime(model),
}


@click.command()
@click.option("--model", type=click.Path(path_type=Path), help="The .keras model file. [default: the built-in one]")
@click.option("--data", type=click.Path(path_type=Path), help="Labelled data. [default: the MNIST on board]")
def main(model: Path | None, data: Path | None) -> None:
    """Print the table as markdown."""
    try:
        keras = read_model_file(model or PRETRAINED / "digits.keras")
        for line in _table(keras, load(data, keras.card.seed)):
            click.echo(line)
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}, {keras.path.name}; latency at batch 1 on one thread of this machine.")


def _table(keras: ModelFile, splits: Splits) -> Iterator[str]:
    expected = TensorFlowRuntime(keras, BATCH_SIZE).logits(splits.test.glyphs)
    calibration = varied(splits.train)
    accuracy = f"accuracy on {len(splits.test):,} test images"
    yield f"| --quantize | bytes | runtime | {accuracy} | same label | latency | arena |"
    yield "| --- | ---: | --- | ---: | ---: | ---: | ---: |"
    for name, target in TARGETS.items():
        exported = make(keras, target, calibration, Path(f"{name}.tflite"))
        for runtime in RUNTIMES:
            cells = _cells(exported, runtime, expected, splits)
            yield f"| {name} | {len(exported.payload):,} | {runtime} | {' | '.join(cells)} |"


def _cells(exported: ModelFile, name: str, expected: NDArray[np.float32], splits: Splits) -> tuple[str, ...]:
    """Accuracy, agreement, latency and arena, or why there are none."""
    try:
        runtime, single = RUNTIMES[name](exported, BATCH_SIZE), RUNTIMES[name](exported, 1)
        arena = f"{needed_arena(exported):,}" if isinstance(runtime, MicroRuntime) else "-"
    except MicroError as reason:
        return str(reason), "-", "-", "-"
    agreement = compare(expected, runtime.logits(splits.test.glyphs), splits.test.labels)
    latency = median(_seconds(single, splits.test.glyphs[:1]) for _ in range(CALLS))
    return f"{agreement.second or 0:.2%}", f"{agreement.same:.2%}", f"{1e6 * latency:.0f} us", arena


def _seconds(runtime: Runtime, glyph: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    runtime.logits(glyph)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
