"""How fast the training step is beside plain Keras on the same work: `python benchmarks/training_speed.py`.

The same network, batch size and number of glyphs. Keras deforms with its own layers (rotation, translation, zoom and
shear), inside the model, as its guide has it, or in a tf.data pipeline of two threads that runs ahead; ours deforms,
redraws and rescans in a second thread. Every run is a process of its own, the roads take turns, and what is compiled
or filled in the first iterations is not timed. The processors' time is of all threads together, and the fairer figure
on a machine that other work shares.
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
from batchdigits.learning.minibatches import AHEAD
from batchdigits.learning.recipes import BEST, Recipe
from batchdigits.learning.training import REPORT_EVERY, Training

WARM_UP = 150  # iterations until the first augmented glyphs have come back; training reports every 50
OURS = "ours, as in best"


class Taken(NamedTuple):
    """Seconds: by the clock, and of all processors."""

    clock: float
    processors: float

    @classmethod
    def since(cls, start: Taken) -> Taken:
        """What has passed since `start`."""
        now = cls.now()
        return cls(now.clock - start.clock, now.processors - start.processors)

    @classmethod
    def now(cls) -> Taken:
        """Both clocks."""
        return cls(time.perf_counter(), time.process_time())


def ours(recipe: Recipe, iterations: int) -> Taken:
    """The time of our own training."""
    end = WARM_UP + iterations
    # It goes on beyond the end: otherwise the second thread would be done before, with chunks that lie ready.
    recipe = replace(recipe, iterations=end + 1 + (AHEAD + 1) * REPORT_EVERY, check_every=0)
    start = Taken.now()
    with closing(Training(recipe, load(None), seed=1).run()) as steps:
        for progress in steps:
            if progress.iteration == WARM_UP:
                start = Taken.now()
            if progress.iteration == end:
                break
        return Taken.since(start)


def keras_fit(deform: str, iterations: int) -> Taken:
    """The time of `model.fit`; `deform` is `no`, `model` or `pipeline`: where Keras's layers stand."""
    import tensorflow as tf

    glyphs = load(None).train
    count = iterations * BEST.batch_size
    which = np.arange(count) % len(glyphs)
    x, y = glyphs.glyphs[which][..., None], glyphs.labels[which]
    layers = tf.keras.layers
    deformation = [
        layers.RandomRotation(0.02, fill_mode="constant"),
        layers.RandomTranslation(0.05, 0.05, fill_mode="constant"),
        layers.RandomZoom(0.1, fill_mode="constant"),
        layers.RandomShear(0.2, 0.2, fill_mode="constant"),
    ]
    dense = [layers.Dense(units, "relu") for units in BEST.hidden]
    inside = deformation if deform == "model" else []
    model = tf.keras.Sequential([layers.Rescaling(1 / 255), *inside, layers.Flatten(), *dense, layers.Dense(10)])
    model.compile("adamw", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def fit(count: int) -> None:
        if deform == "pipeline":
            data = tf.data.Dataset.from_tensor_slices((x[:count], y[:count])).shuffle(10_000).batch(BEST.batch_size)
            augment = tf.keras.Sequential(deformation)
            data = data.map(lambda a, b: (augment(a, training=True), b), num_parallel_calls=2).prefetch(4)
            model.fit(data, verbose=0)
        else:
            model.fit(x[:count], y[:count], batch_size=BEST.batch_size, verbose=0)

    fit(20 * BEST.batch_size)
    start = Taken.now()
    fit(count)
    return Taken.since(start)


ROADS: dict[str, Callable[[int], Taken]] = {
    OURS: lambda iterations: ours(BEST, iterations),
    "ours, each glyph deformed anew": lambda iterations: ours(replace(BEST, reuse=1), iterations),
    "ours, not deformed": lambda iterations: ours(replace(BEST, augment=False, reuse=1), iterations),
    "model.fit, Keras's layers in the model": lambda iterations: keras_fit("model", iterations),
    "model.fit, Keras's layers in tf.data": lambda iterations: keras_fit("pipeline", iterations),
    "model.fit, not deformed": lambda iterations: keras_fit("no", iterations),
}


@click.command()
@click.option("--fifties", default=6, show_default=True, help=f"Fifty minibatches of {BEST.batch_size} to time.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--road", type=click.Choice(list(ROADS)), help="Print the times of one road, once.")
def main(fifties: int, rounds: int, road: str | None) -> None:
    """Print the table as markdown."""
    iterations = fifties * REPORT_EVERY
    if road:
        click.echo(" ".join(str(one) for one in ROADS[road](iterations)))
        return
    runs: dict[str, list[Taken]] = {name: [] for name in ROADS}
    for _ in range(rounds):
        for name, taken in runs.items():
            taken.append(_in_a_process(name, fifties))
    count = iterations * BEST.batch_size
    click.echo(
        f"| {len(os.sched_getaffinity(0))} cores, medians of {rounds} rounds | glyphs/s | | of one processor | |"
    )
    click.echo("| --- | ---: | ---: | ---: | ---: |")
    for name, taken in runs.items():
        cells = [name]
        for mine, theirs in zip(zip(*runs[OURS], strict=True), zip(*taken, strict=True), strict=True):
            ratio = statistics.median(a / b for a, b in zip(theirs, mine, strict=True))
            cells += [f"{count / statistics.median(theirs):,.0f}", f"{ratio:.2f}x"]
        click.echo(f"| {' | '.join(cells)} |")
    click.echo(f"\n(N.NNx: how many times as fast as it `{OURS}` is)")


def _in_a_process(road: str, fifties: int) -> Taken:
    """The times of one road, which neither the others' settings of TensorFlow nor their memory get at."""
    command: list[Any] = [sys.executable, __file__, "--road", road, "--fifties", str(fifties)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if result.returncode:
        raise click.ClickException(f"{road} ended with {result.returncode}: {result.stderr[-2000:]}")
    clock, processors = result.stdout.split()[-2:]
    return Taken(float(clock), float(processors))


if __name__ == "__main__":
    main()
