"""Make samples/ again: `python samples/make_samples.py`. Same bytes each time with the same Pillow.

Everything comes from MNIST's *test* images, the first of each digit that no other style has taken, so that nothing here
was ever trained on and nobody picked the easy ones.
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
ROTATED_90 = 6  # EXIF orientation: what is stored must be turned clockwise to stand upright
ORIENTATION = 0x0112  # its EXIF tag

Picture = NDArray[np.uint8]  # (H, W), or (H, W, 3) in RGB
Style = Callable[[Picture, Path, np.random.Generator], None]


def as_is(digit: Picture, path: Path, rng: np.random.Generator) -> None:
    """MNIST's own 28x28, ink light on black."""
    Image.fromarray(digit).save(path.with_suffix(".png"))


def large(digit: Picture, path: Path, rng: np.random.Generator) -> None:
    """Dark on white, some hundred pixels, as a scanner gives it."""
    Image.fromarray(255 - enlarge(digit, 12)).save(path.with_suffix(".png"))


def colour(digit: Picture, path: Path, rng: np.random.Generator) -> None:
    """Blue ink on yellow paper, JPEG."""
    Image.fromarray(paint(enlarge(digit, 6), ink=(40, 60, 150), paper=(240, 226, 150))).save(
        path.with_suffix(".jpg"), quality=75
    )


def rotated(digit: Picture, path: Path, rng: np.random.Generator) -> None:
    """A phone's JPEG that lies on its side and says so in EXIF."""
    exif = Image.Exif()
    exif[ORIENTATION] = ROTATED_90
    lying = np.rot90(paint(enlarge(digit, 8), ink=(60, 60, 70), paper=(222, 219, 214)))
    Image.fromarray(np.ascontiguousarray(lying)).save(path.with_suffix(".jpg"), quality=85, exif=exif)


def off_centre(digit: Picture, path: Path, rng: np.random.Generator) -> None:
    """Small, somewhere on a much larger sheet."""
    sheet = np.full((300, 240), 255, np.uint8)
    small = 255 - enlarge(digit, 2)
    top, left = int(rng.integers(0, 300 - 56)), int(rng.integers(0, 240 - 56))
    sheet[top : top + 56, left : left + 56] = small
    Image.fromarray(sheet).save(path.with_suffix(".png"))


def noisy(digit: Picture, path: Path, rng: np.random.Generator) -> None:
    """Grainy grey paper under uneven light."""
    ink = enlarge(digit, 7).astype(np.float64) / 255
    light = np.linspace(170, 225, ink.shape[1]) + rng.normal(0, 5, ink.shape)
    Image.fromarray(np.clip(light * (1 - 0.7 * ink), 0, 255).astype(np.uint8)).save(path.with_suffix(".png"))


def enlarge(digit: Picture, factor: int) -> Picture:
    """Enlarge smoothly, (28, 28) -> (28 * factor, 28 * factor)."""
    large = cv2.resize(digit, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8)


def paint(digit: Picture, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Picture:
    """Ink light on black -> ink of one colour on paper of another, RGB."""
    alpha = digit[..., None].astype(np.float64) / 255
    return np.rint(alpha * ink + (1 - alpha) * paper).astype(np.uint8)


STYLES: tuple[tuple[Style, str], ...] = (
    (as_is, "0123456789"),
    (large, "013579"),
    (colour, "024689"),
    (rotated, "123467"),
    (off_centre, "025789"),
    (noisy, "134568"),
)


def make_digits(folder: Path) -> None:
    """`folder/<answer>/<style>.<suffix>`, forty of them."""
    images, labels = read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")
    rng = np.random.default_rng(SEED)
    unused = {answer: iter(images[labels == int(answer)]) for answer in "0123456789"}
    for style, answers in STYLES:
        for answer in answers:
            path = folder / answer / style.__name__.replace("_", "-")
            path.parent.mkdir(parents=True, exist_ok=True)
            style(next(unused[answer]), path, rng)


def make_broken(folder: Path, whole: Path) -> None:
    """Clean paper, and files named like images that are none; `whole` is the one that gets truncated."""
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
