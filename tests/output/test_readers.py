"""Finished outputs are read again as they were written, and as people and spreadsheets change them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import PropertyMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.decide import Prediction, Status, blank, failed
from batchdigits.output.columns import Columns
from batchdigits.output.compression import Compression, read_lines, write_compressed
from batchdigits.output.form_columns import FormFieldColumns, PageColumns
from batchdigits.output.formats import Format, output_format
from batchdigits.output.reader_protocol import RowForm

COLUMNS = Columns(("a", "b"))
ROWS = [
    Prediction("a.png", "b", 0.4, Status.REVIEW, "", {}, 0.3),
    blank("with, comma.png"),
    failed('with "quote" and\nnewline.png', "empty file"),
    blank("caf\udce9.png"),
    failed("é.png", "not an image"),
]
CSV, JSONL, PARQUET = output_format("csv"), output_format("jsonl"), output_format("parquet")
FORMATS = {
    "csv": CSV,
    "tsv": output_format("tsv"),
    "csv for spreadsheets": output_format("csv", for_excel=True),
    "tsv for spreadsheets": output_format("tsv", for_excel=True),
    "jsonl": JSONL,
    "parquet": PARQUET,
    "csv.gz": output_format("csv", "gz"),
    "jsonl.gz": output_format("jsonl", "gz"),
    "tsv.zst": output_format("tsv", "zst"),
    "jsonl.zst": output_format("jsonl", "zst"),
}


def written(file_format: Format, path: Path) -> list[bytes]:
    """Write ROWS; the pieces that were written."""
    pieces = [file_format.header(COLUMNS), *(file_format.encode(COLUMNS, [row]) for row in ROWS)]
    if file_format.convert:
        file_format.convert(COLUMNS, iter(b"".join(pieces).splitlines(keepends=True)), path)
    else:
        path.write_bytes(b"".join(pieces))
    return pieces


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read_again(name: str, tmp_path: Path) -> None:
    if name == "parquet" or name.endswith(".zst"):
        pytest.importorskip("pyarrow")
    path = tmp_path / "out"
    pieces = written(FORMATS[name], path)
    reader = FORMATS[name].reader(COLUMNS)
    assert list(reader.pieces(path)) == pieces
    heads = [reader.head(piece) for piece in pieces[1:]]
    assert [head.path for head in heads] == [row.path for row in ROWS]
    assert [head.is_open_error for head in heads] == [False, False, True, False, True]


def test_what_a_spreadsheet_adds_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    written(CSV, path)
    content = b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n").rstrip()
    path.write_bytes(content)
    reader = CSV.reader(COLUMNS)
    pieces = list(reader.pieces(path))
    assert b"".join(pieces) == content + b"\r\n"
    assert [reader.head(piece).path for piece in pieces[1:]][:2] == ["a.png", "with, comma.png"]


@pytest.mark.parametrize("name", ["csv", "tsv", "csv for spreadsheets", "jsonl"])
def test_rows_can_have_other_line_ends_but_not_within_a_cell(name: str) -> None:
    rows = [FORMATS[name].encode(COLUMNS, [row]) for row in ROWS]
    reader = FORMATS[name].reader(COLUMNS)
    ended = reader.in_form(b"".join(rows), RowForm(b"\r\n", reader.delimiter))
    assert ended == b"".join(row.removesuffix(b"\n") + b"\r\n" for row in rows)


@pytest.mark.parametrize("name", ["csv", "tsv", "csv for spreadsheets"])
def test_rows_can_have_another_delimiter_and_decimal_sign(name: str, tmp_path: Path) -> None:
    columns = Columns(("a", "b"), top_k=2, others=1)
    row = Prediction("1;2.5.png", "b", 0.75, Status.REVIEW, "a.b", {"a": 0.25, "b": 0.75}, 0.5)
    file_format = FORMATS[name]
    rows = file_format.encode(columns, [row, blank("=6.png"), blank("odd\udce9\n.png")])
    form = RowForm(b"\r\n", ";", ",")
    first, second, third = (
        b'"1;2.5.png";b;0,750000;review;a.b;0,500000;a;0,250000;\r\n',
        b"'=6.png;;;blank;;;;;\r\n" if "spreadsheets" in name else b"=6.png;;;blank;;;;;\r\n",
        b'"odd\xe9\n.png";;;blank;;;;;\r\n',
    )
    reader = file_format.reader(columns)
    assert reader.in_form(rows, form) == first + second + third
    path = tmp_path / "out.csv"
    path.write_bytes(b";".join(name.encode() for name in columns.names) + b";seen\r\n" + first + second + third)
    german = reader.for_file(path)
    assert (german.delimiter, list(german.pieces(path))[1:]) == (";", [first, second, third])
    assert [german.head(one).path for one in (first, second)] == ["1;2.5.png", "=6.png"]
    plain = file_format.encode(replace(columns, others=0), [row, blank("=6.png"), blank("odd\udce9\n.png")])
    assert german.as_written(first + second + third) == reader.as_written(rows) == reader.as_written(plain) == plain
    shown = first.replace(b"0,750000", b"0,75").replace(b"0,500000", b"5,0E-1")
    assert german.as_written(shown + second.rstrip(b";\r\n")) == b"".join(plain.splitlines(keepends=True)[:2])
    assert german.as_written(first.replace(b";\r\n", b";me\r\n")) != reader.as_written(first)
    assert b"me" in german.as_written(first.replace(b";\r\n", b";me\r\n"))
    no_csv = b'a"' + b"x" * 200_000 + b"\n"
    assert german.as_written(no_csv) == no_csv


AMOUNTS = Columns(answer="value", decimals={"value": 2})
PAGES = PageColumns(fields=("a", "b", "c"), decimals={"a": 2, "c": 1})
BY_FIELD = FormFieldColumns(answer="value", decimals={"a": 2, "c": 1})


@pytest.mark.parametrize(
    ("columns", "row", "saved", "is_same"),
    [
        (AMOUNTS, "p,2419.50,~,ok,,~", "p;2419,5;~;ok;;~", True),
        (AMOUNTS, "p,-7.00,~,ok,,~", "p;-7;~;ok;;~", True),
        (AMOUNTS, "p,2419.50,~,ok,,~", "p;2419,51;~;ok;;~", False),
        (AMOUNTS, "p,2419.50,~,ok,,~", "p;2419,504;~;ok;;~", False),
        (AMOUNTS, "p,017.50,~,ok,,~", "p;17,5;~;ok;;~", False),
        (AMOUNTS, "p,2725,~,review,fails the decimals,~", "p;2725;~;review;fails the decimals;~", True),
        (AMOUNTS, 'p,"12,5",~,review,fails the decimals,~', "p;12,5;~;review;fails the decimals;~", True),
        (
            BY_FIELD,
            "p,1,a,12.5,~,review,a minus; fails the decimals,~,",
            "p;1;a;12.5;~;review;'a minus; fails the decimals';~;",
            True,
        ),
        (
            PAGES,
            "p,1,review,a: fails the decimals; b: x,a,~,12.5,7,2.0",
            "p;1;review;'a: fails the decimals; b: x';a;~;12.5;7;2",
            True,
        ),
        (
            PAGES,
            "p,1,review,a: x; fails the decimals; likeliest: 7 (0.1),a,~,7,7,2.0",
            "p;1;review;'a: x; fails the decimals; likeliest: 7 (0.1)';a;~;7;7;2",
            True,
        ),
        (PAGES, "p,1,review,c: fails the decimals,c,~,1.50,7,2", "p;1;review;c: fails the decimals;c;~;1,5;7;2", True),
        (Columns(answer="value"), "p,2419.50,~,ok,,~", "p;2419,5;~;ok;;~", False),
        (PAGES, "p,1,ok,,,~,1.50,007,2.0", "p;1;ok;;;~;1,5;007;2", True),
        (PAGES, "p,1,ok,,,~,1.50,007,2.0", "p;1;ok;;;~;1,5;7;2", False),
        (BY_FIELD, "p,1,c,2.0,~,ok,,~,", "p;1;c;2;~;ok;;~;", True),
        (BY_FIELD, "p,1,b,02,~,ok,,~,", "p;1;b;2;~;ok;;~;", False),
    ],
)
def test_an_amount_that_a_spreadsheet_wrote_in_another_way_is_the_same(
    tmp_path: Path, columns: Columns, row: str, saved: str, is_same: bool
) -> None:
    path = tmp_path / "out.csv"
    path.write_text(";".join(columns.names) + "\n")
    german = CSV.reader(columns).for_file(path)
    written = row.replace("~", "1.000000").encode() + b"\n"
    assert (german.as_written(saved.replace("~", "1").replace("'", '"').encode() + b"\n") == written) == is_same
    assert CSV.reader(columns).as_written(written) == written


def test_the_time_for_amounts_does_not_grow_with_the_square_of_the_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = tuple(map(str, range(9)))
    columns = PageColumns(fields=fields, decimals=dict.fromkeys(fields, 2))
    names = PropertyMock(return_value=columns.names)
    monkeypatch.setattr(PageColumns, "names", names)
    assert [place for place, _ in columns.amounts([""] * 15)] == list(range(6, 15))
    assert names.call_count == 1


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_last_row_without_an_end_gets_that_of_the_one_before(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(f'{{"path": "a"}}{ends}{{"path": "b"}}'.encode())
    assert b"".join(JSONL.reader(COLUMNS).pieces(path)) == path.read_bytes() + ends.encode()


def test_a_column_that_a_person_added_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    header = CSV.header(COLUMNS).rstrip()
    path.write_bytes(header + b",checked\na.png,7,0.5,ok,,0.4,yes\n")
    reader = CSV.reader(COLUMNS)
    assert list(reader.pieces(path)) == path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + b"s\n")
    with pytest.raises(BatchdigitsError, match="its columns are not path,label"):
        list(reader.pieces(path))


def test_an_answered_error_is_none(tmp_path: Path) -> None:
    csv_reader, json_reader = (file_format.reader(COLUMNS) for file_format in (CSV, JSONL))
    assert not csv_reader.head(b"x.png,7,,error,empty file,\n").is_open_error
    assert not csv_reader.head(b"x.png,,,checked,empty file,\n").is_open_error
    assert csv_reader.head(b"x.png,,,error\n").is_open_error
    assert not json_reader.head(b'{"path": "x", "label": "7", "status": "error"}\n').is_open_error
    assert json_reader.head(b'{"path": "x", "label": null, "status": "error"}\n').is_open_error


@pytest.mark.parametrize("line", [b"not json\n", b"[]\n", b"{}\n", b'{"path": 1}\n', b'{"path_bytes": "!"}\n'])
def test_a_line_that_is_no_row_any_more_is_kept(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(line)
    reader = JSONL.reader(COLUMNS)
    assert list(reader.pieces(path)) == [b"", line]
    assert reader.head(line).path in ("", "1")


def test_other_content_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "out"
    for file_format, content, message in (
        (CSV, b"path;label\n", "its columns are not path,label.*; save it with these first"),
        (CSV, b'"' + b"x" * 200_000 + b'"\n', "its columns are not path,label"),
        (CSV, b"path;label;confidence;status;detail,score\n", "its columns are not path,label"),  # of both kinds
        (CSV, CSV.header(COLUMNS).decode().encode("utf-16"), "it is in UTF-16; save it as UTF-8"),
        (CSV, CSV.header(COLUMNS) + b'a,"b\nc,d\n', "a quote in it is not closed, from .*a"),
        (PARQUET, b"PAR1", "it is not a Parquet file"),
    ):
        path.write_bytes(content)
        with pytest.raises(BatchdigitsError, match=message):
            list(file_format.reader(COLUMNS).pieces(path))


def test_a_stray_quote_is_found_soon(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    between = (b"c" * 9_999 + b"\n") * 2_000  # 20 MB
    path.write_bytes(CSV.header(COLUMNS) + b'a,"b\n' + between + b'd,"e\n')
    with pytest.raises(BatchdigitsError, match=r"a quote in it is not closed, from b'a,.*; close it, or take it out"):
        list(CSV.reader(COLUMNS).pieces(path))


@pytest.fixture(params=["gz", "pyarrow", "zstandard"])
def compression(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Compression:
    """Each compression, and each package that has it."""
    if request.param == "gz":
        return "gz"
    pytest.importorskip(request.param)
    if request.param == "zstandard":
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    return "zst"


def test_a_compressed_file_is_read_by_each_package(compression: Compression, tmp_path: Path) -> None:
    path = tmp_path / "out"
    file_format = output_format("csv", compression)
    pieces = written(file_format, path)
    assert list(file_format.reader(COLUMNS).pieces(path)) == pieces
    write_compressed(compression, [b"".join(pieces).rstrip()], path)  # a person may have removed the last line's end
    assert list(file_format.reader(COLUMNS).pieces(path)) == pieces


def test_compressed_files_can_be_joined(compression: Compression, tmp_path: Path) -> None:
    """`cat a.zst b.zst` has the lines of both, also where a line goes on in the second one."""
    path = tmp_path / "out"
    lines = [b"%d," % number + os.urandom(50_000).hex().encode() + b"\n" for number in range(40)]  # blocks of reading
    content, parts = b"".join(lines), []
    for part in (content[:10], content[10:3_000_000], b"", content[3_000_000:]):
        write_compressed(compression, [part], path)
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    assert list(read_lines(path, compression)) == lines
    path.write_bytes(b"".join(parts)[:-1])
    with pytest.raises(BatchdigitsError, match="it is damaged"):
        list(read_lines(path, compression))


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-9], lambda content: content[:-1], lambda content: b"path,label\n"]
)
def test_a_damaged_file_is_one_line_of_error(
    compression: Compression, damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / f"out.csv.{compression}"
    file_format = output_format("csv", compression)
    written(file_format, path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BatchdigitsError, match=rf"cannot read .*: it is damaged, or not a \.{compression} file"):
        list(file_format.reader(COLUMNS).pieces(path))


def test_a_missing_file_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(output_format("csv", "gz").reader(COLUMNS).pieces(tmp_path / "out.csv.gz"))


def test_a_spreadsheet_may_take_the_apostrophe_away() -> None:
    reader = FORMATS["csv for spreadsheets"].reader(COLUMNS)
    assert [reader.head(row).path for row in (b"'=6.png,,,\n", b"=6.png,,,\n", b"'6.png,,,\n")] == [
        "=6.png",
        "=6.png",
        "'6.png",
    ]


@pytest.mark.parametrize("row", [b'a,5" high\nb,5" high\n', b'a,"' + b"x" * 200_000 + b'"\n'])
def test_a_row_that_is_no_csv_is_one_line_of_error(row: bytes) -> None:
    with pytest.raises(BatchdigitsError, match="mend the quotes in its row b'a,"):
        CSV.reader(COLUMNS).head(row)


def test_a_parquet_file_with_other_types_is_refused(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    path = tmp_path / "out.parquet"
    written(PARQUET, path)
    table = pyarrow.parquet.read_table(path)
    at = table.schema.get_field_index("label")
    pyarrow.parquet.write_table(table.set_column(at, "label", arrow.array([7] * len(table))), path)
    with pytest.raises(BatchdigitsError, match="it has other columns"):
        list(PARQUET.reader(COLUMNS).pieces(path))


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
CELL = st.builds(str.__add__, st.sampled_from(["", "'", "''", "=", " =", "'=", "\t", "+1"]), TEXT)


@pytest.mark.parametrize("name", ["csv", "tsv", "csv for spreadsheets", "tsv for spreadsheets"])
@given(paths=st.lists(CELL, max_size=5))
def test_any_paths_can_be_read_again(name: str, tmp_path_factory: pytest.TempPathFactory, paths: list[str]) -> None:
    path = tmp_path_factory.mktemp("any") / "out.csv"
    file_format = FORMATS[name]
    path.write_bytes(file_format.header(COLUMNS) + b"".join(file_format.encode(COLUMNS, [blank(p)]) for p in paths))
    reader = file_format.reader(COLUMNS)
    rows = list(reader.pieces(path))[1:]
    assert [reader.head(row).path for row in rows] == paths
    assert [reader.as_written(row) for row in rows] == rows
