from __future__ import annotations

import numpy as np
import pytest

from batchdigits.inference.card import Card
from batchdigits.inference.choose import choose_model
from batchdigits.inference.decide import scores
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Glyphs, Logits
from batchdigits.inference.second_look import DOUBT, VIEWS, SecondLook, look_again
from tests.conftest import Arrays

CARD = Card(labels=("0", "1"), network={"hidden": [8], "activation": ""}, rejects=True)


class Brightness:
    """A stand-in for a network: its logits are the brightness of a glyph's left and right half."""

    card = CARD

    def logits(self, glyphs: Glyphs) -> Logits:
        halves = [glyphs[:, :, :14].mean(axis=(1, 2)), glyphs[:, :, 14:].mean(axis=(1, 2))]
        return np.asarray(np.stack(halves, axis=1) / 8, np.float32)


def glyph(left: int, right: int) -> Glyphs:
    picture = np.zeros((1, 28, 28), np.uint8)
    picture[:, 4:24, 4:14], picture[:, 4:24, 14:24] = left, right
    return picture


def test_only_a_glyph_in_doubt_is_looked_at_again() -> None:
    glyphs = np.concatenate([glyph(200, 0), glyph(60, 57)])
    once = Brightness().logits(glyphs)
    assert [score >= DOUBT for score in scores(once, True)] == [True, False]
    again = SecondLook(Brightness(), Brightness()).logits(glyphs)
    assert np.array_equal(again[0], once[0])
    assert not np.array_equal(again[1], once[1])


def test_logits_are_the_mean_over_the_glyph_and_its_views() -> None:
    doubtful = glyph(60, 57)
    once = Brightness().logits(doubtful)
    views: list[Glyphs] = []

    def run(glyphs: Glyphs) -> Logits:
        views.append(glyphs)
        return Brightness().logits(glyphs)

    again = look_again(once, doubtful, True, run)
    (seen,) = views
    assert seen.shape == (len(VIEWS), 28, 28)
    expected = np.concatenate([once, Brightness().logits(seen)]).mean(axis=0)
    assert again[0] == pytest.approx(expected, abs=1e-5)
    assert len({view.tobytes() for view in seen} | {doubtful.tobytes()}) == len(VIEWS) + 1


def test_the_result_for_a_glyph_does_not_depend_on_the_others(small_mnist: Arrays) -> None:
    model = choose_model("tflite")
    runtime = SecondLook(load_runtime(model), load_runtime(model, len(VIEWS)))
    blurred = np.asarray(small_mnist["x_test"][:64] // 3, np.uint8)
    together = runtime.logits(blurred)
    assert (scores(load_runtime(choose_model("tflite")).logits(blurred), True) < DOUBT).any()
    assert np.array_equal(np.concatenate([runtime.logits(blurred[i : i + 1]) for i in range(64)]), together)


def test_a_runtime_looks_again_if_it_is_told_to() -> None:
    assert isinstance(load_runtime(choose_model("tflite"), second_look=True), SecondLook)
    assert not isinstance(load_runtime(choose_model("tflite")), SecondLook)


def test_tensorflow_and_litert_look_alike(small_mnist: Arrays) -> None:
    pytest.importorskip("tensorflow")
    faint = np.asarray(small_mnist["x_test"][:64] // 3, np.uint8)
    first, second = (
        load_runtime(choose_model(name), second_look=True).logits(faint) for name in ("tflite", "tensorflow")
    )
    assert (first.argmax(axis=1) == second.argmax(axis=1)).mean() > 0.9
