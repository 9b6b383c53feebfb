"""Workbooks hold every row as it is, open in spreadsheets, and have nothing in them that a file's name could do."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.decide import Prediction, Status, blank, failed
from batchdigits.output import prediction_xlsx
from batchdigits.output.columns import Cell, Columns
from batchdigits.output.prediction_jsonl import encode_jsonl
from batchdigits.output.prediction_xlsx import write_xlsx

pytest.importorskip("xlsxwriter")

COLUMNS = Columns(("07", "="))
ABOUT: dict[str, Cell] = {"model": "digits.tflite", "review threshold": 0.75}
ROWS = [
    Prediction("scans/1.png", "07", 0.999998, Status.OK, "", {}, 0.5),
    Prediction("=1+1.png", "=", 1.0, Status.REVIEW, "may be no digit", {}, 0.25),
    blank("-2.png"),
    failed("+3.png", "@SUM(1)"),
]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
# File names with all that a spreadsheet, its XML or its links have a meaning for.
ODD = [
    "javascript:alert(1).png",
    "file:x.png",
    "a#b.png",
    "a#2",
    "%41.png",
    "a b.png",
    "a&<b>\"'.png",
    "_x0041_.png",
    "line\nbreak\t\r.png",
    "\x01\x1f.png",
    "\uffff.png",
    "é e\u0301 数 😀.png",
    "back\\slash.png",
    "a?b*[c].png",
    "x",
    "C:x.png",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `scans/1.png`."""
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "1.png").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(rows: Sequence[Prediction], path: Path = Path("rows.xlsx"), columns: Columns = COLUMNS) -> Path:
    write_xlsx(ABOUT, columns, encode_jsonl(columns, rows).splitlines(keepends=True), path)
    return path


def sheet_of(path: Path, number: int = 1) -> ElementTree.Element:
    return ElementTree.fromstring(zipfile.ZipFile(path).read(f"xl/worksheets/sheet{number}.xml"))


def cells_of(path: Path, number: int = 1) -> list[list[str | float | None]]:
    """The cells of a sheet: text, numbers, and None for empty ones."""
    rows: list[list[str | float | None]] = []
    for row in sheet_of(path, number).iter(f"{MAIN}row"):
        cells = {cell.attrib["r"].rstrip("0123456789"): _value(cell) for cell in row}
        rows.append([cells.get(letter) for letter in "ABCDEFGHIJ"])
    width = max(place for row in rows for place, cell in enumerate(row, 1) if cell is not None)
    return [row[:width] for row in rows]


def _value(cell: ElementTree.Element) -> str | float:
    is_text = cell.attrib.get("t") == "inlineStr"
    return "".join(cell.itertext()) if is_text else float("".join(cell.itertext()))


def links_of(path: Path) -> dict[str, str]:
    """The target of the link in each cell, by the cell's name."""
    with zipfile.ZipFile(path) as file:
        if "xl/worksheets/_rels/sheet1.xml.rels" not in file.namelist():
            return {}
        related = ElementTree.fromstring(file.read("xl/worksheets/_rels/sheet1.xml.rels"))
    targets = {relation.attrib["Id"]: relation.attrib["Target"] for relation in related}
    return {
        link.attrib["ref"]: targets[link.attrib[f"{RELATION}id"]] for link in sheet_of(path).iter(f"{MAIN}hyperlink")
    }


def test_every_cell_is_there_as_text_or_as_a_number(folder: Path) -> None:
    assert cells_of(written(ROWS)) == [
        ["path", "label", "confidence", "status", "detail", "score"],
        ["scans/1.png", "07", pytest.approx(0.999998), "ok", None, 0.5],
        ["=1+1.png", "=", 1, "review", "may be no digit", 0.25],
        ["-2.png", None, None, "blank", None, None],
        ["+3.png", None, None, "error", "@SUM(1)", None],
    ]


