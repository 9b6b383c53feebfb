"""to_grey: scans of more than 8 bits that fill a small part of their range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from batchdigits.vision.grey import to_grey

INK = np.zeros((60, 80), bool)
INK[10:50, 30:38] = True


def sheet(paper: float, ink: float, kind: Any = np.uint16) -> NDArray[Any]:
    """A stroke on paper, with a grey edge."""
    values = np.where(INK, float(ink), float(paper))
    values[10:50, 38] = (ink + paper) / 2
    return values.astype(kind)


def contrast(values: NDArray[Any]) -> float:
    """Grey levels between the ink and the paper of a sheet's scan."""
    scan = to_grey(values).astype(float)
    return abs(float(np.median(scan[~INK])) - float(np.median(scan[INK])))


@pytest.mark.parametrize(
    ("paper", "ink", "kind"),
    [
        (31000, 30000, np.uint16),  # 4 of 256 grey levels
        (60000, 59000, np.uint32),
        (-20000, -20900, np.int16),
        (0.52, 0.50, np.float32),
        (0.52, 0.50, np.float64),
        (17.0, 12.0, np.float32),
        (1e6 + 300, 1e6, np.float64),
    ],
)
def test_a_scan_that_fills_a_small_part_of_its_range_is_stretched(paper: float, ink: float, kind: Any) -> None:
    assert contrast(sheet(paper, ink, kind)) > 200
    assert contrast(np.dstack([sheet(paper, ink, kind)] * 3)) > 200


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
@pytest.mark.parametrize("hot", [65535, 0])
def test_a_hot_or_dead_pixel_costs_no_contrast(kind: Any, hot: float) -> None:
    values = sheet(30900, 30000, kind)
    values[3, 3] = hot
    assert contrast(values) > 200
    scan = to_grey(values)
    assert scan[3, 3] == (255 if hot else 0)


@pytest.mark.parametrize(
    ("paper", "ink", "kind", "hot"),
    [(0.9, 0.1, np.float32, 1e30), (3900, 100, np.uint16, 65535), (3900, 100, np.uint32, 1 << 31), (9, 0, float, -1e9)],
)
def test_a_hot_pixel_far_beyond_the_range_of_the_others(paper: float, ink: float, kind: Any, hot: float) -> None:
    values = sheet(paper, ink, kind)
    values[3, 3] = hot
    assert contrast(values) > 200


def test_missing_values_become_paper() -> None:
    values = sheet(30900, 30000, np.float32)
    values[:, 70:] = np.nan
    assert contrast(values) > 200
    assert np.ptp(to_grey(values)[:, 60:]) == 0


def test_missing_values_alone_are_a_flat_scan() -> None:
    assert np.ptp(to_grey(np.full((9, 9), np.nan))) == 0


def test_ink_that_a_page_has_little_of_is_no_hot_pixel() -> None:
    values = np.full((500, 400), 31000, np.uint16)
    values[100:130, 100:103] = 30000
    assert to_grey(values)[110, 101] < 10
    assert to_grey(values)[0, 0] > 245


@pytest.mark.parametrize("light", [0, 400])
@pytest.mark.parametrize("noise", [0, 5, 60, 500])
def test_the_noise_and_the_light_of_an_empty_sheet_stay_faint(noise: float, light: float) -> None:
    values = 30000 + np.random.default_rng(0).normal(0, noise, (60, 80)) + np.linspace(0, light, 80)
    scan = to_grey(values.astype(np.uint16))
    assert np.abs(np.diff(scan.astype(int), axis=1)).mean() < 10  # normal noise of 8 grey levels has 9
    assert np.ptp(scan.mean(axis=0)) <= 120


def test_ink_in_noise_is_still_stretched() -> None:
    noise = np.random.default_rng(0).normal(0, 30, INK.shape)
    assert contrast((sheet(31000, 30000, float) + noise).astype(np.uint16)) > 200


@settings(max_examples=100)
@given(
    arrays(np.uint8, st.sampled_from([(9, 7), (9, 7, 3), (1, 1), (40, 50)]), elements=st.integers(180, 200)),
    st.sampled_from([257, 256, 16]),
)
def test_a_copy_of_an_8_bit_scan_in_16_bits_gives_the_same(pale: NDArray[np.uint8], factor: int) -> None:
    assert np.array_equal(to_grey(pale.astype(np.uint16) * factor), to_grey(pale))
    assert np.array_equal(to_grey(pale.astype(np.uint16)), to_grey(pale))


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint32, np.int64, np.uint64])
def test_integers_of_8_bits_in_any_type_are_kept(kind: Any) -> None:
    assert np.array_equal(to_grey(sheet(120, 100, kind)), sheet(120, 100, np.uint8))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [1, 1 / 255])
def test_a_copy_of_an_8_bit_scan_in_floats_gives_the_same(kind: Any, factor: float) -> None:
    pale = sheet(200, 180, np.uint8)
    assert np.array_equal(to_grey(pale.astype(kind) * kind(factor)), pale)


def test_transparency_is_not_stretched() -> None:
    grey = sheet(60000, 10000)
    clear = np.dstack([grey, grey, grey, np.full_like(grey, 65000)])
    clear[0, 0, 3] = 65535
    scan = to_grey(clear)
    assert np.ptp(scan[~INK]) < 130
    assert contrast(clear) > 180
