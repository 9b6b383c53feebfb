"""Batch normalisation while a network learns, and none in the trained network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batchdigits.datasets.labelled import Splits
from batchdigits.inference.card import Card
from batchdigits.inference.tensorflow_runtime import build_network
from batchdigits.learning.batch_normalisation import folded, unfolded, with_batch_normalisation
from batchdigits.learning.checkpoint import resume, write_checkpoint
from batchdigits.learning.initial_weights import network_of
from batchdigits.learning.recipes import NANO
from batchdigits.learning.train import prepare_training
from batchdigits.learning.training import Training

tf = pytest.importorskip("tensorflow")

RECIPE = replace(NANO, weight_bits=0, filters=(2, 3, 4), hidden=(5,), batch_normalisation=True, iterations=6, reuse=1)
PICTURES = np.random.default_rng(1).random((8, 784), np.float32)


@pytest.fixture(scope="module")
def splits(npz_file: Path) -> Splits:
    return prepare_training("lesson", [npz_file]).splits


@pytest.fixture(scope="module")
def whole(splits: Splits) -> Training:
    """A training that has ended."""
    training = Training(RECIPE, splits, seed=3)
    list(training.run())
    return training


def test_the_folded_weights_give_the_same_logits() -> None:
    network = build_network(Card(labels=tuple("0123456789"), network=network_of(RECIPE)))
    learner = with_batch_normalisation(network)
    rng = np.random.default_rng(2)
    learner.set_weights([rng.uniform(0.5, 1.5, array.shape).astype(np.float32) for array in learner.get_weights()])
    expected = learner(PICTURES, training=False).numpy()
    network.set_weights(folded(learner.get_weights()))
    assert np.allclose(network(PICTURES, training=False).numpy(), expected, rtol=1e-4)


def test_a_network_starts_as_the_one_without() -> None:
    network = build_network(Card(labels=tuple("0123456789"), network=network_of(RECIPE)))
    learner = with_batch_normalisation(network)
    learner.set_weights(unfolded(network.get_weights()))
    # The small number that is added to every variance of 1 lowers each hidden layer's outputs a little.
    assert np.allclose(learner(PICTURES, training=False), network(PICTURES, training=False), rtol=0.01, atol=0.01)


def test_the_same_seed_gives_the_same_network_after_an_interruption(
    whole: Training, splits: Splits, tmp_path: Path
) -> None:
    half = Training(RECIPE, splits, seed=3)
    next(half.run())
    write_checkpoint(half, tmp_path / "half.npz")
    rest = Training(RECIPE, splits, seed=3)
    resume(rest, tmp_path / "half.npz")
    list(rest.run())
    for found, expected in zip(rest.network.get_weights(), whole.network.get_weights(), strict=True):
        assert np.array_equal(found, expected)


def test_training_moves_the_running_means_and_their_average(whole: Training) -> None:
    state = {name: array.astype(np.float32) for name, array in whole.state().items() if array.dtype == np.float32}
    # Kernel, bias, scale, offset, running mean and running variance of the first convolution.
    kernel, bias, scale, offset, mean, variance = (state[f"network_{index}"] for index in range(6))
    assert np.abs(state["learner_4"]).max() > 0 < np.abs(mean).max()
    factor = scale / np.sqrt(variance + np.float32(1e-3))
    found_kernel, found_bias = whole.network.get_weights()[:2]
    assert np.allclose(found_kernel, kernel * factor)
    assert np.allclose(found_bias, (bias - mean) * factor + offset)
