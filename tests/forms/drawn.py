"""A form with combs, a box, a table and corner marks, drawn with OpenCV, and filled with MNIST's digits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx

WIDTH, HEIGHT = 1240, 1754  # A4 with 150 dots an inch
PAPER, INK = 245, 30
BOX = 46  # pixels: the side of a box for a digit
Scan = NDArray[np.uint8]

SENTENCES = (
    "Write one digit into each box, with a dark pen.",
    "Do not touch the lines between the boxes.",
    "The number of a student is on the card, below the picture.",
    "Dates have six digits: day, month and year.",
    "Amounts are in whole crowns, without a point.",
    "Rooms below 100 begin with a zero.",
    "Leave a field empty if you do not know its number.",
    "Strike nothing out; ask for another form instead.",
    "Hand this page in at the office before noon.",
    "Pages that come later are read in the next week.",
    "Keep the black marks in the corners free of ink.",
    "Questions? Please call 555 0173 between eight and four.",
)

# Left and top of each field, and its boxes; 1 for a box without walls, whose width is WIDE.
FIELDS = {
    "student": (420, 300, 7),
    "date": (420, 420, 6),
    "amount": (420, 540, 1),
    "room": (420, 660, 3),
}
WIDE, HIGH = 240, 56
MARKS = ((70, 70), (1170, 70), (1170, 1684), (70, 1684))
VALUES = {"student": "0123456", "date": "310826", "amount": "480", "room": "017"}


def blank_form(title: str = "Registration of students", seed: int = 1) -> Scan:
    """The empty form, uint8 (H, W); another title and seed make another form with the same fields and marks."""
    page = np.full((HEIGHT, WIDTH), PAPER, np.uint8)
    rng = np.random.default_rng(seed)
    cv2.putText(page, title, (200, 200), cv2.FONT_HERSHEY_DUPLEX, 1.6, INK, 2, cv2.LINE_AA)
    for row, sentence in enumerate(rng.permutation(SENTENCES)):
        cv2.putText(page, str(sentence), (180, 820 + 60 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.9, INK, 1, cv2.LINE_AA)
    for name, (left, top, boxes) in FIELDS.items():
        cv2.putText(page, name, (180, top + 36), cv2.FONT_HERSHEY_SIMPLEX, 0.9, INK, 2, cv2.LINE_AA)
        width, height = (boxes * BOX, BOX) if boxes > 1 else (WIDE, HIGH)
        cv2.rectangle(page, (left, top), (left + width, top + height), 120, 2)
        for wall in range(1, boxes):
            cv2.line(page, (left + wall * BOX, top), (left + wall * BOX, top + height), 120, 2)
    for x, y in MARKS:
        cv2.rectangle(page, (x - 12, y - 12), (x + 12, y + 12), 0, -1)
    return page


def filled(page: Scan, values: Mapping[str, str] = VALUES, copy: int = 0) -> Scan:
    """The form with values in its fields; another `copy` has other hands."""
    images, labels = (read_idx(MNIST / f"{name}.gz") for name in (TEST_IMAGES, TEST_LABELS))
    page = page.copy()
    for name, value in values.items():
        left, top, boxes = FIELDS[name]
        for place, digit in enumerate(value):
            glyph = images[labels == int(digit)][10 + place + 7 * copy]
            ink = cv2.resize(glyph[3:25, 3:25], (34, 34), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
            x = left + (place * BOX + 6 if boxes > 1 else 20 + place * 38)
            y = top + (6 if boxes > 1 else 11)
            room = page[y : y + 34, x : x + 34]
            room[:] = np.minimum(room, PAPER + (INK - PAPER) * np.clip(ink, 0, 1)).astype(np.uint8)
    return page


def scanned(page: Scan, turn: float = 1.5, scale: float = 0.95, shift: tuple[int, int] = (15, -8)) -> Scan:
    """A scan of a page: turned by degrees, scaled, moved by columns and rows."""
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), turn, scale)
    matrix[:, 2] += shift
    return np.asarray(cv2.warpAffine(page, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderValue=(250,)), np.uint8)


def save(page: Scan, path: str | Path) -> Path:
    Image.fromarray(page).save(path)
    return Path(path)


def template(align: str = "features", form: str | None = "blank.png", more: str = "", **options: str) -> str:
    """The template of the form, with a line of options for each field that is named."""
    lines = [f'align = "{align}"', *([f'form = "{form}"'] if form else []), more]
    lines += ["[[pages]]", f"size = [{WIDTH}, {HEIGHT}]", f"marks = {[list(mark) for mark in MARKS]}"]
    for name, (left, top, boxes) in FIELDS.items():
        width, height = (boxes * BOX, BOX) if boxes > 1 else (WIDE, HIGH)
        lines += ["[[fields]]", f'name = "{name}"', f"box = [{left - 6}, {top - 6}, {width + 12}, {height + 12}]"]
        lines += [f"comb = {boxes}"] * (boxes > 1) + [options.get(name, "")]
    return "\n".join(lines) + "\n"
