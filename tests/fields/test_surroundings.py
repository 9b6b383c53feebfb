"""A number on a piece of paper that something else surrounds, and what only looks like that."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from batchdigits.fields.ink import view_of
from batchdigits.fields.surroundings import find_paper
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.illumination import otsu
from tests.fields.conftest import Digits
from tests.fields.drawn import paper, write
from tests.fields.readings import read_fields

CORNERS = np.array([[40, 26], [300, 34], [288, 122], [30, 128]], np.float32)  # of a note, from above and aslant
SURE = 0.9


def note(field: NDArray[np.uint8], desk: int, grain: float = 4.0) -> NDArray[np.uint8]:
    """A field as a note that lies aslant on a desk."""
    height, width = field.shape
    own = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    scan = cv2.warpPerspective(
        field, cv2.getPerspectiveTransform(own, CORNERS), (330, 150), borderMode=cv2.BORDER_CONSTANT, borderValue=desk
    )
    noise = np.random.default_rng(desk).normal(0, grain, scan.shape)
    return (scan + noise).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("desk", [30, 90])
def test_a_number_on_a_note_on_a_desk_is_read(runtime: Runtime, mnist_digits: Digits, desk: int) -> None:
    field = paper(220, 80)
    write(field, *mnist_digits, "47208", at=25, top=22)
    (reading,) = read_fields([note(field, desk)], runtime)
    assert reading.value == "47208"
    assert reading.confidence > SURE
    left, top, right, bottom = (reading.digits[0].box[side] for side in range(4))
    assert CORNERS[:, 0].min() < left < right < 150
    assert CORNERS[:, 1].min() < top < bottom < CORNERS[:, 1].max()


def test_a_dark_note_on_a_bright_table_is_read(runtime: Runtime, mnist_digits: Digits) -> None:
    field = paper(220, 80)
    write(field, *mnist_digits, "47208", at=25, top=22)
    (reading,) = read_fields([note(field // 2, 250)], runtime)
    assert reading.value == "47208"


def test_a_number_that_reaches_the_edge_of_its_note_is_not_sure(runtime: Runtime, mnist_digits: Digits) -> None:
    field = paper(220, 80)
    write(field, *mnist_digits, "47208", at=0, top=22)
    (reading,) = read_fields([note(field[:, 10:], 30)], runtime)
    assert reading.confidence <= 0.5


def test_a_large_note_is_looked_at_in_steps(runtime: Runtime, mnist_digits: Digits) -> None:
    field = paper(220, 80)
    write(field, *mnist_digits, "47208", at=25, top=22)
    scan = cv2.resize(note(field, 30), None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    inside = find_paper(scan, otsu(scan))
    assert inside is not None
    assert inside.shape == scan.shape
    assert read_fields([scan], runtime)[0].value == "47208"


def test_paper_in_the_light_of_a_lamp_is_no_note(mnist_digits: Digits) -> None:
    scan = paper(330, 150)
    write(scan, *mnist_digits, "472089135", at=5, top=60)
    y, x = np.mgrid[:150, :330]
    lit = np.where(((x - 165) / 120) ** 2 + ((y - 75) / 70) ** 2 < 1, 1.0, 0.45)
    scan = (scan * cv2.GaussianBlur(lit, (0, 0), 3)).astype(np.uint8)
    assert find_paper(scan, otsu(scan)) is None
    assert view_of(scan).beyond is None


@pytest.mark.parametrize("pen", [3, 9, 14])
def test_bright_strokes_on_a_blackboard_are_no_note(pen: int) -> None:
    scan = np.full((100, 300), 40, np.uint8)
    for middle in (60, 150, 240):
        cv2.ellipse(scan, (middle, 50), (30, 40), 0, 0, 360, 230, pen)
    assert find_paper(scan, otsu(scan)) is None


def test_a_plain_field_has_no_surroundings(mnist_digits: Digits) -> None:
    scan = paper(240)
    write(scan, *mnist_digits, "47208", at=30)
    cv2.rectangle(scan, (1, 1), (238, 62), 60, 3)
    assert view_of(scan).beyond is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_any_patch_on_any_ground_gives_a_view(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scan = np.full(rng.integers(1, 120, 2), rng.integers(0, 256), np.uint8)
    top, bottom, left, right = rng.integers(0, 120, 4).tolist()
    scan[min(top, bottom) : max(top, bottom), min(left, right) : max(left, right)] = rng.integers(0, 256)
    scan = (scan + rng.normal(0, rng.choice([0.0, 9.0]), scan.shape)).clip(0, 255).astype(np.uint8)
    view = view_of(scan)
    assert view.beyond is None or view.beyond.shape == view.ink.shape
