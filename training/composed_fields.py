"""Compose pictures of form fields from single digits: numbers with slant, rules, walls, touching digits and blanks."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from batchdigits.vision.framing import crop

# strip: on plain paper; ruled: on a base line; cell: in a box; comb: a box for each digit; blanks: a comb with unused
# boxes; touching: a strip in which some digits touch; empty: a cell or comb without ink.
KINDS = ("strip", "ruled", "cell", "comb", "blanks", "touching", "empty")
HEIGHTS = 26, 56  # pixels of a digit
HEIGHT_SPREAD = 0.08  # standard deviation of a digit's height, as a share of the number's
MAX_SLANT = 0.35  # tan of the slant that all digits of a number have
GAPS = 0.12, 0.45  # between digits, as shares of their height
PAPER, INK, LINE = (190, 250), (10, 110), (60, 150)  # grey levels
MAX_BLUR = 0.9  # standard deviation, in pixels
GRAIN = 1.0, 5.0  # standard deviation, in grey levels
MAX_OVERLAP = 0.08  # of a touching digit with the one before, as a share of its height
TOUCHING_SHARE = 0.4  # of the digits of a number: those that touch the one before
MAX_BLANKS = 4
ROOM = 1.5, 2.0  # a box's height, as a share of a digit's


class Field(NamedTuple):
    """A composed field.

    Attributes:
        scan: uint8 (H, W), dark ink on light paper.
        value: its digits.
        kind: one of KINDS.
    """

    scan: NDArray[np.uint8]
    value: str
    kind: str


def compose_field(kind: str, glyphs: NDArray[np.uint8], labels: NDArray[np.uint8], rng: np.random.Generator) -> Field:
    """Compose a field.

    Args:
        kind: one of KINDS.
        glyphs: uint8 (N, 28, 28), ink bright on 0, of the number's digits in order.
        labels: uint8 (N,), what they are.
        rng: decides everything else.
    """
    height = float(rng.uniform(*HEIGHTS))
    slant = float(rng.uniform(-0.1, MAX_SLANT))
    digits = [_digit(glyph, height * (1 + HEIGHT_SPREAD * rng.standard_normal()), slant) for glyph in glyphs]
    if kind == "empty":
        digits = []
    ink, lines = (_in_boxes if kind in ("comb", "blanks") else _in_row)(kind, digits, height, rng)
    value = "".join(map(str, labels.tolist())) if digits else ""
    return Field(_on_paper(ink, lines, rng), value, kind)


def _digit(glyph: MatLike, height: float, slant: float) -> NDArray[np.float32]:
    """The ink of a digit, float32 (h, w), 0-1."""
    ink = np.asarray(crop(glyph), np.float32) / 255
    scale = height / 20  # of MNIST's digits, whose longer side has 20 pixels
    size = max(2, round(ink.shape[1] * scale)), max(2, round(ink.shape[0] * scale))
    ink = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_CUBIC), np.float32)
    lean = abs(slant) * size[1]
    affine = np.array([[1.0, -slant, max(0.0, slant) * size[1]], [0.0, 1.0, 0.0]])
    sheared = cv2.warpAffine(ink, affine, (size[0] + round(lean) + 1, size[1]))
    inked = np.flatnonzero(sheared.max(axis=0) > 0.1)
    return np.asarray(np.clip(sheared[:, inked[0] : inked[-1] + 1], 0, 1), np.float32)


_Layers = tuple[NDArray[np.float32], NDArray[np.float32]]  # the ink and the printed lines of a field


def _in_row(kind: str, digits: list[NDArray[np.float32]], height: float, rng: np.random.Generator) -> _Layers:
    """Digits in a row."""
    rows = round(height * rng.uniform(*ROOM))
    margin = round(rng.uniform(0.4, 1.5) * height)
    room = sum(digit.shape[1] + round(height) for digit in digits) + 40
    ink = np.zeros((rows, 2 * margin + room), np.float32)
    right, base = margin, round(rows - 0.2 * height)
    for digit in digits:
        top = max(0, min(rows - len(digit), base - len(digit) + round(0.03 * height * rng.standard_normal())))
        if kind == "touching" and rng.random() < TOUCHING_SHARE:
            left = _touching(ink[top : top + len(digit)], digit, right)
        else:
            left = right + round(height * rng.uniform(*GAPS))
        place = ink[top : top + len(digit), left : left + digit.shape[1]]
        np.maximum(place, digit, out=place)
        right = left + digit.shape[1]
    ink = np.ascontiguousarray(ink[:, : right + margin])
    lines = np.zeros_like(ink)
    pen = max(1, round(0.04 * height))
    if kind == "ruled":
        tilt = round(rng.uniform(-0.02, 0.02) * ink.shape[1])
        at = base - round(rng.uniform(-0.05, 0.08) * height)
        cv2.line(lines, (0, at), (ink.shape[1], at + tilt), 1.0, pen)
    elif kind in ("cell", "empty"):
        cv2.rectangle(lines, (pen, pen), (ink.shape[1] - 1 - pen, rows - 1 - pen), 1.0, pen)
    return ink, lines


def _touching(band: NDArray[np.float32], digit: NDArray[np.float32], right: int) -> int:
    """The column from which on a digit touches the ink of a band, which ends at column `right`."""
    rows = np.flatnonzero((band > 0.5).any(axis=1) & (digit > 0.5).any(axis=1))
    if not rows.size or not (band > 0.5).any():
        return right + 1
    ends = band.shape[1] - (band[rows, ::-1] > 0.5).argmax(axis=1)
    starts = (digit[rows] > 0.5).argmax(axis=1)
    return max(int((ends - starts).max()) - 1, right - round(MAX_OVERLAP * len(digit)))


def _in_boxes(kind: str, digits: list[NDArray[np.float32]], height: float, rng: np.random.Generator) -> _Layers:
    """Digits in the boxes of a comb."""
    before, after = rng.integers(0, MAX_BLANKS, 2).tolist() if kind == "blanks" else (0, 0)
    boxes = before + len(digits) + after
    rows = round(height * rng.uniform(*ROOM))
    pitch = round(max(height * rng.uniform(1.1, 1.5), max(digit.shape[1] for digit in digits) + 6))
    pen = max(1, round(0.04 * height))
    edge = round(rng.uniform(0, 0.3) * height)
    ink = np.zeros((rows + 2 * edge, boxes * pitch + 2 * edge + pen), np.float32)
    lines = np.zeros_like(ink)
    for box, digit in enumerate(digits, before):
        left = edge + box * pitch + (pitch - digit.shape[1]) // 2 + round(0.05 * height * rng.standard_normal())
        top = edge + (rows - len(digit)) // 2 + round(0.08 * height * rng.standard_normal())
        left, top = max(0, left), max(0, min(top, len(ink) - len(digit)))
        place = ink[top : top + len(digit), left : left + digit.shape[1]]
        np.maximum(place, digit[:, : place.shape[1]], out=place)
    for box in range(boxes + 1):
        column = edge + box * pitch + pen // 2
        cv2.line(lines, (column, edge), (column, edge + rows - 1), 1.0, pen)
    for row in (edge, edge + rows - 1):
        cv2.line(lines, (edge, row), (edge + boxes * pitch, row), 1.0, pen)
    return ink, lines


def _on_paper(ink: NDArray[np.float32], lines: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A scan of ink and printed lines, float32 (H, W), 0-1."""
    paper = rng.uniform(*PAPER)
    pen, line = (min(rng.uniform(*levels), paper - 70) for levels in (INK, LINE))
    slope = rng.uniform(-15, 15, 2)
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]].astype(np.float32)
    light = paper + slope[0] * (y / len(ink) - 0.5) + slope[1] * (x / ink.shape[1] - 0.5)
    scan = np.minimum(light + (line - paper) * lines, light + (pen - paper) * ink)
    blur = rng.uniform(0, MAX_BLUR)
    if blur > 0.3:
        scan = cv2.GaussianBlur(scan, (0, 0), blur)
    scan = scan + rng.uniform(*GRAIN) * rng.standard_normal(scan.shape)
    return np.asarray(np.clip(scan, 0, 255), np.uint8)
