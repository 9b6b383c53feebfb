"""The table of size against accuracy: each model's flash, memory and multiplications, and how often it is right.

    python benchmarks/model_sizes.py --sets SETS [MODEL …]

SETS has one folder for each set of images, and a set one sub-folder for each class. All sets have the same weight in
the mean. Flash and memory are those of the network in C, with its weights and what it needs of the compiler's library,
as Debian's gcc-arm-none-eabi compiles them for a Cortex-M0+; the glyph and the normaliser are not in them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import click
import numpy as np
from sets import names_of_sets

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.datasets.labelled import DIGIT_NAMES, normalise_labelled
from batchdigits.device.layers import read_layers
from batchdigits.device.write import c_sources, write_sources
from batchdigits.engines.classify_files import Settings
from batchdigits.errors import BatchdigitsError
from batchdigits.files.content import file_status
from batchdigits.files.sources import find
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.decide import decide
from batchdigits.inference.load import load_runtime
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.reports.evaluation import class_folders, evaluate_predictions
from batchdigits.vision.normalise_batch import Normalised

MODELS = ("nano.tflite", "tiny.tflite", "digits.tflite", "digits.keras")  # in the package
COMPILER = "arm-none-eabi-gcc"
OPTIONS = ("-std=c99", "-Os", "-mcpu=cortex-m0plus", "-mthumb", "-ffunction-sections", "-fdata-sections")
LINK = ("-nostartfiles", "-Wl,-e,main", "-Wl,--gc-sections")
MAIN = """
#include "digits_network.h"
volatile uint8_t glyph[DIGITS_PIXELS];
int main(void) {
    int8_t logits[DIGITS_CLASSES];
    digits_run((const uint8_t *)glyph, logits);
    return digits_best(logits);
}
"""

Set = tuple[str, list[Normalised]]  # a folder, and its normalised pages


@click.command()
@click.argument("models", nargs=-1, type=click.Path(path_type=Path))
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
def main(models: tuple[Path, ...], sets: str) -> None:
    """Print the table in Markdown, by default of the package's models."""
    chosen = models or tuple(PRETRAINED / name for name in MODELS if (PRETRAINED / name).exists())
    try:
        for line in _table(chosen, sets):
            click.echo(line)
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}; all sets have the same weight in the mean.")


def _table(models: Sequence[Path], sets: str) -> Iterator[str]:
    images, labels = (read_idx(MNIST / f"{name}.gz") for name in (TEST_IMAGES, TEST_LABELS))
    test = normalise_labelled("test", images, labels, "light")
    prepared = [_prepare(os.path.join(sets, name)) for name in names_of_sets(sets)]  # noqa: PTH118 - sources are strings
    yield "| model | file | flash | memory | multiplications | MNIST's test images | mean of the sets |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for path in models:
        model, runtime = read_model_file(path), load_runtime(path, second_look=False)
        on_test = float(np.mean(runtime.logits(test.glyphs).argmax(axis=1) == test.labels))
        on_sets = fmean(_accuracy(one, runtime) for one in prepared)
        cells = " | ".join(("-", "-", "-") if model.is_keras else _costs(model))
        yield f"| {path.name} | {path.stat().st_size:,} | {cells} | {on_test:.2%} | {on_sets:.1%} |"


def _prepare(folder: str) -> Set:
    batch = Settings().batch()
    with silent_stderr():
        for path in find(class_folders(folder, DIGIT_NAMES)):
            for _ in batch.add(path, file_status(path)):
                pass
    return folder, batch.finish()


def _accuracy(prepared: Set, runtime: Runtime) -> float:
    folder, pages = prepared
    return evaluate_predictions(folder, decide(pages, runtime, 0.0)[0], runtime.card.labels).accuracy


def _costs(model: ModelFile) -> tuple[str, str, str]:
    """Bytes of flash and memory in C, and multiplications for a glyph."""
    layers = read_layers(model.payload)
    products = sum(layer.weights.size * (layer.window.output_side**2 if layer.window else 1) for layer in layers)
    if shutil.which(COMPILER) is None:
        return "-", "-", f"{products:,}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sources({**c_sources(model), "main.c": MAIN}, folder)
        command = [COMPILER, *OPTIONS, "-fstack-usage", "main.c", "digits_network.c", "-x", "c", "digits_model.cc"]
        subprocess.run([*command, "-x", "none", *LINK, "-o", "nano.elf"], cwd=folder, check=True)
        sizes = subprocess.run(
            ["arm-none-eabi-size", "nano.elf"], cwd=folder, capture_output=True, text=True, check=True
        )
        flash, data = (int(size) for size in sizes.stdout.splitlines()[1].split()[:2])
        usage = "".join(file.read_text() for file in folder.glob("*digits_network.su"))
    frames = [int(frame) for frame in re.findall(r"\t(\d+)\tstatic", usage)]
    return f"{flash + data:,}", f"{sum(frames):,}", f"{products:,}"


if __name__ == "__main__":
    main()
