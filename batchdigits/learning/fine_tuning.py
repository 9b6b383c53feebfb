"""Fine-tuning: train a model further on someone's own glyphs, without forgetting MNIST."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import load
from batchdigits.datasets.folder import MIN_IMAGES_FEW_SHOT
from batchdigits.datasets.join import set_apart, weights_of
from batchdigits.datasets.labelled import DIGIT_NAMES, LabelledGlyphs, Mixture, Splits, concatenate
from batchdigits.errors import DataError, ModelFileError
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.initial_weights import drawn_weights, shaped_like
from batchdigits.learning.logits import logits_of
from batchdigits.learning.recipes import BEST
from batchdigits.learning.rejection import ok_share
from batchdigits.learning.training import Training, origin

MNIST_SHARE = 0.7  # share of MNIST's glyphs among those drawn of a class that MNIST has; the rest are own glyphs
MAX_GLYPH_SHARE = 0.075  # of one own glyph among these, where fewer than four are all that there are
INITIAL_WEIGHT_SHARE = 0.75  # see `Recipe`; used if the labels are the same

FINE_TUNING = replace(
    BEST,
    name="fine-tuning",
    learning_rate=3e-4,
    iterations=300,
    warmup=50,
    weight_decay=0.0,
    label_smoothing=0.02,  # small, because temperature scaling has set the model's confidence already
    ema_decay=0.99,
    reuse=2,
    check_every=0,
)


class FineTuning(Training):
    """A training of a model's network on someone's own glyphs and MNIST's.

    Attributes:
        model: the .keras model file that training starts from.
        own: someone's own glyphs.
        mnist: MNIST's glyphs of the classes, which keep the network from forgetting them; None if it has none of them.
    """

    def __init__(self, model: ModelFile, own: Splits, seed: int, only_classes: bool = False, **values: Any) -> None:
        """Build the network and compile its training step.

        The classes are those of the model, and behind them those that only the data has. A model that keeps its classes
        is its own teacher, so that its answers to MNIST's glyphs stay the same (learning without forgetting, Li and
        Hoiem 2016).

        Args:
            model: the .keras model file to start from.
            own: someone's own glyphs.
            seed: decides everything random.
            only_classes: whether the classes are those of the data alone.
            values: attributes of `Recipe` that replace those of FINE_TUNING.

        Raises:
            ModelFileError: `model` is no .keras file; a .tflite cannot be trained.
            DataError: a class that MNIST does not have has too few glyphs, or there are fewer than two classes.
            MissingExtraError: TensorFlow is not installed.
        """
        if not model.is_keras:
            raise ModelFileError(f"{model.path}: only a .keras file can be trained further")
        known = model.card.labels
        classes = own.classes if only_classes else (*known, *(name for name in own.classes if name not in known))
        self.model = model
        self.own, self.mnist = apart_from_mnist(own.with_classes(classes))
        _check_size(self.own)
        share = INITIAL_WEIGHT_SHARE if known == classes else 0.0
        recipe = replace(shaped_like(model, FINE_TUNING), **{"initial_weight_share": share, **values})
        teachers = [] if only_classes and known != classes else [model]
        weights = transferred_weights(model, classes, seed)
        splits = with_mnist(self.own, self.mnist)
        super().__init__(recipe, splits, seed, teachers, (), weights, keeps_rejection=model.card.rejects)

    @property
    def looks_again(self) -> bool:
        """Whether the network's glyphs in doubt get a second look, as the model's, if the labels are the same."""
        return bool(self.model.card.second_look) and self.model.card.labels == self.own.classes

    @property
    def new_labels(self) -> list[str]:
        """Labels of the data that the model does not know."""
        return [name for name in self.own.classes if name not in self.model.card.labels]

    @property
    def filled_labels(self) -> list[str]:
        """Labels that the network learns from MNIST's glyphs alone."""
        return [name for label, name in enumerate(self.own.classes) if not (self.own.train.labels == label).any()]

    @property
    def lost_labels(self) -> list[str]:
        """Labels of the model that the trained network will not know."""
        return [name for name in self.model.card.labels if name not in self.own.classes]

    def held_back(self) -> dict[str, LabelledGlyphs]:
        """The glyphs that the network does not learn from, by the card's names of their splits."""
        splits = {"validation": self.own.validation, "test": self.own.test}
        if self.mnist:
            splits |= {"mnist_validation": self.mnist.validation, "mnist_test": self.mnist.test}
        return {name: split for name, split in splits.items() if len(split)}

    def ok_outliers(self, review: float) -> dict[str, Any]:
        """How many outliers are held back, and the share of them (0-1) that is ok, before and now."""
        now, card = super().ok_outliers(review), self.model.card
        if not now:
            return now
        before = load_network(self.model)
        return {**now, "before": ok_share(before, self.held_back_outliers(), card.rejects, card.thresholds["review"])}

    def provenance(self) -> dict[str, Any]:
        """The card's `data`: origin of the glyphs, the model that training started from and its accuracy."""
        own, initial = self.own, self.model.card
        network = load_network(self.model)
        data: dict[str, Any] = {
            **origin(own),
            "images_by_class": {
                name: sum(int((split.labels == label).sum()) for split in (own.train, own.validation, own.test))
                for label, name in enumerate(own.classes)
            },
            "init": {
                "name": self.model.path.name,
                "sha256": initial.sha256["payload"],
                "data": initial.data.get("name", ""),
                "accuracy": {
                    name: _accuracy(network, initial.labels, split, own.classes)
                    for name, split in self.held_back().items()
                },
            },
        }
        if self.mnist:
            data["mnist"] = {**origin(self.mnist), "share": MNIST_SHARE}
        return data


