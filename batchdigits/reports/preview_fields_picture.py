"""A preview of fields as one picture: a grid of tiles, each with a field, its cuts, and its digits."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from batchdigits.files.preview_mark import as_png
from batchdigits.reports.preview_fields import FieldItem
from batchdigits.reports.preview_picture import (
    FAINT_TEXT,
    NAME_HEIGHT,
    PADDING,
    TEXT,
    clip,
    empty_tile,
    font,
    grid,
    paste,
)
from batchdigits.text import printable

# Lengths are in pixels.
WIDTH = 380  # of what is in a tile
FIELD_HEIGHT, FACTS_HEIGHT, GLYPH_SIDE, LABEL_HEIGHT = 110, 34, 42, 34
TILE_SIZE = (
    PADDING + WIDTH + PADDING,
    PADDING + FIELD_HEIGHT + FACTS_HEIGHT + GLYPH_SIDE + LABEL_HEIGHT + NAME_HEIGHT + PADDING,
)
MAX_COLUMNS = 3
MAX_TEXT = 80  # characters


def png(items: Sequence[FieldItem]) -> bytes:
    """The picture of at least one field as a PNG file. The same items give the same bytes."""
    return as_png(grid(list(map(_tile, items)), MAX_COLUMNS))


def _tile(item: FieldItem) -> Image.Image:
    row = item.prediction
    tile, pen, colour = empty_tile(TILE_SIZE, row.status)
    if item.thumbnail is not None:
        paste(tile, item.thumbnail, (PADDING, PADDING, WIDTH, FIELD_HEIGHT - 6))
    top, left = PADDING + FIELD_HEIGHT, PADDING
    certainty = "" if row.confidence is None else f"{row.confidence:.1%}"
    facts = ((row.label, 24, TEXT), (certainty, 15, TEXT), (row.status, 15, colour), (row.detail, 13, FAINT_TEXT))
    for text, size, ink in facts:
        if text and left < PADDING + WIDTH:
            shown = printable(text[:MAX_TEXT])  # the tile ends it
            pen.text((left, top + 26), shown, ink, font(size), anchor="ls")
            left += round(font(size).getlength(shown)) + 12
    top += FACTS_HEIGHT
    step = min(GLYPH_SIDE + 8, WIDTH // max(1, len(item.digits)))
    for place, digit in enumerate(item.digits):
        left, side = PADDING + place * step, min(GLYPH_SIDE, step - 2)
        paste(tile, digit.glyph, (left, top, side, side))
        pen.text((left + side // 2, top + GLYPH_SIDE + 2), digit.label, TEXT, font(15), anchor="ma")
        if step > GLYPH_SIDE // 2:
            pen.text(
                (left + side // 2, top + GLYPH_SIDE + 20), f"{digit.confidence:.0%}", FAINT_TEXT, font(10), anchor="ma"
            )
    pen.text((PADDING, TILE_SIZE[1] - PADDING - NAME_HEIGHT), clip(row.path, 13, WIDTH), FAINT_TEXT, font(13))
    return tile
