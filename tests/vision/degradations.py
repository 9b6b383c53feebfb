"""Synthetic scans of MNIST digits, with one function for each degradation; deterministic for a seed."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Field = NDArray[np.float32]
Rng = np.random.Generator


def drawn(digit: Image, side: int) -> Field:
    """An MNIST digit enlarged to sharp ink: coverage 0-1, (side, side)."""
    big = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    soft = cv2.GaussianBlur(big, (0, 0), side / 28 / 3)
    coverage: Field = np.clip((soft - 115.0) / 25.0, 0, 1)  # steep, as the edges of a pen's strokes are sharp
    return coverage


def placed(
    digit: Image, rng: Rng, size: tuple[int, int] = (200, 300), share: tuple[float, float] = (0.6, 0.95)
) -> Field:
    """The ink of a digit at a random place on a page of `size`, coverage 0-1.

    `share` is the range for the side of the digit's 28x28 frame, as a share of the page's shorter side.
    """
    height, width = size
    side = int(rng.uniform(*share) * min(height, width))
    ink = np.zeros(size, np.float32)
    y, x = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    ink[y : y + side, x : x + side] = drawn(digit, side)
    return ink


def shot(ink: MatLike, background: Field | float, ink_level: float, rng: Rng, noise: float = 0.0) -> Image:
    """The scan of ink on a background, in grey levels; `noise` is the standard deviation of its grain."""
    coverage = np.asarray(ink, np.float32)
    picture = np.asarray(background, np.float32) * (1 - coverage) + ink_level * coverage
    if noise:
        picture = picture + rng.normal(0, noise, coverage.shape).astype(np.float32)
    scan: Image = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return scan


def _ramp(size: tuple[int, int], rng: Rng, low: float, high: float) -> Field:
    """A slope from `low` to `high` in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    slope = np.cos(angle) * x + np.sin(angle) * y
    slope = (slope - slope.min()) / np.ptp(slope)
    light: Field = (low + (high - low) * slope).astype(np.float32)
    return light


