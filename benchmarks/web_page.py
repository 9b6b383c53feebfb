"""Measure the page of `batchdigits export --web` in a browser: `python benchmarks/web_page.py --sets SETS`.

SETS has one folder for each set of images, and a set one sub-folder for each class. The page is that of the built-in
model; it runs from a file, without a network. `same label` is the share of images that get the label of `batchdigits
classify`, where an image without a label counts by its status; `same row`, that also get the same status. Times are
those of this machine, whose load is printed with them: from the file to the prediction, decoding included. CPU time is
that of the browser's process for the page, with all of its threads. Needs Chromium, and Playwright.
"""

from __future__ import annotations

import io
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import cv2
import numpy as np
from PIL import Image
from sets import names_of_sets

import batchdigits
from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, read_idx
from batchdigits.files.sources import find
from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.model_file import read_model_file
from batchdigits.web.page import web_page, write_page

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

BATCH = 50  # images that are handed to the page together
PHOTO = (3000, 4000)  # rows and columns: 12 megapixels
# Classify the chosen files: for each the label, the status, and the milliseconds from the file to the prediction.
CLASSIFY = """async input => {
  const rows = [];
  for (const file of input.files) {
    const begun = performance.now();
    const { label, status } = await batchdigits.classify({ path: file.name, file });
    rows.push([label, status, performance.now() - begun]);
  }
  return rows;
}"""


class Row(NamedTuple):
    """What the page said of one image, and how many milliseconds it took."""

    label: str
    status: str
    milliseconds: float


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
@click.option("--images", default=1000, show_default=True, help="How many of MNIST's test images are timed.")
@click.option("--photos", default=10, show_default=True, help="How often the photograph is timed.")
def main(sets: str, images: int, photos: int) -> None:
    """Print a table of agreement in Markdown, and the times and the size."""
    names = names_of_sets(sets)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder) / "digits.html"
        write_page(web_page(read_model_file(BUILT_IN_MODEL)), file)
        page = browser.new_context(offline=True).new_page()
        page.goto(file.as_uri())
        page.locator("body[data-ready]").wait_for()
        print_agreement(page, sets, names)
        click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}; load of {os.cpu_count()} cores: {os.getloadavg()[0]:.1f}")
        print_time(page, "28x28 PNG", _small(Path(folder), images))
        print_time(page, "JPEG of 12 megapixels", [_photo(Path(folder))] * photos)
        click.echo(f"size of the page: {file.stat().st_size:,} bytes")


def print_agreement(page: Page, sets: str, names: Sequence[str]) -> None:
    """Print how often the page says what `classify` says."""
    click.echo("| set | images | same label | same row |\n| --- | ---: | ---: | ---: |")
    classifier = batchdigits.Classifier(BUILT_IN_MODEL, second_look=False)
    shares = []
    for name in names:
        paths = list(find([os.path.join(sets, name)]))  # noqa: PTH118 - sources are strings
        expected = [(row.label, str(row.status)) for row in classifier.classify_many(paths)]
        rows = classify(page, [Path(path) for path in paths])
        pairs = list(zip(expected, rows, strict=True))
        same_label = [(label or status) == (row.label or row.status) for (label, status), row in pairs]
        same_row = [(label, status) == (row.label, row.status) for (label, status), row in pairs]
        shares.append((statistics.fmean(same_label), statistics.fmean(same_row)))
        click.echo(f"| {name} | {len(paths):,} | {shares[-1][0]:.1%} | {shares[-1][1]:.1%} |")
    means = [statistics.fmean(column) for column in zip(*shares, strict=True)]
    click.echo(f"| **mean** | | {means[0]:.1%} | {means[1]:.1%} |")


def print_time(page: Page, kind: str, paths: Sequence[Path]) -> None:
    """Print the median time of a kind of image, and the CPU time of each."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    classify(page, paths[:20])
    before = _cpu_seconds(session)
    times = [row.milliseconds for row in classify(page, paths)]
    cpu = 1000 * (_cpu_seconds(session) - before) / len(paths)
    click.echo(f"{kind}: {statistics.median(times):.1f} ms, CPU time {cpu:.1f} ms")


def classify(page: Page, paths: Sequence[Path]) -> list[Row]:
    """What the page says of files."""
    page.evaluate("() => { document.querySelector('#files').onchange = null }")  # only the calls below classify
    rows: list[Row] = []
    for start in range(0, len(paths), BATCH):
        page.set_input_files("#files", list(paths[start : start + BATCH]))
        rows += [Row(*row) for row in page.locator("#files").evaluate(CLASSIFY)]
    return rows


def _cpu_seconds(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "ProcessTime")


def _small(folder: Path, count: int) -> list[Path]:
    """MNIST's test images as files."""
    paths = []
    for number, image in enumerate(read_idx(MNIST / f"{TEST_IMAGES}.gz")[:count]):
        paths.append(folder / f"{number}.png")
        Image.fromarray(image).save(paths[-1])
    return paths


def _photo(folder: Path) -> Path:
    """A photograph of a large digit on grainy paper."""
    digit = cv2.resize(read_idx(MNIST / f"{TEST_IMAGES}.gz")[0], (2400, 2400), interpolation=cv2.INTER_CUBIC)
    paper = np.random.default_rng(0).normal(190, 4, (*PHOTO, 3))
    paper[300:2700, 800:3200] -= 0.6 * digit[..., None]
    stream = io.BytesIO()
    Image.fromarray(paper.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    path = folder / "photo.jpg"
    path.write_bytes(stream.getvalue())
    return path


if __name__ == "__main__":
    main()
