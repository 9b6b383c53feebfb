"""A preview as one picture: a grid of tiles, each with the scan, the glyph and the prediction of a source."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from batchdigits.files.preview_mark import as_png
from batchdigits.inference.decide import Status
from batchdigits.reports.preview import PreviewItem, fit
from batchdigits.text import printable

# Lengths are in pixels.
IMAGE_SIDE = 112  # of the square for a scan or a glyph: four times the glyph's side, so that its pixels stay squares
PADDING = 12  # between the parts of a tile
TEXT_WIDTH = 112  # of the column with label and confidence
NAME_HEIGHT = 16  # of the line with the source's name
TILE_SIZE = (
    PADDING + IMAGE_SIDE + PADDING + IMAGE_SIDE + PADDING + TEXT_WIDTH + PADDING,
    PADDING + IMAGE_SIDE + 8 + NAME_HEIGHT + PADDING,
)
GAP = 10  # between tiles
MAX_COLUMNS = 4  # 1,600 pixels: the width of a laptop's screen
ASPECT_RATIO = 1.6  # width over height of the picture, about, until it has `MAX_COLUMNS`

BACKGROUND, TILE_COLOUR, EDGE, TEXT, FAINT_TEXT = "#eef0f3", "#ffffff", "#d5d9e0", "#1c2430", "#667080"
STATUS_COLOURS: dict[str, str] = {
    Status.OK: "#1a7f45",
    Status.REVIEW: "#b26a00",
    Status.BLANK: "#667080",
    Status.ERROR: "#c62828",
}


def png(items: Sequence[PreviewItem]) -> bytes:
    """The picture as a PNG file, which `is_preview` recognises. The same items give the same bytes."""
    return as_png(draw(items))


def draw(items: Sequence[PreviewItem]) -> Image.Image:
    """The picture, RGB, of at least one item."""
    return grid(list(map(_tile, items)), MAX_COLUMNS)


def grid(tiles: Sequence[Image.Image], max_columns: int) -> Image.Image:
    """A picture, RGB, of at least one tile; all have the same size."""
    width, height = tiles[0].size
    columns = min(max_columns, max(1, math.ceil(math.sqrt(len(tiles) * ASPECT_RATIO * height / width))))
    rows = math.ceil(len(tiles) / columns)
    picture = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), BACKGROUND)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        picture.paste(tile, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    return picture


def empty_tile(size: tuple[int, int], status: str) -> tuple[Image.Image, ImageDraw.ImageDraw, str]:
    """A tile with nothing but its frame, a pen for it, and the colour of a status.

    It is an image of its own, so that no text can run into another tile.
    """
    tile = Image.new("RGB", size, TILE_COLOUR)
    pen = ImageDraw.Draw(tile)
    pen.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=EDGE)
    colour = STATUS_COLOURS.get(status, FAINT_TEXT)  # a person may have made up a status
    pen.rectangle((0, 0, 3, size[1] - 1), fill=colour)
    return tile, pen, colour


def _tile(item: PreviewItem) -> Image.Image:
    """The tile of one item."""
    prediction = item.prediction
    tile, pen, colour = empty_tile(TILE_SIZE, prediction.status)
    glyph_left = PADDING + IMAGE_SIDE + PADDING
    text_left = glyph_left + IMAGE_SIDE + PADDING
    if item.thumbnail is not None:
        paste(tile, item.thumbnail, (PADDING, PADDING, IMAGE_SIDE, IMAGE_SIDE))
    if item.glyph is not None:
        paste(tile, item.glyph, (glyph_left, PADDING, IMAGE_SIDE, IMAGE_SIDE))
        pen.text((text_left, PADDING - 6), clip(prediction.label, 52, TEXT_WIDTH), TEXT, font(52))
        pen.text((text_left, PADDING + 60), clip(item.certainty, 18, TEXT_WIDTH), TEXT, font(18))
        doubts = item.doubts
        status_top = PADDING + (82 if doubts else 90)
        pen.text((text_left, status_top), clip(prediction.status, 16, TEXT_WIDTH), colour, font(16))
        for line, doubt in enumerate(doubts):
            pen.text((text_left, PADDING + 101 + 13 * line), clip(doubt, 10, TEXT_WIDTH), FAINT_TEXT, font(10))
    else:
        left = PADDING if item.thumbnail is None else glyph_left
        width = TILE_SIZE[0] - PADDING - left
        pen.text((left, PADDING), clip(prediction.status, 22, width), colour, font(22))
        lines = textwrap.wrap(printable(item.reason), width // 7)[:5]  # a letter is 7 pixels wide on average
        pen.multiline_text((left, PADDING + 34), "\n".join(lines), FAINT_TEXT, font(13), spacing=4)
    pen.text(
        (PADDING, PADDING + IMAGE_SIDE + 8),
        clip(prediction.path, 13, TILE_SIZE[0] - 2 * PADDING),
        FAINT_TEXT,
        font(13),
    )
    return tile


def paste(tile: Image.Image, image: NDArray[np.uint8], place: tuple[int, int, int, int]) -> None:
    """Paste an image, as large as it fits, into the middle of a place: left, top, width and height."""
    left, top, width, height = place
    picture = Image.fromarray(fit(image, width, height))
    corner = left + (width - picture.width) // 2, top + (height - picture.height) // 2
    tile.paste(EDGE, (corner[0] - 1, corner[1] - 1, corner[0] + picture.width + 1, corner[1] + picture.height + 1))
    tile.paste(picture, corner)


def clip(text: str, size: int, width: int) -> str:
    """The text, at most `width` pixels wide. Its beginning is cut off, since the end of a path says more."""
    text = printable(text)
    # Every letter is at least a pixel wide, so a long text need not be measured whole.
    start = max(0, len(text) - width)
    if start == 0 and font(size).getlength(text) <= width:
        return text
    while start < len(text) and font(size).getlength(f"…{text[start:]}") > width:
        start += 1
    return f"…{text[start:]}"


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's bundled font, which is the same on every machine."""
    return ImageFont.load_default(size)
