"""Training: a recipe, labelled glyphs and a seed give a network."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import LabelledGlyphs, Splits
from batchdigits.errors import DataError, DivergedError
from batchdigits.inference.card import Card
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.tensorflow_runtime import build_network, import_tensorflow, load_network
from batchdigits.learning.minibatches import Chunk, Minibatches, chunks, outlier_share
from batchdigits.learning.outliers import OUTLIER
from batchdigits.learning.recipes import Recipe
from batchdigits.learning.temperature_scaling import cross_entropy, logits_of
from batchdigits.learning.training_step import compile_step
from batchdigits.learning.training_targets import teach

REPORT_EVERY = 50  # iterations between two steps of the progress bar


class Progress(NamedTuple):
    """Where training stands after an iteration.

    Attributes:
        iteration: counted from 0.
        loss: cross-entropy of the iteration's minibatch after its step, dropout off.
        accuracy: share of right labels (0-1) in that minibatch.
        validation: share of right labels (0-1) on the validation split, where it was checked.
        learning_rate: the optimiser's, for the next iteration.
    """

    iteration: int
    loss: float
    accuracy: float
    validation: float | None
    learning_rate: float


class Training:
    """A network while it learns. `run` it as far as you like, then take `network`."""

    def __init__(
        self,
        recipe: Recipe,
        splits: Splits,
        seed: int,
        teacher: ModelFile | None = None,
        init: Sequence[ModelFile] = (),
        start: list[NDArray[np.float32]] | None = None,
    ) -> None:
        """Build the network and compile its training step.

        Args:
            recipe: how to train.
            splits: what to learn from.
            seed: of everything random.
            teacher: a .keras model file of the same classes, whose answers are learned in place of the labels.
            init: .keras model files of the same classes and the recipe's shape (see `shaped_like`), the mean of whose
                weights to go on from (of networks that came from one, it is better than each: Wortsman et al. 2022).
            start: weights to go on from that are no model's; without them and `init`, they are drawn from `seed`.

        Raises:
            DataError: the teacher or one of `init` knows other classes, or has another shape than the recipe.
            ModelFileError: the teacher's weights do not fit its card.
            MissingExtraError: TensorFlow is not installed.
        """
        tf = import_tensorflow("training")
        tf.config.experimental.enable_op_determinism()  # the same seed gives the same weights
        tf.random.set_seed(seed)  # op determinism insists, though nothing of ours draws from it
        self.recipe, self.splits, self.seed, self.teacher, self.init = recipe, splits, seed, teacher, init
        for model in (teacher, *init):
            if model and model.card.labels != splits.classes:
                raise DataError(f"{model.path}: a model of other classes than the data's")
        for model in init:
            if model.card.network != network_of(recipe):
                raise DataError(f"{model.path}: a network of another shape than the others")
        self.start = mean_weights(init) if init else start
        self._teach = teach(load_network(teacher), recipe.heat) if teacher else None
        card = Card(labels=splits.classes, network=network_of(recipe))
        self.network, self._learner = build_network(card), build_network(card)
        for network in (self.network, self._learner):
            network.set_weights(self.start or initial_weights(network.get_weights(), recipe.initialiser, seed))
        self.rejects = outlier_share(recipe, splits.classes) > 0.0
        heat = recipe.heat if teacher else 1.0
        self._step, self._optimizer = compile_step(self._learner, self.network, recipe, seed, heat, self.rejects)
        self.done = 0  # iterations so far
        self.history: list[Progress] = []
        self._unimproved = 0  # checks since the best one
        self._best: tuple[float, list[NDArray[np.float32]]] = (-1.0, [])

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to learn: all iterations are done, or the patience is at an end."""
        return self.done >= self.recipe.iterations or 0 < self.recipe.patience <= self._unimproved

    def run(self) -> Generator[Progress, None, None]:
        """Learn, and say after every few iterations how it goes; `network` is usable after each.

        With patience, `network` ends with the weights that were best on the validation split; with an anchor, in part
        with those that it began with.

        Raises:
            DivergedError: the loss is no number any more.
        """
        minibatches = Minibatches(self.splits, self.recipe, self.seed, self._teach)
        with closing(chunks(minibatches, self.done, self._ends())) as batches:
            for chunk in batches:
                self._step(chunk.glyphs, chunk.targets, chunk.first)
                self.done = chunk.first + len(chunk.labels)
                progress = self._progress(chunk)
                self.history.append(progress)
                if not np.isfinite(progress.loss):
                    raise DivergedError("the training diverged: its loss is no number any more; lower --learning-rate")
                if self.recipe.patience and progress.validation is not None:
                    self._keep_if_best(progress.validation)
                yield progress
                if self.is_over:
                    break
        self.go_back_to_best()
        if self.start and self.recipe.anchor:
            share = self.recipe.anchor
            ends = zip(self.start, self.network.get_weights(), strict=True)
            self.network.set_weights([share * begun + (1.0 - share) * now for begun, now in ends])

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything that `restore` needs, as named arrays."""
        groups = {
            "network": self.network.get_weights(),
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
        """Go back to where `state` was taken."""

        def group(name: str) -> list[NDArray[np.float32]]:
            return [state[f"{name}_{i}"].astype(np.float32) for i in range(len(state)) if f"{name}_{i}" in state]

        self.network.set_weights(group("network"))
        self._learner.set_weights(group("learner"))
        for i, variable in enumerate(self._optimizer.variables):
            variable.assign(state[f"optimizer_{i}"])
        self.done, self._unimproved = (int(count) for count in state["counts"])
        self._best = (float(state["best_validation"]), group("best"))
        self.history = [
            Progress(int(iteration), loss, accuracy, None if np.isnan(validation) else validation, rate)
            for iteration, loss, accuracy, validation, rate in state["history"].tolist()
        ]

    def go_back_to_best(self) -> None:
        """Take up the weights that were best on the validation split, where it was checked."""
        if self._best[1]:
            self.network.set_weights(self._best[1])

    def accuracy(self, data: LabelledGlyphs) -> float:
        """Share of right labels, 0-1."""
        return float(np.mean(logits_of(self.network, data).argmax(axis=1) == data.labels))

    def _ends(self) -> list[int]:
        """Iterations after which training pauses: to report, to check, and the last."""
        if self.is_over:
            return []
        last = self.recipe.iterations - 1
        every = self.recipe.check_every
        ends = {*range(0, last, REPORT_EVERY), *(range(every - 1, last, every) if every else ()), last}
        return sorted(end for end in ends if end >= self.done)

    def _progress(self, chunk: Chunk) -> Progress:
        known = chunk.labels[-1] != OUTLIER
        glyphs, labels = chunk.glyphs[-1][known], chunk.labels[-1][known]
        logits = self.network(glyphs.astype(np.float32) / np.float32(255), training=False).numpy()
        iteration = chunk.first + len(chunk.labels) - 1
        every = self.recipe.check_every
        due = every and ((iteration + 1) % every == 0 or iteration == self.recipe.iterations - 1)
        validation = self.accuracy(self.splits.validation) if due else None
        accuracy = float(np.mean(logits.argmax(axis=1) == labels))
        rate = float(self._optimizer.learning_rate)
        return Progress(iteration, cross_entropy(logits, labels), accuracy, validation, rate)

    def _keep_if_best(self, validation: float) -> None:
        self._unimproved += 1
        if validation > self._best[0]:
            self._best = (validation, self.network.get_weights())
            self._unimproved = 0


def network_of(recipe: Recipe) -> dict[str, Any]:
    """The shape of a recipe's network, as a card has it."""
    shape = {"hidden": list(recipe.hidden), "activation": recipe.activation}
    return {**shape, "filters": list(recipe.filters)} if recipe.filters else shape


