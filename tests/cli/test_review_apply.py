"""`batchdigits review --apply`, and what the other commands make of its result."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from batchdigits.output.review_answers import Answer
from batchdigits.output.review_log import ReviewLog, log_path
from batchdigits.output.source_pages import digest_of
from tests.conftest import SAMPLES, Run

HEADER = "path,label,confidence,status,detail,score\n"
TABLE = Path("rows.csv")


@pytest.fixture
def table(in_empty_folder: Path) -> Path:
    """Three rows, and answers for the first two and for one that is gone."""
    TABLE.write_text(f"{HEADER}a.png,1,0.9,ok,,0.9\nb.png,7,0.4,review,,0.4\nc.png,3,0.9,ok,,0.9\n")
    answers = [
        Answer("a.png", "unsure", "", "1", "ok"),
        Answer("b.png", "label", "1", "7", "review"),
        Answer("gone.png", "blank", "", "1", "ok"),
    ]
    with closing(ReviewLog(log_path(TABLE), TABLE.name)) as log:
        log.add("anna", "t", "grid", "first", answers, "2026-11-29T05:00:00+00:00")
    return TABLE


def test_the_finished_table_is_written_and_its_rows_are_counted(run: Run, table: Path) -> None:
    result = run("review", table, "--apply", "-o", "final.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        "batchdigits: wrote final.csv: 1 of 3 rows reviewed, 1 corrected; 1 unsure, and still to review: a.png; "
        "1 answer for images that are not in the table: gone.png\n"
    )
    assert Path("final.csv").read_text() == (
        f"{HEADER.strip()},predicted,reviewer,reviewed_at\n"
        "a.png,1,0.9,review,unsure,0.9,,,\n"
        "b.png,1,0.4,reviewed,,0.4,7,anna,2026-11-29T05:00:00+00:00\n"
        "c.png,3,0.9,ok,,0.9,,,\n"
    )


def test_a_row_that_was_edited_is_named(run: Run, table: Path) -> None:
    table.write_text(table.read_text().replace("b.png,7", "b.png,2"))
    result = run("review", table, "--apply", "-o", "final.csv")
    assert "; 1 row kept that changed after the answer; " in result.stderr
    assert "b.png,2,0.4,review,,0.4,,,\n" in Path("final.csv").read_text()


def test_a_row_whose_image_is_another_one_now_is_kept_and_named(run: Run, in_empty_folder: Path) -> None:
    Path("moved").mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(SAMPLES / "digits" / "3" / "large.png", Path("moved") / name)
    TABLE.write_text(f"{HEADER}a.png,1,0.9,ok,,0.9\nb.png,7,0.4,review,,0.4\nb.png,7,0.4,review,,0.4\n")
    digest = digest_of("moved/a.png")
    answers = [
        Answer("a.png", "label", "3", "1", "ok", digest),
        Answer("b.png", "label", "3", "7", "review", digest),
    ]
    with closing(ReviewLog(log_path(TABLE), TABLE.name)) as log:
        log.add("anna", "t", "grid", "first", answers)
    shutil.copy(SAMPLES / "digits" / "3" / "as-is.png", "moved/b.png")
    result = run("review", TABLE, "--scans", "moved", "--apply", "-o", "final.csv")
    assert (
        "1 of 3 rows reviewed, 1 corrected; 1 image changed after the answer, their rows kept: b.png\n" in result.stderr
    )
    assert "b.png,7,0.4,review,,0.4,,,\n" in Path("final.csv").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--apply"], "--apply needs -o"),
        (["-o", "final.csv"], "go with --apply"),
        (["--overwrite"], "go with --apply"),
        (["--column", "checked"], "go with --apply"),
        (["--wide"], "go with --apply"),
        (["--apply", "-o", "final/"], "final/ is a folder's name, by its slash; give that of a file"),
        (["--apply", "-o", "final.csv", "--mode", "blind"], "shows no page"),
        (["--apply", "-o", "final.csv", "--reviewer", "anna"], "shows no page"),
        (["--apply", "-o", "final.csv", "--label", "tick"], "shows no page"),
        (["--apply", "-o", "final.csv", "--sample", "sample.csv", "--second"], "shows no page"),
    ],
)
def test_options_that_do_not_fit_are_refused(run: Run, table: Path, options: list[str], words: str) -> None:
    before = sorted(table.parent.iterdir())
    result = run("review", table, *options)
    assert (result.exit_code, words in result.stderr) == (2, True), result.output
    assert sorted(table.parent.iterdir()) == before


def test_nothing_is_written_over_unasked(run: Run, table: Path) -> None:
    Path("final.csv").write_text("mine")
    for options in (["-o", "final.csv"], ["-o", table, "--overwrite"]):
        result = run("review", table, "--apply", *options)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert Path("final.csv").read_text() == "mine"
    Path("final.csv").write_bytes(table.read_bytes())
    assert run("review", table, "--apply", "-o", "final.csv", "--overwrite").exit_code == 0
    assert "anna" in Path("final.csv").read_text()


def test_truths_that_were_typed_into_a_sample_are_applied(run: Run, in_empty_folder: Path) -> None:
    rows = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5"), ("f", "6"), ("g", "7")]
    TABLE.write_text(HEADER + "".join(f"{path}.png,{label},0.9,ok,,0.9\n" for path, label in rows))
    with closing(ReviewLog(log_path(TABLE), TABLE.name)) as log:
        answers = [Answer(f"{path}.png", "label", "9", label, "ok") for path, label in (rows[0], rows[5])]
        log.add("ben", "t", "blind", "first", answers, "2026-11-29T05:00:00+00:00")
    truths = "path,truth\na.png,1\nb.png,7\nc.png,X\nd.png,blank\ne.png,an S\nf.png,\n"
    Path("sample.csv").write_text(truths)
    os.utime("sample.csv", (1_790_000_000, 1_790_000_000))
    result = run("review", TABLE, "--apply", "--sample", "sample.csv", "--reviewer", "anna", "-o", "final.csv")
    assert "5 of 7 rows reviewed, 4 corrected; 1 unsure, and still to review: e.png\n" in result.stderr
    anna = "anna,2026-09-21T14:13:20+00:00"
    assert Path("final.csv").read_text().splitlines()[1:] == [
        f"a.png,1,0.9,reviewed,,0.9,1,{anna}",  # counts more than the log
        f"b.png,7,0.9,reviewed,,0.9,2,{anna}",
        f"c.png,,0.9,reviewed,no digit,0.9,3,{anna}",
        f"d.png,,0.9,reviewed,blank,0.9,4,{anna}",
        "e.png,5,0.9,review,unsure,0.9,,,",
        "f.png,9,0.9,reviewed,,0.9,6,ben,2026-11-29T05:00:00+00:00",
        "g.png,7,0.9,ok,,0.9,,,",
    ]


def test_numbers_that_were_typed_into_a_sample_are_applied_without_a_log(run: Run, in_empty_folder: Path) -> None:
    TABLE.write_text(f"{HEADER}a.png,007,0.9,ok,,0.9\nb.png,12,0.4,review,,0.4\n".replace("label", "value"))
    for truth, words in (("1/2", "a.png,1/2,0.9,reviewed,"), ("not_digit", "a.png,,0.9,reviewed,no number,")):
        Path("sample.csv").write_text(f"path,truth\na.png,{truth}\nb.png,12\n")
        result = run("review", TABLE, "--apply", "--sample", "sample.csv", "-o", "final.csv", "--overwrite")
        assert "1 of 2 rows reviewed, 1 corrected; 1 row kept that changed after the answer\n" in result.stderr
        assert words in Path("final.csv").read_text()


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_what_was_typed_into_a_column_of_the_table_is_applied(run: Run, in_empty_folder: Path, delimiter: str) -> None:
    rows = ["a.png,1,0.9,ok,,0.9,", "b.png,2,0.4,review,,0.4,7", "c.png,,,error,empty file,,8", "d.png,4,0.9,ok,,0.9,X"]
    rows += ["e.png,5,0.9,ok,,0.9,yes", "f.png,6,0.9,ok,,0.9,6", "a.png,1,0.9,ok,,0.9"]
    table = "\n".join([f"{HEADER.strip()},checked", *rows, ""])
    TABLE.write_text(table.replace(",", delimiter))
    os.utime(TABLE, (1_790_000_000, 1_790_000_000))
    result = run("review", TABLE, "--apply", "--column", "checked", "--reviewer", "anna", "-o", "final.csv")
    assert "4 of 7 rows reviewed, 3 corrected; 1 unsure, and still to review: e.png\n" in result.stderr
    anna = "anna,2026-09-21T14:13:20+00:00"
    assert Path("final.csv").read_text().replace(delimiter, ",").splitlines()[1:] == [
        "a.png,1,0.9,ok,,0.9,,,,",
        f"b.png,7,0.4,reviewed,,0.4,7,2,{anna}",
        f"c.png,8,,reviewed,,,8,,{anna}",
        f"d.png,,0.9,reviewed,no digit,0.9,X,4,{anna}",
        "e.png,5,0.9,review,unsure,0.9,yes,,,",
        f"f.png,6,0.9,reviewed,,0.9,6,6,{anna}",
        "a.png,1,0.9,ok,,0.9,,,",
    ]
    Path("sample.csv").write_text("path,truth\nf.png,0\n")
    options = ("--column", "checked", "--sample", "sample.csv", "--reviewer", "ben", "-o", "final.jsonl")
    assert run("review", TABLE, "--apply", *options).exit_code == 0
    assert '"f.png", "label": "0"' in Path("final.jsonl").read_text()  # a sample is keyed blind


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_line_that_tells_excel_the_delimiter_is_no_row(run: Run, in_empty_folder: Path, mark: str) -> None:
    header = f"{HEADER.strip()},checked".replace(",", ";")
    TABLE.write_text(f"{mark}sep=;\r\n{header}\r\na.png;3;0,9;ok;;0,9;5\r\n'=b.png;3;0,9;ok;;0,9;\r\n", newline="")
    path = "'=b.png" if mark else "''=b.png"  # without a mark the table is none for spreadsheets
    Path("sample.csv").write_text(f"{mark}sep=;\r\npath;truth\r\n{path};4\r\n", newline="")
    result = run("review", TABLE, "--apply", "--column", "checked", "--sample", "sample.csv", "-o", "final.csv")
    assert "2 of 2 rows reviewed, 2 corrected" in result.stderr, result.output
    assert Path("final.csv").read_text().splitlines()[0].removeprefix("\ufeff").startswith("path;label;")


def test_answers_to_one_path_that_differ_leave_its_rows_to_review(run: Run, in_empty_folder: Path) -> None:
    cells = [("a", "5"), ("a", "3"), ("a", "5"), ("b", "5"), ("b", "'5"), ("b", ""), ("c", "x"), ("c", "X")]
    TABLE.write_text(f"{HEADER.strip()},checked\n" + "".join(f"{p}.png,3,0.9,ok,,0.9,{t}\n" for p, t in cells))
    result = run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv")
    assert "5 of 8 rows reviewed, 5 corrected; 3 unsure, and still to review: a.png\n" in result.stderr
    assert Path("final.csv").read_text().count("a.png,3,0.9,review,unsure") == 3
    Path("sample.csv").write_text("path,truth\na.png,1\na.png,2\nb.png,1\nb.png,\n")
    result = run("review", TABLE, "--apply", "--sample", "sample.csv", "-o", "final.jsonl")
    assert "3 of 8 rows reviewed, 3 corrected; 3 unsure, and still to review: a.png\n" in result.stderr


@pytest.mark.parametrize("truth", ["7.0", "7.00", "7,0", "'7"])
def test_a_digit_is_taken_as_pandas_and_spreadsheets_write_it(run: Run, in_empty_folder: Path, truth: str) -> None:
    TABLE.write_text(f'{HEADER.strip()},checked\na.png,3,0.9,ok,,0.9,"{truth}"\n')
    Path("sample.csv").write_text(f'path,truth\na.png,"{truth}"\n')
    for options in (["--column", "checked"], ["--sample", "sample.csv"]):
        run("review", TABLE, "--apply", *options, "-o", "final.csv", "--overwrite")
        assert "a.png,7,0.9,reviewed,," in Path("final.csv").read_text()
    TABLE.write_text(TABLE.read_text().replace("label", "value"))  # where the point may be one of the number
    run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv", "--overwrite")
    assert ("a.png,7,0.9,reviewed,," in Path("final.csv").read_text()) == (truth == "'7")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1897,37", "1897.37"),
        ("1685,5", "1685.50"),
        ("1.386,37", "1386.37"),
        ("1,386.37", "1386.37"),
        ("'1740.50", "1740.50"),
        ("1740", "1740.00"),
        ("-1.740,5", "-1740.50"),
        ("+12,50", "12.50"),
        ("02725", "02725"),  # as it was read
        ("1.386", ""),  # a spreadsheet may have shown thousands
        ("1897,375", ""),
        ("1/2", ""),
    ],
)
@pytest.mark.parametrize("mark", [".", ","])
def test_a_number_is_brought_into_the_notation_of_the_table(
    run: Run, in_empty_folder: Path, typed: str, value: str, mark: str
) -> None:
    read = "c.png;02725;0.9;review;fails the decimals;0.9"
    rows = ["a.png;12.50;0.9;ok;;0.9;", "b.png;7.25;0.9;ok;;0.9;", f"{read};{typed}"]
    header = f"{HEADER.strip()},checked".replace("label", "value").replace(",", ";")
    TABLE.write_text(
        "\n".join(
            [header, *(row.replace(".50", f"{mark}50").replace(".25", f"{mark}25") for row in rows[:2]), rows[2], ""]
        )
    )
    result = run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv")
    assert ("1 unsure, and still to review: c.png" in result.stderr) == (not value)
    written = value.replace(".", mark) or "02725"
    assert f"c.png;{written};0.9;{'reviewed' if value else 'review'};" in Path("final.csv").read_text()


@pytest.mark.parametrize(
    "others",
    [
        ["12.50;0.9;ok", "7.5;0.9;ok"],
        ["1.250;0.9;ok", "2.500;0.9;ok"],
        ["12.50;0.9;ok", "7;0.9;ok"],
        ["12.50;0.9;ok", "7;0.4;review"],
        ["3.12.2026;0.9;ok", "4.12.2026;0.9;ok"],
    ],
)
def test_a_number_stays_as_typed_where_the_notation_of_the_table_is_not_known(
    run: Run, in_empty_folder: Path, others: list[str]
) -> None:
    rows = [*(f"{other.split(';')[0]}.png;{other};;0.9;" for other in others), "c.png;1;0.9;ok;;0.9;1,5"]
    header = f"{HEADER.strip()},checked".replace("label", "value").replace(",", ";")
    TABLE.write_text("\n".join([header, *rows, ""]))
    assert run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv").exit_code == 0
    assert "c.png;1,5;0.9;reviewed;" in Path("final.csv").read_text()


def test_zeros_that_a_spreadsheet_has_dropped_stay(run: Run, in_empty_folder: Path) -> None:
    cells = [("085", "85"), ("000", "0"), ("07", "8")]
    rows = [f"{value}.png,{value},0.9,ok,,0.9,{typed}" for value, typed in cells]
    TABLE.write_text("\n".join([f"{HEADER.strip()},checked".replace("label", "value"), *rows, ""]))
    result = run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv")
    assert "3 of 3 rows reviewed, 1 corrected\n" in result.stderr
    zeros = "2 numbers without the leading zeros of the value, which a spreadsheet drops: taken as the value: "
    assert f"batchdigits: {zeros}085.png, 000.png\n" in result.stderr
    values = [line.split(",")[1] for line in Path("final.csv").read_text().splitlines()[1:]]
    assert values == ["085", "000", "8"]


@pytest.mark.parametrize("other", ["085", "'085", "-007", "00.5"])
def test_a_zero_that_a_person_left_out_is_no_dropped_one(run: Run, in_empty_folder: Path, other: str) -> None:
    rows = ["a.png,012,0.9,ok,,0.9,12", f"b.png,85,0.9,ok,,0.9,{other}"]
    TABLE.write_text("\n".join([f"{HEADER.strip()},checked".replace("label", "value"), *rows, ""]))
    result = run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv")
    assert "2 of 2 rows reviewed, 2 corrected\n" in result.stderr
    assert "a.png,12,0.9,reviewed," in Path("final.csv").read_text()


def test_a_column_and_the_page_that_differ_leave_the_row_to_review(run: Run, table: Path) -> None:
    rows = ["a.png,1,0.9,ok,,0.9,1", "b.png,7,0.4,review,,0.4,2", "c.png,3,0.9,ok,,0.9,5"]
    table.write_text("\n".join([f"{HEADER.strip()},checked", *rows, ""]))  # the page: unsure, 1, none
    result = run("review", table, "--apply", "--column", "checked", "-o", "final.csv")
    assert "2 of 3 rows reviewed, 1 corrected; 1 unsure, and still to review: b.png; 1 answer" in result.stderr
    table.write_text(table.read_text().replace("0.4,2", "0.4,1"))
    assert (
        "3 of 3 rows reviewed, 2 corrected; 1 answer"
        in run("review", table, "--apply", "--column", "checked", "-o", "final.csv", "--overwrite").stderr
    )


@pytest.mark.parametrize(
    ("predicted", "status", "scan"), [("8", "ok", ""), ("1", "review", ""), ("1", "ok", "as-is.png")]
)
def test_an_answer_of_the_page_to_another_row_or_image_leaves_a_typed_one(
    run: Run, in_empty_folder: Path, predicted: str, status: str, scan: str
) -> None:
    shutil.copy(SAMPLES / "digits/3" / (scan or "large.png"), "a.png")
    digest = digest_of(str(SAMPLES / "digits/3/large.png"))
    TABLE.write_text(f"{HEADER.strip()},checked\na.png,1,0.9,ok,,0.9,3\n")
    with closing(ReviewLog(log_path(TABLE), TABLE.name)) as log:
        log.add("anna", "t", "grid", "first", [Answer("a.png", "label", "7", predicted, status, digest)])
    result = run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv")
    assert "wrote final.csv: 1 of 1 row reviewed, 1 corrected\n" in result.stderr
    assert "a.png,3,0.9,reviewed," in Path("final.csv").read_text()


@pytest.mark.parametrize("word", ["no digit", "No number", "NOT_DIGIT"])
@pytest.mark.parametrize("answer", ["label", "value"])
def test_the_words_of_a_reviewed_table_are_taken_as_answers(
    run: Run, in_empty_folder: Path, word: str, answer: str
) -> None:
    TABLE.write_text(f"{HEADER.strip()},checked\na.png,3,0.9,ok,,0.9,{word}\n".replace("label", answer))
    assert (
        "1 of 1 row reviewed, 1 corrected\n"
        in run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv").stderr
    )


def test_a_column_without_an_answer_is_named(run: Run, in_empty_folder: Path) -> None:
    TABLE.write_text(f"{HEADER.strip()},checked\na.png,3,0.9,ok,,0.9,\n")
    result = run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv")
    words = "nothing is typed into the column checked of rows.csv, and there is no rows.csv.review either\n"
    assert (result.exit_code, result.stderr) == (1, f"batchdigits: error: {words}")
    Path("sample.csv").write_text("path,truth\na.png,\n")
    result = run("review", TABLE, "--apply", "--column", "checked", "--sample", "sample.csv", "-o", "final.csv")
    assert "nothing is typed into the column checked of rows.csv or sample.csv, and" in result.stderr


@pytest.mark.parametrize("column", ["other", "label"])
def test_a_column_that_no_person_added_is_not_applied(run: Run, table: Path, column: str) -> None:
    table.write_text(table.read_text().replace("\n", ",note\n", 1))
    result = run("review", table, "--apply", "--column", column, "-o", "final.csv")
    assert (result.exit_code, Path("final.csv").exists()) == (1, False)
    assert f"rows.csv has no column {column} that a person has added: it has note\n" in result.stderr
    table.write_bytes(table.read_bytes().replace(b"note", b"gepr\xfcft"))
    result = run("review", table, "--apply", "--column", "gepr\u00fcft", "-o", "final.csv")
    assert "it has gepr\ufffdft; if it is one of these, save it as UTF-8" in result.stderr


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            ["h\u00f6fe/a.png", ""],
            "the path h\ufffdfe/a.png in it, which no file has, is not in UTF-8 any more: save it",
        ),
        (
            ["a.png", "gepr\u00fcft"],
            "cannot use rows.csv: gepr\ufffdft in it is not in UTF-8 any more: save it as UTF-8",
        ),
    ],
)
def test_a_table_in_another_encoding_is_refused(run: Run, in_empty_folder: Path, cells: list[str], words: str) -> None:
    path, note = cells
    Path("h\u00f6fe").mkdir()
    shutil.copy(SAMPLES / "digits/3/large.png", "h\u00f6fe/a.png")
    table = f"{HEADER.strip()},checked,note\n{path},3,0.9,ok,,0.9,5,{note}\n"
    TABLE.write_bytes(table.encode("cp1252"))
    options = ("--apply", "--column", "checked", "--reviewer", "J\u00fcrgen", "-o", "final.csv")
    result = run("review", TABLE, *options)
    assert (result.exit_code, words in result.stderr, Path("final.csv").exists()) == (1, True, False)
    TABLE.write_text(table)
    assert run("review", TABLE, *options).exit_code == 0


def test_a_file_name_that_is_not_utf8_is_none_of_another_encoding(run: Run, in_empty_folder: Path) -> None:
    shutil.copy(SAMPLES / "digits/3/large.png", "odd\udce9.png")
    table = f"{HEADER.strip()},id,checked\nodd\udce9.png,3,0.9,ok,,0.9,\udce9,5\n".encode(errors="surrogateescape")
    TABLE.write_bytes(table)
    assert run("review", TABLE, "--apply", "--column", "checked", "-o", "final.csv").exit_code == 0
    assert b"odd\xe9.png,5,0.9,reviewed,,0.9,\xe9,5,3," in Path("final.csv").read_bytes()


def test_a_sample_of_another_table_is_not_applied(run: Run, table: Path) -> None:
    Path("sample.csv").write_text("path,truth\na.png,1\nother.png,\n")
    result = run("review", table, "--apply", "--sample", "sample.csv", "-o", "final.csv")
    assert (result.exit_code, Path("final.csv").exists()) == (1, False)
    assert "sample.csv is of another table: it has 1 row that this one has not, such as other.png\n" in result.stderr


def test_without_a_log_there_is_one_line(run: Run, table: Path) -> None:
    log_path(table).unlink()
    result = run("review", table, "--apply", "-o", "final.csv")
    assert (result.exit_code, result.stderr) == (
        1,
        "batchdigits: error: there is no rows.csv.review: nothing has been reviewed yet\n",
    )
    assert not Path("final.csv").exists()


def test_other_commands_read_the_finished_table(run: Run, in_empty_folder: Path) -> None:
    images = SAMPLES / "digits" / "3"
    assert run("classify", images, "-o", "rows.csv").exit_code == 0
    first = Path("rows.csv").read_text().splitlines()[1].split(",")
    with closing(ReviewLog(log_path(TABLE), TABLE.name)) as log:
        log.add("anna", "t", "grid", "first", [Answer(first[0], "label", "8", first[1], first[3])])
    assert run("review", "rows.csv", "--apply", "-o", "final.csv").exit_code == 0
    result = run("preview", "final.csv", "--status", "reviewed", "-o", "page.html")
    assert result.exit_code == 0, result.output
    assert "reviewed" in Path("page.html").read_text()
    rows = len(Path("final.csv").read_text().splitlines()) - 1
    result = run("audit", "final.csv", "--sample", rows - 1, "-o", "sample.csv")
    assert result.exit_code == 0, result.output
    assert first[0] not in Path("sample.csv").read_text()
    before = Path("final.csv").read_bytes()
    result = run("classify", images, "-o", "final.csv", "--resume")
    assert result.exit_code == 1
    assert "if review --apply wrote the table, add to the one that was reviewed" in result.stderr
    assert Path("final.csv").read_bytes() == before
