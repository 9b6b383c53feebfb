"""Training: a recipe, labelled glyphs and a seed give a Keras network."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import OUTLIER, LabelledGlyphs, Splits
from batchdigits.errors import DataError, DivergedError
from batchdigits.inference.card import Card
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.tensorflow_runtime import build_network, import_tensorflow, load_network
from batchdigits.inference.tensors import as_network_input
from batchdigits.learning.batch_normalisation import folded, unfolded, with_batch_normalisation
from batchdigits.learning.initial_weights import drawn_weights, mean_weights, network_of
from batchdigits.learning.logits import cross_entropy, logits_of
from batchdigits.learning.minibatches import Minibatches, Segment, outlier_share, segments
from batchdigits.learning.recipes import Recipe
from batchdigits.learning.rejection import ok_share
from batchdigits.learning.training_step import compile_step
from batchdigits.learning.training_targets import teacher_of
from batchdigits.learning.weight_levels import on_levels

REPORT_EVERY = 50  # iterations between two reports of progress
MIN_JUDGED = 100  # iterations: a shorter training is a trial, which need not have learned anything
JUDGED_GLYPHS = 2_000  # glyphs of the training split, at most, that show whether the network has learned anything
MIN_GAIN = 0.05  # of what lies between chance and no wrong label


class Progress(NamedTuple):
    """The state of a training after an iteration.

    Attributes:
        iteration: counted from 0.
        loss: mean cross-entropy, in nats, of the digits in the iteration's minibatch after its step, without dropout.
        accuracy: share of right labels (0-1) of the same digits.
        validation: share of right labels (0-1) on the validation split; None where it was not measured.
        learning_rate: the optimiser's, for the next iteration.
    """

    iteration: int
    loss: float
    accuracy: float
    validation: float | None
    learning_rate: float


class Training:
    """A network while it learns: `run` it, then use `network`.

    Attributes:
        network: the Keras network, float32 (N, 784) 0-1 -> logits (N, classes). Its weights are the moving average of
            those that follow the gradient (see `Recipe.ema_decay`).
        done: number of iterations so far.
        history: the progress reports so far.
        rejects: whether the network learns to reject outliers.
    """

    def __init__(
        self,
        recipe: Recipe,
        splits: Splits,
        seed: int,
        teachers: Sequence[ModelFile] = (),
        init: Sequence[ModelFile] = (),
        initial_weights: list[NDArray[np.float32]] | None = None,
        keeps_rejection: bool = False,
    ) -> None:
        """Build the network and compile its training step.

        Args:
            recipe: how to train.
            splits: the labelled glyphs.
            seed: decides everything random.
            teachers: .keras model files of the same classes, or of the first of them. The network learns the mean of
                their probabilities instead of labels.
            init: .keras model files of the same classes and the recipe's shape (see `shaped_like`). Training starts
                from the mean of their weights, which is often better than each model (Wortsman et al. 2022).
            initial_weights: weights to start from without `init`. Without both, the weights are drawn from `seed`.
            keeps_rejection: whether outliers are drawn for any classes; see `outlier_share`.

        Raises:
            DataError: one of `init` has other classes, or another shape than the recipe's.
            ModelFileError: the weights of a teacher or of one of `init` do not fit its card.
            MissingExtraError: TensorFlow is not installed.
        """
        tf = import_tensorflow("training")
        tf.config.experimental.enable_op_determinism()  # the same seed gives the same weights
        tf.random.set_seed(seed)  # op determinism requires a seed, though our code draws nothing from it
        self.recipe, self.splits, self.seed, self.teachers, self.init = recipe, splits, seed, teachers, init
        for model in init:
            if model.card.labels != splits.classes:
                raise DataError(f"{model.path}: its classes are not those of the data")
            if model.card.network != network_of(recipe):
                raise DataError(f"{model.path}: a network of another shape than the others")
        self.initial_weights = mean_weights(init) if init else initial_weights
        temperature = recipe.distillation_temperature if teachers else 1.0
        self._teacher = None
        if teachers:
            networks = [load_network(model) for model in teachers]
            self._teacher = teacher_of(networks, temperature, len(splits.classes))
        card = Card(labels=splits.classes, network=network_of(recipe))
        self.network = build_network(card)
        start = self.initial_weights or drawn_weights(self.network.get_weights(), recipe.initialiser, seed)
        self._average, self._learner = (self._learning_network(card, start) for _ in range(2))
        self._use(self._average_weights())
        self._keeps_rejection = keeps_rejection or any(model.card.rejects for model in init)
        self.rejects = outlier_share(recipe, splits, self._keeps_rejection) > 0.0
        self._step, self._optimizer = compile_step(
            self._learner, self._average, recipe, seed, temperature, self.rejects
        )
        self.done = 0
        self.history: list[Progress] = []
        self._unimproved = 0  # measurements on the validation split since the best one
        self._best: tuple[float, list[NDArray[np.float32]]] = (-1.0, [])  # best validation accuracy, and its weights

    @property
    def looks_again(self) -> bool:
        """Whether the network's glyphs in doubt get a second look, as those of a model that training started from."""
        return any(model.card.second_look for model in self.init)

    @property
    def is_over(self) -> bool:
        """Whether training has ended: all iterations are done, or the patience is used up."""
        return self.done >= self.recipe.iterations or 0 < self.recipe.patience <= self._unimproved

    def run(self) -> Generator[Progress, None, None]:
        """Train, and yield the progress every few iterations; `network` is usable after each.

        With patience, `network` ends with the weights that were best on the validation split. With an
        `initial_weight_share`, they are then a weighted mean: this share of the initial weights, the rest trained ones.

        Raises:
            DivergedError: the loss is not a finite number, or a training of MIN_JUDGED iterations ends without having
                learned anything.
        """
        minibatches = Minibatches(self.splits, self.recipe, self.seed, self._teacher, self._keeps_rejection)
        with closing(segments(minibatches, self.done, self._segment_ends())) as made:
            for segment in made:
                self._step(segment.glyphs, segment.targets, segment.first)
                self.done = segment.first + len(segment.labels)
                self._use(self._average_weights())
                progress = self._progress(segment)
                self.history.append(progress)
                if not np.isfinite(progress.loss):
                    raise DivergedError("the training diverged: its loss is not a finite number; lower --learning-rate")
                if self.recipe.patience and progress.validation is not None:
                    self._keep_if_best(progress.validation)
                if self.is_over:
                    self.restore_best()
                    self._require_learning()
                yield progress
                if self.is_over:
                    break
        self.restore_best()
        if self.initial_weights and self.recipe.initial_weight_share:
            share = self.recipe.initial_weight_share
            pairs = zip(self.initial_weights, self.network.get_weights(), strict=True)
            self._use([share * initial + (1.0 - share) * trained for initial, trained in pairs])

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The whole state of the training, as named arrays for `restore`."""
        groups = {
            "network": self._average.get_weights(),
            "learner": self._learner.get_weights(),
            "optimizer": [variable.numpy() for variable in self._optimizer.variables],
            "best": self._best[1],
        }
        arrays = {f"{name}_{i}": np.asarray(a) for name, group in groups.items() for i, a in enumerate(group)}
        return {
            **arrays,
            "counts": np.array([self.done, self._unimproved]),
            "best_validation": np.array(self._best[0]),
            "history": np.array(self.history, np.float64).reshape(-1, len(Progress._fields)),  # NaN for None
        }

    def restore(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Return to a state that `state` gave."""

        def group(name: str) -> list[NDArray[np.float32]]:
            return [state[f"{name}_{i}"].astype(np.float32) for i in range(len(state)) if f"{name}_{i}" in state]

        self._average.set_weights(group("network"))
        self._use(self._average_weights())
        self._learner.set_weights(group("learner"))
        for i, variable in enumerate(self._optimizer.variables):
            variable.assign(state[f"optimizer_{i}"])
        self.done, self._unimproved = (int(count) for count in state["counts"])
        self._best = (float(state["best_validation"]), group("best"))
        self.history = [
            Progress(int(iteration), loss, accuracy, None if np.isnan(validation) else validation, rate)
            for iteration, loss, accuracy, validation, rate in state["history"].tolist()
        ]

    def restore_best(self) -> None:
        """Give `network` the weights that were best on the validation split, if patience kept any."""
        if self._best[1]:
            self.network.set_weights(self._best[1])

    def has_learned(self) -> bool:
        """Whether `network` gives right labels to more of the glyphs that it learned from than chance would.

        Every class counts the same, so that always the same answer is chance, however often it is right.
        """
        data = self.splits.train
        some = data[np.linspace(0, len(data) - 1, min(len(data), JUDGED_GLYPHS)).astype(np.int64)]
        right = logits_of(self.network, some.glyphs).argmax(axis=1) == some.labels
        recalls = [float(right[some.labels == label].mean()) for label in np.unique(some.labels)]
        chance = 1.0 / max(2, len(recalls))
        return float(np.mean(recalls)) > chance + MIN_GAIN * (1.0 - chance)

    def accuracy(self, data: LabelledGlyphs) -> float:
        """Share of right labels, 0-1, that `network` gives to labelled glyphs."""
        return float(np.mean(logits_of(self.network, data.glyphs).argmax(axis=1) == data.labels))

    def recall(self, data: LabelledGlyphs) -> dict[str, float]:
        """For each class with glyphs in `data`, the share of them, 0-1, to which `network` gives its label."""
        right = logits_of(self.network, data.glyphs).argmax(axis=1) == data.labels
        return {
            self.splits.classes[label]: float(right[data.labels == label].mean()) for label in np.unique(data.labels)
        }

    def held_back(self) -> dict[str, LabelledGlyphs]:
        """The glyphs that the network does not learn from, by the card's names of their splits."""
        parts = {"validation": self.splits.validation, "test": self.splits.test}
        first = 0
        for source in self.splits.sources:
            if source.test:
                parts[f"test_{source.name}"] = self.splits.test[slice(first, first + source.test)]
            first += source.test
        return parts

    def held_back_outliers(self) -> NDArray[np.uint8]:
        """The data's outliers that the network does not learn from, uint8 (M, 28, 28)."""
        outliers = self.splits.outliers
        return np.concatenate([outliers.validation, outliers.test] if outliers else [self.splits.test.glyphs[:0]])

    def ok_outliers(self, review: float) -> dict[str, Any]:
        """How many outliers are held back, and the share of them (0-1) whose score reaches the review threshold."""
        held_back = self.held_back_outliers()
        if not len(held_back):
            return {}
        return {"images": len(held_back), "now": ok_share(self.network, held_back, self.rejects, review)}

    def provenance(self) -> dict[str, Any]:
        """The card's `data`: the origin of the glyphs, in JSON's types."""
        return origin(self.splits)

    def _segment_ends(self) -> list[int]:
        """The last iteration of each segment: each one that a report or a measurement follows, and the last of all."""
        if self.is_over:
            return []
        last = self.recipe.iterations - 1
        every = self.recipe.check_every
        ends = {*range(0, last, REPORT_EVERY), *(range(every - 1, last, every) if every else ()), last}
        return sorted(end for end in ends if end >= self.done)

    def _progress(self, segment: Segment) -> Progress:
        known = segment.labels[-1] != OUTLIER
        glyphs, labels = segment.glyphs[-1][known], segment.labels[-1][known]
        logits = self.network(as_network_input(glyphs), training=False).numpy()
        iteration = segment.first + len(segment.labels) - 1
        every = self.recipe.check_every
        due = every and ((iteration + 1) % every == 0 or iteration == self.recipe.iterations - 1)
        validation = self.accuracy(self.splits.validation) if due else None
        accuracy = float(np.mean(logits.argmax(axis=1) == labels))
        rate = float(self._optimizer.learning_rate)
        return Progress(iteration, cross_entropy(logits, labels), accuracy, validation, rate)

    def _learning_network(self, card: Card, weights: list[NDArray[np.float32]]) -> Any:
        """A network to train, which starts from the weights of one like `network`, whose card this is."""
        network = build_network(card)
        if self.recipe.batch_normalisation:
            network, weights = with_batch_normalisation(network), unfolded(weights)
        network.set_weights(weights)
        return network

    def _average_weights(self) -> list[NDArray[np.float32]]:
        """The moving average of the learner's weights, as `network` has them."""
        weights = self._average.get_weights()
        return folded(weights) if self.recipe.batch_normalisation else weights

    def _use(self, weights: list[NDArray[np.float32]]) -> None:
        """Give `network` these weights, on their levels if the recipe has any."""
        bits = self.recipe.weight_bits
        self.network.set_weights([on_levels(array, bits) for array in weights] if bits else weights)

    def _require_learning(self) -> None:
        if self.done >= MIN_JUDGED and not self.has_learned():
            raise DivergedError(
                f"the training learned nothing: after {self.done:,} iterations its labels are no better than chance, "
                f"at a loss of {self.history[-1].loss:.4g}; lower --learning-rate, or check the labels of the data"
            )

    def _keep_if_best(self, validation: float) -> None:
        self._unimproved += 1
        if validation > self._best[0]:
            self._best = (validation, self.network.get_weights())
            self._unimproved = 0


def origin(splits: Splits) -> dict[str, Any]:
    """Name, size and sha256 of splits, in JSON's types for a card."""
    glyphs = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    data: dict[str, Any] = {
        "name": splits.name,
        "images": {name: len(split) for name, split in glyphs.items()},
        "sha256": splits.fingerprint(),
    }
    if splits.outliers:
        data["outliers"] = sum(len(part) for part in splits.outliers[:3])
    sources = {source.name: {"digits": source.digits, "outliers": source.outliers} for source in splits.sources}
    return {**data, "sources": sources} if sources else data
