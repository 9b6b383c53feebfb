"""Accuracy after `batchdigits train --init built-in --corrections` on rows of a set that a person has reviewed.

    python benchmarks/corrections.py --sets SETS [--set NAME] [--review N] [--pick lowest|random] [--choices N]

SETS has one folder for each set of images, and a set one sub-folder for each class. One half of the set, drawn at
random, is classified; the person reviews N rows of it and is always right. The other half is the rest that is judged,
with all other sets and MNIST's test images. No model is kept: the development sets train nothing else.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import click
import numpy as np
from sets import names_of_sets

from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.engines.local import predict
from batchdigits.errors import BatchdigitsError
from batchdigits.files.sources import find
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.decide import Prediction
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.learning.save import save
from batchdigits.learning.train import prepare_training
from batchdigits.output.review_answers import Answer
from batchdigits.output.review_log import ReviewLog, log_path
from batchdigits.reports.evaluation import class_folders, class_of, evaluate_predictions

SEED = 1  # of the training; the command's default


class Outcome(NamedTuple):
    """Images that are judged, and the shares of right labels, 0-1, before and after training."""

    images: int
    before: float
    after: float


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
@click.option("--set", "name", default="swiss", show_default=True, help="The set that a half of is reviewed.")
@click.option("--review", "count", default=300, show_default=True, help="Rows that the person reviews.")
@click.option(
    "--pick", type=click.Choice(["lowest", "random"]), default="lowest", show_default=True, help="Which rows."
)
@click.option("--choices", default=4, show_default=True, help="Random halves; the table has the means.")
def main(sets: str, name: str, count: int, pick: str, choices: int) -> None:
    """Print the table in Markdown."""
    others = [one for one in names_of_sets(sets) if one != name]
    built_in = PRETRAINED / "digits.keras"
    try:
        known = {one: judged(os.path.join(sets, one), read_model_file(built_in)) for one in (name, *others)}  # noqa: PTH118
        rounds = [outcomes(sets, name, others, known, count, pick, choice) for choice in range(choices)]
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo("| set | images | before | after | choices that lost |")
    click.echo(f"| --- |{' ---: |' * 4}")
    for one in rounds[0]:
        click.echo(row(one, [outcome[one] for outcome in rounds]))
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}; means of {choices} choices, {count} rows, {pick}.")


def judged(path: str, model: ModelFile, files: Sequence[str] = ()) -> list[Prediction]:
    """The predictions for `files`, or for all digits of a set."""
    folders = [one for one in class_folders(path, model.card.labels) if os.path.basename(one) != NOT_DIGIT]  # noqa: PTH119
    return list(predict(iter(files or find(folders)), model))


def outcomes(
    sets: str, name: str, others: list[str], known: dict[str, list[Prediction]], count: int, pick: str, choice: int
) -> dict[str, Outcome]:
    """Review rows of one half of a set, train on the answers, and judge the other half and what else there is."""
    path = os.path.join(sets, name)  # noqa: PTH118 - sources are strings
    order = np.random.default_rng([SEED, choice]).permutation(len(known[name])).tolist()
    half = [known[name][index] for index in order[: len(order) // 2]]
    rest = [known[name][index] for index in sorted(order[len(order) // 2 :])]
    if pick == "lowest":
        half.sort(key=lambda row: (row.score or 0.0, row.path))
    with tempfile.TemporaryDirectory() as place:
        log = write_log(log_path(Path(place, "rows.csv")), half[:count], path)
        training = prepare_training(init=[PRETRAINED / "digits.keras"], corrections=[log], seed=SEED)
        for _ in training.run():
            pass
        card = save(training, Path(place, "tuned.keras"))
        tuned = read_model_file(Path(place, "tuned.keras"))
        labels = card.labels
        found = {f"{name}, the rest": outcome(path, rest, judged(path, tuned, [one.path for one in rest]), labels)}
        for other in others:
            folder = os.path.join(sets, other)  # noqa: PTH118
            found[other] = outcome(folder, known[other], judged(folder, tuned), labels)
    shares = card.data["init"]["accuracy"]["mnist_test"], card.accuracy["mnist_test"]
    return {**found, "MNIST test": Outcome(len(training.mnist.test), *shares)}  # type: ignore[attr-defined]


def write_log(path: Path, rows: Sequence[Prediction], folder: str) -> Path:
    """The log of a person who gives each row the name of its class folder."""
    log = ReviewLog(path, "rows.csv")
    for row in rows:
        answer = Answer(row.path, "label", class_of(row.path, folder), row.label, row.status)
        log.add("a person", "tab", "grid", "first", [answer])
    log.close()
    return path


def outcome(path: str, before: list[Prediction], after: list[Prediction], labels: Sequence[str]) -> Outcome:
    """Judge the predictions of both models for the same images."""
    first, second = (evaluate_predictions(path, rows, labels) for rows in (before, after))
    return Outcome(first.images, first.accuracy, second.accuracy)


def row(name: str, rounds: Sequence[Outcome]) -> str:
    """A line of the table."""
    before, after = fmean(one.before for one in rounds), fmean(one.after for one in rounds)
    lost = sum(one.after < one.before for one in rounds)
    return f"| {name} | {rounds[0].images:,} | {before:.2%} | {after:.2%} | {lost} of {len(rounds)} |"


if __name__ == "__main__":
    main()
