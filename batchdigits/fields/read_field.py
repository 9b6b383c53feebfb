"""STAND-IN: read the numbers of fields by their connected components, until the real cutting is merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from batchdigits.inference.decide import scores, softmax
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.framing import frame
from batchdigits.vision.grey import Scan
from batchdigits.vision.normalise import Glyph


class Digit(NamedTuple):
    """A digit of a field."""

    label: str
    confidence: float
    box: tuple[int, int, int, int]


class FieldReading(NamedTuple):
    """What a field says."""

    value: str
    confidence: float
    score: float
    digits: tuple[Digit, ...] = ()
    separators: tuple[tuple[str, tuple[int, int, int, int]], ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    has_ink: bool = True


class Cut(NamedTuple):
    """A field that was cut."""

    glyphs: list[Glyph]
    boxes: list[tuple[int, int, int, int]]


def cut_field(scan: Scan, length: range | None = None, comb: int | None = None, separators: str = "") -> Cut:
    """Cut a field."""
    ink = 255 - scan if scan.mean() > 127 else scan
    _, mask = cv2.threshold(ink, 0, 255, cv2.THRESH_OTSU)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    if int(ink.max()) - int(ink.min()) < 20:
        return Cut([], [])
    cut = Cut([], [])
    for left, top, width, height, _ in sorted(stats[1:count].tolist()):
        if height >= 0.4 * stats[1:, 3].max():
            cut.glyphs.append(frame(np.ascontiguousarray(ink[top : top + height, left : left + width]), deslant=True))
            cut.boxes.append((left, top, left + width, top + height))
    return cut


def read_cuts(
    cuts: Sequence[Cut],
    runtime: Runtime,
    length: range | None = None,
    comb: int | None = None,
    separators: str = "",
) -> list[FieldReading]:
    """Read fields that were cut."""
    glyphs = [glyph for cut in cuts for glyph in cut.glyphs]
    logits = runtime.logits(np.array(glyphs)) if glyphs else np.zeros((0, 10), np.float32)
    shares, sures = softmax(logits), scores(logits, runtime.card.rejects) if glyphs else np.zeros(0)
    readings, at = [], 0
    for cut in cuts:
        own = shares[at : at + len(cut.glyphs)]
        digits = tuple(Digit(str(row.argmax()), float(row.max()), box) for row, box in zip(own, cut.boxes, strict=True))
        value = "".join(digit.label for digit in digits)
        score = float(np.prod(sures[at : at + len(cut.glyphs)]))
        at += len(cut.glyphs)
        if length and len(value) not in length:
            value, digits, score = "", (), 0.0
        readings.append(FieldReading(value, score, score, digits, (), ((value, score),), bool(cut.glyphs)))
    return readings
