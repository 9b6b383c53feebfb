"""How fast the training step is beside plain Keras on the same work: `python benchmarks/training_speed.py`.

The same network, batch size and number of glyphs. Keras deforms with its own layers (rotation, translation, zoom and
shear), inside the model, as its guide has it, or in a tf.data pipeline of two threads that runs ahead; ours deforms,
redraws and rescans in a second thread. Every run is a process of its own, the roads take turns, and what is compiled
or filled in the first iterations is not timed.
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
from typing import Any

import click
import numpy as np

from batchdigits.datasets import load
from batchdigits.learning.recipes import BEST, Recipe

WARM_UP = 150  # iterations until the first augmented glyphs have come back; training reports every 50
OURS = "ours, as in best"


def ours(recipe: Recipe, iterations: int) -> float:
    """Seconds of our own training."""
    from batchdigits.learning.training import Training

    training = Training(replace(recipe, iterations=WARM_UP + 1 + iterations, check_every=0), load(None), seed=1)
    start = 0.0
    with closing(training.run()) as steps:
        for progress in steps:
            if progress.iteration == WARM_UP:
                start = time.perf_counter()
    return time.perf_counter() - start


def keras_fit(deform: str, iterations: int) -> float:
    """Seconds of `model.fit`; `deform` is `no`, `model` or `pipeline`: where Keras's layers stand."""
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
    start = time.perf_counter()
    fit(count)
    return time.perf_counter() - start


ROADS: dict[str, Callable[[int], float]] = {
    OURS: lambda iterations: ours(BEST, iterations),
    "ours, each glyph deformed anew": lambda iterations: ours(replace(BEST, reuse=1), iterations),
    "ours, not deformed": lambda iterations: ours(replace(BEST, augment=False, reuse=1), iterations),
    "model.fit, Keras's layers in the model": lambda iterations: keras_fit("model", iterations),
    "model.fit, Keras's layers in tf.data": lambda iterations: keras_fit("pipeline", iterations),
    "model.fit, not deformed": lambda iterations: keras_fit("no", iterations),
}


@click.command()
@click.option("--iterations", default=300, show_default=True, help=f"Minibatches of {BEST.batch_size} to time.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--road", type=click.Choice(list(ROADS)), help="Print the seconds of one road, once.")
def main(iterations: int, rounds: int, road: str | None) -> None:
    """Print the table as markdown."""
    if road:
        click.echo(ROADS[road](iterations))
        return
    seconds: dict[str, list[float]] = {name: [] for name in ROADS}
    for _ in range(rounds):
        for name, taken in seconds.items():
            taken.append(_in_a_process(name, iterations))
    count = iterations * BEST.batch_size
    click.echo(f"| {len(os.sched_getaffinity(0))} cores, medians of {rounds} rounds | glyphs/s | ours is |")
    click.echo("| --- | ---: | ---: |")
    for name, taken in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(taken, seconds[OURS], strict=True))
        click.echo(f"| {name} | {count / statistics.median(taken):,.0f} | {ratio:.2f}x |")


def _in_a_process(road: str, iterations: int) -> float:
    """The seconds of one road, which neither the others' settings of TensorFlow nor their memory get at."""
    command: list[Any] = [sys.executable, __file__, "--road", road, "--iterations", str(iterations)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path(__file__).parents[1])}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if result.returncode:
        raise click.ClickException(f"{road} ended with {result.returncode}: {result.stderr[-2000:]}")
    return float(result.stdout.split()[-1])


if __name__ == "__main__":
    main()
