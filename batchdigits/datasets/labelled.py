"""Labelled glyphs and their splits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import DataError
from batchdigits.inference.card import DIGIT_NAMES as DIGIT_NAMES  # for all who use labelled glyphs
from batchdigits.vision.illumination import otsu
from batchdigits.vision.normalise import Glyph, Ink, normalise
from batchdigits.vision.polarity import even_polarities

if TYPE_CHECKING:
    from batchdigits.datasets.pen import Drawings

OUTLIER = -1  # the label of a glyph that belongs to no class
VALIDATION_DIVISOR = 12  # a twelfth of the training images is for validation: 5,000 of MNIST's 60,000
MAX_POLARITY_SAMPLE = 1_000  # images of an array of which the polarity is looked at
MAX_ODD_SHARE = 0.01  # of these, how many may seem to have another polarity than the array


@dataclass(frozen=True)
class LabelledGlyphs:
    """Glyphs and their labels.

    Attributes:
        glyphs: uint8 (N, 28, 28), ink bright on 0.
        labels: int64 (N,), indices into the classes; before they are split and in a minibatch OUTLIER for an outlier.
    """

    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of glyphs."""
        return len(self.labels)

    def __getitem__(self, index: slice | NDArray[np.int64]) -> LabelledGlyphs:
        """Some of the glyphs with their labels."""
        return LabelledGlyphs(self.glyphs[index], self.labels[index])


def concatenate(parts: Sequence[LabelledGlyphs]) -> LabelledGlyphs:
    """All glyphs of several parts, in their order."""
    return LabelledGlyphs(
        np.concatenate([part.glyphs for part in parts]), np.concatenate([part.labels for part in parts])
    )


class Mixture(NamedTuple):
    """How training draws glyphs from several data sets.

    Attributes:
        chances: float64 (N,), the probability that each glyph is drawn; they sum to 1.
        taught: bool (N,), for which glyphs the network learns a teacher's probabilities, if there is a teacher.
    """

    chances: NDArray[np.float64]
    taught: NDArray[np.bool_]


class Outliers(NamedTuple):
    """Outliers of one data set or several: glyphs, uint8 (M, 28, 28), of each split.

    Attributes:
        train: those that the network learns to reject.
        validation: those for the risk table.
        test: those for reports alone.
        chances: float64 (M,), the probability that each of `train` is drawn; they sum to 1.
    """

    train: NDArray[np.uint8]
    validation: NDArray[np.uint8]
    test: NDArray[np.uint8]
    chances: NDArray[np.float64]


def outliers_of(train: NDArray[np.uint8], validation: NDArray[np.uint8], test: NDArray[np.uint8]) -> Outliers | None:
    """The outliers of one data set, all drawn equally often; None if there are none."""
    if not (len(train) or len(validation) or len(test)):
        return None
    return Outliers(train, validation, test, np.full(len(train), 1 / max(len(train), 1)))


class Source(NamedTuple):
    """One of several data sets: its name, its numbers of digits and outliers for training, and of digits for test."""

    name: str
    digits: int
    outliers: int
    test: int


