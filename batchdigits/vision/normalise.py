"""Turn a scan of one handwritten digit into the glyph that MNIST would have made of it."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Glyph = NDArray[np.uint8]  # (28, 28)
Ink = Literal["auto", "dark", "light"]

NORMALISER_VERSION = 1

SIDE = 28  # MNIST's picture
BOX = 20  # the box that the ink of an MNIST digit fits
CENTRE = 14.0  # where MNIST puts the centre of mass, in pixel indices
WORK = 160  # longest side worked on: eight times the box, so even thin strokes keep their grey edge
LEAST_CONTRAST = 18.0  # grey levels between paper and ink; faint pencil is about 30, paper grain under 10
MOST_SHEAR = 0.8  # tan(slant); moments of a wide 2 or 7 can ask for more than any writer's slant


def normalise(scan: Image, ink: Ink = "auto", *, deslant: bool = True) -> tuple[Image, ...]:
    """Frame the digit of a grey scan, uint8 (H, W), as MNIST's glyphs are: uint8 (28, 28), ink 255 on 0.

    Returns no glyph for a blank scan, one where the polarity is sure, two (likelier first) where it is not.
    """
    work = _shrink(scan)
    threshold, _ = cv2.threshold(work, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = work > threshold
    if light.all() or not light.any() or _contrast(work, light) < LEAST_CONTRAST:
        return ()
    readings = [ink == "light"] if ink != "auto" else _polarities(light)
    glyphs = (_frame(_lift(work if is_light else 255 - work, light == is_light), deslant) for is_light in readings)
    return tuple(glyph for glyph in glyphs if glyph is not None)


def _shrink(scan: Image) -> Image:
    """Bound the work on large scans."""
    scale = WORK / max(scan.shape)
    if scale >= 1:
        return scan
    size = (max(1, round(scan.shape[1] * scale)), max(1, round(scan.shape[0] * scale)))
    return cv2.resize(scan, size, interpolation=cv2.INTER_AREA)


def _contrast(work: Image, light: NDArray[np.bool_]) -> float:
    """How far the two sides of the threshold lie apart, in spreads if the picture is noise only, else in greys."""
    high, low = work[light], work[~light]
    gap = float(high.mean()) - float(low.mean())
    spread = float(high.std()) + float(low.std())
    return gap if gap > 1.5 * spread else 0.0  # Gaussian noise cut in half: gap is 1.3 spreads


def _polarities(light: NDArray[np.bool_]) -> list[bool]:
    """Is the ink light? The paper owns the border; both answers, likelier first, where the border is shared."""
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]]).mean()
    area = light.mean()
    ink_is_light = bool(border + area < 1.0)
    agrees = (border < 0.5) == (area < 0.5)
    sure = agrees and abs(border - 0.5) > 0.2
    return [ink_is_light] if sure else [ink_is_light, not ink_is_light]


def _lift(work: Image, ink: NDArray[np.bool_]) -> Image:
    """Set the paper to 0 and the ink's peak to 255; `work` has its ink bright."""
    paper = work[~ink]
    floor = float(np.median(paper))
    noise = float(np.median(np.abs(paper - floor)))
    floor += 4.5 * noise  # three standard deviations of the grain
    peak = float(np.percentile(work[ink], 90))
    lifted = (work - floor) * (255.0 / max(peak - floor, 1.0))
    return np.clip(lifted + 0.5, 0, 255).astype(np.uint8)


def _frame(ink: Image, deslant: bool) -> Image | None:
    """Scale the ink to MNIST's box, aspect kept, and set its centre of mass where MNIST does."""
    if deslant:
        ink = _deslant(_crop(ink, 3))
    ink = _crop(ink, 0)
    if not ink.size:
        return None
    height, width = ink.shape
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = ink
    if size != (width, height):
        small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        small = cv2.convertScaleAbs(small, alpha=255.0 / max(1, int(small.max())))
    mass = cv2.moments(small)
    x = CENTRE - mass["m10"] / mass["m00"]
    y = CENTRE - mass["m01"] / mass["m00"]
    left = min(max(round(x), 0), SIDE - size[0])
    top = min(max(round(y), 0), SIDE - size[1])
    glyph = np.zeros((SIDE, SIDE), np.uint8)
    glyph[top : top + size[1], left : left + size[0]] = small
    return glyph


def _crop(ink: Image, margin: int) -> Image:
    """Cut the ink's bounding box out, with a margin where the picture has one."""
    x, y, width, height = cv2.boundingRect(ink)
    return ink[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]


def _deslant(ink: Image) -> Image:
    """Shear the rows until x and y of the ink are uncorrelated."""
    mass = cv2.moments(ink)
    if mass["mu02"] <= 0:
        return ink
    shear = min(max(mass["mu11"] / mass["mu02"], -MOST_SHEAR), MOST_SHEAR)
    height, width = ink.shape
    pad = round(abs(shear) * height / 2) + 1
    turn = np.array([[1.0, -shear, pad + shear * height / 2], [0.0, 1.0, 0.0]])
    return cv2.warpAffine(ink, turn, (width + 2 * pad, height), flags=cv2.INTER_LINEAR)
