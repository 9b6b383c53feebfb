"""`batchdigits train`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.console import print_log_line, print_message, progress_bar
from batchdigits.cli.options import FILE, Number, data_option, output_option, seed_option, verbosity_options
from batchdigits.cli.output_file import is_same_file, prepare_output, prepare_plot
from batchdigits.cli.signals import Terminated

if TYPE_CHECKING:
    from batchdigits.inference.card import Card
    from batchdigits.inference.model_file import ModelFile
    from batchdigits.learning.fine_tuning import FineTuning
    from batchdigits.learning.training import Progress, Training

CHECKPOINT_EVERY = 120  # seconds: what an interrupted machine loses at most
LOG_EVERY = 100  # iterations, as in the lesson; where the validation split is checked, its checks are logged instead
NAMES = {
    "validation": "yours that were held back for validation",
    "test": "yours that were held back for a test",
    "mnist_validation": "MNIST's validation split",
    "mnist_test": "MNIST's test",
}


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
    help="Where every value below starts from. [default: default]",
)
@click.option("--hidden", type=Widths(), help="Units of each hidden layer.")
@click.option(
    "--activation",
    type=click.Choice(["none", "relu", "tanh", "sigmoid", "elu", "gelu"]),
    help="Activation of the hidden layers.",
)
@click.option("--learning-rate", type=Number(0, 10, min_open=True), help="Adam's, at the start.")
@click.option("--iterations", type=click.IntRange(0), help="Minibatches to learn from.")
@click.option("--batch-size", type=click.IntRange(1, 65_536), help="Glyphs in a minibatch.")
@click.option("--dropout", type=Number(0, 1, max_open=True), help="Share of the last hidden layer dropped.")
@seed_option
@data_option("Labelled data to learn from.")
@click.option(
    "--init",
    type=FILE,
    metavar="FILE",
    multiple=True,
    help="A .keras model to go on from; with --data, on digits of your own: five of each will do. "
    "Of several, the mean of their weights.",
)
@output_option("The model file to write.", default="exports/digits.keras", show_default=True)
@click.option(
    "--teacher",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="A .keras model file whose answers to learn, in place of the labels.",
)
@click.option("--resume", "go_on", is_flag=True, help="Go on with an interrupted training, to the same weights.")
@click.option("--plot", type=FILE, metavar="FILE", help="Draw loss, accuracy and learning rate (.png, .svg).")
@click.option("--tensorboard", type=FILE, metavar="DIR", help="Write the same down for TensorBoard.")
@verbosity_options
def train(
    recipe: str | None,
    seed: int,
    data: Path | None,
    init: tuple[Path, ...],
    output: Path,
    teacher: Path | None,
    go_on: bool,
    plot: Path | None,
    tensorboard: Path | None,
    **values: Any,
) -> None:
    """Train a network on labelled digits and write it as a .keras model file.

    Ctrl-C stops early and saves what the network has learned so far.

    \b
    Example:
        batchdigits train
        batchdigits train --recipe lesson --seed 7 -o exports/lesson.keras
        batchdigits train --init exports/digits.keras --data ./my-labelled
    """
    from batchdigits.learning.checkpoint import checkpoint_path, resume
    from batchdigits.learning.save import save

    _check_init(init, data, {"recipe": recipe, "teacher": teacher, **values})
    prepare_output(output, ".keras")
    if plot:
        prepare_plot(plot)
    if values["activation"] == "none":
        values["activation"] = ""
    given = {name: value for name, value in values.items() if value is not None}
    tuning = _fine_tuning(init[0], data, seed) if init and data else None
    training = tuning.training(seed, **given) if tuning else _training(data, recipe, seed, given, teacher, init)
    checkpoint = checkpoint_path(output)
    if go_on:
        resume(training, checkpoint)
    interrupted = _run(training, checkpoint, plot, tensorboard)
    if interrupted and any(is_same_file(model, output) for model in init):
        print_message(f"{output} stays as it was; the same command with --resume goes on from here")
        raise interrupted
    with _kept(checkpoint):
        card = save(training, output, tuning)
    _report(card, tuning, training)
    print_message(f"wrote {output}")
    if interrupted:
        print_message("the same command with --resume goes on from here")
        raise interrupted
    checkpoint.unlink(missing_ok=True)


@contextmanager
def _kept(checkpoint: Path) -> Iterator[None]:
    """Whatever ends the block early, say that the work before it is not lost."""
    try:
        yield
    except BaseException:
        if checkpoint.exists():
            print_message("what has been learned is kept; the same command with --resume goes on from here")
        raise


def _check_init(init: tuple[Path, ...], data: Path | None, given: dict[str, Any]) -> None:
    """Refuse what does not go with `--init`: it says the network's shape, and with `--data` the recipe, too."""
    if given["iterations"] == 0 and not init:
        raise click.UsageError("--iterations 0, which learns nothing, needs --init")
    if data and len(init) > 1:
        raise click.UsageError("--data goes with one --init")
    for name in ("hidden", "activation", *(("recipe", "teacher") if data else ())):
        if init and given[name] is not None:
            raise click.UsageError(f"--{name} does not go with --init, which trains the model's own network further")