def _shadow(size: tuple[int, int], rng: Rng, softness: float) -> Field:
    """Light 1 and shadow 0; the edge crosses the middle of the page, and is `softness` pixels wide."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    across = np.cos(angle) * (x - size[1] * rng.uniform(0.3, 0.7)) + np.sin(angle) * (
        y - size[0] * rng.uniform(0.3, 0.7)
    )
    light: Field = np.clip(across / softness + 0.5, 0, 1).astype(np.float32)
    return light


def _rules(size: tuple[int, int], rng: Rng, squared: bool) -> Field:
    """The coverage of level ruled lines, and of upright ones if `squared`."""
    lines = np.zeros(size, np.float32)
    pitch = int(rng.integers(28, 70))
    thick = int(rng.integers(1, 4))
    for y in range(int(rng.integers(0, pitch)), size[0], pitch):
        lines[y : y + thick] = 1
    if squared:
        for x in range(int(rng.integers(0, pitch)), size[1], pitch):
            lines[:, x : x + thick] = 1
    return lines


def _flat(digit: Image, rng: Rng) -> Image:
    return shot(placed(digit, rng), 255, 0, rng)


def _card(digit: Image, rng: Rng) -> Image:
    return shot(placed(digit, rng), rng.uniform(10, 70), rng.uniform(150, 250), rng, 3)


def _grey(digit: Image, rng: Rng) -> Image:
    return shot(placed(digit, rng), rng.uniform(110, 220), rng.uniform(20, 70), rng, 5)


def _gradient(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    return shot(ink, _ramp(ink.shape, rng, 110, 240), 30, rng, 3)


def _hard_shadow(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    light = 0.5 + 0.5 * _shadow(ink.shape, rng, 3)
    return shot(np.zeros_like(ink), (225 * (1 - ink) + 40 * ink) * light, 0, rng, 3)


def _soft_shadow(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    light = 0.4 + 0.6 * _shadow(ink.shape, rng, 120)
    return shot(np.zeros_like(ink), (230 * (1 - ink) + 40 * ink) * light, 0, rng, 5)


def _vignette(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    return shot(
        np.zeros_like(ink), ((215 * (1 - ink) + 50 * ink) * (1 - 0.35 * (x * x + y * y))).astype(np.float32), 0, rng, 4
    )


def _ruled(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    return shot(ink, 240 - rng.uniform(30, 90) * _rules(ink.shape, rng, False), 30, rng, 3)


def _squared(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    return shot(ink, 240 - rng.uniform(30, 90) * _rules(ink.shape, rng, True), 30, rng, 3)


def _dark_ruled(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    return shot(np.maximum(ink, _rules(ink.shape, rng, False)), 240, 30, rng, 3)


def _dark_squared(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    return shot(np.maximum(ink, _rules(ink.shape, rng, True)), 240, 30, rng, 3)


def _boxed(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng, (160, 140), (0.75, 0.85))
    thick, inset = int(rng.integers(2, 7)), int(rng.integers(0, 6))
    cv2.rectangle(ink, (inset, inset), (139 - inset, 159 - inset), 1.0, thick)
    return shot(ink, 235, 40, rng, 3)


def _edge_line(digit: Image, rng: Rng) -> Image:
    ink = np.rot90(placed(digit, rng, (160, 160), (0.75, 0.9)), 0).copy()
    ink[int(rng.integers(146, 156)) :] = 1
    if rng.random() < 0.5:
        ink[:, : int(rng.integers(3, 10))] = 1
    return shot(ink, 235, 40, rng, 3)


def _small_box(digit: Image, rng: Rng) -> Image:
    ink = np.zeros((36, 36), np.float32)
    ink[4:32, 4:32] = digit / np.float32(255)
    cv2.rectangle(ink, (0, 0), (35, 35), 1.0, int(rng.integers(1, 3)))
    return shot(ink, 250, 10, rng)


def _specks(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    for _ in range(int(rng.integers(8, 25))):
        at = (int(rng.integers(0, ink.shape[1])), int(rng.integers(0, ink.shape[0])))
        cv2.circle(ink, at, int(rng.integers(0, 4)), 1.0, -1)
    return shot(ink, 240, 30, rng, 3)


def _salt_pepper(digit: Image, rng: Rng) -> Image:
    scan = _flat(digit, rng)
    dice = rng.random(scan.shape)
    scan[dice < 0.01] = 0
    scan[dice > 0.99] = 255
    return scan


def _jpeg(digit: Image, rng: Rng) -> Image:
    side = int(rng.choice([28, 60, 120, 200]))
    scan = shot(placed(digit, rng, (side, side), (0.9, 1.0)), 225, 35, rng, 4)
    file = cv2.imencode(".jpg", scan, [cv2.IMWRITE_JPEG_QUALITY, 15])[1]
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)


def _pencil(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng)
    return shot(ink * rng.uniform(0.7, 1.0, ink.shape).astype(np.float32), 225, 195, rng, 4)


def _felt(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng, (200, 200), (0.7, 0.9))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11))
    return shot(cv2.dilate(ink, kernel), 240, 30, rng, 3)


def skeleton(mask: Image) -> Image:
    """The lines of a mask thinned to one pixel, uint8 0/1 in and out: Zhang and Suen (1984)."""
    m = np.pad(mask, 1).astype(bool)
    while True:
        removed = 0
        for step in (0, 1):
            p = [np.roll(m, s, (0, 1)) for s in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))]
            n = sum(q.astype(int) for q in p)
            turns = sum((~p[i] & p[(i + 1) % 8]).astype(int) for i in range(8))
            a, b, c, d = p[0], p[2], p[4], p[6]
            is_outer = ~(a & b & c) & ~(b & c & d) if step == 0 else ~(a & b & d) & ~(a & c & d)
            peel = m & (n >= 2) & (n <= 6) & (turns == 1) & is_outer
            removed += int(peel.sum())
            m &= ~peel
        if not removed:
            return m[1:-1, 1:-1].astype(np.uint8)


def _hairline(digit: Image, rng: Rng) -> Image:
    """A 1-pixel pen on a picture of 600 pixels, not antialiased."""
    thin = skeleton((drawn(digit, 84) > 0.5).astype(np.uint8))
    k = int(rng.integers(4, 7))
    scan = np.full((600, 600), 255, np.uint8)
    oy, ox = int(rng.integers(0, 600 - 84 * k + 1)), int(rng.integers(0, 600 - 84 * k + 1))
    ys, xs = np.nonzero(thin)
    points = set(zip(ys.tolist(), xs.tolist(), strict=True))
    for y, x in points:
        cv2.circle(scan, (x * k + ox, y * k + oy), 0, 0, -1)
        for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
            if (y + dy, x + dx) in points:
                cv2.line(scan, (x * k + ox, y * k + oy), ((x + dx) * k + ox, (y + dy) * k + oy), 0, 1)
    return scan


def _tight(digit: Image, rng: Rng) -> Image:
    ink = drawn(digit, 140)
    x, y, w, h = cv2.boundingRect((ink > 0.5).astype(np.uint8))
    return shot(ink[y : y + h, x : x + w], 240, 20, rng)


def _tight_small(digit: Image, rng: Rng) -> Image:
    x, y, w, h = cv2.boundingRect((digit > 127).astype(np.uint8))
    return 255 - digit[y : y + h, x : x + w]


def _tight_thick(digit: Image, rng: Rng) -> Image:
    ink = cv2.dilate(drawn(digit, 140), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    x, y, w, h = cv2.boundingRect((ink > 0.5).astype(np.uint8))
    return shot(ink[y : y + h, x : x + w], 240, 20, rng)


def _tight_square(digit: Image, rng: Rng) -> Image:
    return ((cv2.resize(_tight(digit, rng), (28, 28), interpolation=cv2.INTER_AREA) > 127) * 255).astype(np.uint8)


def _tiny8(digit: Image, rng: Rng) -> Image:
    x, y, w, h = cv2.boundingRect((digit > 60).astype(np.uint8))
    s = max(w, h)
    frame = np.zeros((s, s), np.uint8)
    frame[(s - h) // 2 : (s - h) // 2 + h, (s - w) // 2 : (s - w) // 2 + w] = digit[y : y + h, x : x + w]
    return np.asarray(cv2.resize(frame, (8, 8), interpolation=cv2.INTER_AREA), np.uint8)


def _tiny16(digit: Image, rng: Rng) -> Image:
    return np.asarray(cv2.resize(digit[3:25, 3:25], (16, 16), interpolation=cv2.INTER_AREA), np.uint8)


def _bilevel16(digit: Image, rng: Rng) -> Image:
    return ((_tiny16(digit, rng) > 100) * 255).astype(np.uint8)


def _fax(digit: Image, rng: Rng) -> Image:
    scan = shot(cv2.GaussianBlur(placed(digit, rng, (120, 120), (0.5, 0.9)), (0, 0), 1), 230, 40, rng, 30)
    return ((scan > 127) * 255).astype(np.uint8)


def _broken(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng, (200, 200), (0.8, 0.95))
    ys, xs = np.nonzero(ink > 0.5)
    i = int(rng.integers(0, len(ys)))
    angle = rng.uniform(0, np.pi)
    far = np.array([np.cos(angle), np.sin(angle)]) * 400
    at = np.array([xs[i], ys[i]])
    start, stop = (at - far).astype(int).tolist(), (at + far).astype(int).tolist()
    cv2.line(ink, start, stop, 0.0, int(rng.integers(3, 9)))
    return shot(ink, 240, 30, rng, 3)


def _dashed(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng, (200, 200), (0.8, 0.95))
    y, x = np.mgrid[0:200, 0:200]
    ink[(x + y) % 30 < 7] = 0
    return shot(ink, 240, 30, rng, 3)


def _neighbours(digit: Image, rng: Rng) -> Image:
    ink = placed(digit, rng, (150, 150), (0.75, 0.8))
    side = int(rng.integers(0, 2)) * 140 + 5
    cv2.ellipse(ink, (int(rng.integers(20, 130)), side - 12 if side < 75 else side + 12), (18, 14), 0, 0, 360, 1.0, 5)
    return shot(ink, 200, 70, rng, 4)


def _blurred(digit: Image, rng: Rng) -> Image:
    scan = shot(placed(digit, rng, (120, 120), (0.7, 0.95)), 220, 40, rng, 6)
    return np.asarray(cv2.GaussianBlur(scan, (0, 0), 3.5), np.uint8)


DEGRADATIONS: dict[str, Callable[[Image, Rng], Image]] = {
    f.__name__[1:]: f
    for f in (
        _flat,
        _card,
        _grey,
        _gradient,
        _hard_shadow,
        _soft_shadow,
        _vignette,
        _ruled,
        _squared,
        _dark_ruled,
        _dark_squared,
        _boxed,
        _edge_line,
        _small_box,
        _specks,
        _salt_pepper,
        _jpeg,
        _pencil,
        _felt,
        _hairline,
        _tight,
        _tight_small,
        _tight_thick,
        _tight_square,
        _tiny8,
        _tiny16,
        _bilevel16,
        _fax,
        _broken,
        _dashed,
        _neighbours,
        _blurred,
    )
}
LIGHT_INK = {"card", "tiny8", "tiny16", "bilevel16"}  # the ink of all other degradations is dark
