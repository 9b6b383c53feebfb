"""A preview of fields: the scan of each with its cuts drawn in, and the glyph and label of every digit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.engines.field_settings import FieldSettings
from batchdigits.fields.cut_batch import CutPage, cut_page
from batchdigits.fields.field_options import SEPARATORS
from batchdigits.fields.read_field import classify_cuts, read_cut
from batchdigits.fields.reading import Character, FieldReading, ReadOptions
from batchdigits.files.source_error import SourceError
from batchdigits.forms.corners import parsed_corners
from batchdigits.forms.crop import crop_corners
from batchdigits.inference.decide import Prediction
from batchdigits.inference.runtime import Runtime
from batchdigits.output.source_pages import pages_of
from batchdigits.output.table import TableRow
from batchdigits.quiet import silent_stderr
from batchdigits.reports.preview import fit
from batchdigits.vision.decode import Page, decode
from batchdigits.vision.grey import Scan
from batchdigits.vision.normalise import Glyph

PICTURE_SIZE = 720, 220  # pixels at most: twice those shown, for screens of high density
COLOURS = (11, 87, 208), (178, 90, 0)  # of the boxes of digits, in turn, so that those that overlap can be told apart
SEPARATOR_COLOUR = 102, 112, 128


class DigitItem(NamedTuple):
    """A digit of a field.

    Attributes:
        label: the digit.
        confidence: how probable it is, given that its ink is one digit, 0-1.
        glyph: what the network saw of it, uint8 (28, 28).
    """

    label: str
    confidence: float
    glyph: Glyph


class FieldItem(NamedTuple):
    """One field in a preview.

    Attributes:
        prediction: its row, which may come from a table.
        thumbnail: its scan with a box around each digit and separator, RGB, uint8 (H, W, 3); None if it could not be
            read.
        digits: those that were cut out, from left to right. Of a row that a person or a rule has changed, they need not
            be those of the value.
    """

    prediction: Prediction | TableRow
    thumbnail: NDArray[np.uint8] | None
    digits: tuple[DigitItem, ...]


class _Field(NamedTuple):
    """A field before it is read."""

    cut: CutPage
    thumbnail: Scan | None
    scale: float


def field_items(files: Iterable[str], runtime: Runtime, settings: FieldSettings, limit: int | None) -> list[FieldItem]:
    """Read the first `limit` sources of `files`, or all, as `read` does."""
    with silent_stderr():
        fields = [_cut(page, settings) for page in islice((page for path in files for page in decode(path)), limit)]
    predictions = settings.predict([field.cut for field in fields], runtime, lambda: None)
    plain = settings.options.reading_options
    readings = _readings(fields, [plain] * len(fields), runtime, plain)
    return [_item(*parts) for parts in zip(predictions, fields, readings, strict=True)]


def items_of_numbers(rows: Sequence[TableRow], runtime: Runtime, settings: FieldSettings) -> list[FieldItem]:
    """The scans and digits of rows of an earlier run, in the same order. Values and statuses stay the rows' own.

    Each field is cut into as many digits as its value has. A scan that cannot be read any more is None; why is its
    row's `detail`.
    """
    with silent_stderr():
        fields = _fields_of_rows(rows, settings)
    plain = settings.options.reading_options
    readings = _readings(fields, [_as_in(row.label, plain) for row in rows], runtime, plain)
    items = []
    for row, field, reading in zip(rows, fields, readings, strict=True):
        row = row._replace(detail=field.cut.fault) if field.thumbnail is None else row
        items.append(_item(row, field, reading))
    return items


def _fields_of_rows(rows: Sequence[TableRow], settings: FieldSettings) -> list[_Field]:
    """The field of each row: its image, or of a field of a form what is in its box there."""
    on_page: dict[str, dict[str, str]] = {}  # boxes by the paths of rows, by source
    for row in rows:
        on_page.setdefault(row.source, {})[row.path] = row.box
    found = {}
    for page in pages_of(on_page):
        for path, box in on_page[page.source].items():
            found[path] = _cut(_in_box(page, box), settings)
    return [found[row.path] for row in rows]


def _in_box(page: Page, box: str) -> Page:
    """What is in a box of a page; the page itself if the box is none."""
    corners = parsed_corners(box)
    if page.scan is None or corners is None:
        return page
    try:
        return page._replace(scan=crop_corners(page.scan, corners).scan)
    except SourceError as error:
        return page._replace(scan=None, fault=str(error))


def _cut(page: Page, settings: FieldSettings) -> _Field:
    if page.scan is None:
        return _Field(CutPage(page.source, None, page.fault), None, 1.0)
    thumbnail = fit(page.scan, *PICTURE_SIZE, enlarge=cv2.INTER_CUBIC)
    return _Field(cut_page(page, settings.options), thumbnail, max(thumbnail.shape) / max(page.scan.shape))


def _as_in(value: str, options: ReadOptions) -> ReadOptions:
    """The options by which a value may have been read."""
    digits = sum(map(str.isdigit, value))
    if not digits:
        return options
    separators = "".join(mark for mark in SEPARATORS if mark in value.removeprefix("-"))
    return options._replace(length=range(digits, digits + 1), separators=separators, signed=value.startswith("-"))


def _readings(
    fields: Sequence[_Field], options: Sequence[ReadOptions], runtime: Runtime, plain: ReadOptions
) -> Iterator[tuple[FieldReading, tuple[DigitItem, ...]]]:
    """The reading of each field, and its digits; nothing where there is no cut.

    Args:
        fields: they.
        options: what is known about each.
        runtime: the network.
        plain: what is known about one in which nothing that fits its own options is found.
    """
    cuts = [field.cut.cut for field in fields]
    rows = iter(classify_cuts([cut for cut in cuts if cut is not None], runtime))
    for cut, own in zip(cuts, options, strict=True):
        if cut is None:
            yield FieldReading(), ()
            continue
        log_p = next(rows)
        reading = read_cut(cut, log_p, own)
        if not reading.value:
            reading = read_cut(cut, log_p, plain)
        steps = reading.lattice.paths[0].steps if reading.lattice else ()
        glyphs = [cut.glyphs[step.glyph] for step in steps if step.text.isdigit()]
        digits = zip(reading.digits, glyphs, strict=True)
        yield reading, tuple(DigitItem(digit.label, digit.confidence, glyph) for digit, glyph in digits)


def _item(
    prediction: Prediction | TableRow, field: _Field, reading: tuple[FieldReading, tuple[DigitItem, ...]]
) -> FieldItem:
    read, digits = reading
    picture = None if field.thumbnail is None else _with_boxes(field.thumbnail, field.scale, read)
    return FieldItem(prediction, picture, digits)


def _with_boxes(scan: Scan, scale: float, reading: FieldReading) -> NDArray[np.uint8]:
    """A scan with the boxes of what was read in it."""
    picture = np.repeat(scan[:, :, None], 3, axis=2)
    for character in reading.separators:
        _draw_box(picture, character, scale, SEPARATOR_COLOUR)
    for place, character in enumerate(reading.digits):
        _draw_box(picture, character, scale, COLOURS[place % 2])
    return picture


def _draw_box(picture: NDArray[np.uint8], character: Character, scale: float, colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = (round(scale * side) for side in character.box)
    cv2.rectangle(picture, (left - 2, top - 2), (right + 1, bottom + 1), colour, 2)
