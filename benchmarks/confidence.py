"""Measure whether confidence is accurate, on MNIST's test images and on labelled folders.

    python benchmarks/confidence.py --sets SETS [--data FILE] [--model FILE] [-o docs/images/confidence.png]

SETS has one folder for each set of images, and a set one sub-folder for each class. The calibration error is the
expected calibration error of the top label, in 15 bins of equal width. `by chance` is what that error would be on
average for the same confidences if they were exact: few answers scatter around them. `ok` is the share of answers at or
over the model's own threshold. MNIST's validation split and its degraded copies are shown for comparison: the
temperature and the threshold were chosen on data like them. A second table has the outliers with the status `ok`: of
the folders `not_digit`, and of the test split of FILE, which is packed data.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import click
import numpy as np
from sets import names_of_sets

from batchdigits.datasets import BUNDLED, load
from batchdigits.datasets.labelled import LabelledGlyphs
from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.engines.local import predict
from batchdigits.errors import BatchdigitsError
from batchdigits.files.natural_order import natural_key
from batchdigits.files.sources import find
from batchdigits.inference.choose import choose_model
from batchdigits.inference.decide import Status, scores, softmax
from batchdigits.inference.load import load_runtime
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.runtime import Runtime
from batchdigits.learning.temperature_scaling import with_degraded_copies
from batchdigits.reports.confidence import Answers, calibration_error
from batchdigits.reports.confidence_plot import confidence_plot
from batchdigits.reports.evaluation import class_folders, evaluate_predictions

TEST = "MNIST test"
DRAWS = 200  # of right and wrong answers, for the calibration error by chance


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
@click.option("--data", multiple=True, type=click.Path(exists=True, path_type=Path), help="Packed data with outliers.")
@click.option("--model", type=click.Path(path_type=Path), help="The model file. [default: as in classify]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write a chart (.png).")
def main(sets: str, data: tuple[Path, ...], model: Path | None, output: Path | None) -> None:
    """Print the tables in Markdown."""
    try:
        chosen = model or choose_model("tflite")
        runtime = load_runtime(chosen)
        of_sets = _of_sets(sets, chosen, runtime)
        found = {**_of_mnist(runtime), **of_sets}
        outliers = {**_outliers_of_sets(sets, chosen), **_outliers_of_data(data, runtime)}
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(_table(found, runtime.card.thresholds["review"]))
    click.echo("\n" + _table_of_outliers(outliers))
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}, {chosen.name}")
    if output:
        shown = [name for name in found if name == TEST or not name.startswith("MNIST")]
        output.write_bytes(confidence_plot({name: found[name] for name in shown}))
        click.echo(f"wrote {output}")


def _of_mnist(runtime: Runtime) -> dict[str, Answers]:
    mnist = load()
    return {
        TEST: _answers(runtime, mnist.test),
        "MNIST validation": _answers(runtime, mnist.validation),
        "MNIST validation, with degraded copies": _answers(
            runtime, with_degraded_copies(mnist.validation, mnist.classes)
        ),
    }


def _answers(runtime: Runtime, data: LabelledGlyphs) -> Answers:
    logits = runtime.logits(data.glyphs)
    score = scores(logits, runtime.card.rejects)
    return Answers(softmax(logits).max(axis=1), score, logits.argmax(axis=1) == data.labels)


def _of_sets(sets: str, model: Path, runtime: Runtime) -> dict[str, Answers]:
    labels = runtime.card.labels
    file = read_model_file(model)
    found = {}
    for name in names_of_sets(sets):
        path = os.path.join(sets, name)  # noqa: PTH118 - sources are strings
        found[name] = evaluate_predictions(path, predict(find(class_folders(path, labels)), file), labels).answers
    return found


def _outliers_of_sets(sets: str, model: Path) -> dict[str, list[bool]]:
    """Of each set with outliers, and of each kind by the first word of their names, which of them are `ok`."""
    file = read_model_file(model)
    found: dict[str, list[bool]] = {}
    for folder in sorted(Path(sets).glob(f"*/{NOT_DIGIT}"), key=lambda path: natural_key(str(path))):
        for row in predict(find([str(folder)]), file):
            kind, dash, _ = Path(row.path).stem.partition("-")
            for name in (folder.parent.name, *([f"{folder.parent.name}: {kind}"] if dash and kind.isalpha() else [])):
                found.setdefault(name, []).append(row.status is Status.OK)
    return dict(sorted(found.items()))


def _outliers_of_data(data: tuple[Path, ...], runtime: Runtime) -> dict[str, list[bool]]:
    """Which outliers of the test split of packed data are `ok`."""
    threshold = runtime.card.thresholds["review"]
    return {
        f"{path.name}, test": (scores(runtime.logits(outliers.test), runtime.card.rejects) >= threshold).tolist()
        for path in data
        if (outliers := load(path, BUNDLED).outliers) and len(outliers.test)
    }


def _table_of_outliers(found: dict[str, list[bool]]) -> str:
    lines = ["| outliers | images | ok | |", "| --- | ---: | ---: | ---: |"]
    return "\n".join([*lines, *(f"| {n} | {len(ok):,} | {sum(ok):,} | {fmean(ok):.1%} |" for n, ok in found.items())])


def _error_by_chance(answers: Answers) -> float:
    """The mean calibration error of answers that are right as often as their confidence says."""
    rng = np.random.default_rng(0)
    draws = (rng.random(len(answers.right)) < answers.confidence for _ in range(DRAWS))
    return fmean(calibration_error(answers._replace(right=right)) or 0.0 for right in draws)


def _table(found: dict[str, Answers], threshold: float) -> str:
    lines = [
        "| | answers | right | mean confidence | calibration error | by chance | ok | wrong among ok |",
        f"| --- |{' ---: |' * 7}",
    ]
    for name, answers in found.items():
        ok = answers.score >= threshold
        cells = [
            f"{len(ok):,}",
            f"{answers.right.mean():.2%}",
            f"{answers.confidence.mean():.2%}",
            f"{calibration_error(answers):.2%}",
            f"{_error_by_chance(answers):.2%}",
            f"{ok.mean():.1%}",
            f"{(ok & ~answers.right).sum():,}",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
