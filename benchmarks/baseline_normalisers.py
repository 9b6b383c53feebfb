"""Two simpler normalisers, which `accuracy_table.py` compares with the one of the package."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def plain_resize(scan: Image) -> tuple[Image, ...]:
    """As in most tutorials: invert a scan, uint8 (H, W), if its border is light, and resize it to 28x28."""
    border = np.concatenate([scan[0], scan[-1], scan[:, 0], scan[:, -1]])
    light_on_dark = 255 - scan if border.mean() > 127 else scan
    return (np.asarray(cv2.resize(light_on_dark, (28, 28), interpolation=cv2.INTER_AREA), np.uint8),)


def first_version(scan: Image) -> tuple[Image, ...]:
    """The first normaliser of the package: Otsu, polarity by the border, deslant, 20x20, centre of mass.

    Returns:
        A glyph for each polarity that is plausible, the likelier first; none for a scan without ink.
    """
    scale = 160 / max(scan.shape)
    if scale < 1:
        size = (max(1, round(scan.shape[1] * scale)), max(1, round(scan.shape[0] * scale)))
        scan = np.asarray(cv2.resize(scan, size, interpolation=cv2.INTER_AREA), np.uint8)
    light = scan > cv2.threshold(scan, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]
    if light.all() or not light.any():
        return ()
    inks = [_remove_background(scan if is_light else 255 - scan, light == is_light) for is_light in _polarities(light)]
    upright = [_crop(_deslant(_crop(ink, margin=3)), margin=0) for ink in inks]
    return tuple(_frame(ink) for ink in upright if ink.size)


def _polarities(light: NDArray[np.bool_]) -> list[bool]:
    """Whether ink is light; both answers, the likelier first, where background and ink share the border."""
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]).mean()
    area = light.mean()
    likelier = bool(border + area < 1)
    is_clear = (border < 0.5) == (area < 0.5) and abs(border - 0.5) > 0.2
    return [likelier] if is_clear else [likelier, not likelier]


def _remove_background(scan: Image, ink: NDArray[np.bool_]) -> Image:
    """Set the background and its noise to 0, and the ink's peak to 255."""
    floor = float(np.median(scan[~ink]))
    floor += 4.5 * float(np.median(np.abs(scan[~ink] - floor)))
    peak = float(np.percentile(scan[ink], 90))
    stretched = (scan - floor) * (255 / max(peak - floor, 1.0)) + 0.5
    return np.asarray(np.clip(stretched, 0, 255), np.uint8)


def _crop(ink: Image, margin: int) -> Image:
    x, y, width, height = cv2.boundingRect(ink)
    return ink[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]


def _deslant(ink: Image) -> Image:
    """Shear the rows so that x and y of the ink are uncorrelated."""
    mass = cv2.moments(ink) if ink.size else {"mu02": 0.0}
    if mass["mu02"] <= 0:
        return ink
    shear = min(max(mass["mu11"] / mass["mu02"], -0.8), 0.8)
    height, width = ink.shape
    pad = round(abs(shear) * height / 2) + 1
    matrix = np.array([[1.0, -shear, pad + shear * height / 2], [0.0, 1.0, 0.0]])
    return np.asarray(cv2.warpAffine(ink, matrix, (width + 2 * pad, height)), np.uint8)


def _frame(ink: Image) -> Image:
    """Scale the longer side to 20 pixels and move the centre of mass to (14, 14) in 28x28."""
    scale = 20 / max(ink.shape)
    width, height = (max(1, round(side * scale)) for side in ink.shape[::-1])
    small = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    mass = cv2.moments(small)
    left = min(max(round(14 - mass["m10"] / max(mass["m00"], 1)), 0), 28 - width)
    top = min(max(round(14 - mass["m01"] / max(mass["m00"], 1)), 0), 28 - height)
    glyph = np.zeros((28, 28), np.uint8)
    glyph[top : top + height, left : left + width] = small
    return glyph
