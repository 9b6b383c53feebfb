"""Read the template of a form from a TOML file, which a person has edited."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchdigits.errors import BatchdigitsError
from batchdigits.fields.field_options import OPTIONS, FieldOptions, field_options
from batchdigits.fields.values.roster import Roster, read_roster
from batchdigits.forms.reference import Reference, reference_of
from batchdigits.forms.template import ALIGNMENTS, UNITS, Alignment, Box, Point, Template, TemplateField, TemplatePage
from batchdigits.text import counted, first_line, is_line
from batchdigits.vision.decode import decode
from batchdigits.vision.normalise import Ink

MAX_BYTES = 1 << 20  # of a thousand fields
MAX_DOTS = 100  # in a line: tomllib takes memory by the square of the parts of a key
MAX_WHOLE_NUMBER = 10**9
MAX_FIELDS, MAX_PAGES, MAX_MARKS = 1_000, 100, 6
MAX_NAME = 64  # characters
MAX_SIDE = 100_000.0  # pixels or mm of a page
MAX_STRETCH = 1.02  # of the shape of a page in the template, over that of its picture
# The other columns of a table with a column a field, and that by which all other tables are told from it; `id` is one
# with --with-id only.
COLUMNS = ("path", "path_bytes", "page", "status", "detail", "review", "score", "confidence")
TYPES: Mapping[str, tuple[type, ...]] = {
    "length": (int, str),
    "comb": (int,),
    "digits-only": (bool,),
    "signed": (bool,),
    "decimals": (int,),
    "check": (str, list),
    "unique": (bool,),
}  # of keys whose values are not just text
NAMES: Mapping[type, str] = {int: "a whole number", str: "a text", bool: "true or false", list: "a list of texts"}


class _Table:
    """A table of the file, whose keys are taken out one by one."""

    def __init__(self, where: str, entries: Any) -> None:
        """Begin with all keys.

        Args:
            where: the file, and the field or page, for messages.
            entries: what the file has there.

        Raises:
            BatchdigitsError: it is no table.
        """
        self.where = where
        if not isinstance(entries, dict):
            raise BatchdigitsError(f"{where}: not a table of keys and values")
        self._left: dict[str, Any] = dict(entries)

    def fault(self, key: str, problem: str) -> BatchdigitsError:
        """The error for the value of a key."""
        return BatchdigitsError(f"{self.where}, key {key!r}: {problem}")

    def take(self, key: str, *types: type, default: Any = None) -> Any:
        """The value of a key; the default if it is not there.

        Raises:
            BatchdigitsError: it is of another type, or a number of more than MAX_WHOLE_NUMBER.
        """
        value = self._left.pop(key, default)
        if value is not default and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
            raise self.fault(key, f"must be {' or '.join(NAMES[one] for one in types)}, not {_shown(value)}")
        if isinstance(value, int) and abs(value) > MAX_WHOLE_NUMBER:
            raise self.fault(key, f"must be at most {MAX_WHOLE_NUMBER:,}, not {_shown(value)}")
        return value

    def numbers(self, key: str, count: int, meaning: str) -> tuple[float, ...]:
        """The value of a key that must be so many numbers.

        Raises:
            BatchdigitsError: it is not there, or no such list.
        """
        return _numbers(self, key, self._left.pop(key, None), count, meaning)

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """The value of a key that is one of some texts, the first one if it is not there.

        Raises:
            BatchdigitsError: it is another one.
        """
        value = self._left.pop(key, choices[0])
        if value not in choices:
            raise self.fault(key, f"must be {' or '.join(map(repr, choices))}, not {_shown(value)}")
        return str(value)

    def tables(self, key: str, most: int) -> list[Any]:
        """The tables under a key, one or more.

        Raises:
            BatchdigitsError: there is none, or there are too many.
        """
        found = self._left.pop(key, None)
        if not isinstance(found, list) or not found:
            raise BatchdigitsError(f"{self.where}: there is no [[{key}]]")
        if len(found) > most:
            raise BatchdigitsError(f"{self.where}: {counted(len(found), key[:-1])}, and {most:,} are the most")
        return found

    def end(self) -> None:
        """Check that no key is left.

        Raises:
            BatchdigitsError: one is.
        """
        for key in self._left:
            raise self.fault(key, "no such key")


def read_template(path: str, ink: Ink = "auto") -> Template:
    """Read a template with its lists of values and the picture of the blank form.

    Args:
        path: the TOML file.
        ink: of all fields.

    Raises:
        BatchdigitsError: one of the files cannot be read, or a key is missing, unknown, or has an impossible value.
    """
    content = _content(path)
    top = _Table(path, _parsed(path, content))
    alignment: Alignment = top.choice("align", ALIGNMENTS)  # type: ignore[assignment]
    top.choice("unit", UNITS)  # of a template, and not of the scans: both have the same pages
    form = top.take("form", str)
    pages = [_page(f"{path}: page {number}", page) for number, page in enumerate(top.tables("pages", MAX_PAGES), 1)]
    for number, page in enumerate(pages, 1):
        if alignment == "marks" and not page.marks:
            raise BatchdigitsError(f"{path}: page {number}, key 'marks': align = \"marks\" needs three or more")
    if alignment == "features" and form is None:
        raise top.fault("form", 'align = "features" needs a picture of the blank form')
    fields = list(_fields(path, top.tables("fields", MAX_FIELDS), pages, ink))
    top.end()
    place = "" if form is None else _beside(path, form)
    references = _references(top, place, pages) if place else [None] * len(pages)
    digest = hashlib.sha256(content)
    for field in fields:
        if field.roster:
            digest.update(json.dumps(field.roster.values).encode())
    for reference in references:
        digest.update(reference.ink.tobytes() if reference else b"")
    whole = tuple(page._replace(reference=reference) for page, reference in zip(pages, references, strict=True))
    return Template(path, alignment, whole, tuple(fields), place, digest.hexdigest()[:16])


def _content(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise BatchdigitsError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > MAX_BYTES:
        raise BatchdigitsError(f"cannot read {path}: it has more than {MAX_BYTES >> 20} MiB, so it is no template")
    return content


def _parsed(path: str, content: bytes) -> dict[str, Any]:
    for number, line in enumerate(content.splitlines(), 1):
        if line.count(b".") > MAX_DOTS:
            raise BatchdigitsError(f"cannot read {path}: line {number:,} has over {MAX_DOTS} dots; it is no template")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))  # Notepad may have put a byte order mark before it
    except UnicodeDecodeError:
        raise BatchdigitsError(f"cannot read {path}: it is not UTF-8; save it as that") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise BatchdigitsError(f"cannot read {path}: it is no TOML: {first_line(error)}") from None


def _page(where: str, entries: Any) -> TemplatePage:
    table = _Table(where, entries)
    width, height = table.numbers("size", 2, "width and height")
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise table.fault("size", f"must be two numbers from 0 to {MAX_SIDE:,.0f}")
    marks: list[Point] = []
    given = table.take("marks", list, default=())
    if len(given) > MAX_MARKS:
        raise table.fault("marks", f"{len(given)} marks, and {MAX_MARKS} are the most")
    for mark in given:
        x, y = _numbers(table, "marks", mark, 2, "columns and rows of centres")
        if not (0 <= x <= width and 0 <= y <= height):
            raise table.fault("marks", f"must lie on the page, which is {width:g} wide and {height:g} high")
        marks.append((x, y))
    if marks and _is_flat(marks):
        raise table.fault("marks", "must be three or more that are not on one line")
    table.end()
    return TemplatePage((width, height), tuple(marks))


def _is_flat(marks: Sequence[Point]) -> bool:
    """Whether points are fewer than three, or on one line."""
    (x, y), *others = marks
    wide = max((math.hypot(a - x, b - y) for a, b in others), default=0.0)
    areas = [abs((a - x) * (d - y) - (b - y) * (c - x)) for a, b in others for c, d in others]
    return max(areas, default=0.0) <= 0.01 * wide * wide


def _references(top: _Table, place: str, pages: Sequence[TemplatePage]) -> list[Reference]:
    """What the pages of the blank form look like.

    Raises:
        BatchdigitsError: the picture cannot be read, or has other pages.
    """
    references = []
    for number, scan in enumerate(decode(place), 1):
        if scan.scan is None:
            raise top.fault("form", f"cannot read {scan.source}: {scan.fault}")
        if number > len(pages):
            raise top.fault("form", f"{place} has more pages than the {len(pages)} [[pages]]")
        reference = reference_of(scan.scan)
        width, height = pages[number - 1].size
        stretch = (width / height) / (reference.size[0] / reference.size[1])
        if not 1 / MAX_STRETCH <= stretch <= MAX_STRETCH:
            shape = "x".join(map(str, reference.size))
            raise top.fault("form", f"{scan.source} has {shape} pixels, and page {number} has another shape")
        references.append(reference)
    if len(references) < len(pages):
        raise top.fault("form", f"{place} has {counted(len(references), 'page')}, and there are {len(pages)} [[pages]]")
    return references


def _fields(path: str, tables: Sequence[Any], pages: Sequence[TemplatePage], ink: Ink) -> Iterator[TemplateField]:
    names: set[str] = set()
    rosters: dict[str, Roster] = {}
    for number, entries in enumerate(tables, 1):
        table = _Table(f"{path}: field {number}", entries)
        name = table.take("name", str, default="")
        if name.strip() and name != name.strip():
            raise table.fault("name", f"must not begin or end with a blank, as {_shown(name)} does")
        if not 0 < len(name.strip()) <= MAX_NAME or not is_line(name):
            raise table.fault("name", f"must be a text of 1 to {MAX_NAME} characters, not {_shown(name)}")
        table.where = f"{path}: field {name!r}"
        if name in names:
            raise table.fault("name", "another field has this name")
        if name in COLUMNS:
            raise table.fault("name", "another column of tables has this name")
        names.add(name)
        page = table.take("page", int, default=1)
        if not 1 <= page <= len(pages):
            raise table.fault("page", f"must be from 1 to {len(pages)}, the number of [[pages]], not {page}")
        box = _box(table, pages[page - 1].size)
        values = table.take("values", str)
        if values == "":
            raise table.fault("values", "must be the name of a file, not empty")
        if values is not None and values not in rosters:
            try:
                rosters[values] = read_roster(_beside(path, values))
            except BatchdigitsError as error:
                raise table.fault("values", str(error)) from None
        roster = None if values is None else rosters[values]
        options = _options(table, roster, ink)
        roster = roster and roster._replace(values=options.written_list(roster.values))
        table.end()
        yield TemplateField(name, page, box, options, values or "", roster)


def _box(table: _Table, size: Point) -> Box:
    left, top, width, height = table.numbers("box", 4, "left, top, width and height")
    if width <= 0 or height <= 0:
        raise table.fault("box", f"must have a width and a height over 0, not {width:g} and {height:g}")
    if left < 0 or top < 0 or left + width > size[0] or top + height > size[1]:
        raise table.fault("box", f"must lie on the page, which is {size[0]:g} wide and {size[1]:g} high")
    return left, top, width, height


def _options(table: _Table, roster: Roster | None, ink: Ink) -> FieldOptions:
    given: dict[str, Any] = {}
    for key, parameter in OPTIONS.items():
        value = table.take(key, *TYPES.get(key, (str,)))
        if value is None:
            continue
        if key == "check":
            value = value if isinstance(value, list) else [value]
            if not all(isinstance(check, str) for check in value):
                raise table.fault(key, "must be a text or a list of texts")
        given[parameter] = str(value) if key == "length" else value
        try:
            field_options(**{parameter: given[parameter]})
        except ValueError as error:
            raise table.fault(key, str(error)) from None
    if given.get("digits_only") and not given.get("separators"):
        raise table.fault("digits-only", "needs separators")
    try:
        return replace(field_options(ink=ink, values=roster and roster.values, **given), is_as_wide=True)
    except (ValueError, BatchdigitsError) as error:
        raise BatchdigitsError(f"{table.where}: {error}") from None


def _numbers(table: _Table, key: str, value: Any, count: int, meaning: str) -> tuple[float, ...]:
    is_list = isinstance(value, list) and len(value) == count
    if not is_list or not all(type(number) in (int, float) and abs(number) < 1e9 for number in value):
        raise table.fault(key, f"must be {count} numbers, {meaning}, not {_shown(value)}")
    return tuple(map(float, value))


def _beside(path: str, name: str) -> str:
    """The path of a file that a template names, which is relative to the folder of the template."""
    return str(Path(path).parent / name)


def _shown(value: Any) -> str:
    """A value for a message."""
    if value is None:
        return "missing"
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "so large a number"
    return text if len(text) <= 40 else f"{text[:37]}…"
