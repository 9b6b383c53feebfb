"""Draw the pages of `batchdigits review`: `python docs/make_review_pictures.py`. Needs Chromium, and Playwright.

The rows are those of `batchdigits classify` for the samples and 500 of MNIST's test images; a few labels are wrong,
so that the pictures show what a person looks for.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from browser import chromium
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, read_idx

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent
IMAGES = 500
WRONG_EVERY = 45  # every so many labels that are not 3 become a 3
COLOURS = 48  # of a picture, so that its file is small
# The mode, the place and the keys of each picture.
PICTURES = {
    "review-grid": ("grid", "#group=3", ["1", "Space", "1", "Space", "Space", "7"]),
    "review-single": ("single", "#path=samples", []),
}


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE / "images", help="The folder.")
def main(output: Path) -> None:
    """Write a PNG for the grid, and one for one by one."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        table = make_table(Path(folder))
        for name, (mode, place, keys) in PICTURES.items():
            with serving(table, mode) as address:
                draw(browser, address + place, keys, output / f"{name}.png")


def make_table(folder: Path) -> Path:
    """The samples and MNIST's test images, dark on white, with what the model says of them."""
    shutil.copytree(HERE.parent / "samples/digits", folder / "samples")
    (folder / "scans").mkdir()
    for number, image in enumerate(read_idx(MNIST / f"{TEST_IMAGES}.gz")[:IMAGES]):
        Image.fromarray(255 - image).save(folder / f"scans/{number:03}.png")
    command = [sys.executable, "-m", "batchdigits", "classify", "samples", "scans", "-o", "rows.csv", "--quiet"]
    subprocess.run(command, cwd=folder, check=True)
    table = folder / "rows.csv"
    rows = table.read_text(encoding="utf-8").splitlines()
    for number in range(WRONG_EVERY, len(rows), WRONG_EVERY):
        rows[number] = re.sub(r"^([^,]+),\d,", r"\1,3,", rows[number])
    table.write_text("\n".join([*rows, ""]), encoding="utf-8")
    return table


@contextmanager
def serving(table: Path, mode: str) -> Iterator[str]:
    """Run the command, and give its address."""
    options = ["--no-browser", "--mode", mode, "--reviewer", "Anna"]
    command = [sys.executable, "-m", "batchdigits", "review", table.name, *options]
    with subprocess.Popen(command, cwd=table.parent, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            yield next(filter(None, (re.search(r"http://\S+", line) for line in process.stderr)))[0]
        finally:
            process.kill()


def draw(browser: Browser, address: str, keys: list[str], path: Path) -> None:
    """Open the page, press keys, and write what it shows."""
    page = browser.new_page(viewport={"width": 1240, "height": 790})
    page.goto(address)
    page.wait_for_load_state("networkidle")
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # colours of cards change slowly
    page.screenshot(path=path)
    page.close()
    Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
