"""Labelled glyphs and their splits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.errors import DataError
from batchdigits.vision.normalise import Glyph, Ink, normalise

VALIDATION_SHARE = 12  # one in twelve, as the lesson has it: 5,000 of MNIST's 60,000


@dataclass(frozen=True)
class Labelled:
    """Glyphs and what they are.

    Attributes:
        glyphs: uint8 (N, 28, 28), ink 255 on 0.
        labels: int64 (N,), indices into the classes.
    """

    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """The number of glyphs."""
        return len(self.labels)

    def __getitem__(self, index: slice | NDArray[np.int64]) -> Labelled:
        """Some of the glyphs with their labels."""
        return Labelled(self.glyphs[index], self.labels[index])


class Mixture(NamedTuple):
    """How to draw glyphs that come from two places.

    Attributes:
        chances: float64 (N,), how often each is drawn; they add up to 1.
        kept: bool (N,), those that a network knew before. It is to go on answering as it did there, if it is asked.
    """

    chances: NDArray[np.float64]
    kept: NDArray[np.bool_]


@dataclass(frozen=True)
class Splits:
    """A data set as training uses it: `validation` is for gates and choices, `test` for reporting only.

    Attributes:
        name: what the card calls it.
        classes: the classes' names, in the order of the labels.
        train: what the network learns from.
        validation: what decides when to stop.
        test: what is reported.
        mixture: how `train` is drawn from where it comes from two places; None draws each glyph once an epoch.
    """

    name: str
    classes: tuple[str, ...]
    train: Labelled
    validation: Labelled
    test: Labelled
    mixture: Mixture | None = None

    def fingerprint(self) -> str:
        """The sha256 of all glyphs and labels, in order."""
        digest = hashlib.sha256()
        for part in (self.train, self.validation, self.test):
            digest.update(part.glyphs.tobytes())
            digest.update(part.labels.tobytes())
        return digest.hexdigest()


def splits_of_two(name: str, training: Labelled, test: Labelled) -> Splits:
    """Splits of a set that comes as training and test, like MNIST: the last twelfth of training is for validation.

    Raises:
        DataError: there is nothing in one of them.
    """
    held_back = len(training) // VALIDATION_SHARE
    if not held_back or not len(test):
        raise DataError(f"{name}: too few images to train on ({len(training)} for training, {len(test)} for test)")
    highest = max(9, int(training.labels.max()), int(test.labels.max()))
    classes = tuple(str(label) for label in range(highest + 1))
    return Splits(name, classes, training[slice(0, -held_back)], training[slice(-held_back, None)], test)


def label_images(name: str, images: NDArray[np.generic], labels: NDArray[np.generic], ink: Ink) -> Labelled:
    """Arrays as they come in files, checked and normalised; images without ink become empty glyphs.

    Args:
        name: what messages call the arrays.
        images: (N, H, W), or (N, H, W, 1); uint8, or floats in 0-1.
        labels: (N,), or (N, 1); whole numbers from 0.
        ink: the images' polarity, `auto` where it is not known.

    Raises:
        DataError: naming what does not fit.
    """
    images = images[..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[-1] == 1 else labels
    if images.ndim != 3 or 0 in images.shape[1:]:
        raise DataError(f"{name}: images of shape {images.shape}, where (N, height, width) is needed")
    if labels.shape != (len(images),):
        raise DataError(f"{name}: {len(images)} images but labels of shape {labels.shape}")
    if not np.issubdtype(labels.dtype, np.integer) or (labels.size and (labels.min() < 0 or labels.max() > 999)):
        raise DataError(f"{name}: labels must be whole numbers from 0 to 999")
    scans = _as_bytes(name, images)
    glyphs = np.stack([one_glyph(scan, ink) for scan in scans]) if len(scans) else np.empty((0, 28, 28), np.uint8)
    return Labelled(glyphs, labels.astype(np.int64))


def one_glyph(scan: NDArray[np.uint8], ink: Ink) -> Glyph:
    """The likelier reading of a scan, uint8 (28, 28); an empty glyph where there is no ink."""
    return next(iter(normalise(scan, ink)), np.zeros((28, 28), np.uint8))


def _as_bytes(name: str, images: NDArray[np.generic]) -> NDArray[np.uint8]:
    if images.dtype == np.uint8:
        return images  # type: ignore[return-value]
    if np.issubdtype(images.dtype, np.floating):
        if images.size and not (np.isfinite(images).all() and images.min() >= 0 and images.max() <= 1):
            raise DataError(f"{name}: images of {images.dtype} must lie in 0-1")
        return np.rint(images.astype(np.float32) * 255).astype(np.uint8)
    raise DataError(f"{name}: images of {images.dtype}, where uint8 or floats in 0-1 are needed")
