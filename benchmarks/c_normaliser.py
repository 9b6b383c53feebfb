"""Measure how often the C normaliser leads to the same glyph and the same label as the Python one.

    python benchmarks/c_normaliser.py --sets SETS [--ink dark|light] [--view PIXELS]

SETS has one folder for each set of images, and a set one sub-folder for each class; sub-folders `not_digit` are
skipped. The C sources are compiled with `cc`. Both normalisers take the grey scan of each image, of any size. The C
glyph is compared with the likeliest of Python's candidates; two glyphs are the same if no pixel differs by over two
grey levels. The label in Python is that of `classify`, which lets the built-in network decide between candidates; the
label in C is the same network's for the C glyph. A scan without a glyph is labelled `blank`.
"""

from __future__ import annotations

import ctypes
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
from sets import names_of_sets

from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.device.write import NORMALISER_SOURCES, TEMPLATES
from batchdigits.errors import BatchdigitsError
from batchdigits.files.sources import find
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.decide import decide
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.reports.evaluation import class_folders
from batchdigits.vision.decode import decode
from batchdigits.vision.normalise import Ink, propose
from batchdigits.vision.normalise_batch import Normalised

Glyph = NDArray[np.uint8]
Normalise = Callable[[Glyph], Glyph | None]

BLANK = "blank"
MAX_DIFFERENCE = 2  # grey levels: OpenCV rounds to fractions of a pixel and of a weight where C does not
MAX_WORKSPACE_BYTES = 1 << 20
INKS: tuple[Ink, ...] = ("auto", "dark", "light")  # in the order of `digits_ink`
COLUMNS = ("set", "images", "same glyph", "same label", "both or neither blank", "right in C", "right in Python")


class Pair(NamedTuple):
    """What both normalisers made of one scan.

    Attributes:
        label: the right one.
        in_c: the glyph in C, uint8 (28, 28); None for a blank scan.
        likeliest: the likeliest candidate in Python; None for a blank scan.
        in_python: the candidate that the network decides for; None for a blank scan.
    """

    label: str
    in_c: Glyph | None
    likeliest: Glyph | None
    in_python: Glyph | None


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
@click.option("--ink", type=click.Choice(INKS), default="auto", show_default=True, help="The ink, if it is known.")
@click.option("--view", type=click.IntRange(8, 255), default=160, show_default=True, help="DIGITS_VIEW, in pixels.")
def main(sets: str, ink: Ink, view: int) -> None:
    """Print the table in Markdown."""
    names = names_of_sets(sets)
    folders = {name: _digit_folders(os.path.join(sets, name)) for name in names}  # noqa: PTH118 - sources are strings
    runtime = load_runtime(PRETRAINED / "digits.tflite", second_look=False)
    with tempfile.TemporaryDirectory() as folder:
        in_c = _compiled(Path(folder), ink, view)
        click.echo(f"| {' | '.join(COLUMNS)} |\n| --- |{' ---: |' * (len(COLUMNS) - 1)}")
        rows = []
        for name in names:
            pairs = list(_pairs(folders[name], in_c, ink, runtime))
            rows.append(_shares(pairs, runtime))
            click.echo(_row(name, f"{len(pairs):,}", rows[-1]))
    click.echo(_row("**mean**", "", [fmean(column) for column in zip(*rows, strict=True)]))
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}; all sets have the same weight in the mean.")


def _row(name: str, images: str, shares: Iterable[float]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in (name, images, *(f"{x:.1%}" for x in shares)))


def _compiled(folder: Path, ink: Ink, view: int) -> Normalise:
    """The C normaliser as a Python function."""
    library = folder / "normalise.so"
    command = [
        "cc",
        "-std=c99",
        "-O2",
        "-shared",
        "-fPIC",
        f"-DDIGITS_VIEW={view}",
        *NORMALISER_SOURCES,
        "-o",
        str(library),
    ]
    try:
        subprocess.run(command, cwd=TEMPLATES, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise click.ClickException(f"cannot compile the C sources: {error}") from None
    function = ctypes.CDLL(str(library)).digits_normalise
    workspace = ctypes.create_string_buffer(MAX_WORKSPACE_BYTES)

    def call(scan: Glyph) -> Glyph | None:
        scan, glyph = np.ascontiguousarray(scan), np.zeros((28, 28), np.uint8)
        image, out = ctypes.c_void_p(scan.ctypes.data), ctypes.c_void_p(glyph.ctypes.data)
        found = function(image, scan.shape[1], scan.shape[0], scan.shape[1], INKS.index(ink), workspace, out)
        return glyph if found else None

    return call


def _digit_folders(path: str) -> list[str]:
    """The class folders of a set, without that of outliers."""
    try:
        folders = class_folders(path, tuple("0123456789"))
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    return [folder for folder in folders if Path(folder).name != NOT_DIGIT]


def _pairs(folders: Sequence[str], in_c: Normalise, ink: Ink, runtime: Runtime) -> Iterator[Pair]:
    for folder in folders:
        label = Path(folder).name
        for source in find([folder]):
            for page in decode(source):
                if page.scan is not None:
                    found = propose(page.scan, ink)
                    likeliest = found.glyphs[int(np.argmax(found.priors))] if found.glyphs else None
                    _, (chosen,) = decide([Normalised(source, found)], runtime, 0.0)
                    yield Pair(label, in_c(page.scan), likeliest, chosen)


def _shares(pairs: Sequence[Pair], runtime: Runtime) -> list[float]:
    """The shares of COLUMNS."""
    right = np.array([pair.label for pair in pairs])
    in_c = _labels([pair.in_c for pair in pairs], runtime)
    in_python = _labels([pair.in_python for pair in pairs], runtime)
    is_same = np.array([_is_same(pair.in_c, pair.likeliest) for pair in pairs])
    both = (in_c == BLANK) == (in_python == BLANK)
    return [float(np.mean(flags)) for flags in (is_same, in_c == in_python, both, in_c == right, in_python == right)]


def _is_same(glyph: Glyph | None, other: Glyph | None) -> bool:
    if glyph is None or other is None:
        return glyph is other
    return bool(np.abs(glyph.astype(int) - other).max() <= MAX_DIFFERENCE)


def _labels(glyphs: list[Glyph | None], runtime: Runtime) -> NDArray[np.str_]:
    labels = np.full(len(glyphs), BLANK)
    found = [index for index, glyph in enumerate(glyphs) if glyph is not None]
    if found:
        logits = runtime.logits(np.stack([glyph for glyph in glyphs if glyph is not None]))
        labels[found] = np.array(runtime.card.labels)[logits.argmax(axis=1)]
    return labels


if __name__ == "__main__":
    main()