def test_no_cell_is_a_formula_and_numbers_are_numbers(folder: Path) -> None:
    kinds = [cell.attrib.get("t", "number") for cell in sheet_of(written(ROWS)).iter(f"{MAIN}c")]
    assert kinds.count("number") == 4
    assert set(kinds) == {"inlineStr", "number"}
    assert not list(sheet_of(Path("rows.xlsx")).iter(f"{MAIN}f"))


def test_the_second_sheet_counts_statuses_and_names_model_and_threshold(folder: Path) -> None:
    assert cells_of(written([*ROWS, blank("x")]), 2) == [
        ["rows", 5],
        ["ok", 1],
        ["review", 1],
        ["blank", 2],
        ["error", 1],
        ["model", "digits.tflite"],
        ["review threshold", 0.75],
    ]


def test_the_header_is_frozen_filtered_and_statuses_are_coloured(folder: Path) -> None:
    sheet = sheet_of(written(ROWS))
    pane, *_ = sheet.iter(f"{MAIN}pane")
    assert (pane.attrib["ySplit"], pane.attrib["state"]) == ("1", "frozen")
    (filters,) = sheet.iter(f"{MAIN}autoFilter")
    assert filters.attrib["ref"] == "A1:F5"
    (colours,) = sheet.iter(f"{MAIN}conditionalFormatting")
    assert colours.attrib["sqref"] == "D2:D5"
    statuses = [str(formula.text).strip('"') for formula in colours.iter(f"{MAIN}formula")]
    assert statuses == ["ok", "review", "blank", "error", "reviewed"]


def test_more_columns(folder: Path) -> None:
    columns = Columns(("07", "="), top_k=2, probabilities=True)
    cells = cells_of(written([ROWS[0]._replace(probabilities={"07": 0.75, "=": 0.25})], columns=columns))
    assert cells[0][6:] == ["label_2", "confidence_2", "p_07", "p_="]
    assert cells[1][6:] == ["=", 0.25, 0.75, 0.25]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_shown_as_they_are_and_linked(name: str, folder: Path) -> None:
    Path(name).touch()
    path = written([blank(name)])
    target = links_of(path)["A2"]
    assert unquote(target) == name
    assert not re.search(r"[:#?\s\\]", target)  # no scheme, no anchor, no query
    if name.isprintable():  # other characters, and this way to write one, are escaped as Excel does
        assert cells_of(path)[1][0] == name.replace("_x0041_", "_x005F_x0041_")


def test_names_that_look_like_the_xml_of_a_workbook_stay_text(folder: Path) -> None:
    name = '<r></r></is></c><c r="B9"><f>1+1</f></c><c><is><r>'
    path = written([blank(f"{name}</r>")])
    assert not list(sheet_of(path).iter(f"{MAIN}f"))
    assert [text.text for text in sheet_of(path).iter(f"{MAIN}t")][6] == f"{name}</r> "


def linked(path: Path) -> str:
    """An absolute path as a link of a workbook has it."""
    return str(path).replace(" ", "%20").replace("/", "\\")


def test_links_lead_from_the_workbooks_folder_to_the_image(folder: Path) -> None:
    (folder / "out").mkdir()
    assert links_of(written(ROWS, Path("out/rows.xlsx"))) == {"A2": "..\\scans\\1.png"}
    assert links_of(written(ROWS)) == {"A2": "scans\\1.png"}
    absolute = blank(str(folder / "scans" / "1.png"))
    twice = blank(f"/{absolute.path}")  # \\host\share would name another computer
    assert set(links_of(written([absolute, twice])).values()) == {linked(Path(absolute.path))}


def test_only_images_that_are_there_are_linked(folder: Path) -> None:
    Path("scans/1.png").rename("scans/\udcff.png")
    Path("scan.tif").touch()
    Path("y" * 200).mkdir()
    long = "/".join(["y" * 200, *[".."] * 3_000, "scan.tif"])
    paths = ["scan.tif#2", "scan.tif#x", "scans", "scans/\udcff.png", "none.png", "scans.zip/1.png", "-", long]
    assert links_of(written([blank(path) for path in paths])) == {"A2": "scan.tif"}


