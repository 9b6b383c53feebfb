"""Draw the page of `batchdigits export --web`: `python docs/make_web_picture.py`. Needs Chromium, and Playwright.

A 3 is drawn with the mouse, and the table is that of some samples.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from browser import chromium
from PIL import Image

from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.model_file import read_model_file
from batchdigits.web.page import web_page, write_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

HERE = Path(__file__).parent
STROKE = ((0.3, 0.28), (0.4, 0.17), (0.55, 0.15), (0.67, 0.25), (0.64, 0.4), (0.48, 0.48), (0.66, 0.56), (0.7, 0.72))
STROKE_END = ((0.58, 0.85), (0.42, 0.86), (0.3, 0.77))
COLOURS = 96  # so that the file is small
SAMPLES = ("3/as-is.png", "4/colour.jpg", "7/rotated.jpg", "8/noisy.png")


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE / "images/web-page.png", help="The PNG.")
def main(output: Path) -> None:
    """Write the PNG."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        file = Path(folder) / "digits.html"
        write_page(web_page(read_model_file(BUILT_IN_MODEL)), file)
        page = browser.new_page(viewport={"width": 960, "height": 860})
        page.goto(file.as_uri())
        page.set_input_files("#files", [HERE.parent / "samples/digits" / name for name in SAMPLES])
        page.locator("#rows tr").nth(len(SAMPLES) - 1).wait_for()
        draw(page)
        page.locator("#answer", has_text="3 ok").wait_for()
        page.screenshot(path=output, full_page=True)
    Image.open(output).convert("RGB").quantize(COLOURS).save(output, optimize=True)


def draw(page: Page) -> None:
    """Draw a 3."""
    box = page.locator("#pad").bounding_box()
    assert box
    for number, (x, y) in enumerate((*STROKE, *STROKE_END)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


if __name__ == "__main__":
    main()
