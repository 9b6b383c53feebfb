"""Measure how well separators and signs are read: `python benchmarks/read_separators.py`.

Dates, decimal numbers and signed numbers are composed of MNIST's test digits, on plain paper or on a rule, with marks
as a pen draws them: points and commas on the base line or below it, dashes that may touch digits. `read` is told of
the separators that a kind has. A value is exact with its separators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from read_fields import digits_of, held_back, read_all, test_digits

from batchdigits.fields.decide_fields import REVIEW_THRESHOLD
from batchdigits.fields.reading import ReadOptions
from batchdigits.inference.choose import choose_model
from batchdigits.inference.load import load_runtime

Rng = np.random.Generator
Ink = NDArray[np.float32]  # (H, W), 0-1

HEIGHTS = 20.0, 50.0  # pixels of a digit
RULED_SHARE = 0.3  # of the fields
# In heights, from and to: where a point's middle is, how long commas and dashes are, and the gap beside marks.
POINT_ROWS, COMMAS, DASHES, GAPS = (-0.1, 0.1), (0.2, 0.9), (0.2, 0.5), (0.02, 0.3)
SLASH_WIDTHS, SLASH_TOPS = (0.15, 0.5), (0.95, 1.3)  # the same; of slashes, and how high they begin


class Kind(NamedTuple):
    """A kind of numbers: how one is drawn by lot, and what `read` is told of them."""

    value: Callable[[Rng], str]
    options: ReadOptions


def _date(mark: str) -> Callable[[Rng], str]:
    def value(rng: Rng) -> str:
        day, month, year = (int(rng.integers(*ends)) for ends in ((1, 32), (1, 13), (1990, 2027)))
        forms = f"{day}/{month}/{year}", f"{day:02}/{month:02}/{year}", f"{day:02}/{month:02}/{year % 100:02}"
        return str(rng.choice(forms)).replace("/", mark)

    return value


def _decimal(mark: str, sign: str = "") -> Callable[[Rng], str]:
    return lambda rng: f"{sign}{rng.integers(0, 10 ** rng.integers(1, 4))}{mark}{rng.integers(0, 10)}"


def _joined(mark: str) -> Callable[[Rng], str]:
    return lambda rng: f"{rng.integers(100, 1000)}{mark}{rng.integers(10, 100)}"


def _whole(rng: Rng) -> str:
    return str(rng.integers(10, 10 ** rng.integers(2, 6)))


ALL = ReadOptions(separators="./,-")
KINDS = {
    "12.3": Kind(_decimal("."), ReadOptions(separators=".,")),
    "12,3": Kind(_decimal(","), ReadOptions(separators=".,")),
    "-123": Kind(_decimal("", "-"), ReadOptions(signed=True)),
    "30.6.2016": Kind(_date("."), ReadOptions(separators=".")),
    "30-6-2016": Kind(_date("-"), ReadOptions(separators="-")),
    "30/6/2016": Kind(_date("/"), ReadOptions(separators="/")),
    "123-45": Kind(_joined("-"), ReadOptions(separators="-")),
    "123.45, all separators": Kind(_joined("."), ALL),
    "123, all separators": Kind(_whole, ALL),
    "123, `--signed`": Kind(_whole, ReadOptions(signed=True)),
}


@click.command()
@click.option("--fields", type=click.IntRange(min=1), default=500, show_default=True, help="Of each kind.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--validation", is_flag=True, help="Of digits that training holds back, to choose weights by.")
def main(fields: int, seed: int, validation: bool) -> None:
    """Print a line for each kind of numbers."""
    runtime = load_runtime(choose_model(None))
    images, labels = held_back("mnist") if validation else test_digits()
    click.echo(f"| numbers | fields | exact | `ok` | wrong `ok` | by a mark alone |\n| --- |{' ---: |' * 5}")
    for name, kind in KINDS.items():
        rng = np.random.default_rng(seed)
        values = [kind.value(rng) for _ in range(fields)]
        scans = [_field(value, images, labels, rng) for value in values]
        readings = read_all(scans, runtime, kind.options)
        is_exact = np.array([reading.value == value for reading, value in zip(readings, values, strict=True)])
        has_digits = np.array(
            [digits_of(reading.value) == digits_of(value) for reading, value in zip(readings, values, strict=True)]
        )
        is_ok = np.array([reading.confidence >= REVIEW_THRESHOLD for reading in readings])
        wrong = is_ok & ~is_exact
        shares = f"{is_exact.mean():.1%} | {is_ok.mean():.1%}"
        click.echo(f"| {name} | {fields} | {shares} | {wrong.sum()} | {(wrong & has_digits).sum()} |")


def _field(value: str, images: NDArray[np.uint8], labels: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """The scan of a number."""
    height, gap = rng.uniform(*HEIGHTS), rng.uniform(0.05, 0.3)
    pen = max(1, round(height * rng.uniform(0.07, 0.12)))
    base, x = round(1.7 * height), height * rng.uniform(0.4, 1.0)
    ink = np.zeros((round(2.5 * height), round(1.2 * height * (len(value) + 2))), np.float32)
    for character in value:
        if character.isdigit():
            x += height * gap * np.exp(0.3 * rng.standard_normal())
            digit = _digit(images[rng.choice(np.flatnonzero(labels == int(character)))], height)
            top = base - len(digit) + round(0.03 * height * rng.standard_normal())
            place = ink[top : top + len(digit), round(x) : round(x) + digit.shape[1]]
            np.maximum(place, digit, out=place)
            x += digit.shape[1]
        else:
            x = _draw_mark(ink, character, x, base, height, pen, rng)
    ink = ink[:, : round(x + height * rng.uniform(0.4, 1.0))]
    if rng.random() < RULED_SHARE:
        row = base + round(height * rng.uniform(0.0, 0.1))
        cv2.line(ink, (0, row), (ink.shape[1], row), float(rng.uniform(0.3, 0.8)), max(1, pen // 2))
    scan = rng.uniform(190, 250) - rng.uniform(80, 180) * cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.1))
    return np.asarray(np.clip(scan + rng.uniform(0.5, 5) * rng.standard_normal(scan.shape), 0, 255), np.uint8)


def _digit(image: NDArray[np.uint8], height: float) -> Ink:
    """The ink of a digit, so high that digits of the common size have a height."""
    x, y, wide, tall = cv2.boundingRect((image > 40).astype(np.uint8))
    size = max(1, round(wide * height / 20)), max(1, round(tall * height / 20))  # MNIST's digits have 20 pixels
    ink = image[y : y + tall, x : x + wide].astype(np.float32) / 255
    return np.asarray(np.clip(cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC), 0, 1), np.float32)


def _draw_mark(ink: Ink, mark: str, x: float, base: int, height: float, pen: int, rng: Rng) -> float:
    """Draw a separator or sign from a column on; returns the column behind it."""
    x += height * rng.uniform(*GAPS)
    if mark == ".":
        row = base + height * rng.uniform(*POINT_ROWS)
        cv2.circle(ink, (round(x), round(row)), max(1, round(0.8 * pen)), 1.0, -1, cv2.LINE_AA)
        return x + pen
    if mark == ",":
        length = height * rng.uniform(*COMMAS)
        points = [(x, base - 0.6 * length), (x + 0.15 * length, base), (x - 0.1 * length, base + 0.4 * length)]
    elif mark == "-":
        width, row = height * rng.uniform(*DASHES), base - height * rng.uniform(0.35, 0.6)
        points = [(x, row), (x + width, row + 0.05 * height * rng.standard_normal())]
    else:
        width = height * rng.uniform(*SLASH_WIDTHS)
        points = [(x, base + 0.15 * height), (x + width, base - height * rng.uniform(*SLASH_TOPS))]
    cv2.polylines(ink, [np.round(points).astype(np.int32)], False, 1.0, pen, cv2.LINE_AA)
    return max(column for column, _ in points) + height * rng.uniform(*GAPS) - height * 0.1


if __name__ == "__main__":
    main()
