"""Train the network that reads digits in their context and looks at glyphs in doubt again, and export it.

    python training/train_contexts.py exports/contexts.npz --data mnist --data exports/rendered_cells.npz … \
        -o batchdigits/pretrained/contexts.tflite --bfloat16 [--resume]

It learns from the contexts of `render_contexts.py`, and from glyphs and outliers of the data sets as `train` augments
them. It takes an hour on two cores with AMX and 14 GB of memory, and can be interrupted and resumed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import load
from batchdigits.datasets.labelled import DIGIT_NAMES, OUTLIER, LabelledGlyphs, Mixture, Splits, concatenate
from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.inference.model_file import add_card, read_model_file
from batchdigits.inference.tensorflow_runtime import import_tensorflow
from batchdigits.learning.checkpoint import checkpoint_path, resume, write_checkpoint
from batchdigits.learning.export import convert_model, write_export
from batchdigits.learning.export_options import ExportOptions
from batchdigits.learning.minibatches import Minibatches
from batchdigits.learning.parity_check import check_parity, require_agreement
from batchdigits.learning.recipes import BEST
from batchdigits.learning.save import describe
from batchdigits.learning.training import Training
from batchdigits.output.atomic import replace_atomically
from batchdigits.vision.framing import SIDE

# Every context is learned as it is, and deformed with each of these seeds: rotation in radians, slant as its tangent,
# the logarithms of the stretch of the width and of the size (standard deviations), and the shift in pixels at most.
ROTATION, SLANT, STRETCH, SIZE, SHIFT = 0.06, 0.15, 0.15, 0.06, 1.0
DEFORMATION_SEEDS = 2, 3, 4
GLYPH_SHARE = 0.5  # of a minibatch; the rest are contexts
PART_SHARE = 0.5  # of the contexts; digits share the rest evenly
# How glyphs are augmented, how many are not, and how many are outliers.
GLYPHS = replace(BEST, label_smoothing=0.0, reuse=1, unchanged=0.25)
GLYPH_BATCHES = 7_200  # minibatches of glyphs, 1,843,200 in all
SEED = 1
REPRESENTATIVE = 4_000  # contexts and glyphs that set the ranges of int8
MIN_AGREEMENT = 0.99  # share of the contexts with the same label: more of them than of glyphs are near to a limit
CHECKPOINT_EVERY = 120  # seconds
RECIPE = replace(
    BEST,
    name="contexts",
    filters=(32, 64, 64, 96, 96, 128),
    kernels=(5, 3, 3, 3, 3, 3),
    strides=(2, 1, 1, 2, 1, 2),
    hidden=(128,),
    learning_rate=3e-3,
    iterations=17_000,
    batch_normalisation=True,
    dropout=0.3,
    label_smoothing=0.0,
    augment=False,
    reuse=1,
    outliers=0.0,
    check_every=1_000,
)


@click.command()
@click.argument("contexts", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", multiple=True, required=True, type=click.Path(path_type=Path), help="As for train.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .tflite to write.")
@click.option("--iterations", type=click.IntRange(1), default=RECIPE.iterations, show_default=True)
@click.option("--bfloat16", is_flag=True, help="Multiply in bfloat16: twice as fast on processors with AMX.")
@click.option("--resume", "is_resumed", is_flag=True, help="Continue an interrupted training.")
def main(
    contexts: Path, data: tuple[Path, ...], output: Path, iterations: int, bfloat16: bool, is_resumed: bool
) -> None:
    """Train, and write the .keras file beside the contexts and the .tflite file."""
    with np.load(contexts) as arrays:
        splits = _splits(contexts.name, _contexts(dict(arrays)), _glyphs(load(*data)))
    keras = contexts.with_suffix(".keras")
    with _precision("mixed_bfloat16" if bfloat16 else "float32"):
        training = Training(replace(RECIPE, iterations=iterations), splits, SEED)
    checkpoint = checkpoint_path(keras)
    if is_resumed:
        resume(training, checkpoint)
    written = time.monotonic()
    for progress in training.run():
        if progress.validation is not None:
            click.echo(f"{progress.iteration + 1:6}: loss {progress.loss:.4f}, validation {progress.validation:.2%}")
        if time.monotonic() - written > CHECKPOINT_EVERY:
            write_checkpoint(training, checkpoint)
            written = time.monotonic()
    with replace_atomically(keras) as temporary:
        training.network.save(temporary)
        add_card(temporary, describe(training))
    _export(keras, splits, output)
    checkpoint.unlink(missing_ok=True)


@contextmanager
def _precision(policy: str) -> Iterator[None]:
    """What networks that are built inside multiply in; their weights are float32 all the same."""
    mixed_precision = import_tensorflow("training").keras.mixed_precision
    mixed_precision.set_global_policy(policy)
    yield
    mixed_precision.set_global_policy("float32")


def _export(path: Path, splits: Splits, output: Path) -> None:
    """Write the .tflite file of a .keras file, whose labels must be nearly the same."""
    keras = read_model_file(path)
    # `representative_glyphs` would augment contexts, and draw them without what is around them.
    representative = splits.validation.glyphs[:REPRESENTATIVE]
    exported = convert_model(keras, ExportOptions("int8", "int8", "int8"), representative, output)
    parity = check_parity(keras, exported, splits, None)
    require_agreement(parity, MIN_AGREEMENT)
    for row in parity:
        if row.agreement:
            click.echo(f"{row.images.name}, {row.runtime}: {row.agreement.same_label:.2%} agree")
    write_export(exported, parity)


class _Parts(NamedTuple):
    """What is learned from, and what is held back."""

    train: LabelledGlyphs
    held_back: LabelledGlyphs


def _contexts(arrays: dict[str, NDArray[np.generic]]) -> _Parts:
    """The contexts of both splits."""
    train, held_back = (
        LabelledGlyphs(arrays[f"x_{split}"].astype(np.uint8), arrays[f"y_{split}"].astype(np.int64))
        for split in ("train", "validation")
    )
    deformed = [LabelledGlyphs(_deformed(train.glyphs, seed), train.labels) for seed in DEFORMATION_SEEDS]
    return _Parts(concatenate([train, *deformed]), held_back)


def _glyphs(splits: Splits) -> _Parts:
    """Augmented glyphs with outliers, and the glyphs that are held back for validation."""
    minibatches = Minibatches(splits, GLYPHS, SEED)
    train = concatenate([LabelledGlyphs(*minibatches[index][:2]) for index in range(GLYPH_BATCHES)])
    held_back = splits.validation
    if splits.outliers:
        outliers = splits.outliers.validation
        held_back = concatenate([held_back, LabelledGlyphs(outliers, np.full(len(outliers), OUTLIER))])
    return _Parts(*(LabelledGlyphs(part.glyphs, _with_outliers(part.labels)) for part in (train, held_back)))


def _with_outliers(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(labels == OUTLIER, len(DIGIT_NAMES), labels)


def _splits(name: str, contexts: _Parts, glyphs: _Parts) -> Splits:
    """Both together. Of those held back, every second one is for test."""
    counts = np.bincount(contexts.train.labels).astype(np.float64)
    shares = np.append(np.full(len(DIGIT_NAMES), (1 - PART_SHARE) / len(DIGIT_NAMES)), PART_SHARE)
    of_contexts = (shares / counts)[contexts.train.labels]
    of_glyphs = np.full(len(glyphs.train), GLYPH_SHARE / len(glyphs.train))
    chances = np.concatenate([(1 - GLYPH_SHARE) * of_contexts, of_glyphs])
    mixture = Mixture(chances / chances.sum(), np.zeros(len(chances), np.bool_))
    train, held_back = (concatenate(list(parts)) for parts in zip(contexts, glyphs, strict=True))
    order = np.random.default_rng(SEED).permutation(len(held_back))
    return Splits(
        name, (*DIGIT_NAMES, NOT_DIGIT), train, held_back[order[::2]], held_back[order[1::2]], mixture=mixture
    )


def _deformed(contexts: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Contexts as another hand, or another estimate of the number's height, would have them."""
    rng = np.random.default_rng(seed)
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
