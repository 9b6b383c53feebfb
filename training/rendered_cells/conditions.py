"""Kinds of paper, light, pen and camera."""

from __future__ import annotations

import cv2
import numpy as np

from rendered_cells.sheet import Field, Kind, Rng, Sheet, draw_box

# Paper.


def _plain(sheet: Sheet, rng: Rng) -> None:
    """Bare paper."""


def textured(sheet: Sheet, rng: Rng) -> None:
    """Paper with a coarse structure, or the print of its other side shining through."""
    strength = rng.uniform(0.01, 0.035)
    for scale in (1.0, 0.02 * sheet.side, 0.06 * sheet.side):
        sheet.print *= 1.0 + np.float32(strength) * _smooth_noise(sheet.size, scale, rng)


def _smooth_noise(size: tuple[int, int], deviation: float, rng: Rng) -> Field:
    """Noise that is even over a length in pixels, with a standard deviation of 1."""
    noise = cv2.GaussianBlur(rng.standard_normal(size, dtype=np.float32), (0, 0), max(0.5, deviation))
    return np.asarray(noise / max(float(noise.std()), 1e-6), np.float32)


def _screened(sheet: Sheet, rng: Rng) -> None:
    """A raster of dots, as a printer makes grey."""
    pitch, angle = rng.uniform(2.5, max(4.0, 0.05 * sheet.side)), rng.choice([0.0, 45.0, 15.0, 75.0])
    across, along = _waves(sheet.size, pitch, angle), _waves(sheet.size, pitch, angle + 90.0)
    dots = np.clip((across + along) * 1.5 - rng.uniform(0.0, 1.5), 0.0, 1.0)
    sheet.print *= (1.0 - rng.uniform(0.08, 0.35) * dots).astype(np.float32)
    sheet.ink = min(sheet.ink, 0.45)


def _hatched(sheet: Sheet, rng: Rng) -> None:
    """Parallel lines over the whole cell, crossed by others in some cells."""
    pitch, angle = rng.uniform(3.0, max(5.0, 0.07 * sheet.side)), rng.uniform(0.0, 180.0)
    strength, level = rng.uniform(0.08, 0.35), rng.uniform(0.3, 0.9)
    for turn in (0.0, 90.0)[: int(rng.integers(1, 3))]:
        lines = np.clip((_waves(sheet.size, pitch, angle + turn) - np.float32(level)) * 4.0, 0.0, 1.0)
        sheet.print *= (1.0 - strength * lines).astype(np.float32)
    sheet.ink = min(sheet.ink, 0.45)


