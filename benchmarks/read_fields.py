"""Measure how well the numbers of fields are read: real ones with their answers, and ones composed of MNIST's digits.

    python benchmarks/read_fields.py [--fields DIR] [--composed N] [--threshold 0.975] [--calibrate]

DIR has one folder for each source, with pictures of fields and a `truth.csv` with the columns `file` and `truth`.
Composed fields are made of MNIST's test digits. Only digits are compared, without separators and signs.
`--calibrate` prints the weights of the confidence, from fields composed of digits that training held back: MNIST's
validation split, and pen strokes of `training/`. A field is of one of the two.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import BUNDLED, MNIST, load
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.fields.cut_field import cut_field
from batchdigits.fields.read_field import classify_cuts, read_cut
from batchdigits.fields.reading import FieldReading, ReadOptions
from batchdigits.inference.choose import choose_model
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.decode import decode

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from composed_fields import KINDS, compose_field

CHUNK = 64  # fields whose glyphs are classified together
LENGTHS = 2, 8  # digits of a composed number: at least 2, less than 8
NOTHING_KNOWN = ReadOptions()
FITS = 40  # of Newton's method
HELD_BACK = "mnist", "pendigits"  # others hold back a few hundred, and what is misread of these recurs

Digits = tuple[NDArray[np.uint8], NDArray[Any]]  # images (N, 28, 28) and labels (N,)


class Known(NamedTuple):
    """A field and its answer."""

    scan: NDArray[np.uint8]
    truth: str
    source: str


@click.command()
@click.option("--fields", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of sources.")
@click.option("--composed", type=click.IntRange(min=0), default=1000, show_default=True, help="Composed fields.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.975, show_default=True, help="Confidence of `ok`.")
@click.option("--calibrate", is_flag=True, help="Print the weights of the confidence instead.")
@click.option("--model", type=click.Path(path_type=Path), help="The model file. [default: as in classify]")
def main(fields: Path | None, composed: int, threshold: float, calibrate: bool, model: Path | None) -> None:
    """Measure how well the numbers of fields are read."""
    cv2.setNumThreads(1)
    runtime = load_runtime(model or choose_model(None), second_look=False)
    if calibrate:
        intercept, lead, doubt = _calibrate(compose(composed, [held_back(name) for name in HELD_BACK], 11), runtime)
        click.echo(f"INTERCEPT, LEAD_WEIGHT, DOUBT_WEIGHT = {intercept:.1f}, {lead:.1f}, {doubt:.1f}")
        return
    click.echo("source          fields  exact  with length   ok     exact of ok  ms")
    means = []
    for source in sorted(path.parent for path in fields.glob("*/truth.csv")) if fields else ():
        means.append(_row(list(_load(source)), runtime, threshold))
    if means:
        click.echo(
            f"{'mean':22}  {_percent(np.mean([mean for mean, _ in means]))}  "
            f"{_percent(np.mean([mean for _, mean in means]))}"
        )
    by_kind: dict[str, list[Known]] = {kind: [] for kind in KINDS}
    for field in compose(composed, [test_digits()], seed=0):
        by_kind[field.source].append(field)
    for known in by_kind.values():
        if known:
            _row(known, runtime, threshold)


def test_digits() -> Digits:
    """MNIST's test digits."""
    return read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")


def held_back(name: str) -> Digits:
    """The digits of a file of `training/`, or of MNIST, that training holds back for validation, as glyphs."""
    validation = load(BUNDLED if name == "mnist" else Path(__file__).parents[1] / "training" / f"{name}.npz").validation
    return validation.glyphs, validation.labels


def compose(count: int, sources: Sequence[Digits], seed: int) -> Iterator[Known]:
    """Fields composed of some sources' digits, of every kind and source in turn."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        images, labels = sources[index // len(KINDS) % len(sources)]
        chosen = rng.integers(0, len(images), rng.integers(*LENGTHS))
        field = compose_field(KINDS[index % len(KINDS)], images[chosen], labels[chosen], rng)
        yield Known(field.scan, field.value, field.kind)


def _load(source: Path) -> Iterator[Known]:
    with (source / "truth.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for page in decode(str(source / row["file"])):
                if page.scan is not None:
                    yield Known(page.scan, digits_of(row["truth"]), source.name)


def _row(known: list[Known], runtime: Runtime, threshold: float) -> tuple[float, float]:
    """Print the row of a source; returns its shares of exact fields, without and with the length told."""
    start = time.perf_counter()
    readings = read_all([one.scan for one in known], runtime)
    seconds = time.perf_counter() - start
    told = [_read_with_length(one, runtime) for one in known]
    right = np.array([digits_of(reading.value) == one.truth for reading, one in zip(readings, known, strict=True)])
    right_told = np.array([digits_of(reading.value) == one.truth for reading, one in zip(told, known, strict=True)])
    is_ok = np.array([bool(reading.value) and reading.confidence >= threshold for reading in readings])
    exact_of_ok = _percent(right[is_ok].mean()) if is_ok.any() else "     -"
    click.echo(
        f"{known[0].source:14}  {len(known):6}  {_percent(right.mean())}  {_percent(right_told.mean())}       "
        f"{_percent(is_ok.mean())}  {exact_of_ok}       {1000 * seconds / len(known):.1f}"
    )
    return float(right.mean()), float(right_told.mean())


def _read_with_length(known: Known, runtime: Runtime) -> FieldReading:
    length = len(known.truth)
    return read_all([known.scan], runtime, ReadOptions(length=range(length, length + 1)))[0]


def read_all(
    scans: Sequence[NDArray[np.uint8]], runtime: Runtime, options: ReadOptions = NOTHING_KNOWN
) -> list[FieldReading]:
    """The readings of many fields, in chunks as the command reads them."""
    readings = []
    for start in range(0, len(scans), CHUNK):
        cuts = [cut_field(scan, options) for scan in scans[start : start + CHUNK]]
        rows = classify_cuts(cuts, runtime)
        readings += [read_cut(cut, own, options) for cut, own in zip(cuts, rows, strict=True)]
    return readings


def digits_of(value: str) -> str:
    """A value without its separators and sign."""
    return "".join(filter(str.isdigit, value))


def _percent(share: float | np.floating) -> str:
    return f"{100 * float(share):5.1f}%"


def _calibrate(known: Iterable[Known], runtime: Runtime) -> tuple[float, float, float]:
    """The weights of a logistic regression: intercept, lead and doubt."""
    rows, right = [], []
    for one in known:
        reading = read_all([one.scan], runtime)[0]
        if reading.value and one.truth:
            rows.append((1.0, reading.lead, reading.doubt))
            right.append(float(digits_of(reading.value) == one.truth))
    x, y, weights = np.array(rows), np.array(right), np.zeros(3)
    for _ in range(FITS):
        p = 1.0 / (1.0 + np.exp(-x @ weights))
        weights += np.linalg.solve(
            (x * (p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(3), x.T @ (y - p) - 1e-3 * weights
        )
    return float(weights[0]), float(weights[1]), float(weights[2])


if __name__ == "__main__":
    main()
