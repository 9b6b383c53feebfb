"""Make the files in samples/: `python samples/make_samples.py`. The same Pillow gives the same bytes each time.

All of them come from MNIST's test images, so no model was trained on them. Each style takes the first image of a digit
that no earlier style has taken, so none was chosen for being easy.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx

HERE = Path(__file__).parent
SEED = 20
ORIENTATION_TAG = 0x0112  # in EXIF
ROTATED_90 = 6  # its value for an image that must be turned clockwise to stand upright
PAGE_WIDTH, PAGE_HEIGHT = 240, 300  # pixels of the page in `off_centre`

Pixels = NDArray[np.uint8]  # (H, W) in grey, or (H, W, 3) in RGB
Style = Callable[[Pixels, Path, np.random.Generator], None]


def as_is(digit: Pixels, path: Path, rng: np.random.Generator) -> None:
    """The 28x28 image from MNIST, light ink on black."""
    Image.fromarray(digit).save(path.with_suffix(".png"))


def large(digit: Pixels, path: Path, rng: np.random.Generator) -> None:
    """Black on white, 336x336, as from a scanner."""
    Image.fromarray(255 - enlarge(digit, 12)).save(path.with_suffix(".png"))


def colour(digit: Pixels, path: Path, rng: np.random.Generator) -> None:
    """Blue ink on yellow paper, JPEG."""
    Image.fromarray(paint(enlarge(digit, 6), ink=(40, 60, 150), paper=(240, 226, 150))).save(
        path.with_suffix(".jpg"), quality=75
    )


def rotated(digit: Pixels, path: Path, rng: np.random.Generator) -> None:
    """A JPEG as from a phone: stored on its side, with the EXIF orientation that turns it upright."""
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = ROTATED_90
    turned = np.rot90(paint(enlarge(digit, 8), ink=(60, 60, 70), paper=(222, 219, 214)))
    Image.fromarray(np.ascontiguousarray(turned)).save(path.with_suffix(".jpg"), quality=85, exif=exif)


def off_centre(digit: Pixels, path: Path, rng: np.random.Generator) -> None:
    """A small digit anywhere on a white page of twenty times its area."""
    page = np.full((PAGE_HEIGHT, PAGE_WIDTH), 255, np.uint8)
    small = 255 - enlarge(digit, 2)
    side = len(small)
    top, left = int(rng.integers(0, PAGE_HEIGHT - side)), int(rng.integers(0, PAGE_WIDTH - side))
    page[top : top + side, left : left + side] = small
    Image.fromarray(page).save(path.with_suffix(".png"))


def noisy(digit: Pixels, path: Path, rng: np.random.Generator) -> None:
    """Grey paper with grain under uneven light."""
    ink = enlarge(digit, 7).astype(np.float64) / 255
    light = np.linspace(170, 225, ink.shape[1]) + rng.normal(0, 5, ink.shape)
    Image.fromarray(np.clip(light * (1 - 0.7 * ink), 0, 255).astype(np.uint8)).save(path.with_suffix(".png"))


def enlarge(digit: Pixels, factor: int) -> Pixels:
    """Enlarge a digit by cubic interpolation, (28, 28) -> (28 * factor, 28 * factor)."""
    large = cv2.resize(digit, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8)


def paint(digit: Pixels, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Pixels:
    """Give a digit, light on black (H, W), a colour of ink and one of paper: RGB (H, W, 3)."""
    alpha = digit[..., None].astype(np.float64) / 255
    return np.rint(alpha * ink + (1 - alpha) * paper).astype(np.uint8)


STYLES: tuple[tuple[Style, str], ...] = (  # each style and its digits
    (as_is, "0123456789"),
    (large, "013579"),
    (colour, "024689"),
    (rotated, "123467"),
    (off_centre, "025789"),
    (noisy, "134568"),
)


def make_digits(folder: Path) -> None:
    """Write forty images as `folder/<label>/<style>.<suffix>`."""
    images, labels = read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")
    rng = np.random.default_rng(SEED)
    unused = {label: iter(images[labels == int(label)]) for label in "0123456789"}
    for style, chosen in STYLES:
        for label in chosen:
            path = folder / label / style.__name__.replace("_", "-")
            path.parent.mkdir(parents=True, exist_ok=True)
            style(next(unused[label]), path, rng)


def make_broken(folder: Path, whole: Path) -> None:
    """Write a blank page and three files that cannot be decoded; one is the beginning of the image `whole`."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("L", (120, 160), 244).save(folder / "blank.png")
    (folder / "empty.png").write_bytes(b"")
    (folder / "truncated.jpg").write_bytes(whole.read_bytes()[:600])
    (folder / "text.png").write_text("This is not a picture.\n")


if __name__ == "__main__":
    for name in ("digits", "broken"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    make_digits(HERE / "digits")
    make_broken(HERE / "broken", HERE / "digits" / "4" / "rotated.jpg")