def _fine_tuning(init: Path, data: Path, seed: int) -> FineTuning:
    """What `--init` and `--data` come to."""
    from batchdigits.datasets import load
    from batchdigits.inference.model_file import read_model_file
    from batchdigits.learning.fine_tuning import fine_tuning

    tuning = fine_tuning(read_model_file(init), load(data, seed, few_shot=True))
    classes, known = tuning.own.classes, tuning.model.card.labels
    for what, names in (
        ("new labels", [name for name in classes if name not in known]),
        ("labels without a folder, which the new model will not know", [name for name in known if name not in classes]),
    ):
        if names:
            print_message(f"{what}: {', '.join(names)}")
    return tuning


def _training(
    data: Path | None,
    recipe: str | None,
    seed: int,
    given: dict[str, Any],
    teacher: Path | None,
    init: tuple[Path, ...],
) -> Training:
    """The training by a recipe."""
    from dataclasses import replace

    from batchdigits.datasets import load
    from batchdigits.learning.recipes import RECIPES
    from batchdigits.learning.training import Training, shaped_like

    teaching = _read_keras(teacher, "a teacher") if teacher else None
    begun_by = [_read_keras(path, "what is gone on from") for path in init]
    chosen = RECIPES[recipe or "default"]
    if begun_by:
        chosen = shaped_like(begun_by[0], chosen)
    return Training(replace(chosen, **given), load(data, seed), seed, teaching, begun_by)


def _read_keras(path: Path, what: str) -> ModelFile:
    """A model file that has to be a .keras file.

    Raises:
        ModelFileError: it cannot be read, or is no .keras.
    """
    from batchdigits.errors import ModelFileError
    from batchdigits.inference.model_file import read_model_file

    if path.suffix != ".keras":
        raise ModelFileError(f"{path}: {what} is a .keras file")
    return read_model_file(path)


def _run(training: Training, checkpoint: Path, plot: Path | None, tensorboard: Path | None) -> BaseException | None:
    """Train behind a progress bar, with a checkpoint now and then; what interrupted it, if something did."""
    from batchdigits.learning.checkpoint import write_checkpoint

    recipe = training.recipe
    shown = progress_bar(total=recipe.iterations, initial=training.done, unit="it", desc=recipe.name)
    written = time.monotonic()
    with _board(training, tensorboard) as watch, shown as bar, closing(training.run()) as steps:
        try:
            for progress in steps:
                bar.update(training.done - bar.n)
                watch(progress)
                _log(progress, every=0 if recipe.check_every else LOG_EVERY)
                if training.is_over or time.monotonic() - written > CHECKPOINT_EVERY:
                    write_checkpoint(training, checkpoint)
                    _draw(training, plot)
                    written = time.monotonic()
        except (KeyboardInterrupt, Terminated) as stop:
            print_message("stopping; saving what has been learned so far")
            write_checkpoint(training, checkpoint)
            _draw(training, plot)
            training.go_back_to_best()
            return stop
    _draw(training, plot)
    return None


@contextmanager
def _board(training: Training, folder: Path | None) -> Iterator[Callable[[Progress], None]]:
    """What tells TensorBoard, where somebody wants it: first what was before a `--resume`, then what comes."""
    if folder is None:
        yield lambda progress: None
        return
    from batchdigits.learning.tensorboard import Board

    with closing(Board(folder)) as board:
        for progress in training.history:
            board.add(progress)
        yield board.add


def _draw(training: Training, plot: Path | None) -> None:
    """The curves so far, where somebody wants them."""
    if plot is None or not training.history:
        return
    from batchdigits.output.atomic import open_atomically
    from batchdigits.reports.training_plot import learning_curves

    picture = learning_curves(training.history, training.recipe.name, plot.suffix)
    with open_atomically(plot) as stream:
        stream.write(picture)


def _report(card: Card, tuning: FineTuning | None, training: Training) -> None:
    """Accuracy on what was held back; of a fine-tuned network beside that of the model before."""
    if tuning is None:
        print_log_line(f"Accuracy on {len(training.splits.test):,} test images: {card.accuracy['test']:.2%}")
        return
    before = card.data["init"]["accuracy"]
    for name, part in tuning.held_back().items():
        shares = f"{before[name]:.2%} before, {card.accuracy[name]:.2%} now"
        print_log_line(f"Accuracy on the {len(part):,} images of {NAMES[name]}: {shares}")


def _log(progress: Progress, every: int) -> None:
    """A line for each check of the validation split; where there is none, for each so many iterations."""
    line = f"Iteration {progress.iteration} | Loss = {progress.loss:.4f} | Accuracy = {progress.accuracy:.4f}"
    if progress.validation is not None:
        print_log_line(f"{line} | Validation = {progress.validation:.4f}")
    elif every and progress.iteration % every == 0:
        print_log_line(line)
