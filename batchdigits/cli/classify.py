"""`batchdigits classify`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from batchdigits.cli.console import inform, progress_bar
from batchdigits.cli.model_choice import chosen_model, model_choice_options
from batchdigits.cli.options import batch_size_option, ink_option, output_option, verbosity_options
from batchdigits.errors import NoImagesError

if TYPE_CHECKING:
    from batchdigits.inference.choose import RuntimeName
    from batchdigits.inference.decide import Prediction
    from batchdigits.vision.normalise import Ink
    from batchdigits.vision.sources import Tally

SOME_FAILED = 3
STDOUT = Path("-")


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path())
@model_choice_options
@ink_option
@batch_size_option
@output_option("The CSV to write, whole or not at all. [default: stdout]")
@verbosity_options
def classify(
    paths: tuple[str, ...],
    runtime: RuntimeName | None,
    model: Path | None,
    ink: Ink,
    batch_size: int,
    output: Path | None,
) -> None:
    """Classify images of handwritten digits, and folders of them, into a CSV.

    Every image gives exactly one row. Its status is `ok`, `review` (too unsure), `blank` (no ink) or
    `error` (unreadable; the detail says why). The exit code is 3 when some rows are errors.

    \b
    Example:
        batchdigits classify ./scans > out.csv
        batchdigits classify ./scans page7.png --runtime tensorflow -o out.csv
    """
    from batchdigits.engines.classify import Settings
    from batchdigits.engines.local import classify as run
    from batchdigits.inference.runtime import load_runtime
    from batchdigits.vision.sources import Tally, find

    chosen = chosen_model(runtime, model)
    network = load_runtime(chosen, batch_size)
    settings = Settings(ink, network.card.thresholds["review"])
    tally = Tally()
    files = _not_empty(find(paths, tally), tally)
    with _destination(output) as stream:
        counts = _write(run(files, network, settings), stream)
    inform(_summary(counts, tally.passed_over))
    if tally.empty_folders:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders)}")
    if counts["error"]:
        raise click.exceptions.Exit(SOME_FAILED)


def _not_empty(files: Iterator[str], tally: Tally) -> Iterator[str]:
    """The same files, once there is at least one."""
    first = next(files, None)
    if first is None:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders)}")
    return chain([first], files)


def _destination(output: Path | None) -> AbstractContextManager[BinaryIO]:
    from batchdigits.output.atomic import writing

    return nullcontext(sys.stdout.buffer) if output in (None, STDOUT) else writing(output)


def _write(predictions: Iterable[Prediction], stream: BinaryIO) -> Counter[str]:
    """Write every prediction down, behind a progress bar; how many there were of each status."""
    from batchdigits.output.prediction_csv import CsvWriter

    counts: Counter[str] = Counter()
    with CsvWriter(stream) as rows, progress_bar(unit="img") as bar:
        for prediction in predictions:
            rows.write(prediction)
            counts[prediction.status] += 1
            bar.update()
    return counts


def _summary(counts: Counter[str], passed_over: int) -> str:
    parts = [f"{count:,} {status}" for status in ("ok", "review", "blank", "error") if (count := counts[status])]
    others = f"; {passed_over:,} other files passed over" if passed_over else ""
    return f"{counts.total():,} images: {', '.join(parts)}{others}"
