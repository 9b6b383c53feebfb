"""Accuracy after `batchdigits train --init` on five crops of each digit of a set, measured on the rest of the set.

    python benchmarks/few_shot.py --sets SETS [--set NAME]… [--init FILE] [--choices N]

SETS has one folder for each set of images, and a set one sub-folder for each class. No other program trains on the
development sets. The columns of MNIST are for its 10,000 test images.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import click
import numpy as np

from batchdigits.datasets import load
from batchdigits.engines.local import predict
from batchdigits.errors import BatchdigitsError
from batchdigits.files.sources import find
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.learning.fine_tuning import FineTuning
from batchdigits.learning.save import save
from batchdigits.reports.evaluation import class_folders, evaluate_predictions

CROPS_PER_CLASS = 5
SEED = 1  # of the training; the command's default


class Outcome(NamedTuple):
    """Shares of right labels, 0-1, before and after training; `rest` is the number of images not trained on."""

    rest: int
    before: float
    after: float
    mnist_before: float
    mnist_after: float


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
@click.option("--set", "names", multiple=True, default=("pen", "polish", "turkish"), show_default=True)
@click.option("--init", type=click.Path(path_type=Path), default=PRETRAINED / "digits.keras", help="The .keras model.")
@click.option("--choices", default=3, show_default=True, help="Random choices of crops; the table has their means.")
def main(sets: str, names: tuple[str, ...], init: Path, choices: int) -> None:
    """Print the table in Markdown."""
    try:
        model = read_model_file(init)
        click.echo("| set | rest | before | after | choices that lost | MNIST before | MNIST after |")
        click.echo(f"| --- |{' ---: |' * 6}")
        for name in names:
            outcomes = [outcome(os.path.join(sets, name), model, choice) for choice in range(choices)]  # noqa: PTH118
            click.echo(row(name, outcomes))
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"\n{datetime.now(UTC):%Y-%m-%d}, {init.name}; means of {choices} choices of {CROPS_PER_CLASS} crops per class."
    )


def outcome(path: str, model: ModelFile, choice: int) -> Outcome:
    """Train on some crops of a set, and classify the rest."""
    labels = model.card.labels
    few = list(chosen_crops(path, labels, choice))
    rest = [file for file in find(class_folders(path, labels)) if file not in few]
    with tempfile.TemporaryDirectory() as place:
        for file in few:
            crop = Path(place, "few", Path(file).parent.name, Path(file).name)
            crop.parent.mkdir(parents=True, exist_ok=True)
            crop.symlink_to(Path(file).resolve())
        training = FineTuning(model, load(Path(place, "few"), seed=SEED, few_shot=True), SEED)
        for _ in training.run():
            pass
        tuned = Path(place, "tuned.keras")
        card = save(training, tuned)
        models = (model, read_model_file(tuned))
        before, after = (evaluate_predictions(path, predict(iter(rest), one), labels) for one in models)
    mnist = card.data["init"]["accuracy"]["mnist_test"], card.accuracy["mnist_test"]
    return Outcome(after.images, before.accuracy, after.accuracy, *mnist)


def chosen_crops(path: str, labels: tuple[str, ...], choice: int) -> Iterator[str]:
    """The crops to train on."""
    rng = np.random.default_rng([SEED, choice])
    for folder in class_folders(path, labels):
        if os.path.basename(folder) in labels:  # noqa: PTH119 - sources are strings
            files = list(find([folder]))
            yield from (files[number] for number in sorted(rng.permutation(len(files))[:CROPS_PER_CLASS]))


def row(name: str, outcomes: list[Outcome]) -> str:
    """A line of the table."""
    rest, *shares = (fmean(column) for column in zip(*outcomes, strict=True))
    before, after, mnist_before, mnist_after = (f"{share:.2%}" for share in shares)
    lost = sum(one.after < one.before for one in outcomes)
    cells = [name, f"{rest:,.0f}", before, after, f"{lost} of {len(outcomes)}", mnist_before, mnist_after]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
