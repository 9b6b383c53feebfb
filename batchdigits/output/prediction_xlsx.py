"""Predictions as a workbook for spreadsheets (.xlsx), converted from complete JSON lines: `rows`, and a `summary`."""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from batchdigits.errors import BatchdigitsError, needs_extra
from batchdigits.files.page_names import file_of
from batchdigits.inference.decide import Status
from batchdigits.output.columns import Cell, ColumnNames
from batchdigits.output.row_counts import REVIEWED

MAX_ROWS = 1_048_575  # in a sheet of a spreadsheet, besides the header
MAX_LINKS = 65_530  # in a sheet that Excel opens
MAX_LINK_LENGTH = 2_000  # UTF-16 code units; Excel takes 2,079
COLOURS: dict[str, tuple[str, str]] = {  # background and text, as Excel has them for bad, neutral and good cells
    Status.OK: ("#C6EFCE", "#006100"),
    Status.REVIEW: ("#FFEB9C", "#9C5700"),
    Status.BLANK: ("#EDEDED", "#595959"),
    Status.ERROR: ("#FFC7CE", "#9C0006"),
    REVIEWED: ("#DDEBF7", "#1F4E78"),
}
MAX_SHEETS_BYTES = 1 << 16  # of the list of sheets
WIDTHS = {"path": 45, "detail": 30}  # characters; others have DEFAULT_WIDTH
DEFAULT_WIDTH = 12
CREATED = datetime(2000, 1, 1)  # fixed, so that the same rows give the same bytes

_SAFE_IN_ADDRESS = ":/?#[]@!$&'()*+,;=%~"


def import_xlsxwriter(feature: str = "--format xlsx") -> Any:
    """The module `xlsxwriter`, for what needs it.

    Raises:
        MissingExtraError: it is not installed.
    """
    with needs_extra(feature, "xlsx"):
        import xlsxwriter
    return xlsxwriter


def write_xlsx(about: Mapping[str, Cell], columns: ColumnNames, lines: Iterable[bytes], path: Path) -> None:
    """Write JSON lines to `path`.

    Args:
        about: what the sheet `summary` says of the run, besides the number of rows of each status.
        columns: the columns of the rows.
        lines: the rows, at most MAX_ROWS.
        path: the file. Where the path of an image is relative, its link is relative to the folder of this file.

    Raises:
        BatchdigitsError: there are too many rows, or they take more than 2 GiB.
        OSError: the file cannot be written.
    """
    xlsxwriter = import_xlsxwriter()
    content = io.BytesIO()  # its zip archive would complain on stderr if it could not be written
    with tempfile.TemporaryDirectory(prefix="batchdigits-", ignore_cleanup_errors=True) as folder:
        try:
            with xlsxwriter.Workbook(content, {"constant_memory": True, "tmpdir": folder}) as workbook:
                workbook.set_properties({"created": CREATED})
                counts = _write_rows(workbook, columns, map(json.loads, lines), _from_folder(path.parent))
                _write_summary(workbook, counts, about)
        except xlsxwriter.exceptions.FileCreateError as error:
            raise error.args[0] from None  # the OSError that it wraps
        except xlsxwriter.exceptions.FileSizeError:
            raise BatchdigitsError("the rows take more than a workbook can hold; give -o FILE.csv") from None
    path.write_bytes(content.getbuffer())


