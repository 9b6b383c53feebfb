"""Read the numbers of fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.fields.boxes import glyphs_of_boxes
from batchdigits.fields.form_lines import remove_form_lines
from batchdigits.fields.ink import View, view_of
from batchdigits.fields.lattice import Path, best_paths
from batchdigits.fields.close_up import CloseUp, close_up
from batchdigits.fields.number import find_numbers
from batchdigits.fields.pieces import Pieces, pieces_of
from batchdigits.fields.segments import Segment, glyph_of, segments_of
from batchdigits.fields.weights import log_probabilities, steps_of_boxes, steps_of_pieces
from batchdigits.inference.runtime import Runtime


class Cut(NamedTuple):
    view: View
    ruled: object
    glyphs: list
    boxes: list
    pieces: Pieces | None = None
    segments: list[Segment] = []
    close: CloseUp | None = None
    ink: object = None
    mask: object = None
    places: list = []


def cut(scan) -> Cut | None:
    view = view_of(scan)
    ruled = remove_form_lines(view.ink)
    if ruled.comb:
        found = glyphs_of_boxes(ruled, ruled.comb)
        glyphs, boxes, places = [], [], []
        for f in found:
            boxes.append(len(glyphs) if f else -1)
            if f:
                glyphs.append(f.glyph)
                places.append(f.box)
        return Cut(view, ruled, glyphs, boxes, places=places)
    numbers = find_numbers(ruled)
    if not numbers:
        return None
    number = numbers[0]
    close = close_up(number, ruled.ink)
    if close is None:
        return None
    pieces = pieces_of(close)
    segments, glyphs = [], []
    for s in segments_of(pieces, close.height):
        g = glyph_of(s, pieces, close.ink)
        if g is not None:
            segments.append(s)
            glyphs.append(g)
    return Cut(view, ruled, glyphs, [], pieces, segments, close, close.ink, close.mask, [s.box for s in segments])


def read_fields(scans, runtime):
    cuts = [cut(s) for s in scans]
    glyphs = [g for c in cuts if c for g in c.glyphs]
    lp = log_probabilities(runtime.logits(np.array(glyphs))) if glyphs else np.zeros((0, 11))
    at = 0
    out = []
    for c in cuts:
        if not c:
            out.append((None, []))
            continue
        own = lp[at : at + len(c.glyphs)]
        at += len(c.glyphs)
        if c.boxes:
            paths = best_paths(steps_of_boxes(c.boxes, own), len(c.boxes))
        else:
            paths = best_paths(steps_of_pieces(c.pieces, c.segments, own, c.close), len(c.pieces.areas))
        out.append((c, paths))
    return out
