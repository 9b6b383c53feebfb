"""Draw form cells of every kind, with what a version of the package makes of them.

    python docs/make_cell_pictures.py --name after
    python docs/make_cell_pictures.py --name before --package CHECKOUT

Each picture is a page of `batchdigits preview`. The cells are drawn anew each time, with the same seeds. `--package` is
the checkout whose package classifies them; the pictures `before` are of the commit before version 3 of the normaliser.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, read_idx

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from rendered_cells import KINDS, render_cell

HERE = Path(__file__).parent
SIZE = (96, 96)  # pixels of a cell

Scan = NDArray[np.uint8]


@click.command()
@click.option("--name", type=click.Choice(["before", "after"]), required=True, help="Which of the two pictures.")
@click.option("--package", type=click.Path(exists=True, path_type=Path), default=HERE.parent, help="The checkout.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE / "images/cells", help="The folder.")
def main(name: str, package: Path, output: Path) -> None:
    """Write one PNG for each group of cells."""
    output.mkdir(parents=True, exist_ok=True)
    model = package / "batchdigits/pretrained/digits.tflite"
    for group, draw in GROUPS.items():
        with tempfile.TemporaryDirectory() as folder:
            for title, scan in draw().items():
                cv2.imwrite(os.path.join(folder, f"{title}.png"), scan)  # noqa: PTH118 - OpenCV takes a string
            picture = (output / f"{group}-{name}.png").resolve()
            subprocess.run(
                [sys.executable, "-m", "batchdigits", "preview", "-q", ".", "--model", model.resolve(), "-o", picture],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(package.resolve())},
                check=True,
            )


def cells(seed: int, is_empty: bool, *kinds: str) -> dict[str, Scan]:
    """A cell of each kind."""
    digits = read_idx(MNIST / f"{TEST_IMAGES}.gz")
    scans = {}
    for number, kind in enumerate(kinds):
        rng = np.random.default_rng([seed, number])
        digit = None if is_empty else digits[40 * seed + number]
        scans[f"{number + 1} {kind}"] = render_cell(KINDS[kind], digit, rng, size=SIZE)
    return scans


def edges() -> dict[str, Scan]:
    """Digits that touch the edge of their scan, or are as large as it."""
    four, eight = np.full(SIZE, 240, np.uint8), np.full((94, 80), 255, np.uint8)
    cv2.polylines(four, [np.array([(40, 12), (22, 52), (58, 56)])], False, 60, 5)
    cv2.line(four, (66, 20), (58, 95), 60, 5)
    cv2.ellipse(eight, (40, 24), (30, 24), 0, 30, 330, 0, 4)
    cv2.ellipse(eight, (40, 70), (32, 23), 0, 0, 360, 0, 4)
    zero = np.full((94, 94), 255, np.uint8)
    cv2.ellipse(zero, (47, 50), (26, 43), 0, 0, 360, 0, 4)
    holes = np.random.default_rng(5).random(zero.shape) < 0.45
    return {
        "1 open four at the edge": four,
        "2 as large as the scan": eight,
        "3 dithered stroke": np.where(holes, 255, zero).astype(np.uint8),
        **{f"4 {title[2:]}": scan for title, scan in cells(3, False, "neighbour stroke").items()},
        **{f"5 {title[2:]}": scan for title, scan in cells(4, False, "grid rest").items()},
        **{f"6 {title[2:]}": scan for title, scan in cells(5, False, "frame inside").items()},
    }


LINES = ("tilted", "curved", "doubled", "thick on two sides", "blurred box", "partly in crop")

GROUPS: dict[str, Callable[[], dict[str, Scan]]] = {
    "lines": lambda: cells(33, False, *LINES),
    "empty": lambda: cells(33, True, *LINES),
    "edge": edges,
    "paper": lambda: cells(38, False, "screened", "textured", "hatched", "faint pencil", "specks", "phone"),
    "light": lambda: cells(7, True, "vignette", "gradient", "soft shadow", "hard shadow", "lamp spot", "grid rest"),
    "crossing": lambda: cells(
        12, False, "all sides", "overshooting", "perspective", "some sides", "comb", "thick frame"
    ),
}

if __name__ == "__main__":
    main()
