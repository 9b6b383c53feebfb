"""`batchdigits train`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.shared.console import print_log_line, print_message, quoted
from batchdigits.cli.shared.options import (
    FILE,
    KERAS_MODEL,
    OUTPUT_FILE,
    Count,
    Number,
    Share,
    class_option,
    corrections_option,
    data_option,
    output_option,
    seed_option,
    verbosity_options,
)
from batchdigits.cli.shared.output_file import is_same_file, prepare_output, prepare_plot
from batchdigits.cli.shared.usage import usage_errors
from batchdigits.cli.train_run import mention_checkpoint, run
from batchdigits.errors import BatchdigitsError
from batchdigits.learning.recipes import ACTIVATIONS, RECIPES

if TYPE_CHECKING:
    from batchdigits.inference.card import Card
    from batchdigits.learning.training import Training

SPLIT_NAMES = {
    "validation": "validation images of yours",
    "test": "test images of yours",
    "mnist_validation": "validation images of MNIST",
    "mnist_test": "test images of MNIST",
}


class Widths(click.ParamType[tuple[int, ...]]):
    """Numbers of units of the hidden layers, such as 512,256,128."""

    name = "N,N,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """A tuple of whole numbers from 1 to 65,536."""
        try:
            widths = tuple(int(width) for width in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of whole numbers such as 512,256,128.", param, ctx)
        if not all(1 <= width <= 1 << 16 for width in widths):
            self.fail(f"{value!r}: a layer has 1 to 65536 units.", param, ctx)
        return widths


@click.command()
@click.option(
    "--recipe",
    type=click.Choice(list(RECIPES)),
    help="Values for the options below that are not given: default, lesson (as published), best (the built-in "
    "model's), tiny or nano (for microcontrollers) or teacher (for --teacher). [default: default]",
)
@click.option("--hidden", type=Widths(), help="Units of each hidden layer.")
@click.option(
    "--activation",
    type=click.Choice(ACTIVATIONS),
    help="Activation of the hidden layers.",
)
@click.option("--learning-rate", type=Number(0, 10, min_open=True), help="Learning rate of Adam at the start.")
@click.option("--iterations", type=Count(0), help="Training steps, each with one minibatch.")
@click.option("--epochs", type=Count(1), help="In place of --iterations: passes over the images to learn from.")
@click.option("--batch-size", type=Count(1, 65_536), help="Images in a minibatch.")
@click.option("--dropout", type=Share(max_open=True), help="Share of the last hidden layer's units that are dropped.")
@click.option(
    "--unchanged", type=Share(), help="Share of the images that are not augmented, where the recipe augments."
)
@seed_option
@data_option("Labelled data to learn from.")
@corrections_option(
    "A log of batchdigits review (ROWS.csv.review): learn from what was corrected and accepted, with --init. May be "
    "given several times, and beside --data."
)
@class_option
@click.option(
    "--init",
    type=KERAS_MODEL,
    metavar="FILE",
    multiple=True,
    help="A .keras model file to train further; built-in is the one in the package. With --data and no --recipe it is "
    "fine-tuned on your own images: it keeps its labels, and gets those that only your images have, five or more of "
    "each. Given several times, training starts from the mean of the weights.",
)
@click.option(
    "--only-classes", is_flag=True, help="Fine-tune to the classes of the data alone, without the model's others."
)
@output_option("The model file to write.", default="exports/digits.keras", show_default=True)
@click.option(
    "--teacher",
    type=KERAS_MODEL,
    metavar="FILE",
    multiple=True,
    help="A .keras model file whose probabilities are learned in place of the labels, or built-in. Given several "
    "times, their mean.",
)
@click.option(
    "--resume",
    "is_resumed",
    is_flag=True,
    help="Continue an interrupted training. The final weights are those of an uninterrupted one.",
)
@click.option("--plot", type=OUTPUT_FILE, metavar="FILE", help="Draw loss, accuracy and learning rate (.png, .svg).")
@click.option(
    "--tensorboard",
    type=FILE,
    metavar="DIR",
    help="Write loss, accuracy and learning rate for TensorBoard, to a new folder in this one.",
)
@click.option(
    "--export", "tflite", is_flag=True, help="Also write the .tflite file beside the model, as export --tflite does."
)
@verbosity_options
def train(
    recipe: str | None,
    seed: int,
    data: tuple[Path, ...],
    corrections: tuple[Path, ...],
    as_class: str | None,
    init: tuple[Path, ...],
    only_classes: bool,
    epochs: int | None,
    output: Path,
    teacher: tuple[Path, ...],
    is_resumed: bool,
    plot: Path | None,
    tensorboard: Path | None,
    tflite: bool,
    **values: Any,
) -> None:
    """Train a network on labelled digits.

    The result is a .keras model file, and beside it the history of the training (.history.csv). A model file of another
    training that is there is kept, under a name such as digits.1.keras. Ctrl-C stops early and saves what the network
    has learned so far.

    \b
    Example:
        batchdigits train
        batchdigits train --recipe lesson --seed 7 -o exports/lesson.keras
        batchdigits train --init built-in --data ./my-labelled -o exports/mine.keras
        batchdigits train --init built-in --corrections rows.csv.review -o exports/mine.keras --export
    """
    from batchdigits.learning.checkpoint import checkpoint_path, resume
    from batchdigits.learning.train import check_export, check_training_options, prepare_training

    with usage_errors():
        check_training_options(recipe, data, init, teacher, values, epochs, corrections, only_classes)
    exported = output.with_suffix(".tflite")
    _prepare_files(output, exported if tflite else None, plot)
    training = prepare_training(recipe, data, seed, init, teacher, values, epochs, corrections, as_class, only_classes)
    if tflite:
        with usage_errors():
            check_export(training.recipe)
    for note in training.splits.notes:
        print_message(note)
    _show_labels(training)
    checkpoint = checkpoint_path(output)
    if is_resumed:
        resume(training, checkpoint)
    interrupted = run(training, checkpoint, plot, tensorboard)
    _save(training, output, checkpoint, init, interrupted)
    options = [("--data", path) for path in data] + [("--corrections", path) for path in corrections]
    if tflite:
        try:
            _export(output, training, exported)
        except BatchdigitsError:  # whose message may name an option of export
            _show_next(output, exported, options, as_class)
            raise
    elif training.recipe.is_for_teaching:
        print_message(f"next: batchdigits train --teacher {quoted(output)}")
    else:
        _show_next(output, exported, options, as_class)


def _prepare_files(output: Path, exported: Path | None, plot: Path | None) -> None:
    """Check before the work that the files can be written, and make their folders.

    Raises:
        click.BadParameter: a name has the wrong suffix.
        BatchdigitsError: one cannot be written.
    """
    from batchdigits.learning.history import history_path

    prepare_output(output, ".keras")
    if exported:
        prepare_output(exported, ".tflite")
    prepare_output(history_path(output), ".csv")
    if plot:
        prepare_plot(plot)


def _save(
    training: Training, output: Path, checkpoint: Path, init: Sequence[Path], interrupted: BaseException | None
) -> None:
    """Write the model. One that was interrupted is not written over the model that it started from, nor untrained.

    Raises:
        BatchdigitsError: it cannot be written.
        BaseException: the interruption.
    """
    from batchdigits.learning.save import save

    if interrupted and any(is_same_file(model, output) for model in init):
        print_message(f"{output} stays as it was; the same command with --resume continues the training")
        raise interrupted
    if interrupted and not training.has_learned():
        print_message("nothing learned so far, so no model is written; the same command with --resume continues")
        raise interrupted
    with mention_checkpoint(checkpoint):
        card = save(training, output, lambda kept: print_message(f"{output} is of another training, and is {kept} now"))
    _report(card, training)
    print_message(f"wrote {output}")
    if interrupted:
        print_message("the same command with --resume continues the training")
        raise interrupted
    checkpoint.unlink(missing_ok=True)


def _export(model: Path, training: Training, output: Path) -> None:
    from batchdigits.learning.export import export_trained, write_export

    exported = export_trained(model, training.splits, output)
    write_export(exported.model, exported.parity)
    print_message(f"wrote {output}; next: batchdigits classify SCANS --model {quoted(output)}")


def _show_next(model: Path, exported: Path, data: Sequence[tuple[str, Path]], as_class: str | None) -> None:
    """Print the commands that come next."""
    options = "".join(f" {option} {quoted(path)}" for option, path in data)
    options += f" --class {as_class}" if as_class else ""
    print_message(
        f"next: batchdigits export --tflite --model {quoted(model)}{options} -o {quoted(exported)}, "
        f"then batchdigits classify SCANS --model {quoted(exported)}"
    )


def _show_labels(training: Training) -> None:
    """Print the labels that fine-tuning adds to the model's, and those that it removes."""
    from batchdigits.learning.fine_tuning import FineTuning

    if not isinstance(training, FineTuning):
        return
    if training.new_labels:
        print_message(f"new labels: {', '.join(training.new_labels)}")
    if training.filled_labels:
        print_message(f"labels without images of yours, which MNIST fills: {', '.join(training.filled_labels)}")
    if training.lost_labels:
        print_message(f"labels without a folder, which the new model will not know: {', '.join(training.lost_labels)}")


def _report(card: Card, training: Training) -> None:
    """Print the accuracy on held-back images; after fine-tuning, also that of the model it started from."""
    outliers = card.data.get("ok_outliers")
    if "init" not in card.data:
        print_log_line(f"Accuracy on {len(training.splits.test):,} test images: {card.accuracy['test']:.2%}")
        for source in training.splits.sources:
            if source.test:
                share = card.accuracy[f"test_{source.name}"]
                print_log_line(f"Accuracy on {source.test:,} test images of {source.name}: {share:.2%}")
        if outliers:
            print_log_line(f"Share of {outliers['images']:,} held-back outliers that is ok: {outliers['now']:.2%}")
        return
    before = card.data["init"]["accuracy"]
    for name, part in training.held_back().items():
        shares = f"{before[name]:.2%} before, {card.accuracy[name]:.2%} now"
        print_log_line(f"Accuracy on {len(part):,} {SPLIT_NAMES[name]}: {shares}")
    if outliers:
        shares = f"{outliers['before']:.2%} before, {outliers['now']:.2%} now"
        print_log_line(f"Share of {outliers['images']:,} held-back outliers of yours that is ok: {shares}")
