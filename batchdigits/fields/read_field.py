"""Read the numbers of fields: cut each, classify what may be digits, and find the likeliest values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.boxes import glyphs_of_boxes
from batchdigits.fields.close_up import CloseUp, close_up
from batchdigits.fields.form_lines import remove_form_lines
from batchdigits.fields.ink import View, view_of
from batchdigits.fields.lattice import Path, Step, best_paths
from batchdigits.fields.lattice_reading import LatticeReading
from batchdigits.fields.number import find_numbers
from batchdigits.fields.pieces import Pieces, pieces_of
from batchdigits.fields.segments import Segment, glyph_of, segments_of
from batchdigits.fields.value_list import ValueList
from batchdigits.fields.weights import log_probabilities, steps_of_boxes, steps_of_pieces
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.grey import Scan
from batchdigits.vision.normalise import Glyph, Ink

ODDS_OF_LENGTH = 49.0  # that a field has a number of the length that was told
SEPARATOR = "."  # the text of a step that reads some separator
NOTHING = np.zeros((1, 1), np.int32)  # in place of pixels that are not needed any more

Box = tuple[int, int, int, int]  # first column and row in the scan, and one past the last


class Digit(NamedTuple):
    """A digit of a value.

    Attributes:
        label: its class.
        confidence: the probability of the label, if it is a digit, 0-1.
        box: in pixels of the scan: first column and row, and one past the last.
    """

    label: str
    confidence: float
    box: Box


class Lattice(NamedTuple):
    """All ways to read a field.

    Attributes:
        steps: its steps, which name the likeliest labels of a glyph.
        pieces: their number.
        log_p: of the glyphs, as from `classify_cuts`.
        paths: the likeliest ways.
    """

    steps: Sequence[Step]
    pieces: int
    log_p: NDArray[np.float64]
    paths: Sequence[Path]

    def among(self, listed: ValueList) -> Sequence[tuple[str, float]]:
        """The likeliest values of a list with their probabilities, also where a glyph has an unlikely label."""
        glyphs = {(step.start, step.end): step for step in self.steps if step.glyph >= 0 and step.text.isdigit()}
        others = [step for step in self.steps if not step.text.isdigit()]
        digits = [
            step._replace(text=str(label), log_weight=step.log_weight - row[int(step.text)] + row[label])
            for step in glyphs.values()
            for row in [self.log_p[step.glyph].tolist()]
            for label in range(len(row) - 1)
        ]
        values = [(path.value, path.log_weight) for path in self.paths]
        return LatticeReading([*others, *digits], self.pieces, values).among(listed)


class FieldReading(NamedTuple):
    """What a field says.

    Attributes:
        value: the likeliest one; empty if there is none.
        confidence: its probability if the field holds a number, 0-1.
        score: its probability, 0-1.
        digits: those of the value.
        alternatives: the likeliest values with their probabilities, the likeliest first.
        has_ink: whether there is ink that may be a digit.
        boxes: how many boxes the field has in a row; 0 without a comb.
        lattice: all ways to read it; None without ink.
    """

    value: str
    confidence: float
    score: float
    digits: tuple[Digit, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    has_ink: bool = True
    boxes: int = 0
    lattice: Lattice | None = None


class Cut(NamedTuple):
    """A field that was cut.

    Attributes:
        glyphs: what may be digits.
        places: the box of each in the scan.
        cells: the glyph in each box of a comb, -1 for an empty one; None without a comb.
        lines: what steps between pieces are weighed by; None for a comb, and for a blank field.
    """

    glyphs: list[Glyph]
    places: list[Box]
    cells: list[int] | None = None
    lines: tuple[Pieces, list[Segment], CloseUp] | None = None


def read_fields(
    scans: Sequence[Scan], runtime: Runtime, *, ink: Ink = "auto", length: range | None = None, separators: str = ""
) -> list[FieldReading]:
    """Cut, classify and read the scans of fields; see the functions below."""
    cuts = [cut_field(scan, ink) for scan in scans]
    rows = classify_cuts(cuts, runtime)
    return [read_cut(cut, own, length, separators) for cut, own in zip(cuts, rows, strict=True)]


def cut_field(scan: Scan, ink: Ink = "auto") -> Cut:
    """Cut the scan of a field into what may be digits; `ink` is as for `normalise`."""
    view = view_of(scan, ink)
    ruled = remove_form_lines(view.ink)
    if ruled.comb:
        found = glyphs_of_boxes(ruled, ruled.comb)
        filled = [one for one in found if one]
        numbers = iter(range(len(filled)))
        cells = [next(numbers) if one else -1 for one in found]
        return Cut([one.glyph for one in filled], [_in_scan(one.box, view) for one in filled], cells)
    numbers_found = find_numbers(ruled)
    close = close_up(numbers_found[0], ruled.ink) if numbers_found else None
    if close is None:
        return Cut([], [])
    pieces = pieces_of(close)
    pairs = [(segment, glyph_of(segment, pieces, close.ink)) for segment in segments_of(pieces, close.height)]
    segments, glyphs = [], []
    for segment, glyph in pairs:
        if glyph is not None:
            segments.append(segment)
            glyphs.append(glyph)
    places = [_in_scan(_in_view(segment.box, close), view) for segment in segments]
    nothing = NOTHING.astype(np.uint8)
    lines = pieces._replace(labels=NOTHING), segments, close._replace(ink=nothing, mask=nothing, doubtful=nothing)
    return Cut(glyphs, places, None, lines)


def classify_cuts(cuts: Sequence[Cut], runtime: Runtime) -> list[NDArray[np.float64]]:
    """The logarithms of the probabilities of each cut's glyphs, float64 (N, classes + 1); the outlier's is the last.

    The network gets the glyphs of all cuts at once.
    """
    glyphs = [glyph for cut in cuts for glyph in cut.glyphs]
    log_p = log_probabilities(runtime.logits(np.array(glyphs))) if glyphs else np.zeros((0, 1))
    return np.split(log_p, np.cumsum([len(cut.glyphs) for cut in cuts[:-1]])) if cuts else []


def read_cut(cut: Cut, log_p: NDArray[np.float64], length: range | None = None, separators: str = "") -> FieldReading:
    """Read a field that was cut.

    Args:
        cut: the field.
        log_p: of its glyphs, as from `classify_cuts`.
        length: how many digits a value may have; None for any number.
        separators: characters that may stand between digits.
    """
    boxes = len(cut.cells or ())
    if not cut.glyphs:
        return FieldReading("", 0.0, 0.0, has_ink=False, boxes=boxes)
    if cut.cells is not None:
        steps, count = steps_of_boxes(cut.cells, log_p), len(cut.cells)
    else:
        assert cut.lines
        steps, count = steps_of_pieces(*cut.lines[:2], log_p, cut.lines[2]), len(cut.lines[0].areas)
    mark = next((one for one in (*".,", *separators) if one in separators), "")
    steps = [step._replace(text=mark) if step.text == SEPARATOR else step for step in steps]
    paths = best_paths(steps, count)
    shares = _shares(paths, steps, count, length)
    values = [(path, share) for path, share in shares if path.value]
    if not values:
        return FieldReading("", 0.0, 0.0, boxes=boxes)
    path, share = values[0]
    number = sum(share for _, share in values)
    alternatives = tuple((path.value, share) for path, share in values)
    digits = tuple(_digits(path, cut, log_p))
    lattice = Lattice(steps, count, log_p, paths)
    return FieldReading(path.value, share / number, share, digits, alternatives, boxes=boxes, lattice=lattice)


def _shares(
    paths: Sequence[Path], steps: Sequence[Step], pieces: int, length: range | None
) -> list[tuple[Path, float]]:
    """The likeliest values with their probabilities, the likeliest first; those of some length, if it is told."""
    if length is None:
        return _normalised([(path, path.log_weight) for path in paths])
    fitting = best_paths(steps, pieces, length)
    known = {path.value for path in fitting}
    weights = [(path, path.log_weight + math.log(ODDS_OF_LENGTH)) for path in fitting]
    every = _normalised([*weights, *((path, path.log_weight) for path in paths if path.value not in known)])
    return [(path, share) for path, share in every if path.value in known]


def _normalised(weights: Sequence[tuple[Path, float]]) -> list[tuple[Path, float]]:
    total = float(np.logaddexp.reduce([weight for _, weight in weights])) if weights else 0.0
    return sorted(((path, math.exp(weight - total)) for path, weight in weights), key=lambda pair: -pair[1])


def _digits(path: Path, cut: Cut, log_p: NDArray[np.float64]) -> Iterator[Digit]:
    """The digits of a value."""
    for step in path.steps:
        if step.glyph >= 0 and step.text:
            row = log_p[step.glyph]
            share = math.exp(row[int(step.text)] - np.logaddexp.reduce(row[:-1]))
            yield Digit(step.text, share, cut.places[step.glyph])


def _in_view(box: Box, close: CloseUp) -> Box:
    """A box of a close-up in pixels of the view: around its corners there."""
    left, top, right, bottom = box
    corners = close.back @ np.array([[left, right, left, right], [top, top, bottom, bottom], [1, 1, 1, 1]])
    (x0, y0), (x1, y1) = corners.min(axis=1), corners.max(axis=1)
    return math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1)


def _in_scan(box: Box, view: View) -> Box:
    """A box of a view in pixels of the scan."""
    left, top, right, bottom = (side / view.scale for side in box)
    return (
        max(0, math.floor(left)) + view.left,
        max(0, math.floor(top)) + view.top,
        math.ceil(right) + view.left,
        math.ceil(bottom) + view.top,
    )
