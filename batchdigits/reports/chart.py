"""Line charts, drawn with Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from itertools import cycle
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from batchdigits.text import printable

FINE = 3  # everything is drawn so many times as large and scaled down, for smooth lines
WIDTH, HEIGHT = 470, 340  # pixels of a panel
LEFT, RIGHT, TOP, BOTTOM = 66, 16, 34, 48  # around its plot
GROUND, EDGE, GRID, TEXT = "#ffffff", "#8a93a0", "#e6e9ee", "#1c2430"
COLOURS = ("#1f6fb4", "#d1495b", "#2e8b57", "#b26a00", "#7b4fa3", "#3d9aa1", "#8c564b", "#e377c2")  # line by line
LONGEST = 24  # characters of a line's name


class Line(NamedTuple):
    """A line, or dots.

    Attributes:
        name: for the legend.
        points: (x, y) in the axes' units; what lies outside of the axes is drawn at their ends.
        sizes: radius of a dot at each point, in pixels; empty for a line.
        faint: whether it is a mere guide, grey, and not in the legend.
    """

    name: str
    points: Sequence[tuple[float, float]]
    sizes: Sequence[float] = ()
    faint: bool = False


class Axis(NamedTuple):
    """An axis with its ticks; the first and the last are its ends.

    Attributes:
        title: what it measures, with its unit.
        ticks: rising.
        form: how a tick is written.
        log: whether equal steps are equal factors; ticks are over 0 then.
    """

    title: str
    ticks: Sequence[float]
    form: str = "{:g}"
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value lies: 0 at the first tick, 1 at the last."""
        low, high = self.ticks[0], self.ticks[-1]
        value = min(max(value, low), high)
        if self.log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)


class Panel(NamedTuple):
    """One chart; `legend_left` says in which upper corner the lines' names stand."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    legend_left: bool = False


def png(panels: Sequence[Panel]) -> bytes:
    """The panels side by side as a PNG file; the same panels give the same bytes."""
    sheet = Image.new("RGB", (WIDTH * len(panels), HEIGHT), GROUND)
    for index, panel in enumerate(panels):
        sheet.paste(_draw(panel), (WIDTH * index, 0))
    file = BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()


def linear(title: str, low: float, high: float, form: str = "{:g}") -> Axis:
    """An axis from about `low` to about `high` with some five round ticks."""
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 6)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(title, [round(number * step, 12) for number in range(first, max(last, first + 1) + 1)], form)


def logarithmic(title: str, low: float, high: float) -> Axis:
    """An axis with a tick at each power of ten; `low` is over 0."""
    first = math.floor(math.log10(low) + 1e-9)
    last = max(first + 1, math.ceil(math.log10(high) - 1e-9))
    return Axis(title, [10.0**power for power in range(first, last + 1)], log=True)


def _draw(panel: Panel) -> Image.Image:
    picture = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), GROUND)
    pen = ImageDraw.Draw(picture)
    _axes(pen, panel)
    colours = cycle(COLOURS)
    for line in panel.lines:
        colour = EDGE if line.faint else next(colours)
        places = [_place(panel, x, y) for x, y in line.points]
        if line.sizes:
            for place, size in zip(places, line.sizes, strict=True):
                pen.circle(place, size * FINE, colour)
        if len(places) > 1:
            pen.line(places, colour, FINE if line.faint or line.sizes else 2 * FINE, joint="curve")
    _legend(pen, [printable(line.name) for line in panel.lines if not line.faint], panel.legend_left)
    return picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _axes(pen: ImageDraw.ImageDraw, panel: Panel) -> None:
    left, top, right, bottom = (FINE * edge for edge in (LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM))
    for tick in panel.x.ticks:
        x, _ = _place(panel, tick, panel.y.ticks[0])
        pen.line((x, top, x, bottom), GRID, FINE)
        pen.text((x, bottom + 6 * FINE), panel.x.form.format(tick), TEXT, _font(12), "mt")
    for tick in panel.y.ticks:
        _, y = _place(panel, panel.x.ticks[0], tick)
        pen.line((left, y, right, y), GRID, FINE)
        pen.text((left - 6 * FINE, y), panel.y.form.format(tick), TEXT, _font(12), "rm")
    pen.rectangle((left, top, right, bottom), outline=EDGE, width=FINE)
    pen.text(((left + right) / 2, (HEIGHT - 8) * FINE), panel.x.title, TEXT, _font(13), "mb")
    pen.text(
        (left, (TOP - 9) * FINE),
        f"{panel.title}: {panel.y.title}" if panel.y.title else panel.title,
        TEXT,
        _font(14),
        "lb",
    )


def _legend(pen: ImageDraw.ImageDraw, names: Sequence[str], left: bool) -> None:
    """The lines' names in their colours, one below the other."""
    if len(names) < 2:
        return
    for number, (name, colour) in enumerate(zip(names, cycle(COLOURS), strict=False)):
        text = name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
        place = ((LEFT + 10 if left else WIDTH - RIGHT - 10) * FINE, (TOP + 8 + 17 * number) * FINE)
        pen.text(place, text, colour, _font(12), "lt" if left else "rt")


def _place(panel: Panel, x: float, y: float) -> tuple[float, float]:
    across, up = panel.x.share(x), panel.y.share(y)
    return (
        FINE * (LEFT + across * (WIDTH - LEFT - RIGHT)),
        FINE * (HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)),
    )


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, the same on every machine."""
    return ImageFont.load_default(size * FINE)
