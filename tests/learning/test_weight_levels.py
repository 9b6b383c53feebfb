"""Weights of few levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.device.packed import LEVELS
from batchdigits.inference.tensorflow_runtime import import_tensorflow
from batchdigits.learning.weight_levels import levels_of, on_levels

SHAPES = [(40, 7), (3, 3, 4, 5)]


def kernel(shape: tuple[int, ...], seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A random kernel, whose units have weights of different size."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * rng.uniform(0.01, 3, shape[-1])).astype(np.float32)


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_weight_goes_to_the_nearest_of_its_units_levels(shape: tuple[int, ...], bits: int) -> None:
    before = kernel(shape).reshape(-1, shape[-1])
    after = on_levels(kernel(shape), bits).reshape(-1, shape[-1])
    scales = np.abs(after).max(axis=0)
    assert np.array_equal(scales, 2.0 ** np.floor(np.log2(np.abs(before).max(axis=0))))
    levels = np.arange(1 - 2**bits, 2**bits, 2) / (2**bits - 1)
    nearest = np.abs(before / scales - levels[:, None, None]).argmin(axis=0)
    assert np.allclose(after, levels[nearest] * scales, rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_weights_on_levels_stay_there_and_biases_are_as_they_were(shape: tuple[int, ...]) -> None:
    once = on_levels(kernel(shape), 4)
    assert np.array_equal(on_levels(once, 4), once)
    bias = np.linspace(-1, 1, 5, dtype=np.float32)
    assert np.array_equal(on_levels(bias, 4), bias)
    assert np.isfinite(on_levels(np.zeros((4, 2), np.float32), 4)).all()


@given(st.floats(0.05, 20), st.integers(0, 1000))
def test_int8_quantization_turns_the_levels_into_the_packed_integers(temperature: float, seed: int) -> None:
    scaled = on_levels(kernel((30, 4), seed), 4) / np.float32(temperature)
    tops = np.abs(scaled).max(axis=0)
    assert np.isin(np.rint(scaled / (tops / np.float32(127))), LEVELS).all()
    assert np.array_equal(np.log2(tops / tops[0]), np.rint(np.log2(tops / tops[0])))  # so one multiplier is enough


def test_the_compiled_function_gives_the_same_levels() -> None:
    tf = import_tensorflow("a test")
    compiled = tf.function(lambda array: levels_of(tf, array, 4))
    assert np.allclose(compiled(kernel((40, 7))).numpy(), on_levels(kernel((40, 7)), 4), rtol=1e-6)


def test_every_power_of_two_is_its_own_scale() -> None:
    powers = 2.0 ** np.arange(-19, 20, dtype=np.float32)
    assert np.array_equal(on_levels(np.stack([powers, -powers]), 4), np.stack([powers, -powers]))
