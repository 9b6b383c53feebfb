"""Measure how often the C normaliser gives the same glyph and the same label as the Python one.

    python benchmarks/c_normaliser.py --sets SETS [--ink dark|light]

SETS has one folder for each set of images, and a set one sub-folder for each class; sub-folders `not_digit` are
skipped. The C sources are compiled with `cc`. Both normalisers take the grey scan of each image, of any size. The C
glyph is compared with the likeliest of Python's candidates; two glyphs are the same if no pixel differs by over two
grey levels. Both are labelled by the built-in int8 network, in the integer arithmetic of the C sources. A scan without
a glyph is labelled `blank`. The last columns leave out the scans in which Python finds printed lines, as C has no such
step.
"""

from __future__ import annotations

import ctypes
import math
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.device.arithmetic import run
from batchdigits.device.layers import read_layers
from batchdigits.device.write import NORMALISER_SOURCES, TEMPLATES
from batchdigits.errors import BatchdigitsError
from batchdigits.files.natural_order import natural_key
from batchdigits.files.sources import find
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import read_model_file
from batchdigits.reports.evaluation import class_folders
from batchdigits.vision.decode import decode
from batchdigits.vision.normalise import Ink, propose

Glyph = NDArray[np.uint8]
Normalise = Callable[[Glyph], Glyph | None]

BLANK = "blank"
MAX_DIFFERENCE = 2  # grey levels: OpenCV rounds to fractions of a pixel and of a weight where C does not
WORKSPACE_BYTES = 1 << 20  # more than `digits_workspace` has with its default view
INKS: tuple[Ink, ...] = ("auto", "dark", "light")  # in the order of `digits_ink`
COLUMNS = ("set", "images", "same glyph", "same label", "right in C", "right in Python")
COLUMNS_WITHOUT_LINES = ("without lines", "same glyph", "same label")


class Pair(NamedTuple):
    """What both normalisers made of one scan.

    Attributes:
        label: the right one.
        in_c: the glyph in C, uint8 (28, 28); None for a blank scan.
        in_python: the likeliest candidate in Python; None for a blank scan.
        has_lines: whether Python found printed lines.
    """

    label: str
    in_c: Glyph | None
    in_python: Glyph | None
    has_lines: bool


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
@click.option("--ink", type=click.Choice(INKS), default="auto", show_default=True, help="The ink, if it is known.")
def main(sets: str, ink: Ink) -> None:
    """Print the table in Markdown."""
    names = sorted((entry.name for entry in os.scandir(sets) if entry.is_dir()), key=natural_key)
    if not names:
        raise click.ClickException(f"{sets}: no sets in it")
    with tempfile.TemporaryDirectory() as folder:
        in_c = _compiled(Path(folder), ink)
        columns = COLUMNS + COLUMNS_WITHOUT_LINES
        click.echo(f"| {' | '.join(columns)} |\n| --- |{' ---: |' * (len(columns) - 1)}")
        rows = []
        for name in names:
            pairs = list(_pairs(os.path.join(sets, name), in_c, ink))  # noqa: PTH118 - sources are strings
            plain = [pair for pair in pairs if not pair.has_lines]
            rows.append((_shares(pairs), _shares(plain)[:2]))
            click.echo(_row(name, f"{len(pairs):,}", rows[-1][0], f"{len(plain):,}", rows[-1][1]))
    click.echo(_row("**mean**", "", _mean([row for row, _ in rows]), "", _mean([row for _, row in rows])))
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}; all sets have the same weight in the mean.")


def _row(name: str, images: str, shares: Sequence[float], plain_images: str, plain: Sequence[float]) -> str:
    cells = [name, images, *map(_percent, shares), plain_images, *map(_percent, plain)]
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{share:.1%}"


def _mean(rows: Iterable[Sequence[float]]) -> list[float]:
    """The mean of each column, without the sets that have no value."""
    columns = [[share for share in column if not math.isnan(share)] for column in zip(*rows, strict=True)]
    return [fmean(column) if column else math.nan for column in columns]


def _compiled(folder: Path, ink: Ink) -> Normalise:
    """The C normaliser as a Python function."""
    library = folder / "normalise.so"
    command = ["cc", "-std=c99", "-O2", "-shared", "-fPIC", *NORMALISER_SOURCES, "-o", str(library)]
    try:
        subprocess.run(command, cwd=TEMPLATES, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise click.ClickException(f"cannot compile the C sources: {error}") from None
    function = ctypes.CDLL(str(library)).digits_normalise
    workspace = ctypes.create_string_buffer(WORKSPACE_BYTES)

    def call(scan: Glyph) -> Glyph | None:
        scan, glyph = np.ascontiguousarray(scan), np.zeros((28, 28), np.uint8)
        image, out = ctypes.c_void_p(scan.ctypes.data), ctypes.c_void_p(glyph.ctypes.data)
        found = function(image, scan.shape[1], scan.shape[0], scan.shape[1], INKS.index(ink), workspace, out)
        return glyph if found else None

    return call


def _pairs(path: str, in_c: Normalise, ink: Ink) -> Iterator[Pair]:
    try:
        folders = class_folders(path, tuple("0123456789"))
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    for folder in folders:
        label = Path(folder).name
        for source in find([folder]) if label != NOT_DIGIT else ():
            for page in decode(source):
                if page.scan is not None:
                    found = propose(page.scan, ink)
                    likeliest = found.glyphs[int(np.argmax(found.priors))] if found.glyphs else None
                    yield Pair(label, in_c(page.scan), likeliest, found.has_lines)


def _shares(pairs: Sequence[Pair]) -> list[float]:
    """The shares of pairs with the same glyph, the same label, and the right label in C and in Python; NaN of none."""
    if not pairs:
        return [math.nan] * 4
    right = np.array([pair.label for pair in pairs])
    in_c, in_python = _labels([pair.in_c for pair in pairs]), _labels([pair.in_python for pair in pairs])
    is_same = np.array([_is_same(pair.in_c, pair.in_python) for pair in pairs])
    return [float(np.mean(flags)) for flags in (is_same, in_c == in_python, in_c == right, in_python == right)]


def _is_same(glyph: Glyph | None, other: Glyph | None) -> bool:
    if glyph is None or other is None:
        return glyph is other
    return bool(np.abs(glyph.astype(int) - other).max() <= MAX_DIFFERENCE)


def _labels(glyphs: list[Glyph | None]) -> NDArray[np.str_]:
    layers = read_layers(read_model_file(PRETRAINED / "digits.tflite").payload)
    labels = np.full(len(glyphs), BLANK)
    found = [index for index, glyph in enumerate(glyphs) if glyph is not None]
    if found:
        logits = run(layers, np.stack([glyph for glyph in glyphs if glyph is not None]))
        labels[found] = logits.argmax(axis=1).astype(str)
    return labels


if __name__ == "__main__":
    main()
