"""Kinds of printed lines around a digit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rendered_cells.conditions import out_of_focus
from rendered_cells.sheet import Kind, Rng, Sheet, bent, draw_box, inset, sides_of, turned


def _all_sides(sheet: Sheet, rng: Rng) -> None:
    """A line on each side."""
    draw_box(sheet)


def _some_sides(sheet: Sheet, rng: Rng) -> None:
    """Lines on one to three sides, from edge to edge or from corner to corner."""
    lines = sides_of(sheet.box, 1.0 if rng.random() < 0.6 else 0.0)
    chosen = rng.permutation(4)[: int(rng.integers(1, 4))]
    draw_box(sheet, [lines[index] for index in chosen])


def _partly_in_crop(sheet: Sheet, rng: Rng) -> None:
    """Lines that the scan's edge cuts along their length, or that end within the scan."""
    half = sheet.width / 2 / sheet.side
    sheet.box = inset(sheet.size, rng.uniform(-half, 1.5 * half, 4))
    lines = []
    for line in sides_of(sheet.box, 0.1):
        start, stop = (0.0, 1.0) if rng.random() < 0.5 else np.sort(rng.uniform(0.0, 1.0, 2))
        lines.append(line[0] + np.array([[start], [stop]]) * (line[1] - line[0]))
    chosen = rng.permutation(4)[: int(rng.integers(1, 5))]
    draw_box(sheet, [lines[index] for index in chosen])


def _tilted(sheet: Sheet, rng: Rng) -> None:
    """A box turned by one to five degrees."""
    sheet.box = turned(sheet.box, rng.uniform(1.0, 5.0) * rng.choice([-1, 1]))
    draw_box(sheet, sides_of(sheet.box, 0.3 if rng.random() < 0.5 else 0.0))


def _curved(sheet: Sheet, rng: Rng) -> None:
    """Sides that bend, as on paper that does not lie flat."""
    draw_box(sheet, [bent(line, rng.uniform(-0.04, 0.04), rng) for line in sides_of(sheet.box, 0.15)])


def _perspective(sheet: Sheet, rng: Rng) -> None:
    """A box whose sides are not parallel."""
    sheet.box = sheet.box + rng.uniform(-0.06, 0.06, (4, 2)) * sheet.side
    draw_box(sheet, sides_of(sheet.box, 0.3 if rng.random() < 0.5 else 0.0))


def _doubled(sheet: Sheet, rng: Rng) -> None:
    """Two parallel lines on some or all sides."""
    gap = max(2.0 * sheet.width, rng.uniform(0.02, 0.06) * sheet.side)
    outer = sheet.box + gap * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    overshoot = 0.2 if rng.random() < 0.4 else 0.0
    lines = sides_of(sheet.box, overshoot)
    lines += [line for line in sides_of(outer, overshoot) if rng.random() < 0.8]
    draw_box(sheet, lines)


def _thick_on_two_sides(sheet: Sheet, rng: Rng) -> None:
    """Two thick sides and two thin ones, as at the rim of a table."""
    widths = uneven_widths(sheet, rng)
    draw_box(sheet, sides_of(sheet.box, 0.3 if rng.random() < 0.6 else 0.0), widths)


def uneven_widths(sheet: Sheet, rng: Rng) -> list[float]:
    """The width of each side in pixels: two are thick."""
    thin, thick = max(1.0, 0.012 * sheet.side), max(2.0, rng.uniform(0.04, 0.09) * sheet.side)
    first = int(rng.integers(4))
    second = (first + int(rng.choice([1, 1, 2]))) % 4
    return [thick if index in (first, second) else thin for index in range(4)]


def _blurred_box(sheet: Sheet, rng: Rng) -> None:
    """Grey lines out of focus."""
    sheet.line = float(rng.uniform(0.5, 0.9))
    sheet.width = rng.uniform(0.03, 0.09) * sheet.side
    widths = [width * rng.uniform(0.4, 1.0) for width in [sheet.width] * 4]
    lines = sides_of(turned(sheet.box, rng.uniform(-1.5, 1.5)), 0.3)
    count = 4 if rng.random() < 0.6 else int(rng.integers(2, 4))
    chosen = rng.permutation(4)[:count]
    draw_box(sheet, [lines[index] for index in chosen], [widths[index] for index in chosen])
    out_of_focus(sheet, rng)


