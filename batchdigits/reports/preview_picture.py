"""A preview as one picture: a grid of tiles, each a scan, the glyph that the network saw, and the row."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from batchdigits.inference.decide import Status
from batchdigits.reports.preview import Seen, fit
from batchdigits.text import printable

SIDE = 112  # pixels of a scan and of a glyph: four for each of the glyph's, so that it is shown as it is
PAD = 12
WORDS = 112  # width of the column with label and confidence
TILE = (PAD + SIDE + PAD + SIDE + PAD + WORDS + PAD, PAD + SIDE + 8 + 16 + PAD)  # the 16 are the name's line
GAP = 10
MOST_COLUMNS = 4  # 1,600 pixels: the width of a laptop's screen
SHAPE = 1.6  # width over height that the whole is to have, while it is narrower than that

GROUND, CARD, EDGE, TEXT, FAINT = "#eef0f3", "#ffffff", "#d5d9e0", "#1c2430", "#667080"
ACCENTS = {Status.OK: "#1a7f45", Status.REVIEW: "#b26a00", Status.BLANK: "#667080", Status.ERROR: "#c62828"}


SOFTWARE = "batchdigits preview"  # what the PNG says it was made with


def png(seen: Sequence[Seen]) -> bytes:
    """The picture as a PNG file, which `is_preview` knows again; the same sources give the same bytes."""
    notes = PngInfo()
    notes.add_text("Software", SOFTWARE)
    file = BytesIO()
    draw(seen).save(file, "PNG", pnginfo=notes)
    return file.getvalue()


def is_preview(path: Path) -> bool:
    """Whether a file is a picture that `png` made."""
    with path.open("rb") as file:
        return f"Software\0{SOFTWARE}".encode() in file.read(200)  # the note stands right behind the header


def draw(seen: Sequence[Seen]) -> Image.Image:
    """The picture, RGB; at least one source is needed."""
    width, height = TILE
    columns = min(MOST_COLUMNS, max(1, math.ceil(math.sqrt(len(seen) * SHAPE * height / width))))
    rows = math.ceil(len(seen) / columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), GROUND)
    for index, one in enumerate(seen):
        row, column = divmod(index, columns)
        sheet.paste(_tile(one), (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    return sheet


def _tile(seen: Seen) -> Image.Image:
    """One source. A picture of its own, so that no text, whatever it is, gets out of it."""
    prediction = seen.prediction
    tile = Image.new("RGB", TILE, CARD)
    pen = ImageDraw.Draw(tile)
    pen.rectangle((0, 0, TILE[0] - 1, TILE[1] - 1), outline=EDGE)
    pen.rectangle((0, 0, 3, TILE[1] - 1), fill=ACCENTS[prediction.status])
    glyph_at, words_at = PAD + SIDE + PAD, PAD + SIDE + PAD + SIDE + PAD
    if seen.thumbnail is not None:
        _paste(tile, seen.thumbnail, PAD)
    if seen.glyph is not None:
        _paste(tile, seen.glyph, glyph_at)
        pen.text((words_at, PAD - 6), _clip(prediction.label, 52, WORDS), TEXT, _font(52))
        pen.text((words_at, PAD + 60), f"{prediction.confidence:.1%}", TEXT, _font(18))
        pen.text((words_at, PAD + 90), prediction.status, ACCENTS[prediction.status], _font(16))
    else:
        at = PAD if seen.thumbnail is None else glyph_at
        pen.text((at, PAD), prediction.status, ACCENTS[prediction.status], _font(22))
        reason = printable(prediction.detail) or "no ink found"
        lines = textwrap.wrap(reason, (TILE[0] - PAD - at) // 7)[:5]  # 7 pixels a letter, on the mean
        pen.multiline_text((at, PAD + 34), "\n".join(lines), FAINT, _font(13), spacing=4)
    pen.text((PAD, PAD + SIDE + 8), _clip(prediction.path, 13, TILE[0] - 2 * PAD), FAINT, _font(13))
    return tile


def _paste(tile: Image.Image, image: NDArray[np.uint8], left: int) -> None:
    """Set an image into the middle of its square."""
    picture = Image.fromarray(fit(image, SIDE))
    place = (left + (SIDE - picture.width) // 2, PAD + (SIDE - picture.height) // 2)
    ImageDraw.Draw(tile).rectangle(
        (place[0] - 1, place[1] - 1, place[0] + picture.width, place[1] + picture.height), outline=EDGE
    )
    tile.paste(picture, place)


def _clip(text: str, size: int, width: int) -> str:
    """The text, without its beginning where it is too long: a path's end tells more."""
    text = printable(text)
    start = max(0, len(text) - width)  # no letter is narrower than a pixel: long ones need not be measured whole
    if start == 0 and _font(size).getlength(text) <= width:
        return text
    while start < len(text) and _font(size).getlength(f"…{text[start:]}") > width:
        start += 1
    return f"…{text[start:]}"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, the same on every machine."""
    return ImageFont.load_default(size)
