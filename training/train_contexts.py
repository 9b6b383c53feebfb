"""Train the network that reads digits in their context, and export it.

    python training/train_contexts.py exports/contexts.npz -o batchdigits/pretrained/contexts.tflite [--resume]

The data are those of `render_contexts.py`. It takes 35 minutes on two cores, and can be interrupted and resumed.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import DIGIT_NAMES, LabelledGlyphs, Mixture, Splits, concatenate
from batchdigits.inference.model_file import add_card, read_model_file
from batchdigits.learning.checkpoint import checkpoint_path, resume, write_checkpoint
from batchdigits.learning.export import convert_model, write_export
from batchdigits.learning.export_options import ExportOptions
from batchdigits.learning.parity_check import check_parity, require_agreement
from batchdigits.learning.recipes import BEST
from batchdigits.learning.save import describe
from batchdigits.learning.training import Training
from batchdigits.output.atomic import replace_atomically
from batchdigits.vision.framing import SIDE

# Every context is learned as it is, and deformed once: rotation in radians, slant as its tangent, the logarithms of the
# stretch of the width and of the size (standard deviations), and the shift in pixels at most.
ROTATION, SLANT, STRETCH, SIZE, SHIFT = 0.06, 0.15, 0.15, 0.06, 1.0
DEFORMATION_SEED = 2
PART = "part"  # the class of what is no digit
PART_SHARE = 0.5  # of a minibatch; the digits share the rest evenly
SEED = 1
REPRESENTATIVE = 2_000  # contexts that set the ranges of int8
EARLY = 16_100  # iterations: the network is the mean of the weights then and at the end
MIN_AGREEMENT = 0.99  # share of the contexts with the same label: more of them than of glyphs are near to a limit
CHECKPOINT_EVERY = 120  # seconds
RECIPE = replace(
    BEST,
    name="contexts",
    filters=(24, 48, 48, 96),
    kernels=(5, 3, 3, 3),
    strides=(2, 2, 1, 2),
    hidden=(128,),
    iterations=32_000,
    dropout=0.2,
    label_smoothing=0.0,
    augment=False,
    reuse=1,
    outliers=0.0,
    check_every=1_000,
)


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .tflite to write.")
@click.option("--iterations", type=click.IntRange(1), default=RECIPE.iterations, show_default=True)
@click.option("--resume", "is_resumed", is_flag=True, help="Continue an interrupted training.")
def main(data: Path, output: Path, iterations: int, is_resumed: bool) -> None:
    """Train, and write the .keras file beside the data and the .tflite file."""
    with np.load(data) as arrays:
        splits = _splits(data.name, dict(arrays))
    keras = data.with_suffix(".keras")
    training = Training(replace(RECIPE, iterations=iterations), splits, SEED)
    checkpoint, early = checkpoint_path(keras), data.with_suffix(".early.npz")
    if is_resumed:
        resume(training, checkpoint)
    else:
        early.unlink(missing_ok=True)
    written = time.monotonic()
    for progress in training.run():
        if progress.validation is not None:
            click.echo(f"{progress.iteration + 1:6}: loss {progress.loss:.4f}, validation {progress.validation:.2%}")
        if time.monotonic() - written > CHECKPOINT_EVERY:
            write_checkpoint(training, checkpoint)
            written = time.monotonic()
        if training.done > min(EARLY, iterations // 2) and not early.exists():
            write_checkpoint(training, early)
    _save(training, early, keras)
    _export(keras, splits, output)
    checkpoint.unlink(missing_ok=True)
    early.unlink()


def _save(training: Training, early: Path, path: Path) -> None:
    """Write the .keras file of a training that ended: the mean of its weights and of those that it had before."""
    late = training.network.get_weights()
    with np.load(early) as state:
        before = [state[f"network_{index}"] for index in range(len(late))]
    training.network.set_weights([(a + b) / 2 for a, b in zip(before, late, strict=True)])
    with replace_atomically(path) as temporary:
        training.network.save(temporary)
        add_card(temporary, describe(training))


def _export(path: Path, splits: Splits, output: Path) -> None:
    """Write the .tflite file of a .keras file, whose labels must be nearly the same."""
    keras = read_model_file(path)
    # Augmented contexts, as of `representative_glyphs`, would be drawn without what is around them.
    representative = splits.validation.glyphs[:REPRESENTATIVE]
    exported = convert_model(keras, ExportOptions("int8", "int8", "int8"), representative, output)
    parity = check_parity(keras, exported, splits, None)
    require_agreement(parity, MIN_AGREEMENT)
    for row in parity:
        if row.agreement:
            click.echo(f"{row.images.name}, {row.runtime}: {row.agreement.same_label:.2%} agree")
    write_export(exported, parity)


def _splits(name: str, arrays: dict[str, NDArray[np.generic]]) -> Splits:
    """The contexts of both splits. Every second one of those held back is for test."""
    train, held_back = (
        LabelledGlyphs(arrays[f"x_{split}"].astype(np.uint8), arrays[f"y_{split}"].astype(np.int64))
        for split in ("train", "validation")
    )
    train = concatenate([train, LabelledGlyphs(_deformed(train.glyphs), train.labels)])
    counts = np.bincount(train.labels).astype(np.float64)
    shares = np.append(np.full(len(DIGIT_NAMES), (1 - PART_SHARE) / len(DIGIT_NAMES)), PART_SHARE)
    chances = (shares / counts)[train.labels]
    mixture = Mixture(chances / chances.sum(), np.zeros(len(train), np.bool_))
    order = np.arange(len(held_back))
    return Splits(name, (*DIGIT_NAMES, PART), train, held_back[order[::2]], held_back[order[1::2]], mixture=mixture)


def _deformed(contexts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Contexts as another hand, or another estimate of the number's height, would have them."""
    rng = np.random.default_rng(DEFORMATION_SEED)
    deformed = np.empty_like(contexts)
    middle = np.array([SIDE - 1, SIDE - 1]) / 2
    for index, context in enumerate(contexts):
        angle, slant, stretch, size = np.array([ROTATION, SLANT, STRETCH, SIZE]) * rng.standard_normal(4)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = turn @ np.array([[np.exp(stretch), slant], [0.0, 1.0]]) * np.exp(size)
        shift = middle - linear @ middle + rng.uniform(-SHIFT, SHIFT, 2)
        affine = np.column_stack([linear, shift])
        deformed[index] = cv2.warpAffine(context, affine, (SIDE, SIDE), flags=cv2.INTER_CUBIC)
    return deformed


if __name__ == "__main__":
    main()
