"""Draw fields as `batchdigits preview` and `review` show them.

Run it from the root of the repository: `PYTHONPATH=$PWD python docs/make_field_pictures.py`.

The fields are composed of MNIST's test digits. The picture of the page needs Chromium, and Playwright.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import click
import cv2
import numpy as np
from browser import chromium
from make_review_pictures import COLOURS, HERE, draw, serving
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from tests.forms.drawn import blank_form, filled, save, scanned, template

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from composed_fields import compose_field

FIELDS = (
    ("strip", "007"),
    ("comb", "1946"),
    ("touching", "20260"),
    ("ruled", "83"),
    ("blanks", "604"),
    ("touching", "31507"),
)
SEED = 6


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE / "images", help="The folder.")
def main(output: Path) -> None:
    """Write a PNG for the preview, and two for the review."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        make_fields(folder / "fields")
        for line in ("preview fields --fields -o fields.png", "read fields -o numbers.csv"):
            subprocess.run([sys.executable, "-m", "batchdigits", *line.split(), "--quiet"], cwd=folder, check=True)
        Image.open(folder / "fields.png").quantize(COLOURS).save(output / "fields.png", optimize=True)
        with serving(folder / "numbers.csv", "single") as address:
            draw(browser, address, ["2", "0", "2"], output / "review-numbers.png")
        save(scanned(filled(blank_form(), copy=1), turn=0.6), folder / "form-1.png")
        (folder / "form.toml").write_text(template("marks", form=None))
        line = "read form-1.png --template form.toml --long -o forms.csv --quiet"
        subprocess.run([sys.executable, "-m", "batchdigits", *line.split()], cwd=folder, check=True)
        with serving(folder / "forms.csv", "single") as address:
            draw(browser, address, ["3", "1"], output / "review-forms.png")


def make_fields(folder: Path) -> None:
    """The fields, form-1.png and so on."""
    folder.mkdir()
    images, labels = (read_idx(MNIST / f"{name}.gz") for name in (TEST_IMAGES, TEST_LABELS))
    rng = np.random.default_rng(SEED)
    for number, (kind, value) in enumerate(FIELDS, 1):
        chosen = [int(rng.choice(np.flatnonzero(labels == int(digit)))) for digit in value]
        field = compose_field(kind, images[chosen], labels[chosen], rng)
        cv2.imwrite(str(folder / f"form-{number}.png"), field.scan)


if __name__ == "__main__":
    main()
