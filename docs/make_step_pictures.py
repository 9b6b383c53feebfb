"""Draw what the normaliser does to three scans, a picture for each step: `python docs/make_step_pictures.py`.

Two of the scans are samples; the third is a sample with a ruled line and specks drawn onto it. The glyphs are compared
with `normalise`, so that the pictures cannot show other steps than those of the package.
"""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL import Image

from batchdigits.vision.artifacts import find_digits
from batchdigits.vision.cell import remove_lines
from batchdigits.vision.components import may_be_lines, parts_of
from batchdigits.vision.contrast import stretch_contrast
from batchdigits.vision.cut_out import LARGE_EDGE
from batchdigits.vision.decode import decode
from batchdigits.vision.framing import frame
from batchdigits.vision.illumination import is_evenly_lit, otsu, otsu_split, remove_background
from batchdigits.vision.normalise import normalise
from batchdigits.vision.ticks import find_ticks
from batchdigits.vision.view import MAX_VIEW_SIDE

HERE = Path(__file__).parent
DIGITS = HERE.parent / "samples/digits"

STEPS = ("scan", "background-removed", "mask", "artifacts-removed", "framed-with-slant", "glyph")
TILE = 168  # pixels: six for each of a glyph's
GAP = 12
EDGE = 2  # around all of them
BACKGROUND = 128  # grey between the tiles, which shows on a light page and on a dark one

Picture = NDArray[np.uint8]  # (H, W)


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE / "images/steps", help="The folder.")
def main(output: Path) -> None:
    """Write one PNG for each step."""
    output.mkdir(parents=True, exist_ok=True)
    scans = [read("9/large.png"), read("6/noisy.png"), with_line_and_specks(read("5/noisy.png"))]
    for step, pictures in zip(STEPS, zip(*map(steps, scans), strict=True), strict=True):
        Image.fromarray(strip(pictures)).save(output / f"{step}.png", optimize=True)


def read(name: str) -> Picture:
    """A sample's scan."""
    (page,) = decode(str(DIGITS / name))
    assert isinstance(page.scan, np.ndarray)
    return page.scan


def with_line_and_specks(scan: Picture) -> Picture:
    """The scan with a ruled line through it, and with dark specks."""
    marked = scan.copy()
    height, width = marked.shape
    row = round(0.7 * height)
    marked[row : row + 4] = 70
    for x, y in ((0.1, 0.15), (0.85, 0.3), (0.2, 0.9), (0.9, 0.85)):
        cv2.circle(marked, (round(x * width), round(y * height)), 2, 60, -1)
    return marked


def steps(scan: Picture) -> list[Picture]:
    """What each step leaves of a scan, which has dark ink on a light background."""
    factor = -(-max(scan.shape) // MAX_VIEW_SIDE)
    size = (scan.shape[1] // factor, scan.shape[0] // factor)
    bright = cv2.resize(np.invert(scan), size, interpolation=cv2.INTER_AREA)
    threshold, mask = otsu_split(bright)
    if not is_evenly_lit(bright, threshold, mask):
        bright = remove_background(bright)[0]
        mask = otsu(bright)
    ink, _, level = stretch_contrast(bright, mask)
    parts = parts_of(mask)
    flat = cv2.subtract(bright, np.array([level]))
    cell = remove_lines(flat, mask, parts, find_ticks(parts)) if may_be_lines(parts, *mask.shape) else None
    clean = find_digits(*((cell.mask, cell.parts) if cell else (mask, parts)))[0].mask
    shown = stretch_contrast(cell.view, cell.mask)[0] if cell else ink
    digit = np.bitwise_and(shown, cv2.dilate(clean, LARGE_EDGE))
    glyph = frame(digit, deslant=True)
    candidates = [candidate.tobytes() for candidate in normalise(scan, "dark")]
    assert glyph.tobytes() in candidates, "the steps are not those of the normaliser"
    return [scan, *map(as_picture, (ink, mask, clean, frame(digit, deslant=False), glyph))]


def as_picture(array: MatLike) -> Picture:
    """The same, by NumPy's type."""
    return np.asarray(array, np.uint8)


def strip(pictures: tuple[Picture, ...]) -> Picture:
    """Pictures side by side, each as a tile."""
    whole = np.full((TILE, len(pictures) * (TILE + GAP) - GAP), BACKGROUND, np.uint8)
    for place, picture in enumerate(pictures):
        shown = cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_NEAREST)
        whole[:, place * (TILE + GAP) :][:, :TILE] = shown
    return np.pad(whole, EDGE, constant_values=BACKGROUND)


if __name__ == "__main__":
    main()
