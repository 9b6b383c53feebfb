"""Split labelled images for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from batchdigits.datasets.images import Images, apart, copies_by_class, keys_of, note_copies, note_left_out
from batchdigits.datasets.labelled import OUTLIER, LabelledGlyphs, Splits, outliers_of
from batchdigits.datasets.layout import NOT_DIGIT, TEST, TRAIN, VALIDATION
from batchdigits.errors import DataError
from batchdigits.text import counted, first_names

FEW_SHARE = 0.2  # of the images of the median class; a class with fewer is named


class HeldOut(NamedTuple):
    """How many images of a class are held out of the training images, for each split that the data does not have.

    Attributes:
        divisor: one image in so many, and for validation at least one.
        min_images: of a class, where the data has neither validation nor test images.
        min_test: images for test at least.
        filled: classes that other data has as well; of these, a few images will do, or none.
        kinds: the splits that images are held out for.
    """

    divisor: int
    min_images: int = 0
    min_test: int = 1
    filled: tuple[str, ...] = ()
    kinds: tuple[str, ...] = (VALIDATION, TEST)


def split(
    path: str, name: str, classes: tuple[str, ...], parts: Mapping[str, Images], held_out: HeldOut, seed: int
) -> Splits:
    """Split labelled images, and note what a person should know about them.

    What is held out is drawn by class, with all copies of an image together. Where images are given for several splits,
    those for test stay, and their copies leave validation and training. Outliers are held out like a class.

    Args:
        path: where the images are, for messages.
        name: the data set's name in the card.
        classes: the classes' names, in the order of the labels.
        parts: the images of TRAIN; and those of VALIDATION and TEST, if the data has such.
        held_out: how many images of TRAIN are held out where it has not.
        seed: chooses the images that are held out.

    Raises:
        DataError: too many images are blank or unreadable, a class has too few, or there are none for a split.
    """
    notes = [*note_left_out(path, parts.values()), *note_copies(path, parts.values(), (*classes, NOT_DIGIT))]
    given = [kind for kind in (TEST, VALIDATION) if kind in parts]
    *kept, train = (images.data for images in apart(parts[kind] for kind in (*given, TRAIN)))
    by_class = copies_by_class(train, len(classes) + 1)
    min_images = held_out.min_images - len(given)
    small = [
        f"{label} has {len(own)}"
        for label, own in zip(classes, by_class[:OUTLIER], strict=True)
        if len(own) < min_images and label not in held_out.filled
    ]
    if small:
        reason = f"{path}: each class needs at least {counted(min_images, 'image')}, and {', '.join(small)}"
        raise DataError("; ".join([reason, *notes]))
    drawn = _draw(by_class, [kind for kind in held_out.kinds if kind not in parts], held_out, seed)
    whole = dict.fromkeys((VALIDATION, TEST), train[slice(0)])
    whole |= {kind: train[np.array(indices, np.int64)] for kind, indices in drawn.items()}
    whole |= dict(zip(given, kept, strict=True))
    data = {kind: part[np.flatnonzero(part.labels != OUTLIER)] for kind, part in whole.items()}
    outliers = {kind: part.glyphs[part.labels == OUTLIER] for kind, part in whole.items()}
    needed = (TRAIN, VALIDATION, TEST) if not held_out.filled else () if len(outliers[TRAIN]) else (TRAIN,)
    if not all(len(data[kind]) for kind in needed):
        sizes = ", ".join(f"{len(data[kind])} for {kind}" for kind in needed)
        raise DataError("; ".join([f"{path}: too few images to train on ({sizes})", *notes]))
    names = {key: image for part in parts.values() for key, image in zip(keys_of(part.data), part.names, strict=True)}
    return Splits(
        name,
        classes,
        data[TRAIN],
        data[VALIDATION],
        data[TEST],
        outliers=outliers_of(outliers[TRAIN], outliers[VALIDATION], outliers[TEST]),
        notes=tuple(notes),
        names=names,
    )


def _draw(
    by_class: Sequence[Sequence[list[int]]], kinds: Sequence[str], held_out: HeldOut, seed: int
) -> dict[str, list[int]]:
    """Indices for TRAIN and each of `kinds`, drawn from the copies of each glyph of each class."""
    drawn: dict[str, list[int]] = {TRAIN: [], **{kind: [] for kind in kinds}}
    rng = np.random.default_rng(seed)
    for own in by_class:
        shuffled = [own[index] for index in rng.permutation(len(own))]
        for kind in kinds:
            size = max(held_out.min_test if kind == TEST else 1, len(own) // held_out.divisor)
            size = min(size, max(0, len(shuffled) - 1))  # an only image is for training
            drawn[kind] += chain(*shuffled[:size])
            del shuffled[:size]
        drawn[TRAIN] += chain(*shuffled)
    return drawn


def note_few_images(train: LabelledGlyphs, classes: tuple[str, ...]) -> list[str]:
    """A line that names the classes with few training images; none without any."""
    counts = np.bincount(train.labels, minlength=len(classes))
    median = int(np.median(counts[counts > 0]))
    few = [f"class {classes[label]} has {counts[label]}" for label in np.flatnonzero(counts < FEW_SHARE * median)]
    return [f"few images to train on: {first_names(few)}; the median class has {median:,}"] if few else []
