"""Measure what the second look at doubtful glyphs brings, and what it costs.

    python benchmarks/second_look.py --sets SETS [--model FILE] [--rounds N]

SETS has one folder for each set of images, and a set one sub-folder for each class. MNIST's test images are written as
PNG files and classified like any folder. Both ways take turns in one process; the ratio is the median over the rounds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from statistics import fmean, median

import click
import cv2
from sets import names_of_sets

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.engines.classify_files import Settings, classify_files
from batchdigits.engines.supervisor import LARGEST_CHUNK
from batchdigits.errors import BatchdigitsError
from batchdigits.files.sources import find
from batchdigits.inference.choose import choose_model
from batchdigits.inference.decide import Prediction
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.inference.second_look import DOUBT
from batchdigits.reports.evaluation import class_folders, evaluate_predictions


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True, help="The sets.")
@click.option("--model", type=click.Path(path_type=Path), help="The model file. [default: as in classify]")
@click.option("--images", type=click.IntRange(1, 10_000), default=10_000, show_default=True, help="Of MNIST's test.")
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True, help="Rounds that the time is from.")
def main(sets: Path, model: Path | None, images: int, rounds: int) -> None:
    """Print the table in Markdown."""
    try:
        chosen = model or choose_model("tflite")
        once, twice = (load_runtime(chosen, second_look=looks_again) for looks_again in (False, True))
        lines = [
            f"| set | images | score under {DOUBT} | wrong, once | wrong, twice | time |",
            "| --- |" + " ---: |" * 5,
        ]
        with tempfile.TemporaryDirectory() as temporary:
            folders = [*(sets / name for name in names_of_sets(sets)), _mnist(Path(temporary) / "MNIST test", images)]
            lines += [_row(folder, once, twice, rounds) for folder in folders]
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(lines))
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}, {chosen.name}; time: that of classifying twice over that of once.")


def _mnist(folder: Path, images: int) -> Path:
    """MNIST's test images as a labelled folder."""
    pictures, labels = read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")
    for number, (picture, label) in enumerate(zip(pictures[:images], labels[:images], strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / str(label) / f"{number}.png"), picture)
    return folder


def _row(folder: Path, once: Runtime, twice: Runtime, rounds: int) -> str:
    folders = class_folders(str(folder), once.card.labels)
    files = list(find([path for path in folders if Path(path).name != NOT_DIGIT]))
    first, second = _classified(files, once), _classified(files, twice)
    results = [evaluate_predictions(str(folder), rows, once.card.labels) for rows in (first, second)]
    doubtful = fmean(row.score is not None and row.score < DOUBT for row in first)
    ratios = []
    for _ in range(rounds):
        seconds = []
        for runtime in (once, twice):
            start = time.perf_counter()
            _classified(files, runtime)
            seconds.append(time.perf_counter() - start)
        ratios.append(seconds[1] / seconds[0])
    wrong = " | ".join(f"{result.images - result.right:,}" for result in results)
    return f"| {folder.name} | {results[0].images:,} | {doubtful:.1%} | {wrong} | {median(ratios):.2f} |"


def _classified(files: Sequence[str], runtime: Runtime) -> list[Prediction]:
    chunks = (files[start : start + LARGEST_CHUNK] for start in range(0, len(files), LARGEST_CHUNK))
    found = (classify_files(chunk, runtime, Settings()).predictions for chunk in chunks)
    return list(chain.from_iterable(chain.from_iterable(found)))


if __name__ == "__main__":
    main()