def _overshooting(sheet: Sheet, rng: Rng) -> None:
    """Lines that go on beyond the corners into the neighbouring cells, whose own lines may show."""
    sheet.box = turned(inset(sheet.size, rng.uniform(0.07, 0.2, 4)), rng.uniform(-1.5, 1.5))
    lines = sides_of(sheet.box, 0.5)
    if rng.random() < 0.4:
        gap = rng.uniform(0.04, 0.12) * sheet.side
        lines += sides_of(sheet.box + gap * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]), 0.5)
    draw_box(sheet, lines)


def _frame_inside(sheet: Sheet, rng: Rng) -> None:
    """A box with paper around it."""
    sheet.box = turned(inset(sheet.size, rng.uniform(0.1, 0.22, 4)), rng.uniform(-2.0, 2.0))
    draw_box(sheet)


def _thick_frame(sheet: Sheet, rng: Rng) -> None:
    """A thick frame that reaches to the scan's edge."""
    sheet.width = max(2.0, rng.uniform(0.03, 0.12) * sheet.side)
    sheet.box = inset(sheet.size, np.full(4, 0.4 * sheet.width / sheet.side))
    draw_box(sheet)


def _grid_rest(sheet: Sheet, rng: Rng) -> None:
    """The rest of a grid line along an edge, at times along two, or along a part of one."""
    sheet.width = float(np.exp(rng.uniform(0.0, np.log(max(1.5, 0.1 * sheet.side)))))
    sheet.line = float(rng.uniform(0.0, 0.6))
    away = rng.uniform(-0.3, 0.9) * sheet.width / sheet.side + rng.choice([0.0, 0.0, rng.uniform(0.0, 0.05)])
    sheet.box = turned(inset(sheet.size, np.full(4, away)), rng.choice([0.0, rng.uniform(-2.0, 2.0)]))
    lines = sides_of(sheet.box, 0.1)
    if rng.random() < 0.35:
        start, stop = np.sort(rng.uniform(0.0, 1.0, 2))
        lines = [line[0] + np.array([[start], [stop]]) * (line[1] - line[0]) for line in lines]
    chosen = rng.permutation(4)[: 2 if rng.random() < 0.3 else 1]
    draw_box(sheet, [lines[index] for index in chosen])


def _comb(sheet: Sheet, rng: Rng) -> None:
    """Short ticks at the sides, in most cases on a base line."""
    height = rng.uniform(0.12, 0.4)
    (left, right), bottom = sheet.box[[3, 2], 0], sheet.box[2, 1]
    top = bottom - height * sheet.side
    ticks = [np.array([(x, bottom), (x, top)]) for x in (left, right)]
    if rng.random() < 0.7:
        ticks.append(sides_of(sheet.box, 0.3)[2])
    draw_box(sheet, ticks)


def _neighbour_stroke(sheet: Sheet, rng: Rng) -> None:
    """A stroke of a neighbour that reaches in from an edge, with or without lines."""
    if rng.random() < 0.4:
        draw_box(sheet, sides_of(sheet.box, 0.3))
    height, width = sheet.size
    depth, along, drift = rng.uniform(0.04, 0.16), rng.uniform(0.1, 0.9), rng.uniform(-0.15, 0.15)
    inward = np.array([-0.05, 0.5, 1.0]) * depth
    if rng.random() < 0.4:
        inward[2] = -0.05 * depth  # an arc that goes out again
    sideways = along + np.array([0.0, 0.5, 1.0]) * drift
    curve = np.stack([_parabola(sideways), _parabola(inward)], axis=1)
    if rng.random() < 0.5:
        curve[:, 1] = 1.0 - curve[:, 1]
    if rng.random() < 0.5:
        curve = curve[:, ::-1]
    stroke = max(1.5, rng.uniform(0.02, 0.06) * sheet.side)
    sheet.draw(curve * np.array([width, height]), stroke, sheet.ink)


def _parabola(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thirteen values of the parabola through three that are equally far apart."""
    t = np.linspace(0.0, 1.0, 13)
    first, middle, last = values
    curve: NDArray[np.float64] = first * (2 * t - 1) * (t - 1) + middle * 4 * t * (1 - t) + last * t * (2 * t - 1)
    return curve


LINES: dict[str, Kind] = {
    "all sides": _all_sides,
    "some sides": _some_sides,
    "partly in crop": _partly_in_crop,
    "tilted": _tilted,
    "curved": _curved,
    "perspective": _perspective,
    "doubled": _doubled,
    "thick on two sides": _thick_on_two_sides,
    "blurred box": _blurred_box,
    "overshooting": _overshooting,
    "frame inside": _frame_inside,
    "thick frame": _thick_frame,
    "grid rest": _grid_rest,
    "comb": _comb,
    "neighbour stroke": _neighbour_stroke,
}
