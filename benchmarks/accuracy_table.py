"""Compare three normalisers, and a second look, by the accuracy of one model on labelled folders.

    python benchmarks/accuracy_table.py --sets SETS [--model FILE]

SETS has one folder for each set of images, and a set one sub-folder for each class. All sets have the same weight in
the mean. `now` is as `batchdigits classify` does it, with a second look if the model has one; the others look once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import fmean

import click
import numpy as np
from baseline_normalisers import first_version, plain_resize
from numpy.typing import NDArray
from sets import names_of_sets

from batchdigits.engines.classify_files import Settings, classify_files
from batchdigits.errors import BatchdigitsError
from batchdigits.files.sources import find
from batchdigits.inference.choose import choose_model
from batchdigits.inference.decide import Prediction, decide
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.inference.second_look import without_second_look
from batchdigits.quiet import silent_stderr
from batchdigits.reports.evaluation import class_folders, evaluate_predictions
from batchdigits.vision.decode import Page, decode
from batchdigits.vision.normalise import Candidates
from batchdigits.vision.normalise_batch import Normalised

Normaliser = Callable[[NDArray[np.uint8]], tuple[NDArray[np.uint8], ...]]
Classify = Callable[[list[str], Runtime], list[Prediction]]  # the predictions for class folders


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
@click.option("--model", type=click.Path(path_type=Path), help="The model file. [default: as in classify]")
def main(sets: str, model: Path | None) -> None:
    """Print the table in Markdown."""
    try:
        chosen = model or choose_model("tflite")
        click.echo(_table(sets, load_runtime(chosen)))
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}, {chosen.name}; all sets have the same weight in the mean.")


def _table(sets: str, runtime: Runtime) -> str:
    names = names_of_sets(sets)
    lines = [f"| set | images | {' | '.join(WAYS)} |", f"| --- | ---: |{' ---: |' * len(WAYS)}"]
    columns = []
    for name in names:
        path = os.path.join(sets, name)  # noqa: PTH118 - sources are strings
        folders = class_folders(path, runtime.card.labels)
        results = [evaluate_predictions(path, run(folders, runtime), runtime.card.labels) for run in WAYS.values()]
        accuracies = [result.accuracy for result in results]
        columns.append(accuracies)
        lines.append(f"| {name} | {results[0].images:,} | {_percent(accuracies)} |")
    means = [fmean(column) for column in zip(*columns, strict=True)]
    return "\n".join([*lines, f"| **mean** | | {_percent(means)} |"])


def _percent(shares: list[float]) -> str:
    return " | ".join(f"{share:.1%}" for share in shares)


def _with_baseline(normaliser: Normaliser, folders: list[str], runtime: Runtime) -> list[Prediction]:
    """Predictions with another normaliser, and everything else as in the package."""
    with silent_stderr():
        sources = [_normalised(page, normaliser) for path in find(folders) for page in decode(path)]
    return decide(sources, without_second_look(runtime), threshold=0.0)[0]


def _normalised(page: Page, normaliser: Normaliser) -> Normalised:
    glyphs = () if page.scan is None else normaliser(page.scan)
    return Normalised(page.source, Candidates(glyphs, (1.0,) * len(glyphs)), page.fault)


def _with_package(folders: list[str], runtime: Runtime) -> list[Prediction]:
    return list(chain.from_iterable(classify_files(list(find(folders)), runtime, Settings()).predictions))


WAYS: dict[str, Classify] = {
    "plain resize": partial(_with_baseline, plain_resize),
    "first version": partial(_with_baseline, first_version),
    "one look": lambda folders, runtime: _with_package(folders, without_second_look(runtime)),
    "now": _with_package,
}

if __name__ == "__main__":
    main()
