"""Measure how a model does on form cells: labelled sets, altered cells, empty cells and rendered ones.

    python benchmarks/form_cells.py [--sets SETS] [--cells SET] [--empty FOLDER_OR_ZIP] [--model FILE] [--per-kind N]

SETS has one folder for each set of images, and a set one sub-folder for each class; sub-folders `not_digit` are
skipped. `--cells` is one such set, of photographed cells with the lines of their boxes; it is measured again with each
cell altered. `--empty` holds pictures of empty cells, named FORM_rROWcCOLUMN.png. Rendered cells need no files: they
are drawn by kind, empty, and with MNIST's test digits. Training may draw the same kinds, but those marked `unseen`.
"""

from __future__ import annotations

import os
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from sets import names_of_sets

from batchdigits.api.classifier import Classifier
from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.engines.classify_files import Settings, classify_files
from batchdigits.errors import BatchdigitsError
from batchdigits.files.natural_order import natural_key
from batchdigits.files.sources import find
from batchdigits.inference.choose import choose_model
from batchdigits.inference.decide import Prediction, Status
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.reports.evaluation import class_folders, evaluate_predictions

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from rendered_cells import KINDS, Kind, Points, Sheet, render_cell, sides_of

Picture = NDArray[np.uint8]  # (H, W, 3), BGR
Alter = Callable[[Picture, np.random.Generator], Picture]

STATUSES = (Status.BLANK, Status.REVIEW, Status.OK)
NAMED_BY_FORM = re.compile(r"(.+)_r\d+c\d+")
RIM = 0.2  # share of a side within which the lines of a box lie


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), help="Folder of sets.")
@click.option("--cells", type=click.Path(exists=True, file_okay=False), help="Set of cells. [default: cells in SETS]")
@click.option("--empty", type=click.Path(exists=True, path_type=Path), help="Empty cells, a folder or a ZIP file.")
@click.option("--model", type=click.Path(path_type=Path), help="The model file. [default: as in classify]")
@click.option("--per-kind", type=click.IntRange(min=1), default=100, show_default=True, help="Rendered cells per kind.")
@click.option("--mnist/--no-mnist", default=True, show_default=True, help="Also classify MNIST's test images.")
def main(
    sets: str | None, cells: str | None, empty: Path | None, model: Path | None, per_kind: int, mnist: bool
) -> None:
    """Print the tables in Markdown."""
    try:
        chosen = model or choose_model("tflite")
        classifier = Classifier(chosen)
        if sets:
            click.echo(_table_of_sets(sets, load_runtime(chosen), classifier if mnist else None) + "\n")
            cells = cells or _folder(sets, "cells")
        if cells:
            click.echo(_table_of_altered_cells(cells, classifier) + "\n")
        if empty:
            click.echo(_table_of_empty_cells(empty, classifier) + "\n")
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(_table_of_rendered_cells(classifier, per_kind))
    click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}, {chosen.name}; all sets and kinds have the same weight in a mean.")


def _folder(path: str, name: str) -> str | None:
    """A folder in another, if it is there."""
    folder = os.path.join(path, name)  # noqa: PTH118 - sources are strings
    return folder if os.path.isdir(folder) else None  # noqa: PTH112


# Labelled sets.


def _table_of_sets(sets: str, runtime: Runtime, classifier: Classifier | None) -> str:
    """The accuracy on each set, and on MNIST if there is a classifier for it."""
    names = names_of_sets(sets)
    lines = ["| set | images | accuracy | wrong |", "| --- | ---: | ---: | ---: |"]
    accuracies = []
    for name in names:
        path = os.path.join(sets, name)  # noqa: PTH118 - sources are strings
        folders = [one for one in class_folders(path, runtime.card.labels) if Path(one).name != NOT_DIGIT]
        rows = chain.from_iterable(classify_files(list(find(folders)), runtime, Settings()).predictions)
        result = evaluate_predictions(path, rows, runtime.card.labels)
        accuracies.append(result.accuracy)
        lines.append(f"| {name} | {result.images:,} | {result.accuracy:.2%} | {result.images - result.right:,} |")
    lines.append(f"| **mean** | | {fmean(accuracies):.2%} | |")
    if classifier:
        images, labels = read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")
        right = _right(classifier.classify_many(images), labels)
        lines.append(f"| MNIST test | {len(images):,} | {right / len(images):.2%} | {len(images) - right:,} |")
    return "\n".join(lines)


