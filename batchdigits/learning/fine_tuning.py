"""Fine-tuning: going on from a model with someone's own crops, without forgetting MNIST."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import load
from batchdigits.datasets.folder import MIN_IMAGES_FEW_SHOT
from batchdigits.datasets.labelled import LabelledGlyphs, Mixture, Splits
from batchdigits.errors import DataError, ModelFileError
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.recipes import BEST, Recipe
from batchdigits.learning.temperature_scaling import logits_of
from batchdigits.learning.training import Training, initial_weights, shaped_like

KEPT = 0.7  # share of MNIST's glyphs among those of a class that MNIST has
INITIAL_WEIGHT_SHARE = 0.6  # of the result, where the labels are the same (WiSE-FT, Wortsman et al. 2022)

FINE_TUNING = replace(
    BEST,
    name="fine-tuning",
    learning_rate=3e-4,
    iterations=300,
    warmup=50,
    weight_decay=0.0,
    label_smoothing=0.02,  # little: the model's confidence is calibrated already
    ema_decay=0.99,
    reuse=2,
    check_every=0,
)


@dataclass(frozen=True)
class FineTuning:
    """A model to go on from, and what to go on with.

    Attributes:
        model: the .keras file.
        own: someone's own glyphs.
        kept: MNIST's glyphs of the same classes, so that they are not forgotten; None where it has none of them.
    """

    model: ModelFile
    own: Splits
    kept: Splits | None

    def training(self, seed: int, **given: Any) -> Training:
        """The training that goes on from the model; `given` are values in place of the recipe's."""
        recipe = replace(self.recipe(), **given)
        return Training(recipe, self.splits(), seed, self.teacher(), start=self.start(seed))

    def recipe(self) -> Recipe:
        """The recipe for the model's network."""
        return replace(shaped_like(self.model, FINE_TUNING), anchor=INITIAL_WEIGHT_SHARE if self.teacher() else 0.0)

    def splits(self) -> Splits:
        """Both kinds of glyphs together. Every class is drawn as often as any other, however many glyphs it has."""
        own, kept = self.own, self.kept
        if kept is None:
            return replace(own, mixture=_even(own.train.labels, np.zeros(len(own.train), bool)))
        train = _together(own.train, kept.train)
        return replace(
            own,
            train=train,
            validation=_together(own.validation, kept.validation),
            test=_together(own.test, kept.test),
            mixture=_even(train.labels, np.arange(len(train)) >= len(own.train)),
        )

    def teacher(self) -> ModelFile | None:
        """The model itself, so that it goes on answering MNIST's glyphs as it did (Li and Hoiem 2016).

        None where the labels are others: it has no answer in them.
        """
        return self.model if self.model.card.labels == self.own.classes else None

    def held_back(self) -> dict[str, LabelledGlyphs]:
        """What the network does not learn from, by the names of the card."""
        parts = {"validation": self.own.validation, "test": self.own.test}
        if self.kept:
            parts |= {"mnist_validation": self.kept.validation, "mnist_test": self.kept.test}
        return {name: part for name, part in parts.items() if len(part)}

    def start(self, seed: int) -> list[NDArray[np.float32]]:
        """The model's weights; classes that it does not know get fresh ones in the last layer, drawn from `seed`."""
        known, classes = self.model.card.labels, self.own.classes
        *hidden, kernel, bias = load_network(self.model).get_weights()
        like = [np.empty((len(kernel), len(classes)), np.float32), np.empty(len(classes), np.float32)]
        last = initial_weights(like, FINE_TUNING.initialiser, seed)
        for new, name in enumerate(classes):
            if name in known:
                old = known.index(name)
                last[0][:, new], last[1][new] = kernel[:, old], bias[old]
        return [*hidden, *last]


def fine_tuning(model: ModelFile, own: Splits) -> FineTuning:
    """Go on from `model` with someone's own glyphs.

    Raises:
        ModelFileError: `model` is no .keras file; a .tflite cannot be trained.
        DataError: a class has too few glyphs.
    """
    if not model.is_keras:
        raise ModelFileError(f"{model.path}: only a .keras file can be trained further")
    counts = np.bincount(own.train.labels, minlength=len(own.classes))
    small = [
        f"{name} has {count}"
        for name, count in zip(own.classes, counts, strict=True)
        if count < MIN_IMAGES_FEW_SHOT - 1
    ]
    if small:
        raise DataError(
            f"{own.name}: each class needs at least {MIN_IMAGES_FEW_SHOT} images, and for training {', '.join(small)}"
        )
    return FineTuning(model, own, _restricted(load(None), own.classes))


def accuracy_of(network: Any, known: tuple[str, ...], data: LabelledGlyphs, classes: tuple[str, ...]) -> float:
    """Share of right labels, 0-1, that a network with labels `known` gives to glyphs labelled in `classes`."""
    answers = np.array(known)[logits_of(network, data).argmax(axis=1)]
    return float(np.mean(answers == np.array(classes)[data.labels]))


def _restricted(mnist: Splits, classes: tuple[str, ...]) -> Splits | None:
    """MNIST's glyphs of those of its classes that are among `classes`, labelled as there."""
    numbers = np.array([classes.index(name) if name in classes else -1 for name in mnist.classes])
    if (numbers < 0).all():
        return None

    def part(data: LabelledGlyphs) -> LabelledGlyphs:
        labels = numbers[data.labels]
        return LabelledGlyphs(data.glyphs[labels >= 0], labels[labels >= 0])

    return Splits(mnist.name, classes, part(mnist.train), part(mnist.validation), part(mnist.test))


def _even(labels: NDArray[np.int64], kept: NDArray[np.bool_]) -> Mixture:
    """A mixture that draws every class as often as any other, and in it the glyphs that are `kept` by their share."""
    chances = np.zeros(len(labels))
    for label in np.unique(labels):
        mine = labels == label
        share = KEPT if (mine & kept).any() else 0.0
        chances[mine & ~kept] = (1.0 - share) / (mine & ~kept).sum()
        chances[mine & kept] = share / max(1, (mine & kept).sum())
    return Mixture(chances / chances.sum(), kept)


def _together(first: LabelledGlyphs, second: LabelledGlyphs) -> LabelledGlyphs:
    return LabelledGlyphs(np.concatenate([first.glyphs, second.glyphs]), np.concatenate([first.labels, second.labels]))