@dataclass(frozen=True)
class Splits:
    """A data set, split for training.

    Attributes:
        name: the data set's name in the card.
        classes: the classes' names, in the order of the labels.
        train: the glyphs that the network learns from.
        validation: the glyphs for every choice: when to stop, the temperature, the review threshold.
        test: the glyphs for the reported accuracy, and for nothing else.
        mixture: how to draw from `train` if it joins several data sets; with None, each glyph is drawn once an epoch.
        drawings: of the last glyphs of `train`, which are drawn anew each time.
        outliers: the data's own, next to those that training draws itself; None if there are none.
        sources: the data sets that were joined, in the order of their glyphs in each split.
        notes: lines that a person should read before training: what is left out, copied, labelled twice, or rare.
        names: an image's name for messages, by the key of its glyph (see `images`), as far as images have names.
    """

    name: str
    classes: tuple[str, ...]
    train: LabelledGlyphs
    validation: LabelledGlyphs
    test: LabelledGlyphs
    mixture: Mixture | None = None
    drawings: Drawings | None = None
    outliers: Outliers | None = None
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    names: Mapping[bytes, str] = field(default_factory=dict)

    def with_classes(self, classes: tuple[str, ...]) -> Splits:
        """The same glyphs with labels as indices into `classes`, without those of other classes.

        Glyphs can only be left out of a data set without mixture and drawings.
        """
        label_map = np.array([classes.index(name) if name in classes else OUTLIER for name in self.classes], np.int64)

        def relabelled(data: LabelledGlyphs) -> LabelledGlyphs:
            labels = label_map[data.labels]
            return LabelledGlyphs(data.glyphs[labels != OUTLIER], labels[labels != OUTLIER])

        train, validation, test = (relabelled(part) for part in (self.train, self.validation, self.test))
        return replace(self, classes=classes, train=train, validation=validation, test=test)

    def fingerprint(self) -> str:
        """The sha256 of all glyphs and labels, in order, and of the data's outliers."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            digest.update(part.glyphs.tobytes())
            digest.update(part.labels.tobytes())
        for outliers in self.outliers[:3] if self.outliers else ():
            digest.update(outliers.tobytes())
        return digest.hexdigest()


def digit_classes(*parts: LabelledGlyphs) -> tuple[str, ...]:
    """The classes of data whose labels are numbers: 0 to 9, or to the highest label if that is larger."""
    highest = max(9, *(int(part.labels.max(initial=0)) for part in parts))
    return tuple(str(label) for label in range(highest + 1))


def normalise_labelled(name: str, images: NDArray[Any], labels: NDArray[Any], ink: Ink) -> LabelledGlyphs:
    """Check the arrays of a file, and normalise the images. An image without ink becomes an empty glyph.

    Args:
        name: the arrays' name in error messages.
        images: (N, H, W) or (N, H, W, 1); uint8, or floats in 0-1.
        labels: (N,) or (N, 1); integers in 0-999.
        ink: the images' polarity; `auto` finds out that of the whole array, or of each image if there are both.

    Raises:
        DataError: a shape, dtype or value is not as above.
    """
    images = images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[-1] == 1 else labels
    if images.ndim != 3 or 0 in images.shape[1:]:
        raise DataError(f"{name}: images of shape {images.shape}; expected (N, height, width)")
    if labels.shape != (len(images),):
        raise DataError(f"{name}: {len(images)} images but labels of shape {labels.shape}")
    if not np.issubdtype(labels.dtype, np.integer) or (labels.size and (labels.min() < 0 or labels.max() > 999)):
        raise DataError(f"{name}: labels must be whole numbers from 0 to 999")
    scans = _as_bytes(name, images)
    ink = _common_ink(scans) if ink == "auto" else ink
    glyphs = np.stack([likeliest_glyph(scan, ink) for scan in scans]) if len(scans) else np.empty((0, 28, 28), np.uint8)
    return LabelledGlyphs(glyphs, labels.astype(np.int64))


def likeliest_glyph(scan: NDArray[np.uint8], ink: Ink) -> Glyph:
    """The likeliest candidate of a scan, uint8 (28, 28); an empty glyph if the scan has no ink."""
    return next(iter(normalise(scan, ink)), np.zeros((28, 28), np.uint8))


def _common_ink(scans: NDArray[np.uint8]) -> Ink:
    """The polarity of nearly all scans, uint8 (N, H, W); `auto` if there are both."""
    sample = scans[:: len(scans) // MAX_POLARITY_SAMPLE + 1]
    found = [even_polarities(otsu(scan)) for scan in sample]
    clear = [is_light for is_light, *other in found if not other]
    share = sum(clear) / max(1, len(clear))
    if not clear or MAX_ODD_SHARE < share < 1 - MAX_ODD_SHARE:
        return "auto"
    return "light" if share > 0.5 else "dark"


def _as_bytes(name: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    if images.dtype == np.uint8:
        return images
    if np.issubdtype(images.dtype, np.floating):
        if images.size and not (np.isfinite(images).all() and images.min() >= 0 and images.max() <= 1):
            raise DataError(f"{name}: images of {images.dtype} must lie in 0-1")
        return np.rint(images.astype(np.float32) * 255).astype(np.uint8)
    raise DataError(f"{name}: images of {images.dtype}; expected uint8, or floats in 0-1")