def is_workbook(path: str) -> bool:
    """Whether a file is a workbook with the sheet `rows`."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("xl/workbook.xml") as sheets:
            return b'<sheet name="rows"' in sheets.read(MAX_SHEETS_BYTES)
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError, RuntimeError, zlib.error):
        return False


def _write_rows(workbook: Any, columns: ColumnNames, rows: Iterable[Mapping[str, Any]], prefix: str) -> Counter[str]:
    """Write the sheet `rows`; the number of rows of each status."""
    sheet = workbook.add_worksheet("rows")
    number = workbook.add_format({"num_format": "0.000000"})
    counts: Counter[str] = Counter()
    links, names = 0, columns.names
    for column, name in enumerate(names):
        sheet.set_column(column, column, WIDTHS.get(name, DEFAULT_WIDTH), None if name in columns.texts else number)
        sheet.write_string(0, column, name, workbook.add_format({"bold": True}))
    for place, row in enumerate(rows, 1):
        if place > MAX_ROWS:
            raise BatchdigitsError(f"a workbook holds {MAX_ROWS:,} rows, and there are more; give -o FILE.csv")
        counts[row["status"]] += 1
        link = _link(row, prefix) if links < MAX_LINKS else None
        for column, name in enumerate(names):
            cell = row[name]
            if name == "path" and link:
                sheet.write_url(place, column, link, string=_text(cell))
                links += 1
            elif isinstance(cell, str) and cell:
                sheet.write_string(place, column, _text(cell))
            elif isinstance(cell, float):
                sheet.write_number(place, column, cell, number)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, counts.total(), len(names) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MAX_ROWS + 1}"})  # labels are text
    _colour_statuses(workbook, sheet, names.index("status"), counts.total())
    return counts


def _colour_statuses(workbook: Any, sheet: Any, column: int, last_row: int) -> None:
    """Colour the column of statuses by a rule, which follows what a person types there."""
    for status, (background, text) in COLOURS.items():
        look = workbook.add_format({"bg_color": background, "font_color": text})
        rule = {"type": "cell", "criteria": "==", "value": f'"{status}"', "format": look}
        sheet.conditional_format(1, column, last_row, column, rule)


def _write_summary(workbook: Any, counts: Counter[str], about: Mapping[str, Cell]) -> None:
    """Write the sheet `summary`: names and values."""
    sheet = workbook.add_worksheet("summary")
    sheet.set_column(0, 1, 24)
    statuses = {str(status): counts[status] for status in dict.fromkeys([*Status, *sorted(counts)])}
    rows = {"rows": counts.total(), **statuses, **about}
    for place, (name, value) in enumerate(rows.items()):
        sheet.write_string(place, 0, name)
        if isinstance(value, str):
            sheet.write_string(place, 1, _text(value))
        elif value is not None:
            sheet.write_number(place, 1, value)


def _text(cell: str) -> str:
    """A text cell. XlsxWriter would take one in its own tags for formatted text, and not escape it."""
    return f"{cell} " if cell.startswith("<r>") and cell.endswith("</r>") else cell


def _link(row: Mapping[str, Any], prefix: str) -> str | None:
    """The link to a row's image: a file that is there, or an address of the web; else None."""
    path = row["path"]
    scheme, separator, rest = path.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        link = f"{scheme.lower()}://{quote(rest, safe=_SAFE_IN_ADDRESS)}"
    elif "path_bytes" not in row and (file := _file(path)):
        drive, way = os.path.splitdrive(os.path.normpath(os.path.join(prefix, file)))  # noqa: PTH118 - may be relative
        here = "" if way.startswith(os.sep) else "./"  # XlsxWriter takes it away; it fails at a path of one letter
        link = f"external:{drive}{here}{_in_link(way.replace(os.sep, '/'))}"
    else:
        return None
    return link if len(link.encode("utf-16-le")) <= 2 * MAX_LINK_LENGTH else None


def _file(path: str) -> str | None:
    """The file of a source, without the number of a page; None if there is none, as for a member of an archive."""
    return next((file for file in (path, file_of(path)) if os.path.isfile(file)), None)  # noqa: PTH113


def _from_folder(folder: Path) -> str:
    """The way from a folder to the current one, which paths begin in."""
    try:
        return os.path.relpath(os.curdir, folder)
    except ValueError:  # another drive of Windows
        return str(Path.cwd())


def _in_link(path: str) -> str:
    """A path in a link. Nothing in it can be taken for a scheme, an anchor or an escape; letters stay readable."""
    path = re.sub("^/+", "/", path)  # two would name another computer
    return re.sub(r"[^/\w.~-]", lambda c: c[0] if c[0].isprintable() and not c[0].isascii() else quote(c[0]), path)
