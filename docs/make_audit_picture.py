"""Audit the labels of MNIST's 10,000 test images, and draw the certificate.

    python docs/make_audit_picture.py

The truths are MNIST's labels. Needs Playwright, and Chromium.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import click
from browser import chromium
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.output.review_answers import Answer, Mode
from batchdigits.output.review_log import ReviewLog, log_path
from batchdigits.output.table import TableRow, read_table
from batchdigits.reports.audit_sample import read_sample

HERE = Path(__file__).parent
WIDTH = 800  # pixels
COLOURS = 64
IMAGES = f"{TEST_IMAGES}.gz"


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE / "images/certificate.png")
def main(output: Path) -> None:
    """Write the certificate as a PNG."""
    with tempfile.TemporaryDirectory() as folder:
        page = make_certificate(Path(folder))
        draw(page, output.resolve())


def make_certificate(folder: Path) -> Path:
    """Classify, review what is in doubt, draw a sample, key it, and audit."""
    (folder / IMAGES).write_bytes((MNIST / IMAGES).read_bytes())
    run(folder, "classify", IMAGES, "-o", "rows.csv", "--summary", "run.json")
    answer(folder / "rows.csv", "grid", [row.path for row in rows_of(folder / "rows.csv") if row.status == "review"])
    run(folder, "review", "rows.csv", "--apply", "-o", "final.csv")
    run(folder, "audit", "final.csv", "--sample", "1500", "-o", "sample.csv")
    answer(folder / "final.csv", "blind", [path for path, _ in read_sample((folder / "sample.csv").read_bytes())])
    options = ["--summary", "run.json", "--show-at-most", "5/1000", "--html", "certificate.html"]
    run(folder, "audit", "final.csv", "--keyed", "sample.csv", *options)
    return folder / "certificate.html"


def answer(table: Path, mode: Mode, paths: Sequence[str]) -> None:
    """Answer rows in a review, as MNIST labels them."""
    labels = read_idx(MNIST / f"{TEST_LABELS}.gz")
    rows = {row.path: row for row in rows_of(table)}
    answers = [
        Answer(path, "label", str(labels[int(path.rpartition("/")[2])]), rows[path].label, rows[path].status)
        for path in paths
    ]
    with closing(ReviewLog(log_path(table), table.name)) as log:
        log.add("A. Keller", "t", mode, "first", answers)


def rows_of(table: Path) -> Iterator[TableRow]:
    """The rows of a table."""
    return read_table(str(table))


def run(folder: Path, *arguments: str) -> None:
    """Run a command of this checkout."""
    subprocess.run(
        [sys.executable, "-m", "batchdigits", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HERE.parent.resolve())},
        check=True,
    )


def draw(page: Path, output: Path) -> None:
    """Take a picture of the whole page."""
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": WIDTH, "height": 600})
        tab.goto(page.as_uri())
        picture = tab.screenshot(full_page=True)
    Image.open(io.BytesIO(picture)).quantize(COLOURS).save(output, optimize=True)


if __name__ == "__main__":
    main()
