"""`batchdigits train`."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.console import inform, log, progress_bar
from batchdigits.cli.options import data_option, output_option, seed_option, verbosity_options
from batchdigits.cli.output_file import prepare
from batchdigits.cli.signals import Terminated

if TYPE_CHECKING:
    from batchdigits.inference.model_file import ModelFile
    from batchdigits.learning.training import Progress, Training

CHECKPOINT_EVERY = 120  # seconds: what an interrupted machine loses at most
LOG_EVERY = 100  # iterations, as in the lesson; where the validation split is checked, its checks are logged instead


class Widths(click.ParamType[tuple[int, ...]]):
    """Units of the hidden layers, such as 512,256,128."""

    name = "N,N,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """A tuple of whole numbers from 1 to 65,536."""
        try:
            widths = tuple(int(width) for width in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of whole numbers such as 512,256,128", param, ctx)
        if not all(1 <= width <= 1 << 16 for width in widths):
            self.fail(f"{value!r}: a layer has 1 to 65536 units", param, ctx)
        return widths


@click.command()
@click.option(
    "--recipe",
    type=click.Choice(["default", "lesson", "best", "tiny", "teacher"]),
    default="default",
    show_default=True,
    help="Where every value below starts from.",
)
@click.option("--hidden", type=Widths(), help="Units of each hidden layer.")
@click.option(
    "--activation",
    type=click.Choice(["none", "relu", "tanh", "sigmoid", "elu", "gelu"]),
    help="Activation of the hidden layers.",
)
@click.option("--learning-rate", type=click.FloatRange(0, 10, min_open=True), help="Adam's, at the start.")
@click.option("--iterations", type=click.IntRange(1), help="Minibatches to learn from.")
@click.option("--batch-size", type=click.IntRange(1, 65_536), help="Glyphs in a minibatch.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), help="Share of the last hidden layer dropped.")
@seed_option
@data_option("Labelled data to learn from.")
@output_option("The model file to write.", default="exports/digits.keras", show_default=True)
@click.option(
    "--teacher",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="A .keras model file whose answers to learn, in place of the labels.",
)
@click.option("--resume", "go_on", is_flag=True, help="Go on with an interrupted training, to the same weights.")
@verbosity_options
def train(
    recipe: str, seed: int, data: Path | None, output: Path, teacher: Path | None, go_on: bool, **values: Any
) -> None:
    """Train a network on labelled digits and write it as a .keras model file.

    Ctrl-C stops early and saves what the network has learned so far.

    \b
    Example:
        batchdigits train
        batchdigits train --recipe lesson --seed 7 -o exports/lesson.keras
    """
    from dataclasses import replace

    from batchdigits.datasets import load
    from batchdigits.learning.checkpoint import checkpoint_path, resume
    from batchdigits.learning.recipes import RECIPES
    from batchdigits.learning.save import save
    from batchdigits.learning.training import Training

    prepare(output, ".keras")
    if values["activation"] == "none":
        values["activation"] = ""
    chosen = replace(RECIPES[recipe], **{name: value for name, value in values.items() if value is not None})
    teaching = _read_teacher(teacher) if teacher else None
    splits = load(data, seed)
    training = Training(chosen, splits, seed, teaching)
    checkpoint = checkpoint_path(output)
    if go_on:
        resume(training, checkpoint)
    interrupted = _run(training, checkpoint)
    card = save(training, output)
    log(f"Accuracy on {len(splits.test):,} test images: {card.accuracy['test']:.2%}")
    inform(f"wrote {output}")
    if interrupted:
        inform("the same command with --resume goes on from here")
        raise interrupted
    checkpoint.unlink(missing_ok=True)


def _read_teacher(path: Path) -> ModelFile:
    """The model file of a teacher.

    Raises:
        ModelFileError: it cannot be read, or is no .keras.
    """
    from batchdigits.errors import ModelFileError
    from batchdigits.inference.model_file import read_model_file

    if path.suffix != ".keras":
        raise ModelFileError(f"{path}: a teacher is a .keras file")
    return read_model_file(path)


def _run(training: Training, checkpoint: Path) -> BaseException | None:
    """Train behind a progress bar, with a checkpoint now and then; what interrupted it, if something did."""
    from batchdigits.learning.checkpoint import write_checkpoint

    recipe = training.recipe
    shown = progress_bar(total=recipe.iterations, initial=training.done, unit="it", desc=recipe.name)
    written = time.monotonic()
    with shown as bar, closing(training.run()) as steps:
        try:
            for progress in steps:
                bar.update(training.done - bar.n)
                _log(progress, every=0 if recipe.check_every else LOG_EVERY)
                if time.monotonic() - written > CHECKPOINT_EVERY:
                    write_checkpoint(training, checkpoint)
                    written = time.monotonic()
        except (KeyboardInterrupt, Terminated) as stop:
            inform("stopping; saving what has been learned so far")
            write_checkpoint(training, checkpoint)
            training.go_back_to_best()
            return stop
    return None


def _log(progress: Progress, every: int) -> None:
    """A line for each check of the validation split; where there is none, for each so many iterations."""
    line = f"Iteration {progress.iteration} | Loss = {progress.loss:.4f} | Accuracy = {progress.accuracy:.4f}"
    if progress.validation is not None:
        log(f"{line} | Validation = {progress.validation:.4f}")
    elif every and progress.iteration % every == 0:
        log(line)
