from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from batchdigits.errors import ModelFileError
from batchdigits.inference.card import DIGIT_NAMES, Card
from batchdigits.inference.choose import CONTEXT_NETWORK, PRETRAINED, choose_model
from batchdigits.inference.decide import scores
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Glyphs, Logits
from batchdigits.inference.second_look import DOUBT, OFFSET, TEMPERATURE, SecondLook, without_second_look
from tests.conftest import Arrays

CARD = Card(labels=DIGIT_NAMES, network={"hidden": [8], "activation": ""}, rejects=True)
LETTERS = replace(CARD, labels=("a", "b"))
SECOND = replace(CARD, labels=(*DIGIT_NAMES, "not_digit"))


class Brightness:
    """A stand-in for a network: the logits of 0 and 1 are the brightness of a glyph's halves, times a factor.

    With an eleventh label, for outliers, the logits are higher by one, and its logit is 1.
    """

    def __init__(self, factor: float, card: Card = CARD) -> None:
        self.card, self.seen, self._factor = card, 0, factor

    def logits(self, glyphs: Glyphs) -> Logits:
        self.seen += len(glyphs)
        halves = [glyphs[:, :, :14].mean(axis=(1, 2)), glyphs[:, :, 14:].mean(axis=(1, 2))]
        logits = np.full((len(glyphs), len(DIGIT_NAMES)), -50.0)
        logits[:, :2] = np.stack(halves, axis=1) * self._factor
        if len(self.card.labels) > len(DIGIT_NAMES):
            logits = np.column_stack([logits + 1, np.ones(len(glyphs))])
        return np.asarray(logits, np.float32)


def glyph(left: int, right: int) -> Glyphs:
    picture = np.zeros((1, 28, 28), np.uint8)
    picture[:, 4:24, 4:14], picture[:, 4:24, 14:24] = left, right
    return picture


def faint_digits(small_mnist: Arrays) -> Glyphs:
    """Glyphs of which some are in doubt."""
    faint = np.asarray(small_mnist["x_test"][:64] // 3, np.uint8)
    assert (scores(load_runtime(PRETRAINED / "tiny.tflite").logits(faint), True) < DOUBT).any()
    return faint


def test_a_glyph_in_doubt_gets_the_mean_of_two_networks() -> None:
    glyphs = np.concatenate([glyph(200, 0), glyph(60, 57)])
    first, second = Brightness(0.125), Brightness(0.5, SECOND)
    once = first.logits(glyphs)
    assert [score >= DOUBT for score in scores(once, True)] == [True, False]
    logits = SecondLook(first, second).logits(glyphs)
    assert second.seen == 1  # the second network is asked only where the first is in doubt
    assert np.array_equal(logits[0], once[0])
    second_logits = (Brightness(0.5).logits(glyphs)[1] / TEMPERATURE) - OFFSET
    assert logits[1] == pytest.approx((once[1] + second_logits) / 2)


def test_the_second_network_is_not_asked_without_doubt() -> None:
    second = Brightness(0.5, SECOND)
    SecondLook(Brightness(0.125), second).logits(glyph(200, 0))
    assert second.seen == 0


def test_a_model_with_other_labels_has_no_second_look() -> None:
    with pytest.raises(ModelFileError, match="labels are 0 to 9, in this order"):
        LETTERS.looks_again(True)
    assert not LETTERS.looks_again(False)
    assert not LETTERS.looks_again()


def test_the_result_for_a_glyph_does_not_depend_on_the_others(small_mnist: Arrays) -> None:
    model, faint = choose_model("tflite"), faint_digits(small_mnist)
    together = load_runtime(model, second_look=True).logits(faint)
    alone = load_runtime(model, 1, second_look=True)
    assert np.array_equal(np.concatenate([alone.logits(faint[i : i + 1]) for i in range(64)]), together)


def test_the_card_decides_on_a_second_look_unless_it_is_told_otherwise() -> None:
    built_in, tiny = PRETRAINED / "digits.tflite", PRETRAINED / "tiny.tflite"
    assert isinstance(load_runtime(built_in), SecondLook)
    assert not isinstance(load_runtime(tiny), SecondLook)
    assert isinstance(load_runtime(tiny, second_look=True), SecondLook)
    assert not isinstance(load_runtime(built_in, second_look=False), SecondLook)


def test_the_without_second_look_is_that_of_the_model_alone(small_mnist: Arrays) -> None:
    model, faint = choose_model("tflite"), faint_digits(small_mnist)
    once, twice = load_runtime(model, second_look=False), load_runtime(model)
    assert without_second_look(once) is once
    assert np.array_equal(without_second_look(twice).logits(faint), once.logits(faint))
    assert not np.array_equal(twice.logits(faint), once.logits(faint))


def test_the_second_network_is_no_model_of_the_first_ones_shape() -> None:
    assert load_runtime(CONTEXT_NETWORK).card.network["filters"]


def test_tensorflow_and_litert_look_alike(small_mnist: Arrays) -> None:
    pytest.importorskip("tensorflow")
    faint = faint_digits(small_mnist)
    first, second = (load_runtime(choose_model(name)).logits(faint) for name in ("tflite", "tensorflow"))
    assert (first.argmax(axis=1) == second.argmax(axis=1)).mean() > 0.9
