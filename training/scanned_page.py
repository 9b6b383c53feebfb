"""Tilt a drawn field, and scan it."""

from __future__ import annotations

import cv2
import numpy as np
from drawing import Layer, Page, Rng
from numpy.typing import NDArray


def tilted(page: Page, rng: Rng) -> Page:
    """The page turned a little, in a slight perspective."""
    tall, wide = page.other.shape
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    moved = corners + (0.012 * tall * rng.standard_normal((4, 2))).astype(np.float32)
    slope = np.tan(np.radians(1.5 * rng.standard_normal()))
    moved[:, 1] += np.float32(slope) * (corners[:, 0] - wide / 2)
    moved[:, 0] -= np.float32(slope) * (corners[:, 1] - tall / 2)
    to_page = cv2.getPerspectiveTransform(corners, moved)

    def moved_layer(layer: Layer) -> Layer:
        warped = cv2.warpPerspective(layer, to_page, (wide, tall), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.clip(warped, 0, 1), np.float32)

    digits = np.stack([moved_layer(layer) for layer in page.digits])
    return page._replace(digits=digits, other=moved_layer(page.other), lines=moved_layer(page.lines))


def scanned(page: Page, rng: Rng) -> NDArray[np.uint8]:
    """A scan of the page: uneven light, texture, blur, grain, JPEG, few pixels, two levels, light on dark."""
    tall, wide = page.other.shape
    paper = rng.uniform(185, 252)
    depth = min(rng.uniform(40, 90) if rng.random() < 0.2 else rng.uniform(90, 190), paper - 8)
    y, x = np.mgrid[:tall, :wide].astype(np.float32)
    light = paper + rng.uniform(-18, 18) * (y / tall - 0.5) + rng.uniform(-25, 25) * (x / wide - 0.5)
    ink = np.maximum(page.digits.max(axis=0), page.other)
    if rng.random() < 0.4:
        ink = ink * (1 + 0.5 * cv2.GaussianBlur(rng.standard_normal((tall, wide)).astype(np.float32), (0, 0), 1.0))
    scan = light - depth * np.maximum(ink, page.lines * page.darkness)
    blur = rng.uniform(0, 1.4)
    if blur > 0.3:
        scan = cv2.GaussianBlur(scan, (0, 0), min(blur, 1.1))
    scan = np.clip(scan + rng.uniform(0.5, 6) * rng.standard_normal(scan.shape), 0, 255).astype(np.uint8)
    if rng.random() < 0.06:
        scan = np.where(scan < paper - depth * rng.uniform(0.3, 0.6), 0, 255).astype(np.uint8)
    elif rng.random() < 0.4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))]
        scan = cv2.imdecode(cv2.imencode(".jpg", scan, quality)[1], cv2.IMREAD_GRAYSCALE)
    return np.asarray(255 - scan if rng.random() < 0.1 else scan, np.uint8)