def _right(predictions: Iterable[Prediction], labels: Iterable[Any]) -> int:
    return sum(row.label == str(label) for row, label in zip(predictions, labels, strict=True))


# Altered cells.


def _table_of_altered_cells(cells: str, classifier: Classifier) -> str:
    folders = [one for one in class_folders(cells, classifier.card.labels) if Path(one).name != NOT_DIGIT]
    found = [(cv2.imread(path), Path(path).parent.name) for path in find(folders)]
    pictures = [(np.asarray(picture, np.uint8), label) for picture, label in found if picture is not None]
    if not pictures:
        raise BatchdigitsError(f"{cells}: no images in it")
    lines = [
        "| cells | images | accuracy | wrong | ok | wrong among ok |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, alter in ALTERATIONS.items():
        rng = np.random.default_rng(0)
        rows = classifier.classify_many([alter(picture, rng)[:, :, ::-1] for picture, _ in pictures])
        labels = [label for _, label in pictures]
        ok = [row.label == label for row, label in zip(rows, labels, strict=True) if _ok(row)]
        right, share = _right(rows, labels), len(ok) / len(rows)
        cells_of_row = [name, len(rows), f"{right / len(rows):.1%}", len(rows) - right, f"{share:.1%}", ok.count(False)]
        lines.append(f"| {' | '.join(map(str, cells_of_row))} |")
    return "\n".join(lines)


def _ok(row: Prediction) -> bool:
    return row.status is Status.OK


def _with_neighbours(picture: Picture, rng: np.random.Generator) -> Picture:
    """The cell and a fifth of its side more on each side: its lines go on, and a neighbour's line runs beyond them."""
    for _ in range(4):
        picture = np.rot90(_with_neighbour_above(picture, rng))
    return np.ascontiguousarray(picture)


def _with_neighbour_above(picture: Picture, rng: np.random.Generator) -> Picture:
    height, width = picture.shape[:2]
    margin, rim = round(RIM * height), round(RIM * width)
    colour, grain = _paper(picture)
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2GRAY)
    # The row of the rim with the least ink shows paper, and the lines that cross the upper edge.
    row = int(np.argmax(grey[: max(1, height // 8)].mean(axis=1)))
    above = np.tile(picture[row].astype(np.float32), (margin, 1, 1))
    is_line = grey[row] < 0.85 * np.median(grey)
    is_line[rim:-rim] = False  # ink of the digit ends here
    above[:, ~is_line] = colour
    above += rng.normal(0.0, grain, above.shape[:2])[:, :, None] * ~is_line[None, :, None]
    thick = max(1, round(rng.uniform(0.02, 0.05) * height))
    top = int(rng.integers(0, max(1, margin // 2 - thick)))
    above[top : top + thick] = _line_colour(picture, grey)
    return np.vstack([np.clip(above, 0, 255).astype(np.uint8), picture])


def _paper(picture: Picture) -> tuple[NDArray[np.float32], float]:
    """The paper's colour, and its grain: a standard deviation in grey levels."""
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2GRAY)
    paper = grey >= np.median(grey)
    fine = np.abs(grey.astype(np.float32) - cv2.GaussianBlur(grey, (0, 0), 1.5))
    return _median_colour(picture[paper]), 1.5 * float(np.median(fine[paper]))  # the median ignores edges of ink


def _median_colour(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The median of pixels, (n, 3), in each channel."""
    return np.asarray(np.median(pixels, axis=0), np.float32)


def _line_colour(picture: Picture, grey: NDArray[Any]) -> NDArray[np.float32]:
    """The colour of the box's lines: of the darkest twentieth of the rim."""
    rim = np.ones(grey.shape, bool)
    rim[
        round(RIM * grey.shape[0]) : -round(RIM * grey.shape[0]),
        round(RIM * grey.shape[1]) : -round(RIM * grey.shape[1]),
    ] = 0
    dark = rim & (grey <= np.quantile(grey[rim], 0.05))
    return _median_colour(picture[dark])


def _larger(picture: Picture, rng: np.random.Generator, replicate: bool) -> Picture:
    """The cell with a tenth of its side more on each side: of paper, or with its edge pixels repeated."""
    height, width = picture.shape[:2]
    y, x = round(0.1 * height), round(0.1 * width)
    if replicate:
        return np.asarray(cv2.copyMakeBorder(picture, y, y, x, x, cv2.BORDER_REPLICATE), np.uint8)
    colour, grain = _paper(picture)
    page = colour + rng.normal(0.0, grain, (height + 2 * y, width + 2 * x))[:, :, None]
    page[y : y + height, x : x + width] = picture
    return np.clip(page, 0, 255).astype(np.uint8)


def _smaller(picture: Picture, rng: np.random.Generator) -> Picture:
    """The middle of the cell, without a tenth of its side on each side."""
    height, width = picture.shape[:2]
    y, x = round(0.1 * height), round(0.1 * width)
    return np.ascontiguousarray(picture[y : height - y, x : width - x])


def _turned(picture: Picture, rng: np.random.Generator, degrees: float) -> Picture:
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return np.asarray(
        cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


ALTERATIONS: dict[str, Alter] = {
    "as they are": lambda picture, rng: picture,
    "padded by their neighbours' lines": _with_neighbours,
    "20 % larger, margin of paper": partial(_larger, replicate=False),
    "20 % larger, edge repeated": partial(_larger, replicate=True),
    "20 % smaller": _smaller,
    "turned by +3 degrees": partial(_turned, degrees=3.0),
    "turned by -3 degrees": partial(_turned, degrees=-3.0),
}


# Empty cells.


def _table_of_empty_cells(empty: Path, classifier: Classifier) -> str:
    files = _files(empty)
    if not files:
        raise BatchdigitsError(f"{empty}: no images in it")
    rows = dict(zip(files, classifier.classify_many(files.values()), strict=True))
    halves = _halves(files)
    lines = ["| empty cells | images | blank | review | ok |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, chosen in {"all": list(rows), **halves}.items():
        lines.append(f"| {name} | {len(chosen)} | {_shares([rows[file] for file in chosen])} |")
    return "\n".join(lines)


def _files(path: Path) -> dict[str, bytes]:
    """The images of a folder or a ZIP file by name."""
    if path.is_dir():
        return {name: Path(name).read_bytes() for name in find([str(path)])}
    if not zipfile.is_zipfile(path):
        raise BatchdigitsError(f"{path}: not a ZIP file")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in sorted(archive.namelist()) if not name.endswith("/")}


def _halves(names: Iterable[str]) -> dict[str, list[str]]:
    """Names in two halves, so that all cells of a form are in the same one."""
    halves: dict[str, list[str]] = {"first half of the forms": [], "second half of the forms": []}
    names = list(names)
    forms = {name: _form(name) for name in names}
    ordered = sorted(set(forms.values()), key=natural_key)
    first = set(ordered[::2])
    for name in names:
        halves["first half of the forms" if forms[name] in first else "second half of the forms"].append(name)
    return {name: chosen for name, chosen in halves.items() if chosen}


def _form(name: str) -> str:
    stem = Path(name).stem
    match = NAMED_BY_FORM.fullmatch(stem)
    return match.group(1) if match else stem


def _shares(rows: list[Prediction]) -> str:
    counts = Counter(row.status for row in rows)
    return " | ".join(f"{counts[status] / len(rows):.1%}" for status in STATUSES)


# Rendered cells.


def _table_of_rendered_cells(classifier: Classifier, count: int) -> str:
    """For each kind, the statuses of empty cells, and the accuracy on the same cells with a digit."""
    images, labels = read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")
    lines = [
        f"| {count} rendered cells of a kind | blank | review | ok | with a digit: right | ok | wrong among ok |",
        f"| --- |{' ---: |' * 6}",
    ]
    columns = []
    for number, (name, render) in enumerate({**SEEN, **UNSEEN}.items()):
        chosen = np.random.default_rng([number, 0]).choice(len(images), count)
        empty = classifier.classify_many([render(None, np.random.default_rng([number, i])) for i in range(count)])
        filled = classifier.classify_many(
            [render(images[index], np.random.default_rng([number, i])) for i, index in enumerate(chosen)]
        )
        statuses = Counter(row.status for row in empty)
        is_right = [row.label == str(labels[index]) for row, index in zip(filled, chosen, strict=True)]
        is_ok = [_ok(row) for row in filled]
        shares = [*(statuses[status] / count for status in STATUSES), fmean(is_right), fmean(is_ok)]
        wrong = sum(ok and not right for ok, right in zip(is_ok, is_right, strict=True))
        columns.append([*shares, wrong])
        lines.append(_row_of_shares(name, shares, str(wrong)))
    for name, part in (("seen kinds", columns[: len(SEEN)]), ("unseen kinds", columns[len(SEEN) :])):
        means = [fmean(column) for column in zip(*part, strict=True)]
        lines.append(_row_of_shares(f"**mean of {name}**", means[:-1], f"{means[-1]:.1f}"))
    return "\n".join(lines)


def _row_of_shares(name: str, shares: list[float], wrong: str) -> str:
    return f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} | {wrong} |"


Render = Callable[[Any, np.random.Generator], NDArray[np.uint8]]


def _seen(kind: Kind) -> Render:
    return lambda digit, rng: render_cell(kind, digit, rng)


def _dashed(sheet: Sheet, rng: np.random.Generator) -> None:
    """A box of dots or dashes."""
    dot, gap = (0.0, rng.uniform(1.8, 3.5)) if rng.random() < 0.5 else (rng.uniform(2.0, 6.0), rng.uniform(2.0, 5.0))
    sheet.width = min(sheet.width, 0.03 * sheet.side) if sheet.side > 40 else 1.0
    for line in sides_of(sheet.box, 0.3 if rng.random() < 0.5 else 0.0):
        length = float(np.hypot(*(line[1] - line[0])))
        step = (line[1] - line[0]) / length
        for start in np.arange(0.0, length, (dot + gap) * sheet.width):
            first = line[0] + start * step
            sheet.draw(np.array([first, first + dot * sheet.width * step]), sheet.width)
    sheet.has_lines = True


def _rounded(sheet: Sheet, rng: np.random.Generator) -> None:
    """A box with rounded corners."""
    radius = rng.uniform(0.08, 0.3) * float(np.ptp(sheet.box, axis=0).min())
    sheet.draw(_round_corners(sheet.box, radius), sheet.width)
    sheet.has_lines = True


def _round_corners(box: Points, radius: float) -> Points:
    """The outline of an upright box with rounded corners; the first point is repeated at the end."""
    turns = np.radians(np.arange(0.0, 91.0, 10.0))
    (left, top), (right, bottom) = box[0] + radius, box[2] - radius
    centres = ((right, top, -90.0), (right, bottom, 0.0), (left, bottom, 90.0), (left, top, 180.0))
    arcs = [
        np.stack(
            [x + radius * np.cos(np.radians(start) + turns), y + radius * np.sin(np.radians(start) + turns)], axis=1
        )
        for x, y, start in centres
    ]
    outline: Points = np.concatenate([*arcs, arcs[0][:1]])
    return outline


# Red, green and blue of light form colours, as shares of the paper's level.
COLOURS = ((1.0, 0.55, 0.5), (1.0, 0.75, 0.7), (0.6, 0.9, 0.6), (0.8, 0.95, 0.75), (0.55, 0.75, 1.0), (0.75, 0.88, 1.0))


def _coloured(digit: NDArray[np.uint8] | None, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A box of coloured lines or a tinted field, with ink of any darkness: RGB, (H, W, 3)."""
    seed = int(rng.integers(2**32))
    colour = COLOURS[int(rng.integers(len(COLOURS)))]
    channels = [render_cell(partial(_box_in, share=share), digit, np.random.default_rng(seed)) for share in colour]
    return np.stack(channels, axis=2)


def _box_in(sheet: Sheet, rng: np.random.Generator, share: float) -> None:
    """One channel of a coloured box: `share` of the paper's level is left of it where there is colour."""
    style = int(rng.integers(3))
    if style != 1:  # lines
        for line in sides_of(sheet.box, 0.3 if rng.random() < 0.5 else 0.0):
            sheet.draw(line, sheet.width, share)
        sheet.has_lines = True
    if style != 0:  # a field in a paler tint
        corners = np.rint(np.array([sheet.box[0], sheet.box[2]])).astype(int)
        (left, top), (right, bottom) = np.maximum(corners, 0)
        tint = np.float32(1.0 - (1.0 - share) * 0.6)
        field = sheet.print[top : bottom + 1, left : right + 1]
        np.minimum(field, tint, out=field)


def _ruled(sheet: Sheet, rng: np.random.Generator) -> None:
    """A line from edge to edge, low in the cell."""
    height, width = sheet.size
    row, rise = rng.uniform(0.65, 0.85) * height, rng.normal(0.0, 0.02) * width
    sheet.draw(np.array([(-1.0, row - rise), (width + 1.0, row + rise)]), sheet.width)


def _blotted(sheet: Sheet, rng: np.random.Generator) -> None:
    """One to three blots around the middle."""
    for _ in range(rng.integers(1, 4)):
        angle, far = rng.uniform(0.0, 2 * np.pi), rng.uniform(0.36, 0.46)
        middle = (0.5 + far * np.array([np.cos(angle), np.sin(angle)])) * np.array(sheet.size[::-1])
        sheet.draw(np.stack([middle, middle]), rng.uniform(0.04, 0.12) * sheet.side)


def _stamped(sheet: Sheet, rng: np.random.Generator) -> None:
    """The two rings of a stamp, and a bar across them, paler than the ink, over a part of the cell."""
    sheet.ink = min(sheet.ink, 0.35)
    share, width = rng.uniform(0.5, 0.85), rng.uniform(0.012, 0.035) * sheet.side
    middle, radius = rng.uniform(0.1, 0.9, 2) * np.array(sheet.size[::-1]), rng.uniform(0.3, 0.8) * sheet.side
    turns = np.linspace(0.0, 2 * np.pi, 73)
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    for size in (radius, 0.8 * radius):
        sheet.draw(middle + size * ring, width, share)
    sheet.draw(middle + 0.8 * radius * ring[[3, 33]], 3 * width, share)


SEEN: dict[str, Render] = {name: _seen(kind) for name, kind in KINDS.items()}
UNSEEN: dict[str, Render] = {
    "dotted and dashed lines (unseen)": _seen(_dashed),
    "coloured boxes (unseen)": _coloured,
    "rounded corners (unseen)": _seen(_rounded),
    "ruled line (unseen)": _seen(_ruled),
    "blots (unseen)": _seen(_blotted),
    "stamps (unseen)": _seen(_stamped),
}

if __name__ == "__main__":
    main()
