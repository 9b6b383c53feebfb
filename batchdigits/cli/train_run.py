"""Run a training: progress, checkpoints, curves, and signals that stop it between two steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from batchdigits.cli.shared.console import print_log_line, print_message, progress_bar
from batchdigits.cli.shared.signals import held_signals

if TYPE_CHECKING:
    from batchdigits.learning.training import Progress, Training

CHECKPOINT_EVERY = 120  # seconds: the most work that a crash of the machine loses
LOG_EVERY = 100  # iterations, as in the lesson; used if accuracy on the validation split is not measured


def run(training: Training, checkpoint: Path, plot: Path | None, tensorboard: Path | None) -> BaseException | None:
    """Train with a progress bar and regular checkpoints; return the interruption, or None.

    A signal in the middle of the compiled step would leave a checkpoint whose counts are not those of its weights.
    """
    from batchdigits.learning.checkpoint import write_checkpoint

    recipe = training.recipe
    shown = progress_bar(total=recipe.iterations, initial=training.done, unit="it", desc=recipe.name)
    written = time.monotonic()
    with (
        _event_file(training, tensorboard) as record,
        shown as bar,
        closing(training.run()) as steps,
        held_signals() as held,
    ):
        for progress in steps:
            bar.update(training.done - bar.n)
            record(progress)
            _log(progress, every=0 if recipe.check_every else LOG_EVERY)
            if held:
                print_message("stopping; saving the training so far")
            if held or training.is_over or time.monotonic() - written > CHECKPOINT_EVERY:
                write_checkpoint(training, checkpoint)
                _draw(training, plot)
                written = time.monotonic()
            if held:
                training.restore_best()
                break
    _draw(training, plot)
    return held[0] if held else None


@contextmanager
def _event_file(training: Training, folder: Path | None) -> Iterator[Callable[[Progress], None]]:
    """A function that writes progress for TensorBoard; with `--resume`, the earlier history is written first."""
    if folder is None:
        yield lambda progress: None
        return
    from batchdigits.learning.tensorboard import EventFile

    with closing(EventFile(folder, f"{training.recipe.name}-seed{training.seed}")) as events:
        print_message(f"for TensorBoard: {events.folder}")
        for progress in training.history:
            events.add(progress)
        yield events.add


def _draw(training: Training, plot: Path | None) -> None:
    """Draw the curves so far, if a plot was asked for."""
    if plot is None or not training.history:
        return
    from batchdigits.output.atomic import write_atomically
    from batchdigits.reports.training_plot import learning_curves

    picture = learning_curves(training.history, training.recipe.name, plot.suffix)
    write_atomically(plot, picture)


@contextmanager
def mention_checkpoint(checkpoint: Path) -> Iterator[None]:
    """If the block fails or is interrupted, print how to continue from the checkpoint."""
    try:
        yield
    except BaseException:
        if checkpoint.exists():
            print_message("the training is saved; the same command with --resume continues it")
        raise


def _log(progress: Progress, every: int) -> None:
    """Print a line for each measurement on the validation split, else every `every` iterations; 0 for never."""
    line = f"Iteration {progress.iteration} | Loss = {progress.loss:.4f} | Accuracy = {progress.accuracy:.4f}"
    if progress.validation is not None:
        print_log_line(f"{line} | Validation = {progress.validation:.4f}")
    elif every and progress.iteration % every == 0:
        print_log_line(line)
