"""Labelled images as they were read: which are left out, which are copies, and which have two labels."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import LabelledGlyphs
from batchdigits.errors import DataError
from batchdigits.quiet import silent_stderr
from batchdigits.text import counted, first_names
from batchdigits.vision.decode import Page
from batchdigits.vision.normalise import normalise

MAX_LEFT_OUT_SHARE = 0.1  # of the images; with more, it is the wrong folder, or something went wrong before


@dataclass(frozen=True)
class Images:
    """Labelled images.

    Attributes:
        data: glyphs and labels of the images with ink.
        names: one for each glyph, for messages: a source, or an array with an index.
        left_out: one for each image that is blank or unreadable: its name, and which it is.
    """

    data: LabelledGlyphs
    names: Sequence[str]
    left_out: Sequence[str] = ()

    def only(self, chosen: NDArray[np.bool_]) -> Images:
        """The images that are `chosen`, a bool for each."""
        return replace(self, data=self.data[np.flatnonzero(chosen)], names=list(compress(self.names, chosen)))


def images_of_pages(pages: Iterable[tuple[Page, int]]) -> Images:
    """The likeliest candidate of each page, with the label that comes with the page.

    Pages are decoded one after another if `pages` is lazy, so that one scan is in memory at a time.
    """
    glyphs, labels, names, left_out = [], [], [], []
    with silent_stderr():
        for page, label in pages:
            candidates = () if page.scan is None else normalise(page.scan)
            if candidates:
                glyphs.append(candidates[0])
                labels.append(label)
                names.append(page.source)
            else:
                left_out.append(f"{page.source} ({page.fault or 'blank'})")
    stack = np.stack(glyphs) if glyphs else np.empty((0, 28, 28), np.uint8)
    return Images(LabelledGlyphs(stack, np.array(labels, np.int64)), names, left_out)


def images_of_array(name: str, data: LabelledGlyphs) -> Images:
    """The images of an array called `name`; the empty glyphs are left out as blank."""
    has_ink = np.array([glyph.any() for glyph in data.glyphs], bool)
    names = [f"{name}[{index}]" for index in range(len(data))]
    blank = [f"{names[index]} (blank)" for index in np.flatnonzero(~has_ink)]
    return Images(data, names, blank).only(has_ink)


def note_left_out(name: str, parts: Iterable[Images]) -> list[str]:
    """The line that counts and names the images that are left out; none without any.

    Raises:
        DataError: more than MAX_LEFT_OUT_SHARE of all images are left out.
    """
    parts = list(parts)
    left_out = [image for part in parts for image in part.left_out]
    total = len(left_out) + sum(len(part.data) for part in parts)
    if not left_out:
        return []
    count = f"{len(left_out):,} of {counted(total, 'labelled image')}"
    if len(left_out) > MAX_LEFT_OUT_SHARE * total:
        raise DataError(
            f"{name}: {count} are blank or unreadable, more than {MAX_LEFT_OUT_SHARE:.0%}: {first_names(left_out)}; "
            "remove or repair them"
        )
    return [f"{name}: left out {count}, blank or unreadable: {first_names(left_out)}"]


def note_copies(name: str, parts: Iterable[Images], classes: Sequence[str]) -> list[str]:
    """A line that counts copies, and one that names the images with two labels."""
    parts = list(parts)
    first: dict[bytes, dict[int, str]] = defaultdict(dict)  # the first image of each glyph and label
    for part in parts:
        for key, label, image in zip(keys_of(part.data), part.data.labels.tolist(), part.names, strict=True):
            first[key].setdefault(label, image)
    total = sum(len(part.data) for part in parts)
    notes = []
    if len(first) < total:
        notes.append(
            f"{name}: {total - len(first):,} of {counted(total, 'image')} are copies of others; "
            "copies are never both learned and held back"
        )
    ambiguous = [of_label for of_label in first.values() if len(of_label) > 1]
    pairs = [" and ".join(f"{image} ({classes[label]})" for label, image in of_label.items()) for of_label in ambiguous]
    if pairs:
        notes.append(f"{name}: {counted(len(pairs), 'image')} with two labels: {first_names(pairs, 3)}")
    return notes


def apart(parts: Iterable[Images]) -> Iterator[Images]:
    """Each part without the copies of earlier parts."""
    seen: set[bytes] = set()
    for part in parts:
        keys = keys_of(part.data)
        yield part.only(np.array([key not in seen for key in keys], bool))
        seen.update(keys)


def copies_by_class(data: LabelledGlyphs, classes: int) -> list[list[list[int]]]:
    """For each class its different glyphs, in order, each as the indices of its copies; outliers are the last class.

    A glyph with two labels is in the class that it has first.
    """
    copies: dict[bytes, list[int]] = defaultdict(list)
    for index, key in enumerate(keys_of(data)):
        copies[key].append(index)
    by_class: list[list[list[int]]] = [[] for _ in range(classes)]
    for indices in copies.values():
        by_class[data.labels[indices[0]]].append(indices)
    return by_class


def keys_of(data: LabelledGlyphs) -> list[bytes]:
    """A hash of each glyph. Unlike those of files, it finds copies in another format or polarity, too."""
    return [hashlib.blake2b(glyph.tobytes(), digest_size=16).digest() for glyph in data.glyphs]