def _waves(size: tuple[int, int], pitch: float, degrees: float) -> Field:
    """Plane waves from -1 to 1."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float32)
    angle = np.radians(degrees)
    waves: Field = np.cos((np.cos(angle) * x + np.sin(angle) * y) * (2 * np.pi / pitch)).astype(np.float32)
    return waves


def _specks(sheet: Sheet, rng: Rng) -> None:
    """Dust and dirt."""
    height, width = sheet.size
    for _ in range(int(rng.integers(1, 9))):
        at = rng.uniform(0.0, 1.0, 2) * (width, height)
        length = rng.uniform(0.0, 0.02) * sheet.side
        line = np.array([at, at + length * rng.uniform(-1.0, 1.0, 2)])
        sheet.draw(line, max(1.0, rng.uniform(0.005, 0.03) * sheet.side), rng.uniform(0.1, 0.8))


# Light.


def vignette(sheet: Sheet, rng: Rng) -> None:
    """Light that falls off from a place towards the corners."""
    x, y = _coordinates(sheet.size)
    middle = rng.uniform(-0.4, 0.4, 2)
    sheet.light *= 1.0 - np.float32(rng.uniform(0.08, 0.3)) * ((x - middle[0]) ** 2 + (y - middle[1]) ** 2)
    np.maximum(sheet.light, 0.25, out=sheet.light)


def _coordinates(size: tuple[int, int]) -> tuple[Field, Field]:
    """The coordinates x and y of each pixel, from -1 to 1."""
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j].astype(np.float32)
    return x, y


def _across(sheet: Sheet, rng: Rng, reach: float) -> Field:
    """The distance of each pixel to a random straight line, which passes the middle within `reach`."""
    x, y = _coordinates(sheet.size)
    angle = rng.uniform(0.0, 2 * np.pi)
    distance: Field = (np.cos(angle) * x + np.sin(angle) * y - rng.uniform(-reach, reach)).astype(np.float32)
    return distance


def gradient(sheet: Sheet, rng: Rng) -> None:
    """Light from one side."""
    sheet.light *= 1.0 + np.float32(rng.uniform(0.05, 0.3)) * _across(sheet, rng, 0.0)


def soft_shadow(sheet: Sheet, rng: Rng) -> None:
    """A shadow with a soft edge."""
    shade = np.clip(_across(sheet, rng, 0.6) / rng.uniform(0.3, 1.2) + 0.5, 0.0, 1.0)
    sheet.light *= 1.0 - np.float32(rng.uniform(0.1, 0.5)) * shade * shade * (3.0 - 2.0 * shade)


def _hard_shadow(sheet: Sheet, rng: Rng) -> None:
    """A shadow whose edge is a few pixels wide."""
    softness = rng.uniform(1.0, 5.0) * 2.0 / sheet.side
    sheet.light *= 1.0 - np.float32(rng.uniform(0.15, 0.5)) * np.clip(_across(sheet, rng, 0.7) / softness, 0.0, 1.0)


def _lamp_spot(sheet: Sheet, rng: Rng) -> None:
    """A bright spot on darker paper."""
    x, y = _coordinates(sheet.size)
    middle, radii = rng.uniform(-0.8, 0.8, 2), rng.uniform(0.2, 0.9, 2)
    spot = np.exp(-(((x - middle[0]) / radii[0]) ** 2) - ((y - middle[1]) / radii[1]) ** 2)
    depth = rng.uniform(0.1, 0.5)
    sheet.light *= 1.0 - np.float32(depth) * (1.0 - spot)


# Pen and camera.


def _faint_pencil(sheet: Sheet, rng: Rng) -> None:
    """Pencil 15 to 40 grey levels darker than the paper, which takes it unevenly; with a box in some cells."""
    contrast = rng.uniform(15.0, 40.0)
    sheet.paper = float(rng.uniform(140.0, 255.0))
    sheet.ink = float(1.0 - contrast / sheet.paper)
    sheet.noise = float(min(sheet.noise, contrast / 10))
    sheet.grain = np.clip(1.0 + np.float32(0.2) * _smooth_noise(sheet.size, 0.8, rng), 0.0, 1.2)
    if rng.random() < 0.3:
        sheet.line = float(1.0 - rng.uniform(0.3, 2.0) * contrast / sheet.paper)
        draw_box(sheet)


def out_of_focus(sheet: Sheet, rng: Rng) -> None:
    """Blur."""
    sheet.blur = float(rng.uniform(0.01, 0.035) * sheet.side)


def _noisy(sheet: Sheet, rng: Rng) -> None:
    """The noise of a camera in little light."""
    noise = rng.uniform(5.0, 16.0)
    sheet.noise = float(min(noise, (1.0 - sheet.ink) * sheet.paper / 5))
    sheet.blur = float(rng.uniform(0.0, 0.8))


def _jpeg(sheet: Sheet, rng: Rng) -> None:
    """A file that was compressed hard."""
    sheet.jpeg = int(rng.integers(12, 45))


PAPERS: dict[str, Kind] = {
    "plain": _plain,
    "textured": textured,
    "screened": _screened,
    "hatched": _hatched,
    "specks": _specks,
}
LIGHTS: dict[str, Kind] = {
    "vignette": vignette,
    "gradient": gradient,
    "soft shadow": soft_shadow,
    "hard shadow": _hard_shadow,
    "lamp spot": _lamp_spot,
}
CAMERAS: dict[str, Kind] = {
    "faint pencil": _faint_pencil,
    "out of focus": out_of_focus,
    "noisy": _noisy,
    "jpeg": _jpeg,
}
