"""From decoded pixels of any kind to a scan: 8 bits, grey, opaque, with its ink preserved."""

from __future__ import annotations

import math
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
# A scan of more than 8 bits that fills less than this share of its range is stretched. Ink and paper that fill more
# are at least 64 grey levels apart.
MIN_FILLED_SHARE = 0.25
HOT_SHARE = 0.0002  # of the pixels, at either end: defects of a sensor; the ink of a small digit on a page has more
# A stretched range is not shorter than these. The light on an empty sheet varies by a few of the 256 grey levels, and
# its noise must not look like ink: 255 / 32 grey levels are the grain of rough paper.
MIN_STRETCHED_SHARE = 1 / 64  # of the range that the scan was written for
MIN_STRETCHED_NOISE = 32.0  # differences between neighbours, of which the median is about the noise's deviation
MAX_SAMPLES = 1 << 18  # pixels from which range and noise are taken, on a grid


def to_grey(pixels: NDArray[Any]) -> Scan:
    """Turn decoded pixels into a scan.

    Args:
        pixels: (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA with straight alpha, of any integer or floating type.

    Returns:
        uint8 (H, W).
    """
    if pixels.ndim == 2:
        return stretched_to_eight_bits(pixels)
    if pixels.shape[2] == 3:
        return _from_colour(stretched_to_eight_bits(pixels))
    return _from_alpha(stretched_to_eight_bits(pixels[:, :, :3]), to_eight_bits(pixels[:, :, 3]))


def is_flat(scan: Scan) -> bool:
    """Whether a scan varies so little that its ink may have the background's own luma."""
    return _deviation(scan) < FLAT_DEVIATION


def _deviation(scan: Scan) -> float:
    """The standard deviation of a scan's grey levels."""
    return float(cv2.meanStdDev(scan)[1][0, 0])


def stretched_to_eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale the samples of a picture to 0-255, by the range that they fill if that is a small part of their own.

    A few pixels far from all others do not count. What 8 bits hold without loss is not stretched, so that a scan gives
    the same in 8 and in 16 bits.

    Args:
        values: (H, W) or (H, W, 3), of any integer or floating type.
    """
    if values.dtype == np.uint8:
        return values
    values = _finite(values)
    low, high = _written_range(values)
    step = math.ceil(math.sqrt(values.size / MAX_SAMPLES))
    samples = values[::step, ::step]
    filled_low, filled_high = _filled_range(samples, values[::step, 1::step])
    if filled_high - filled_low < MIN_FILLED_SHARE * (high - low) and not _is_lossless(samples, low, high):
        return _scaled(values, filled_low, filled_high)
    return _by_written_range(values, low, high)


def to_eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale samples of any type to 0-255 by the range that they were written for, not by the one that they fill.

    Integers are shifted from the smallest even bit depth that holds their maximum to 8 bits (otherwise a 12-bit
    scanner's values in a 16-bit file would come out black). Floats from 0 to 1 are multiplied by 255, and other floats
    from 0 to 255 are rounded. Values outside that range are stretched from their minimum to their maximum.
    """
    if values.dtype == np.uint8:
        return values
    values = _finite(values)
    return _by_written_range(values, *_written_range(values))


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    """Integers as they are; others as float32, with the median in place of what is missing or infinite."""
    if values.dtype.kind in "iu":
        return values
    with np.errstate(over="ignore"):
        values = values.astype(np.float32, copy=False)  # a hundred million of them are 400 MB
    is_finite = np.isfinite(values)
    if is_finite.all():
        return values
    median = np.median(values[is_finite]) if is_finite.any() else 0.0
    return np.where(is_finite, values, np.float32(median))


def _written_range(values: NDArray[Any]) -> tuple[float, float]:
    """The lowest and the highest sample of the range that samples were written for; see `to_eight_bits`."""
    low, high = values.min().item(), values.max().item()
    if values.dtype.kind in "iu":
        bits = int(high).bit_length()
        return (0, (1 << bits + bits % 2) - 1) if low >= 0 else (low, high)
    if low > -0.5 and high < 1.5:  # fractions; resampling overshoots both ends a little
        return 0.0, 1.0
    return (0.0, 255.0) if low >= 0 and high <= 255 else (low, high)


def _by_written_range(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    if values.dtype.kind in "iu" and low == 0:
        return (values >> _extra_bits(high)).astype(np.uint8)
    return _scaled(values, low, high)


def _extra_bits(high: float) -> int:
    return max(0, int(high).bit_length() - 8)


def _scaled(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Scale samples from `low` to `high` to 0-255, and clip the others."""
    scaled = np.empty(values.shape, np.float32)  # worked on in place
    np.subtract(values, low, out=scaled, dtype=np.float64, casting="unsafe")
    scaled *= np.float32(255 / ((high - low) or 1))
    np.rint(scaled, out=scaled)
    np.clip(scaled, 0, 255, out=scaled)
    return scaled.astype(np.uint8)


def _filled_range(samples: NDArray[Any], beside: NDArray[Any]) -> tuple[float, float]:
    """The range that nearly all samples fill, or a longer one where that is less than an empty sheet may fill.

    Args:
        samples: (H, W) or (H, W, 3), finite.
        beside: the samples to the right of these.
    """
    ordered = np.sort(samples, axis=None)
    hot = min(1 + int(HOT_SHARE * ordered.size), ordered.size // 2)
    ordered = ordered[hot : ordered.size - hot] if hot < ordered.size - hot else ordered
    low, high = ordered[0].item(), ordered[-1].item()
    written_low, written_high = _written_range(ordered)
    here = samples[:, : beside.shape[1]].astype(np.float64)
    noise = float(np.median(np.abs(here - beside))) if here.size else 0.0
    length = max(high - low, MIN_STRETCHED_SHARE * (written_high - written_low), MIN_STRETCHED_NOISE * noise)
    return (low + high - length) / 2, (low + high + length) / 2


def _is_lossless(samples: NDArray[Any], low: float, high: float) -> bool:
    """Whether 8 bits hold the samples: 8-bit ones that were shifted, or multiplied by 257 or 1/255."""
    scaled = _by_written_range(samples, low, high)
    if samples.dtype.kind == "f":
        unit = high / 255
        return high in (1.0, 255.0) and np.allclose(unit * scaled, samples, rtol=0, atol=1e-3 * unit)
    copy = scaled.astype(np.int64)
    return np.array_equal(copy << _extra_bits(high), samples) or np.array_equal(copy * 257, samples)


def _from_colour(bgr: NDArray[np.uint8]) -> Scan:
    """Rec. 601 luma; where ink and background have the same luma (red on green), the channel that separates them."""
    luma = _luma(bgr)
    deviation = _deviation(luma)
    if deviation >= FLAT_DEVIATION:
        return luma
    deviations = cv2.meanStdDev(bgr)[1].ravel()
    best = int(deviations.argmax())
    if deviations[best] > max(MAX_CHROMA_NOISE, MIN_CHANNEL_GAIN * deviation):
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