def transferred_weights(model: ModelFile, classes: tuple[str, ...], seed: int) -> list[NDArray[np.float32]]:
    """The model's weights for a network of other classes: an array for each kernel and bias.

    Classes that the model does not know get random weights in the last layer, drawn from `seed`.
    """
    known = model.card.labels
    *hidden, kernel, bias = load_network(model).get_weights()
    like = [np.empty((len(kernel), len(classes)), np.float32), np.empty(len(classes), np.float32)]
    last = drawn_weights(like, FINE_TUNING.initialiser, seed)
    for new, name in enumerate(classes):
        if name in known:
            old = known.index(name)
            last[0][:, new], last[1][new] = kernel[:, old], bias[old]
    return [*hidden, *last]


def _check_size(own: Splits) -> None:
    if len(own.classes) < 2:
        raise DataError(f"{own.name}: a model has at least two classes; leave --only-classes out")
    counts = np.bincount(own.train.labels, minlength=len(own.classes))
    small = [
        f"{name} has {count}"
        for name, count in zip(own.classes, counts, strict=True)
        if count < MIN_IMAGES_FEW_SHOT - 1 and name not in DIGIT_NAMES  # one image is for validation
    ]
    if small:
        raise DataError(
            f"{own.name}: each class that MNIST does not have needs at least {MIN_IMAGES_FEW_SHOT} images, and for "
            f"training {', '.join(small)}; --only-classes leaves out those without any"
        )


def apart_from_mnist(own: Splits) -> tuple[Splits, Splits | None]:
    """One's own glyphs, and MNIST's of the same classes; None if MNIST has none of these. Copies are left out.

    Raises:
        DataError: MNIST holds back all glyphs that would be learned.
    """
    if not set(own.classes) & set(DIGIT_NAMES):
        return own, None
    (kept, mnist), notes = set_apart(f"{own.name} and MNIST", [own, load().with_classes(own.classes)])
    if len(own.train) and not len(kept.train):
        copies = "all images for training are copies of MNIST's validation and test images"
        raise DataError(f"{own.name}: {copies}; add others")
    return replace(kept, notes=(*own.notes, *notes)), mnist


def with_mnist(own: Splits, mnist: Splits | None) -> Splits:
    """Join one's own glyphs and MNIST's of the same classes, see `apart_from_mnist`.

    Every class is drawn equally often, however many glyphs it has.
    """
    if mnist is None:
        return replace(own, mixture=_mixture(own.train.labels, weights_of(own), np.zeros(len(own.train), bool)))
    train = concatenate([own.train, mnist.train])
    weights = np.concatenate([weights_of(own), np.ones(len(mnist.train))])
    return replace(
        own,
        drawings=None,  # MNIST's glyphs are behind them
        train=train,
        validation=concatenate([own.validation, mnist.validation]),
        test=concatenate([own.test, mnist.test]),
        mixture=_mixture(train.labels, weights, np.arange(len(train)) >= len(own.train)),
    )


def _mixture(labels: NDArray[np.int64], weights: NDArray[np.float64], from_mnist: NDArray[np.bool_]) -> Mixture:
    """A mixture that draws every class equally often.

    Of a class, MNIST's glyphs have MNIST_SHARE, and more where there are few own ones. These are drawn by weight.
    """
    chances = np.zeros(len(labels))
    for label in np.unique(labels):
        of_class = labels == label
        mnist, own = of_class & from_mnist, of_class & ~from_mnist
        own_share = min(1.0 - MNIST_SHARE, MAX_GLYPH_SHARE * own.sum()) if mnist.any() else 1.0
        chances[own] = own_share * weights[own] / max(weights[own].sum(), 1e-9)
        chances[mnist] = (1.0 - own_share) / max(1, mnist.sum())
    return Mixture(chances / chances.sum(), from_mnist)


def _accuracy(network: Any, labels: tuple[str, ...], data: LabelledGlyphs, classes: tuple[str, ...]) -> float:
    """Share of right labels, 0-1. The Keras network's classes are `labels`, and those of the data are `classes`."""
    answers = np.array(labels)[logits_of(network, data.glyphs).argmax(axis=1)]
    return float(np.mean(answers == np.array(classes)[data.labels]))
