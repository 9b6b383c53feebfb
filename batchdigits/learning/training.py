"""Training: a recipe, labelled glyphs and a seed give a network."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import Labelled, Splits
from batchdigits.inference.card import Card
from batchdigits.inference.tensorflow_runtime import build_network, import_tensorflow
from batchdigits.learning.batches import Chunk, Minibatches, chunks
from batchdigits.learning.calibrate import cross_entropy, logits_of
from batchdigits.learning.outliers import OUTLIER
from batchdigits.learning.recipes import CHECK_EVERY, Recipe
from batchdigits.learning.step import compile_step

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
        self, recipe: Recipe, splits: Splits, seed: int, start: list[NDArray[np.float32]] | None = None
    ) -> None:
        """Build the network and compile its training step.

        Args:
            recipe: how to train.
            splits: what to learn from.
            seed: of everything random.
            start: the weights to go on from; None draws them from `seed`.

        Raises:
            MissingExtraError: TensorFlow is not installed.
        """
        tf = import_tensorflow("training")
        tf.config.experimental.enable_op_determinism()  # the same seed gives the same weights
        tf.random.set_seed(seed)  # op determinism insists, though nothing of ours draws from it
        self.recipe, self.splits, self.seed, self.start = recipe, splits, seed, start
        card = Card(labels=splits.classes, network={"hidden": list(recipe.hidden), "activation": recipe.activation})
        self.network, self._learner = build_network(card), build_network(card)
        for network in (self.network, self._learner):
            network.set_weights(start or initial_weights(network.get_weights(), recipe.initialiser, seed))
        self._step, self._optimizer = compile_step(self._learner, self.network, recipe, seed)
        self.done = 0  # iterations so far
        self.history: list[Progress] = []
        self._unimproved = 0  # checks since the best one
        self._best: tuple[float, list[NDArray[np.float32]]] = (-1.0, [])

    def run(self) -> Generator[Progress, None, None]:
        """Learn, and say after every few iterations how it goes; `network` is usable after each.

        With patience, `network` ends with the weights that were best on the validation split.
        """
        with closing(chunks(Minibatches(self.splits, self.recipe, self.seed), self.done, self._ends())) as batches:
            for chunk in batches:
                self._step(chunk.glyphs, chunk.labels, chunk.first)
                self.done = chunk.first + len(chunk.labels)
                progress = self._progress(chunk)
                self.history.append(progress)
                if progress.validation is not None:
                    self._keep_if_best(progress.validation)
                yield progress
                if self.recipe.patience and self._unimproved >= self.recipe.patience:
                    break
        self.go_back_to_best()

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

    def accuracy(self, data: Labelled) -> float:
        """Share of right labels, 0-1."""
        return float(np.mean(logits_of(self.network, data).argmax(axis=1) == data.labels))

    def _ends(self) -> list[int]:
        """Iterations after which training pauses: to report, to check, and the last."""
        last = self.recipe.iterations - 1
        reports, checks = range(0, last, REPORT_EVERY), range(CHECK_EVERY - 1, last, CHECK_EVERY)
        ends = {*reports, *(checks if self.recipe.patience else ()), last}
        return sorted(end for end in ends if end >= self.done)

    def _progress(self, chunk: Chunk) -> Progress:
        known = chunk.labels[-1] != OUTLIER
        glyphs, labels = chunk.glyphs[-1][known], chunk.labels[-1][known]
        logits = self.network(glyphs.astype(np.float32) / np.float32(255), training=False).numpy()
        iteration = chunk.first + len(chunk.labels) - 1
        due = (iteration + 1) % CHECK_EVERY == 0 or iteration == self.recipe.iterations - 1
        validation = self.accuracy(self.splits.validation) if self.recipe.patience and due else None
        accuracy = float(np.mean(logits.argmax(axis=1) == labels))
        rate = float(self._optimizer.learning_rate)
        return Progress(iteration, cross_entropy(logits, labels), accuracy, validation, rate)

    def _keep_if_best(self, validation: float) -> None:
        self._unimproved += 1
        if validation > self._best[0]:
            self._best = (validation, self.network.get_weights())
            self._unimproved = 0


def initial_weights(like: list[NDArray[np.float32]], initialiser: str, seed: int) -> list[NDArray[np.float32]]:
    """Starting weights for kernels (inputs, units) and biases (units,), drawn from `seed` by NumPy alone."""
    rng = np.random.default_rng(seed)
    lesson = initialiser == "lesson"
    weights = []
    for array in like:
        if array.ndim == 1:
            weights.append(np.full(array.shape, 0.1 if lesson else 0.0, np.float32))
        else:
            stddev = 0.1 if lesson else np.sqrt(2.0 / array.shape[0])
            weights.append((stddev * _truncated_normal(rng, array.shape)).astype(np.float32))
    return weights


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Standard normal values, those beyond two standard deviations drawn again, as TensorFlow does it."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values