def test_addresses_of_the_web_are_linked_and_no_others(folder: Path) -> None:
    paths = ["https://host/a b.png", "HTTP://host/x", "s3://bucket/x.png", "ftp://host/x", "mailto:x@y", "internal:A1"]
    path = written([*map(blank, paths), blank("https://host/" + "x" * 3_000), blank('https://host/"\n\x01')])
    assert links_of(path) == {
        "A2": "https://host/a%20b.png",
        "A3": "http://host/x",
        "A9": "https://host/%22%0A%01",
    }


def test_no_more_links_than_excel_takes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_xlsx, "MAX_LINKS", 2)
    assert list(links_of(written([ROWS[0]] * 3))) == ["A2", "A3"]


def test_the_same_rows_give_the_same_bytes(folder: Path) -> None:
    assert written(ROWS).read_bytes() == written(ROWS, Path("again.xlsx")).read_bytes()


def test_more_rows_than_a_sheet_holds_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_xlsx, "MAX_ROWS", 4)
    written(ROWS)
    with pytest.raises(BatchdigitsError, match=r"a workbook holds 4 rows, and there are more; give -o FILE\.csv"):
        written([*ROWS, blank("x")])


def test_a_full_disk_is_the_systems_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        written(ROWS, Path("/dev/full"))
    fail_to_store(monkeypatch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))  # in the folder for temporary files
    with pytest.raises(OSError, match="No space left on device"):
        written(ROWS)
    assert not Path("rows.xlsx").exists()


def test_rows_that_take_too_much_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_to_store(monkeypatch, zipfile.LargeZipFile())
    with pytest.raises(BatchdigitsError, match=r"the rows take more than a workbook can hold; give -o FILE\.csv"):
        written(ROWS)


def fail_to_store(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let workbooks fail when they are packed."""
    import xlsxwriter

    store = xlsxwriter.Workbook._store_workbook

    def fail(workbook: Any) -> None:
        store(workbook)
        raise error

    monkeypatch.setattr(xlsxwriter.Workbook, "_store_workbook", fail)


def test_on_another_drive_links_are_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str, start: Path) -> str:
        raise ValueError(f"path is on mount 'C:', start on mount 'D:': {path}, {start}")  # as on Windows

    monkeypatch.setattr(os.path, "relpath", fail)
    assert links_of(written(ROWS)) == {"A2": linked(folder / "scans" / "1.png")}


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_it(folder: Path) -> None:
    for name in ODD:
        Path(name).touch()
    written([*ROWS, *map(blank, ODD), blank(str(folder / "scans" / "1.png"))])
    opened(folder / "rows.xlsx", "csv", folder)
    lines = (folder / "rows.csv").read_bytes().decode(errors="replace").splitlines()
    assert lines[:5] == [
        "path,label,confidence,status,detail,score",
        "scans/1.png,07,0.999998,ok,,0.5",
        "=1+1.png,=,1,review,may be no digit,0.25",
        "-2.png,,,blank,,",
        "+3.png,,,error,@SUM(1),",
    ]
    opened(folder / "rows.xlsx", "fods", folder)
    sheets = (folder / "rows.fods").read_text()
    targets = [unquote(target).removeprefix("./") for target in re.findall(r'xlink:href="([^"]*)"', sheets)]
    known = [name for name in ODD if name != "\uffff.png"]  # LibreOffice drops this character
    assert set(known) <= set(targets)
    assert targets.count("scans/1.png") == 2  # in the form of a path from the folder, too, where it was absolute
    assert "table:formula" not in sheets


def opened(path: Path, suffix: str, folder: Path) -> None:
    """Open a file in LibreOffice, and save it with another suffix."""
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", suffix, "--outdir", str(folder), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