def mean_weights(models: Sequence[ModelFile]) -> list[NDArray[np.float32]]:
    """The mean of the weights of networks of one shape."""
    weights = [load_network(model).get_weights() for model in models]
    return [np.mean(arrays, axis=0) for arrays in zip(*weights, strict=True)]


def shaped_like(model: ModelFile, recipe: Recipe) -> Recipe:
    """The recipe, for a network of the shape of `model`'s."""
    network = model.card.network
    filters, hidden = tuple(network.get("filters", ())), tuple(network["hidden"])
    return replace(recipe, filters=filters, hidden=hidden, activation=network["activation"])


def initial_weights(like: list[NDArray[np.float32]], initialiser: str, seed: int) -> list[NDArray[np.float32]]:
    """Starting weights for kernels (…, units) and biases (units,), drawn from `seed` by NumPy alone."""
    rng = np.random.default_rng(seed)
    lesson = initialiser == "lesson"
    weights = []
    for array in like:
        if array.ndim == 1:
            weights.append(np.full(array.shape, 0.1 if lesson else 0.0, np.float32))
        else:
            stddev = 0.1 if lesson else np.sqrt(2.0 / np.prod(array.shape[:-1]))
            weights.append((stddev * _truncated_normal(rng, array.shape)).astype(np.float32))
    return weights


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Standard normal values, those beyond two standard deviations drawn again, as TensorFlow does it."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values
