"""Compare the speed of training with that of plain Keras: `python benchmarks/training_speed.py`.

Network, batch size and number of glyphs are the same. Keras augments with its own layers (rotation, translation, zoom
and shear), either inside the model, as in its guide, or in a tf.data pipeline that prepares batches in two threads.
batchdigits augments in a second thread, and also changes stroke shapes and degrades scans. Every run is a process of
its own, and the variants take turns. Compilation and the first iterations are not timed. CPU time is that of all
threads together; on a shared machine it varies less than wall-clock time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from batchdigits.datasets import load
from batchdigits.learning.minibatches import SEGMENTS_AHEAD
from batchdigits.learning.recipes import BEST, Recipe
from batchdigits.learning.training import REPORT_EVERY, Training

WARM_UP = 150  # iterations until augmented glyphs are reused; a multiple of REPORT_EVERY
OURS = "ours, as in best"


class Seconds(NamedTuple):
    """Wall-clock time, and CPU time of all threads."""

    wall: float
    cpu: float

    @classmethod
    def since(cls, start: Seconds) -> Seconds:
        """The time since `start`."""
        now = cls.now()
        return cls(now.wall - start.wall, now.cpu - start.cpu)

    @classmethod
    def now(cls) -> Seconds:
        """Both clocks."""
        return cls(time.perf_counter(), time.process_time())


def ours(recipe: Recipe, iterations: int) -> Seconds:
    """The time of a training by batchdigits."""
    end = WARM_UP + iterations
    # Training goes beyond the end. Otherwise the second thread would finish early, and its last segments would be free.
    recipe = replace(recipe, iterations=end + 1 + (SEGMENTS_AHEAD + 1) * REPORT_EVERY, check_every=0)
    start = Seconds.now()
    with closing(Training(recipe, load(), seed=1).run()) as steps:
        for progress in steps:
            if progress.iteration == WARM_UP:
                start = Seconds.now()
            if progress.iteration == end:
                break
        return Seconds.since(start)


def keras_fit(augmentation: str, iterations: int) -> Seconds:
    """The time of `model.fit`; `augmentation` is `none`, or the place of Keras's layers: `model` or `pipeline`."""
    import tensorflow as tf

    glyphs = load().train
    count = iterations * BEST.batch_size
    which = np.arange(count) % len(glyphs)
    x, y = glyphs.glyphs[which][..., None], glyphs.labels[which]
    layers = tf.keras.layers
    augmenting = [
        layers.RandomRotation(0.02, fill_mode="constant"),
        layers.RandomTranslation(0.05, 0.05, fill_mode="constant"),
        layers.RandomZoom(0.1, fill_mode="constant"),
        layers.RandomShear(0.2, 0.2, fill_mode="constant"),
    ]
    dense = [layers.Dense(units, "relu") for units in BEST.hidden]
    inside = augmenting if augmentation == "model" else []
    model = tf.keras.Sequential([layers.Rescaling(1 / 255), *inside, layers.Flatten(), *dense, layers.Dense(10)])
    model.compile("adamw", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def fit(count: int) -> None:
        if augmentation == "pipeline":
            data = tf.data.Dataset.from_tensor_slices((x[:count], y[:count])).shuffle(10_000).batch(BEST.batch_size)
            augment = tf.keras.Sequential(augmenting)
            data = data.map(lambda a, b: (augment(a, training=True), b), num_parallel_calls=2).prefetch(4)
            model.fit(data, verbose=0)
        else:
            model.fit(x[:count], y[:count], batch_size=BEST.batch_size, verbose=0)

    fit(20 * BEST.batch_size)
    start = Seconds.now()
    fit(count)
    return Seconds.since(start)


VARIANTS: dict[str, Callable[[int], Seconds]] = {
    OURS: lambda iterations: ours(BEST, iterations),
    "ours, each glyph augmented anew": lambda iterations: ours(replace(BEST, reuse=1), iterations),
    "ours, without augmentation": lambda iterations: ours(replace(BEST, augment=False, reuse=1), iterations),
    "model.fit, Keras's layers in the model": lambda iterations: keras_fit("model", iterations),
    "model.fit, Keras's layers in tf.data": lambda iterations: keras_fit("pipeline", iterations),
    "model.fit, without augmentation": lambda iterations: keras_fit("none", iterations),
}


@click.command()
@click.option(
    "--fifties", default=6, show_default=True, help=f"Multiples of fifty minibatches of {BEST.batch_size} to time."
)
@click.option("--rounds", default=3, show_default=True)
@click.option("--variant", type=click.Choice(list(VARIANTS)), help="Print the seconds of one variant, once.")
def main(fifties: int, rounds: int, variant: str | None) -> None:
    """Print the table in Markdown."""
    iterations = fifties * REPORT_EVERY
    if variant:
        click.echo(" ".join(str(one) for one in VARIANTS[variant](iterations)))
        return
    runs: dict[str, list[Seconds]] = {name: [] for name in VARIANTS}
    for _ in range(rounds):
        for name, taken in runs.items():
            taken.append(_in_own_process(name, fifties))
    count = iterations * BEST.batch_size
    click.echo(
        f"| {len(os.sched_getaffinity(0))} cores, medians of {rounds} rounds | glyphs/s | | glyphs per CPU second | |"
    )
    click.echo("| --- | ---: | ---: | ---: | ---: |")
    for name, taken in runs.items():
        cells = [name]
        for mine, theirs in zip(zip(*runs[OURS], strict=True), zip(*taken, strict=True), strict=True):
            ratio = statistics.median(a / b for a, b in zip(theirs, mine, strict=True))
            cells += [f"{count / statistics.median(theirs):,.0f}", f"{ratio:.2f}x"]
        click.echo(f"| {' | '.join(cells)} |")
    click.echo(f"\n`2.00x`: `{OURS}` is 2 times as fast.")


def _in_own_process(variant: str, fifties: int) -> Seconds:
    """The time of one variant, independent of the TensorFlow settings and the memory of the others."""
    command: list[Any] = [sys.executable, __file__, "--variant", variant, "--fifties", str(fifties)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if result.returncode:
        raise click.ClickException(f"{variant} ended with {result.returncode}: {result.stderr[-2000:]}")
    wall, cpu = result.stdout.split()[-2:]
    return Seconds(float(wall), float(cpu))


if __name__ == "__main__":
    main()
