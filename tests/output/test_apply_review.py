"""A finished table has the answers of the review, and every other row as it was."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchdigits.errors import BatchdigitsError, MissingExtraError
from batchdigits.inference.decide import Prediction, Status, blank, failed
from batchdigits.output.apply_review import REVIEW_COLUMNS, Applied, apply_review
from batchdigits.output.columns import Columns
from batchdigits.output.formats import Format, compression_of, format_of, output_format
from batchdigits.output.review_answers import Answer, Round
from batchdigits.output.review_log import ReviewLog, log_path
from batchdigits.output.table import read_table

LABELS = ("1", "7", "=x")
COLUMNS = Columns(LABELS, top_k=2, probabilities=True, ids={"a.png": "A-1", "odd\udce9.png": "A-2"})
AT = "2026-11-29T05:00:00+00:00"
JSON_ROW = {"path": "a", "label": "1", "confidence": 1.0, "status": "ok", "detail": "", "score": 1.0}


def prediction(path: str, label: str = "1", status: Status = Status.OK, detail: str = "") -> Prediction:
    return Prediction(path, label, 0.75, status, detail, {"1": 0.75, "7": 0.2, "=x": 0.05}, 0.5)


ROWS = [
    prediction("a.png"),
    prediction('with "quote", comma\tand\nnewline.png', status=Status.REVIEW, detail="may be no digit"),
    prediction("odd\udce9.png", "7"),
    prediction("=1+1.png", "=x"),
    blank("é.png"),
    failed("broken.png", "empty file"),
    prediction("'apostrophe.png"),
]
PATHS = [row.path for row in ROWS]


def file_format(path: Path, for_excel: bool = False) -> Format:
    name = format_of(path)
    assert name
    return output_format(name, compression_of(path), for_excel)


def write(path: Path, rows: Sequence[Prediction] = ROWS, columns: Columns = COLUMNS, for_excel: bool = False) -> Path:
    """Write a table as classify does."""
    made = file_format(path, for_excel)
    content = made.header(columns) + made.encode(columns, rows)
    if made.convert:
        made.convert(columns, iter(content.splitlines(keepends=True)), path)
    else:
        path.write_bytes(content)
    return path


def answer(table: Path, answers: Iterable[Answer], reviewer: str = "anna", round_: Round = "first") -> None:
    with closing(ReviewLog(log_path(table), table.name)) as log:
        log.add(reviewer, "t", "grid", round_, list(answers), AT)


def answers_to(table: Path, answers: dict[str, tuple[Any, str]], **options: Any) -> None:
    """Answer rows, by path: the kind, and the label."""
    rows = {row.path: row for row in read_table(str(table))}
    answer(
        table,
        (Answer(path, kind, text, rows[path].label, rows[path].status) for path, (kind, text) in answers.items()),
        **options,
    )


def cells_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a finished table, each cell as text or None."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    if path.suffix == ".parquet":
        import pyarrow.parquet

        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    delimiter = "\t" if ".tsv" in path.name else ","
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.parquet"])
def test_what_a_row_becomes(tmp_path: Path, name: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    table = write(tmp_path / name)
    output = table.with_stem("final")
    answers_to(
        table,
        {
            PATHS[0]: ("label", "1"),
            PATHS[1]: ("label", "7"),
            PATHS[2]: ("not_digit", ""),
            PATHS[3]: ("blank", ""),
            PATHS[5]: ("unsure", ""),
            PATHS[6]: ("unsure", ""),
        },
    )
    assert apply_review(table, output) == Applied(rows=7, reviewed=4, corrected=3, unsure=[PATHS[5], PATHS[6]])
    rows = list(read_table(str(output)))
    assert [row.path for row in rows] == PATHS
    assert [(row.label, row.status, row.detail) for row in rows] == [
        ("1", "reviewed", ""),
        ("7", "reviewed", ""),
        ("", "reviewed", "no digit"),
        ("", "reviewed", "blank"),
        ("", "blank", ""),
        ("", "error", "empty file"),
        ("1", "review", "unsure"),
    ]
    assert [(row.confidence, row.score) for row in rows[:4]] == [(0.75, 0.5)] * 4  # what the model said
    cells = cells_of(output)
    assert list(cells[0])[-3:] == list(REVIEW_COLUMNS) or name.endswith(".parquet")
    made = [tuple(row.get(column) or "" for column in REVIEW_COLUMNS) for row in cells]
    assert made == [*((label, "anna", AT) for label in ("1", "1", "7", "=x")), *[("", "", "")] * 3]
    assert (cells[0]["id"], cells[0]["label_2"], float(cells[0]["p_7"])) == ("A-1", "7", 0.2)


def test_a_blank_row_that_is_accepted_is_not_corrected(tmp_path: Path) -> None:
    table = write(tmp_path / "rows.csv")
    answers_to(table, {PATHS[0]: ("blank", ""), PATHS[4]: ("blank", "")})
    assert apply_review(table, tmp_path / "final.csv") == Applied(rows=7, reviewed=2, corrected=1)


FILES = ["rows.csv", "rows.tsv", "rows.csv.gz", "rows.tsv.zst", "excel.csv", "excel.tsv", "rows.jsonl", "rows.jsonl.gz"]


def plain(path: Path) -> bytes:
    if path.suffix == ".zst":
        import pyarrow

        return bytes(pyarrow.CompressedInputStream(path, "zstd").read())
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_other_rows_keep_their_bytes(tmp_path: Path, name: str, ends: bytes) -> None:
    if name.endswith(".zst"):
        pytest.importorskip("pyarrow")
    for_excel = name.startswith("excel")
    made = file_format(Path(name), for_excel)
    pieces = [made.header(COLUMNS), *(made.encode(COLUMNS, [row]) for row in ROWS)]
    if ends != b"\n":
        pieces = [piece.removesuffix(b"\n") + ends if piece else b"" for piece in pieces]
    pieces[-1] = pieces[-1].removesuffix(ends)  # as some editors leave the last line
    table = tmp_path / name
    from batchdigits.output.compression import write_compressed

    write_compressed(compression_of(table), pieces, table)
    answers_to(table, {PATHS[1]: ("label", "=x"), PATHS[6]: ("label", "1")})
    output = tmp_path / f"final{name.removeprefix('rows').removeprefix('excel')}"
    apply_review(table, output)
    delimiter = b"\t" if ".tsv" in name else b","
    content = plain(output)
    empty = b"" if ".jsonl" in name else 3 * delimiter
    header = (
        pieces[0]
        and pieces[0].removesuffix(ends)
        + delimiter
        + delimiter.join(column.encode() for column in REVIEW_COLUMNS)
        + ends
    )
    assert content.startswith(header + pieces[1].removesuffix(ends) + empty + ends)
    middle = b"".join(piece.removesuffix(ends) + empty + ends for piece in pieces[3:-1])
    assert middle in content
    assert not content.endswith(ends)
    changed = list(read_table(str(output)))[1]
    assert (changed.path, changed.label) == (PATHS[1], "=x")
    if for_excel:
        assert delimiter + b"'=x" + delimiter in content[len(header) :].split(middle)[0]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6) | st.sampled_from(
    ['"', ",", "\n", "a\nb", "=1", "'=1", "\udce9", "\t", ";"]
)


@settings(max_examples=150)
@given(st.lists(st.tuples(cells, cells, st.booleans()), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_any_cells_come_back_and_other_rows_keep_their_bytes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, bool]], for_excel: bool, crlf: bool
) -> None:
    """Rows have a path, what a person noted in a column of their own, and maybe an answer."""
    table = tmp_path_factory.mktemp("apply") / "rows.csv"
    dialect = output_format("csv", for_excel=for_excel).header(Columns(LABELS))
    made = output_format("csv", for_excel=for_excel)
    pieces, noted = [], []
    for number, (path, note, _) in enumerate(rows):
        cell = '"' + note.replace('"', '""') + '"'
        line = made.encode(Columns(LABELS), [prediction(f"{number}{path}")]).removesuffix(b"\n")
        end = b"\r\n" if crlf else b"\n"
        pieces.append(line + b"," + cell.encode(errors="surrogateescape") + end)
        noted.append(note)
    table.write_bytes(dialect.removesuffix(b"\n") + b",noted\n" + b"".join(pieces))
    answers_to(table, {f"{number}{row[0]}": ("label", "7") for number, row in enumerate(rows) if row[2]})
    output = table.with_name("final.csv")
    applied = apply_review(table, output)
    assert (applied.rows, applied.reviewed) == (len(rows), sum(is_answered for *_, is_answered in rows))
    for number, (row, (path, _, is_answered)) in enumerate(zip(read_table(str(output)), rows, strict=True)):
        assert (row.path, row.label) == (f"{number}{path}", "7" if is_answered else "1")
    assert [row["noted"] for row in cells_of(output)] == noted
    content = output.read_bytes()
    for piece, (*_, is_answered) in zip(pieces, rows, strict=True):
        if not is_answered:
            end = piece[len(piece.rstrip(b"\r\n")) :]
            assert piece.removesuffix(end) + b",,," + end in content


CONVERSIONS = [
    ("rows.csv", "final.jsonl"),
    ("rows.csv", "final.parquet"),
    ("rows.csv", "final.tsv.gz"),
    ("excel.csv", "final.tsv"),
    ("rows.jsonl", "final.csv"),
    ("rows.jsonl", "final.parquet"),
    ("rows.parquet", "final.csv"),
    ("rows.parquet", "final.jsonl.zst"),
    ("rows.tsv.gz", "final.csv"),
]


@pytest.mark.parametrize(("name", "to"), CONVERSIONS)
def test_another_format_has_the_same_rows(tmp_path: Path, name: str, to: str) -> None:
    pytest.importorskip("pyarrow")
    table = write(tmp_path / name, for_excel=name.startswith("excel"))
    answers_to(table, {PATHS[1]: ("label", "7"), PATHS[3]: ("not_digit", "")})
    same = tmp_path / f"same{name.removeprefix('rows').removeprefix('excel')}"
    apply_review(table, same)
    apply_review(table, tmp_path / to)
    assert list(read_table(str(tmp_path / to))) == list(read_table(str(same)))


def test_a_converted_table_is_what_classify_would_have_written(tmp_path: Path) -> None:
    """But for the three columns."""
    pytest.importorskip("pyarrow")
    for suffix in ("jsonl", "csv", "parquet"):
        direct = write(tmp_path / f"direct.{suffix}")
        for source in {"jsonl", "csv", "parquet"} - {suffix}:
            table = write(tmp_path / f"from_{source}.{source}")
            answer(table, [])
            output = tmp_path / f"{source}_to.{suffix}"
            apply_review(table, output)
            rows = [{k: v for k, v in row.items() if k not in REVIEW_COLUMNS} for row in cells_of(output)]
            assert rows == cells_of(direct)


@pytest.mark.parametrize("to", ["csv", "tsv", "jsonl", "parquet", "xlsx"])
def test_a_table_that_was_saved_in_another_encoding_is_finished(tmp_path: Path, to: str) -> None:
    table, output = tmp_path / "rows.csv", tmp_path / f"final.{to}"
    header = "path,label,confidence,status,detail,score,prüfer\n"
    table.write_bytes(f"{header}a.png,ü,0.5,geprüft,ungültig,0.5,jä\nb.png,1,0.5,geprüft,,0.5,\n".encode("latin-1"))
    answers_to(table, {"a.png": ("label", "1")})
    assert apply_review(table, output) == Applied(rows=2, reviewed=1, corrected=1)
    if to != "xlsx":
        rows = list(read_table(str(output)))
        assert [(row.label, row.status) for row in rows] == [("1", "reviewed"), ("1", "gepr\ufffdft")]


def test_a_workbook_has_the_rows_and_counts_them(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    table = write(tmp_path / "rows.csv")
    answers_to(table, {PATHS[0]: ("label", "7")})
    apply_review(table, tmp_path / "final.xlsx")
    book = openpyxl.load_workbook(tmp_path / "final.xlsx")
    header, first, *_ = book["rows"].iter_rows(values_only=True)
    assert header == (*COLUMNS.names, *REVIEW_COLUMNS)
    assert (first[:4], first[-3:]) == (("a.png", "7", 0.75, "reviewed"), ("1", "anna", AT))
    assert ("reviewed", 1) in list(book["summary"].iter_rows(values_only=True))


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_a_finished_table_can_be_reviewed_again(tmp_path: Path, name: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    table = write(tmp_path / name)
    final, last = table.with_stem("final"), table.with_stem("last")
    answers_to(table, {PATHS[0]: ("label", "7"), PATHS[3]: ("label", "=x")})
    apply_review(table, final)
    answers_to(final, {PATHS[0]: ("label", "=x"), PATHS[2]: ("label", "7")}, reviewer="ben")
    apply_review(final, last)
    rows = cells_of(last)
    assert list(rows[0]).count("predicted") == 1
    assert [(row["label"], row["predicted"], row["reviewer"]) for row in (rows[0], rows[2], rows[3])] == [
        ("=x", "1", "ben"),  # the model said 1
        ("7", "7", "ben"),
        ("=x", "=x", "anna"),
    ]


def test_a_row_that_has_changed_since_its_answer_stays(tmp_path: Path) -> None:
    table = write(tmp_path / "rows.csv")
    answers_to(table, {PATHS[0]: ("label", "7"), PATHS[3]: ("label", "7")})
    edited = table.read_bytes().replace(b"a.png,1,0.750000,ok", b"a.png,1,0.750000,checked")
    table.write_bytes(edited)
    applied = apply_review(table, tmp_path / "final.csv")
    assert (applied.reviewed, applied.changed) == (1, 1)
    assert b"a.png,1,0.750000,checked" in (tmp_path / "final.csv").read_bytes()


def test_answers_for_other_paths_are_named(tmp_path: Path) -> None:
    table = write(tmp_path / "rows.csv")
    answer(table, [Answer("gone.png", "label", "7", "1", "ok"), Answer("", "label", "7", "1", "ok")])
    assert apply_review(table, tmp_path / "final.csv") == Applied(rows=7, not_found=["gone.png", ""])


def test_two_persons_who_differ_leave_a_row_to_review(tmp_path: Path) -> None:
    table = write(tmp_path / "rows.csv")
    answers_to(table, {PATHS[0]: ("label", "7")})
    answers_to(table, {PATHS[0]: ("label", "1")}, reviewer="ben", round_="second")
    assert apply_review(table, tmp_path / "final.csv").unsure == PATHS[:1]
    row = next(read_table(str(tmp_path / "final.csv")))
    assert (row.label, row.status, row.detail) == ("1", "review", "unsure")


def test_rows_with_fewer_or_more_cells_than_the_header_are_kept(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    lines = ["path,label,confidence,status,detail,score,noted", "a,1,0.5,ok,,0.5", "", "b,1,0.5,ok,,0.5,x,y", ",,,,,,"]
    table.write_text("\n".join(lines) + "\n")
    answers_to(table, {"a": ("label", "7"), "b": ("label", "7")})
    apply_review(table, tmp_path / "final.csv")
    assert (tmp_path / "final.csv").read_text().splitlines() == [
        f"{lines[0]},predicted,reviewer,reviewed_at",
        f"a,7,0.5,reviewed,,0.5,,1,anna,{AT}",
        "",
        f"b,7,0.5,reviewed,,0.5,x,1,anna,{AT},y",
        ",,,,,,,,,",
    ]


def test_other_columns_of_parquet_keep_their_types(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    table = write(tmp_path / "rows.parquet")
    mine = pyarrow.parquet.read_table(table).append_column("page", arrow.array(range(7), arrow.int16()))
    pyarrow.parquet.write_table(mine, table)
    answers_to(table, {PATHS[0]: ("label", "7")})
    apply_review(table, tmp_path / "final.parquet")
    made = pyarrow.parquet.read_table(tmp_path / "final.parquet")
    assert made.schema.names == [*mine.schema.names, *REVIEW_COLUMNS]
    assert made.schema.field("page").type == arrow.int16()
    assert made.slice(1).select(mine.schema.names).to_pylist() == mine.slice(1).to_pylist()


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("rows.csv", "is the table"),
        ("rows.csv.review", "is the log"),
        ("link.csv", "is the table"),
        ("final.txt", "no format has this suffix"),
        ("final.parquet.gz", "compressed as it is"),
        ("final.xlsx.zst", "compressed as it is"),
        ("none/final.csv", "cannot write"),
    ],
)
def test_an_output_that_cannot_be_is_refused(tmp_path: Path, output: str, words: str) -> None:
    table = write(tmp_path / "rows.csv")
    answers_to(table, {PATHS[0]: ("label", "7")})
    (tmp_path / "link.csv").symlink_to(table)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BatchdigitsError, match=words):
        apply_review(table, tmp_path / output, overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("suffix", "package"), [("parquet", "pyarrow"), ("xlsx", "xlsxwriter")])
def test_a_format_whose_package_is_missing_is_named_by_its_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str
) -> None:
    table = write(tmp_path / "rows.csv")
    answers_to(table, {PATHS[0]: ("label", "7")})
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"^an? \.{suffix} file needs .*\[{suffix}\]"):
        apply_review(table, tmp_path / f"final.{suffix}")


def test_only_on_demand_an_output_is_replaced(tmp_path: Path) -> None:
    table, output = write(tmp_path / "rows.csv"), tmp_path / "final.csv"
    answers_to(table, {PATHS[0]: ("label", "7")})
    output.write_text("mine")
    with pytest.raises(BatchdigitsError, match="exists; give -o another name"):
        apply_review(table, output)
    with pytest.raises(BatchdigitsError, match=r"exists and is no table of batchdigits; move it away"):
        apply_review(table, output, overwrite=True)
    assert output.read_text() == "mine"
    output.write_bytes(table.read_bytes())
    apply_review(table, output, overwrite=True)
    assert "anna" in output.read_text(errors="replace")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("path,label,confidence,status,detail,score,reviewer\na,1,1,ok,,1,me\n", "has a column reviewer of its own"),
        ('path,label,confidence,status,detail,score\na,1,1,ok,,1\n"b,1,1,ok,,1\n', "the row in line 3"),
        ("name\na\n", "it is not CSV"),
        ('{"path": "a", "label": "1"}\n', "line 1 is not a row of classify"),
        (json.dumps(JSON_ROW | {"path": "\ud83d"}), "line 1 is not a row of classify"),  # half of a surrogate pair
        (json.dumps(JSON_ROW | {"label": "\ud83d"}), "line 1 is not a row of classify"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, content: str, words: str) -> None:
    table, output = tmp_path / "rows.csv", tmp_path / "final.csv"
    table.write_text(content)
    answer(table, [Answer("a", "label", "7", "1", "ok")])
    with pytest.raises(BatchdigitsError, match=words):
        apply_review(table, output)
    assert not output.exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_columns_in_another_order_stay_so_and_can_be_converted(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("label,path,noted,status,detail,score,confidence\n1,a,x,ok,,0.5,0\n")
    answers_to(table, {"a": ("label", "7")})
    apply_review(table, tmp_path / "final.csv")
    assert (tmp_path / "final.csv").read_text().splitlines() == [
        "label,path,noted,status,detail,score,confidence,predicted,reviewer,reviewed_at",
        f"7,a,x,reviewed,,0.5,0,1,anna,{AT}",
    ]
    apply_review(table, tmp_path / "final.jsonl")
    assert list(read_table(str(tmp_path / "final.jsonl"))) == list(read_table(str(tmp_path / "final.csv")))


def test_a_table_with_semicolons_keeps_them(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text(
        'path;label;confidence;status;detail;score\r\na;1;0,75;ok;;0,5\r\n"b;c";1;1;ok;;0,99\r\n', newline=""
    )
    answers_to(table, {"b;c": ("label", "1;7")})
    apply_review(table, tmp_path / "final.csv")
    assert (tmp_path / "final.csv").read_bytes().decode().split("\r\n") == [
        "path;label;confidence;status;detail;score;predicted;reviewer;reviewed_at",
        "a;1;0,75;ok;;0,5;;;",
        f'"b;c";"1;7";1;reviewed;;0,99;1;anna;{AT}',
        "",
    ]
    apply_review(table, tmp_path / "final.jsonl")
    assert [row["score"] for row in cells_of(tmp_path / "final.jsonl")] == [0.5, 0.99]


def test_a_word_for_a_number_is_refused_in_parquet_and_kept_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = tmp_path / "rows.csv"
    table.write_text("path,label,confidence,status,detail,score\na,1,sure,ok,,0.5\n")
    answer(table, [])
    with pytest.raises(BatchdigitsError, match="cannot write Parquet: "):
        apply_review(table, tmp_path / "final.parquet")
    assert not (tmp_path / "final.parquet").exists()
    apply_review(table, tmp_path / "final.jsonl")
    assert cells_of(tmp_path / "final.jsonl")[0]["confidence"] == "sure"
