"""A pen's ink, and paler ink that touches it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from batchdigits.vision.normalise import propose
from tests.vision.test_normalise import likeness

PEN = 30  # grey level on white


def _crossed(level: int, width: int = 30, side: int = 120) -> np.ndarray:
    """A ring on white, and a bar across it of a grey level and a width in pixels, in a square scan."""
    scan = np.full((120, 120), 255, np.uint8)
    if width:
        scan[60 : 60 + width, 10:110] = level
    cv2.ellipse(scan, (60, 60), (22, 36), 0, 0, 360, PEN, 8)
    return np.asarray(cv2.resize(scan, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def test_the_darker_ink_alone_may_be_the_digit() -> None:
    (alone,) = propose(_crossed(0, 0)).glyphs
    for scan in (_crossed(140), 255 - _crossed(140)):
        crossed = propose(scan)
        assert crossed.priors == (1.0, 1.0)
        assert likeness(crossed.glyphs[0], alone) < 0.8
        assert likeness(crossed.glyphs[1], alone) > 0.95


def test_in_a_cell_too() -> None:
    (alone,) = propose(_crossed(0, 0)).glyphs
    scan = np.pad(_crossed(140), 10, constant_values=255)
    cv2.rectangle(scan, (6, 6), (133, 133), 60, 3)
    assert max(likeness(glyph, alone) for glyph in propose(scan).glyphs) > 0.95


@pytest.mark.parametrize(
    ("level", "width", "side"),
    [
        pytest.param(115, 40, 120, id="nearly as dark"),
        pytest.param(140, 30, 39, id="in a tight crop"),
    ],
)
def test_ink_of_one_level(level: int, width: int, side: int) -> None:
    assert propose(_crossed(level, width, side)).priors == (1.0,)


def test_a_pen_that_fades_has_no_two_levels() -> None:
    scan = _crossed(0, 0).astype(np.float32)
    left = np.append(np.ones(40), np.linspace(0.35, 0.9, 80))
    faded = 255 - (255 - scan) * left[:, None]
    assert propose(np.rint(faded).astype(np.uint8)).priors == (1.0,)


def test_a_dark_spot_on_a_stroke_is_not_all_of_the_ink() -> None:
    scan = np.full((120, 120), 255, np.uint8)
    cv2.ellipse(scan, (60, 60), (22, 36), 0, 0, 360, 150, 8)
    scan[90:98, 56:64] = PEN
    assert propose(scan).priors == (1.0,)
