"""Labelled glyphs from reviews: what people corrected in a table, and what they accepted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

import numpy as np

from batchdigits.datasets import load
from batchdigits.datasets.folder import MIN_IMAGES_FEW_SHOT
from batchdigits.datasets.images import Images, images_of_pages
from batchdigits.datasets.join import join, with_all_classes
from batchdigits.datasets.labelled import DIGIT_NAMES, OUTLIER, Mixture, Splits
from batchdigits.datasets.layout import NOT_DIGIT, TRAIN, VALIDATION
from batchdigits.datasets.split import HeldOut, split
from batchdigits.errors import DataError
from batchdigits.files.natural_order import natural_key
from batchdigits.files.page_names import file_of
from batchdigits.output.review_answers import Answer
from batchdigits.output.review_log import is_of_numbers, read_review
from batchdigits.output.source_pages import digest_of, pages_of
from batchdigits.text import counted, first_names

CORRECTED_WEIGHT = 3.0  # a corrected image is drawn so many times as often as an accepted one of its class
HELD_OUT = HeldOut(divisor=5, min_images=MIN_IMAGES_FEW_SHOT, min_test=0, filled=DIGIT_NAMES, kinds=(VALIDATION,))


def load_own(data: Sequence[Path], corrections: Sequence[Path], seed: int, as_class: str | None) -> Splits:
    """Load what a model is fine-tuned on: data sets, see `datasets.load`, or logs of reviews, or both, joined."""
    parts = [load(*data, seed=seed, few_shot=True, as_class=as_class)] if data else []
    if corrections:
        parts.append(load_corrections(corrections, seed, as_class))
    return join(with_all_classes(parts)) if len(parts) > 1 else parts[0]


def load_corrections(logs: Sequence[Path], seed: int, as_class: str | None = None) -> Splits:
    """Load the images of reviews with the labels that people gave, split into training and validation.

    Where the images lie in several folders, whole folders are held back, so that no writer is on both sides, unless the
    folders are those of classes. Else whole files with several pages are, or a fifth of each class.

    Args:
        logs: logs of `batchdigits review`; of two answers about one image, that of the later log counts, and it is
            corrected if it was in one of them. The paths in them are seen from the current folder.
        seed: chooses what is held back.
        as_class: NOT_DIGIT for a class of this name; otherwise images that are no digit are outliers.

    Raises:
        BatchdigitsError: a log cannot be read.
        DataError: no image with an answer can be read, or a class that MNIST does not have has too few.
    """
    name = ", ".join(log.name for log in logs)
    for log in logs:
        if is_of_numbers(log):
            raise DataError(f"{log} is the review of a table of numbers, and a model learns from single digits")
    settled = [one.answer for log in logs for one in read_review(log).values()]
    answers = {one.path: one for one in settled}
    corrected = {one.path for one in settled if one.kind == "label" and not one.is_accepted}
    names = {path: one.label or one.kind for path, one in answers.items() if one.kind in ("label", NOT_DIGIT)}
    of_outliers = () if as_class == NOT_DIGIT else (NOT_DIGIT,)
    classes = tuple(sorted(set(names.values()).difference(of_outliers), key=natural_key))
    same = {path: name for path, name in names.items() if not answers[path].is_about_another_image(digest_of(path))}
    images = _read(same, classes)
    left_out = [*images.left_out, *(f"{path} (has changed since)" for path in names if path not in same)]
    if not len(images.data):
        raise DataError(f"{name}: no image with an answer can be read; its paths are seen from the current folder")
    splits = split(name, name, classes, _divided(images, names, seed), HELD_OUT, seed)
    heavy = {glyph.tobytes() for path, glyph in zip(images.names, images.data.glyphs, strict=True) if path in corrected}
    chances = np.array([CORRECTED_WEIGHT if glyph.tobytes() in heavy else 1.0 for glyph in splits.train.glyphs])
    mixture = Mixture(chances / max(chances.sum(), 1e-9), np.ones(len(chances), bool))
    notes = _notes(name, answers.values(), corrected, left_out)
    return replace(splits, mixture=mixture, notes=(*notes, *splits.notes))


def _read(names: Mapping[str, str], classes: Sequence[str]) -> Images:
    """The images of sources, whose classes are named in `names`; a name that is no class is that of outliers."""
    labels = {name: label for label, name in enumerate(classes)}
    return images_of_pages((page, labels.get(names[page.source], OUTLIER)) for page in pages_of(names))


def _divided(images: Images, names: Mapping[str, str], seed: int) -> dict[str, Images]:
    """The images of TRAIN, and those of VALIDATION where whole folders or files are held back."""
    for groups in (_folders(images.names, names), [file_of(source) for source in images.names]):
        if 1 < len(set(groups)) < len(groups):
            is_held_back = np.isin(groups, _chosen(groups, seed))
            return {TRAIN: images.only(~is_held_back), VALIDATION: images.only(is_held_back)}
    return {TRAIN: images}


def _folders(sources: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """The folder of each source; none if most folders have the name of the class of what lies in them."""
    folders = [os.path.dirname(file_of(source)) for source in sources]  # noqa: PTH120 - sources are strings
    named = [os.path.basename(folder) == names[source] for folder, source in zip(folders, sources, strict=True)]  # noqa: PTH119
    return [] if np.mean(named) > 0.5 else folders


def _chosen(groups: Sequence[str], seed: int) -> list[str]:
    """Groups, drawn at random, that have a fifth of the images in all; the smallest one if none is so small."""
    sizes = Counter(groups)
    room, chosen = ceil(len(groups) / HELD_OUT.divisor), []
    in_order = sorted(sizes)
    for index in np.random.default_rng(seed).permutation(len(in_order)).tolist():
        if sizes[in_order[index]] <= room:
            chosen.append(in_order[index])
            room -= sizes[in_order[index]]
    return chosen or [min(in_order, key=sizes.__getitem__)]


def _notes(name: str, answers: Iterable[Answer], corrected: Container[str], left_out: Sequence[str]) -> list[str]:
    """What a person should know: how many answers teach nothing, and which images cannot be read."""
    labelled = {True: "corrected", False: "accepted"}
    kinds = Counter(labelled[one.path in corrected] if one.kind == "label" else one.kind for one in answers)
    used = ", ".join(f"{kinds[kind]:,} {kind}" for kind in ("corrected", "accepted", NOT_DIGIT))
    unused = " and ".join(f"{kinds[kind]:,} {kind}" for kind in ("blank", "unsure") if kinds[kind])
    notes = [
        f"{name}: {used}; a corrected image counts {CORRECTED_WEIGHT:g} times as much as an accepted one"
        + (f"; left out {unused}" if unused else "")
    ]
    if left_out:
        images = f"{counted(len(left_out), 'image')} that cannot be read any more, have changed or are blank"
        notes.append(f"{name}: left out {images}: {first_names(left_out)}")
    return notes
