"""Small scans normalised together: the same glyphs, byte for byte, as one at a time."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TRAIN_IMAGES, read_idx
from batchdigits.vision.normalise import Candidates, Ink, normalise, propose
from batchdigits.vision.small_images import normalise_stack as module
from batchdigits.vision.small_images.normalise_stack import MAX_SIDE, MIN_STACK, normalise_stack

INKS = ["auto", "dark", "light"]
SIDES = st.integers(1, MAX_SIDE)


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return read_idx(MNIST / f"{TRAIN_IMAGES}.gz")[:500]


def check(scans: np.ndarray, ink: Ink = "auto", deslant: bool = True) -> None:
    """The stack gives the candidates that `propose` gives for each scan, and its scans do not change."""
    before = scans.copy()
    candidates = normalise_stack(scans, ink, deslant=deslant)
    assert len(candidates) == len(scans)
    for scan, together in zip(scans, candidates, strict=True):
        alone = propose(scan, ink, deslant=deslant)
        assert [glyph.tobytes() for glyph in together.glyphs] == [glyph.tobytes() for glyph in alone.glyphs]
        assert (together.priors, together.has_lines) == (alone.priors, alone.has_lines)
        assert all(glyph.shape == (28, 28) and glyph.dtype == np.uint8 for glyph in together.glyphs)
    assert np.array_equal(scans, before)


@settings(max_examples=60)
@given(
    arrays(np.uint8, st.tuples(st.integers(0, MIN_STACK + 2), SIDES, SIDES)),
    st.sampled_from(INKS),
    st.booleans(),
)
def test_any_stack(scans: np.ndarray, ink: Ink, deslant: bool) -> None:
    check(scans, ink, deslant)


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), SIDES, SIDES, st.sampled_from(INKS))
def test_random_strokes_and_dots(seed: int, height: int, width: int, ink: Ink) -> None:
    rng = np.random.default_rng(seed)
    scans = np.zeros((2 * MIN_STACK, height, width), np.uint8)
    for scan in scans:
        for _ in range(rng.integers(0, 4)):
            start, end = rng.integers(-2, (width + 2, height + 2), (2, 2)).tolist()
            cv2.line(scan, start, end, color=int(rng.integers(1, 256)), thickness=int(rng.integers(1, 5)))
    scans[::3] = 255 - scans[::3]
    check(scans, ink)


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("deslant", [True, False])
def test_mnist_digits(digits: np.ndarray, ink: Ink, deslant: bool) -> None:
    check(digits, ink, deslant)
    check(255 - digits, ink, deslant)


def test_a_hairline_that_grows_beyond_its_picture() -> None:
    scans = np.zeros((MIN_STACK, MAX_SIDE, MAX_SIDE), np.uint8)
    for index, scan in enumerate(scans):
        cv2.ellipse(scan, (19, 19), (12 + index % 4, 19), 0, 0, 360, 255, 1)
    check(scans)


def test_degraded_mnist_digits(digits: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    some = digits[:200]
    for scans in (
        np.array([cv2.dilate(digit, np.ones((4, 4))) for digit in some]),
        np.array([cv2.erode(digit, np.ones((2, 2))) for digit in some]),
        np.array([np.roll(digit, 8, axis=1) for digit in some]),
        np.where(rng.random(some.shape) < 0.002, 255, some).astype(np.uint8),
        (some * 0.05 + 30).astype(np.uint8),
        (some // 2).astype(np.uint8),
        np.clip(some * 0.7 + np.linspace(0, 120, 28), 0, 255).astype(np.uint8),
        np.clip(some + rng.normal(0, 6, some.shape), 0, 255).astype(np.uint8),
        some[:, 4:-4, 6:-6],
        np.where(some > 127, 255, 0).astype(np.uint8),
        some.transpose(0, 2, 1),
    ):
        check(scans)


@pytest.mark.parametrize(("edge", "rows"), [(0, 9), (1, 12)])
def test_scans_whose_dark_gaps_are_narrower_than_their_light_strokes_are_not_plain(edge: int, rows: int) -> None:
    comb = np.zeros((28, 28), np.uint8)
    comb[:rows] = comb[:, 2::6] = 255
    scans = np.repeat(np.pad(comb, edge)[None], MIN_STACK, axis=0)
    assert [glyph.tobytes() for glyph in normalise(scans[0])] != [g.tobytes() for g in normalise(scans[0], "light")]
    check(scans)


def test_only_scans_that_are_not_plain_are_normalised_alone(
    digits: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: list[np.ndarray] = []

    def note(scan: np.ndarray, ink: Ink, deslant: bool) -> Candidates:
        alone.append(scan)
        return Candidates()

    monkeypatch.setattr(module, "propose", note)
    broken = digits.copy()
    broken[:, 13:15] = 0
    for plain in (digits, 255 - digits, broken):
        normalise_stack(plain)
        assert len(alone) < 0.02 * len(plain)
        alone.clear()
    grain = np.random.default_rng(1).integers(1, 20, digits.shape, np.uint8)
    for not_plain in (np.maximum(digits, grain), digits[: MIN_STACK - 1]):
        normalise_stack(not_plain)
        assert len(alone) == len(not_plain)
        alone.clear()


def test_artifacts_are_removed_together_from_plain_scans_only(
    digits: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks: list[np.ndarray] = []

    def note(mask: np.ndarray, parts: object) -> list[object]:
        masks.append(mask)
        return []

    monkeypatch.setattr(module, "find_digits", note)
    broken = digits.copy()
    broken[:, 13:15] = 0
    normalise_stack(broken, "dark")
    assert not masks
    normalise_stack(broken, "light")
    assert masks
