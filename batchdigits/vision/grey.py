"""From decoded pixels of any kind to a scan: 8 bits, grey, opaque, with its ink preserved."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Scan = NDArray[np.uint8]  # (H, W)
Scans = NDArray[np.uint8]  # (N, H, W)

FLAT_DEVIATION = 24.0  # grey levels: most scans have a standard deviation of 30 to 120, pale photographs of 14 to 24
MIN_CHANNEL_GAIN = 2.0  # a colour channel that varies at least this many times as much as luma is taken instead
MAX_CHROMA_NOISE = 8.0  # grey levels: the standard deviation of chroma noise on an empty page is below this
MIN_OPAQUE_RANGE = 64  # grey levels: opaque pixels that span more hold a background too; ink alone spans less


def to_grey(pixels: NDArray[Any]) -> Scan:
    """Turn decoded pixels into a scan.

    Args:
        pixels: (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA with straight alpha, of any integer or floating type.

    Returns:
        uint8 (H, W).
    """
    if pixels.ndim == 2:
        return to_eight_bits(pixels)
    if pixels.shape[2] == 3:
        return _from_colour(to_eight_bits(pixels))
    return _from_alpha(to_eight_bits(pixels[:, :, :3]), to_eight_bits(pixels[:, :, 3]))


def is_flat(scan: Scan) -> bool:
    """Whether a scan varies so little that its ink may have the background's own luma."""
    return float(cv2.meanStdDev(scan)[1][0, 0]) < FLAT_DEVIATION


def to_eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale samples of any type to 0-255 by the range that they were written for, not by the one that they fill.

    Integers are shifted from the smallest even bit depth that holds their maximum to 8 bits (otherwise a 12-bit
    scanner's values in a 16-bit file would come out black). Floats from 0 to 1 are multiplied by 255, and other floats
    from 0 to 255 are rounded. Values outside that range are stretched from their minimum to their maximum.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind in "iu" and values.min() >= 0:
        bits = int(values.max()).bit_length()
        return (values >> max(0, bits + bits % 2 - 8)).astype(np.uint8)
    samples = values.astype(np.float32)  # a copy, worked on in place: a hundred million of them are 400 MB
    np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(samples.min()), float(samples.max())
    if low > -0.5 and high < 1.5:  # fractions; resampling overshoots both ends a little
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    samples -= np.float32(low)
    samples *= np.float32(255 / ((high - low) or 1))
    np.rint(samples, out=samples)
    np.clip(samples, 0, 255, out=samples)
    return samples.astype(np.uint8)


def _from_colour(bgr: NDArray[np.uint8]) -> Scan:
    """Rec. 601 luma; where ink and background have the same luma (red on green), the channel that separates them."""
    luma = _luma(bgr)
    if not is_flat(luma):
        return luma
    deviations = cv2.meanStdDev(bgr)[1].ravel()
    best = int(deviations.argmax())
    if deviations[best] > max(MAX_CHROMA_NOISE, MIN_CHANNEL_GAIN * float(luma.std())):
        return np.ascontiguousarray(bgr[:, :, best])
    return luma


def _luma(bgr: NDArray[np.uint8]) -> Scan:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)


def _from_alpha(bgr: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> Scan:
    """Composite a picture with transparency on a background that contrasts with its ink."""
    if alpha.min() == 255:
        return _from_colour(bgr)
    luma = _luma(bgr)
    opacity = alpha.astype(np.uint16)  # 255 x 255 + 127 still fits
    background = _background(luma, alpha)
    return ((luma * opacity + np.uint16(background) * (255 - opacity) + 127) // 255).astype(np.uint8)


def _background(luma: Scan, alpha: NDArray[np.uint8]) -> int:
    """The grey to composite on: that of the picture's own background if it has one, else the opposite of the ink's."""
    solid = (alpha == 255).astype(np.uint8)
    if 2 * cv2.countNonZero(solid) > luma.size:
        low, high, _, _ = cv2.minMaxLoc(luma, solid)
        if high - low > MIN_OPAQUE_RANGE:
            return int(np.median(luma[solid != 0]))
    return 255 if cv2.mean(luma, alpha)[0] < 128 else 0
