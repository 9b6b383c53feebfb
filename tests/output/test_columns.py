"""Rows in CSV and JSON: their columns, and file names and details that can be read back."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.inference.decide import Prediction, Status, blank, failed
from batchdigits.output.columns import Columns
from batchdigits.output.prediction_csv import CSV, EXCEL_CSV, EXCEL_TSV, TSV, Dialect
from batchdigits.output.prediction_jsonl import encode_jsonl

THREE = ("a", "b", "c")
PLAIN = Columns(THREE)
ALL = Columns(THREE, top_k=2, probabilities=True)
UNSURE = Prediction("x.png", "b", 0.4, Status.REVIEW, "", {"a": 0.3, "b": 0.4, "c": 0.3}, 0.35)


def test_a_row_without_further_columns() -> None:
    assert CSV.header(PLAIN) == b"path,label,confidence,status,detail,score\n"
    assert CSV.encode(PLAIN, [UNSURE]) == b"x.png,b,0.400000,review,,0.350000\n"
    assert CSV.encode(PLAIN, [UNSURE._replace(score=None)]) == b"x.png,b,0.400000,review,,\n"


def test_top_k_and_probabilities_add_columns() -> None:
    assert CSV.header(ALL) == b"path,label,confidence,status,detail,score,label_2,confidence_2,p_a,p_b,p_c\n"
    assert CSV.encode(ALL, [UNSURE]) == b"x.png,b,0.400000,review,,0.350000,a,0.300000,0.300000,0.400000,0.300000\n"


def test_a_row_without_a_label_has_as_many_cells() -> None:
    assert CSV.encode(PLAIN, [blank("x"), failed("y", "empty file")]) == b"x,,,blank,,\ny,,,error,empty file,\n"
    assert CSV.encode(ALL, [blank("x")]) == b"x,,,blank,,,,,,,\n"


@pytest.mark.parametrize(("top_k", "names"), [(1, 6), (2, 8), (3, 10), (100, 10)])
def test_there_are_no_more_ranks_than_classes(top_k: int, names: int) -> None:
    columns = Columns(THREE, top_k)
    assert len(columns.names) == len(columns.cells(UNSURE)) == len(columns.cells(blank("x"))) == names


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), st.text(',"\r\nab', max_size=9))
def test_any_path_and_detail_can_be_read_back_from_csv(path: str, detail: str) -> None:
    line = CSV.encode(PLAIN, [failed(path, detail)]).decode()
    assert next(csv.reader(io.StringIO(line, newline=""))) == [path, "", "", "error", detail, ""]


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name))
def test_the_bytes_of_any_file_name_can_be_read_back(name: bytes) -> None:
    source = os.fsdecode(name)
    row = json.loads(encode_jsonl(PLAIN, [blank(source)]))
    assert base64.b64decode(row["path_bytes"]) == name if "path_bytes" in row else row["path"].encode() == name
    assert name in CSV.encode(PLAIN, [blank(source)]) or b'"' in name


@pytest.mark.parametrize("dialect", [EXCEL_CSV, EXCEL_TSV])
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_no_cell_for_spreadsheets_begins_a_formula(dialect: Dialect, text: str) -> None:
    line = dialect.encode(PLAIN, [failed(text, text), UNSURE._replace(label="-")]).decode()
    first, second = csv.reader(io.StringIO(line, newline=""), delimiter=dialect.delimiter)
    for cell in (first[0], first[4], second[1]):
        assert not re.match(r"(?!-[0-9.,]+\Z)\s*[=+\-@＝＋－＠]|[\x00-\x1f\x7f]", cell)  # noqa: RUF001
    assert dialect.original(first[0]) == dialect.original(first[4]) == text
    assert second[2:] == ["0.400000", "review", "", "0.350000"]


def test_cells_for_spreadsheets() -> None:
    assert EXCEL_CSV.header(PLAIN) == b"\xef\xbb\xbf" + CSV.header(PLAIN)
    assert EXCEL_TSV.header(PLAIN) == b"\xef\xbb\xbf" + TSV.header(PLAIN)
    for path, cell in (
        ("=6.png", "'=6.png"),
        ("+3", "'+3"),
        ("-2", "-2"),
        ("-12.50", "-12.50"),
        ("-2.png", "'-2.png"),
        ("-3-2", "'-3-2"),
        ("-3/2", "'-3/2"),
        (" -2", "' -2"),
        ("-2\n", '"\'-2\n"'),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=6", '"\'\t=6"'),
        ("\r6", '"\'\r6"'),
        ("  =6", "'  =6"),
        ("'=6", "''=6"),
        ("＝6", "'＝6"),  # noqa: RUF001
        ("a=6", "a=6"),
        ("fünf", "fünf"),
        ("a;=6", '"a;=6"'),  # where the decimal sign is a comma, a semicolon ends a cell
    ):
        assert EXCEL_CSV.encode(PLAIN, [blank(path)]).decode() == f"{cell},,,blank,,\n"
    assert EXCEL_CSV.original("'-2") == "-2"  # as earlier versions wrote it


def test_tabs_separate_the_cells_of_tsv() -> None:
    assert TSV.encode(PLAIN, [UNSURE, blank("a,b")]) == b"x.png\tb\t0.400000\treview\t\t0.350000\na,b\t\t\tblank\t\t\n"
    assert TSV.encode(PLAIN, [blank("a\tb")]) == b'"a\tb"\t\t\tblank\t\t\n'


def test_json_has_the_decimals_of_the_csv_and_null_for_an_empty_cell() -> None:
    sure = Prediction("é.png", "a", 0.12345678, Status.OK, "", {"a": 0.12345678, "b": 0.0, "c": 0.0}, 0.1)
    assert encode_jsonl(Columns(THREE, probabilities=True), [sure]).decode() == (
        '{"path": "é.png", "label": "a", "confidence": 0.123457, "status": "ok", "detail": "", "score": 0.1, '
        '"p_a": 0.123457, "p_b": 0.0, "p_c": 0.0}\n'
    )
    assert json.loads(encode_jsonl(PLAIN, [blank("x")])) == {
        "path": "x",
        "label": None,
        "confidence": None,
        "status": "blank",
        "detail": "",
        "score": None,
    }
