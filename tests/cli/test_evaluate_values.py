"""`batchdigits evaluate TABLE --truth FILE`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.reports.value_evaluation import edit_distance
from tests.conftest import Run

ROWS = """path,value,confidence,status,detail,score
fields/a.png,0123,0.99,ok,,0.99
fields/b.png,12.5,0.99,ok,,0.99
fields/c.png,77,0.99,ok,,0.99
fields/d.png,1,0.5,review,,0.5
fields/e.png,,,blank,,
fields/f.png,9,0.6,review,,0.6
fields/other.png,9,0.6,review,,0.6
"""
TRUTH = "file,truth\na.png,0123\nb.png,125\nc.png,71\nfields/d.png,12\ne.png,3\nf.png,\ng.png,44\n"


@pytest.fixture(autouse=True)
def _files(in_empty_folder: Path) -> None:
    Path("rows.csv").write_text(ROWS)
    Path("truth.csv").write_text(TRUTH)


def test_values_are_compared_without_separators_and_errors_are_told_by_kind(run: Run) -> None:
    (found,) = json.loads(run("evaluate", "rows.csv", "--truth", "truth.csv", "--json").stdout)
    assert found == {
        "path": "rows.csv",
        "fields": 7,
        "exact": 2,
        "other_separators": 1,
        "without_zeros": 0,
        "true_digits": 14,
        "edits": 6,
        "kinds": {"wrong": 1, "too few": 1, "none": 2, "too many": 1},
        "ok": 3,
        "exact_ok": 2,
        "missing": 1,
    }


def test_the_table(run: Run) -> None:
    result = run("evaluate", "rows.csv", "--truth", "truth.csv")
    assert result.exit_code == 0
    header, line, warning = result.stdout.splitlines()
    assert line.split() == ["rows.csv", "7", "28.57%", "57.14%", "1", "1", "1", "2", "42.9%", "66.67%", "1"]
    assert header.split()[:3] == ["fields", "exact", "digits"]
    assert warning == "rows.csv: exact but for separators or the sign: 1 of 2"
    both = run("evaluate", "rows.csv", "rows.csv", "--truth", "truth.csv").stdout
    assert both.splitlines()[-3].split() == ["mean", "28.57%"]


@pytest.mark.parametrize("truth", ["blank", "x", "not_digit", "X", ""])
def test_a_truth_that_there_is_no_number_is_no_text(run: Run, truth: str) -> None:
    Path("truth.csv").write_text(f"file,truth\na.png,0123\ne.png,{truth}\nf.png,{truth}\n")
    (found,) = json.loads(run("evaluate", "rows.csv", "--truth", "truth.csv", "--json").stdout)
    assert (found["exact"], found["true_digits"], found["edits"]) == (2, 4, 1)
    assert found["kinds"] == {"too many": 1}
    Path("rows.csv").write_text(f"path,label,confidence,status,detail,score\na.png,{truth},1,ok,,1\n")  # a class
    Path("truth.csv").write_text(f"file,truth\na.png,{truth}\n")
    assert "100.00%" in run("evaluate", "rows.csv", "--truth", "truth.csv").stdout


@pytest.mark.parametrize(
    ("value", "truth", "differ"),
    [
        ("239752", "2397.52", 1),
        ("5", "-5", 1),
        ("1/2", "12", 1),
        ("2397,52", "2397.52", 0),
        ("5", "+5", 0),
        ("007", "'007", 0),
        ("-5", "'-5", 0),
        ("-5", "-5", 0),
    ],
)
def test_exact_values_with_other_separators_or_signs_are_counted(run: Run, value: str, truth: str, differ: int) -> None:
    Path("rows.csv").write_text(f'path,value,confidence,status,detail,score\na.png,"{value}",1,ok,,1\n')
    Path("truth.csv").write_text(f"file,truth\na.png,{truth}\n")
    result = run("evaluate", "rows.csv", "--truth", "truth.csv")
    assert ("rows.csv: exact but for separators or the sign: 1 of 1\n" in result.stdout) == differ
    assert "100.00%" in result.stdout


@pytest.mark.parametrize(
    "content",
    [
        "\ufefffile,truth\nb.png,125\n",
        "path,value\nfields/b.png,125\n",
        "file;truth\nb.png;12,5\n",
        "file\ttruth\nb.png\t125\nb.png\t125\n",
        "sep=;\r\nfile;truth\r\nb.png;12,5\r\n",
        "\ufeffSEP=;\nfile;truth\nb.png; 125 \n",
    ],
)
def test_lists_as_spreadsheets_and_read_write_them(run: Run, content: str) -> None:
    Path("truth.csv").write_text(content)
    (found,) = json.loads(run("evaluate", "rows.csv", "--truth", "truth.csv", "--json").stdout)
    assert (found["fields"], found["exact"]) == (1, 1)


def test_zeros_that_a_spreadsheet_dropped_from_the_list_are_counted(run: Run) -> None:
    values = [("0055", "55"), ("55.0", "55"), ("-07,50", "-7,5"), ("75", "057"), ("1/2", "12"), ("70", "7")]
    lines = [f"{number}.png,{value},1,ok,,1" for number, (value, _) in enumerate(values)]
    Path("rows.csv").write_text("\n".join([ROWS.splitlines()[0], *lines, ""]))
    truths = [f"{number}.png,{truth}" for number, (_, truth) in enumerate(values)]
    Path("truth.csv").write_text("\n".join(["file,truth", *truths, ""]))
    says = (
        "rows.csv: not exact only for zeros that the list lacks: 3 of 5; a spreadsheet drops them: format its column as"
    )
    assert run("evaluate", "rows.csv", "--truth", "truth.csv").stdout.splitlines()[-1] == f"{says} text"


def test_a_list_in_utf16_says_what_to_do(run: Run) -> None:
    Path("truth.csv").write_text(TRUTH.replace(",", "\t"), encoding="utf-16")
    result = run("evaluate", "rows.csv", "--truth", "truth.csv")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot read truth.csv: it is in UTF-16; save it as UTF-8, which Excel calls CSV UTF-8\n" in result.stderr


def test_fields_of_forms_are_told_by_their_names(run: Run) -> None:
    Path("rows.csv").write_text(
        "path,page,field,value,confidence,status,detail,score\n"
        "s/a.png,1,day,7,1,ok,,1\ns/a.png,1,room,12,1,ok,,1\ns/a.png,1,day/month,3,1,ok,,1\n"
    )
    Path("truth.csv").write_text("file,field,truth\na.png,day,7\na.png,room,13\na.png,day/month,3\n")
    (found,) = json.loads(run("evaluate", "rows.csv", "--truth", "truth.csv", "--json").stdout)
    assert (found["fields"], found["exact"], found["missing"]) == (3, 2, 0)


def test_a_name_that_several_files_have_is_not_guessed(run: Run) -> None:
    Path("rows.csv").write_text(ROWS + "more/a.png,99,0.99,ok,,0.99\nmore/other.png,1,0.99,ok,,0.99\n")
    result = run("evaluate", "rows.csv", "--truth", "truth.csv")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "rows.csv: a.png of the list may be fields/a.png and more/a.png; write whole paths" in result.stderr
    Path("truth.csv").write_text("file,truth\nfields/a.png,0123\nmore/a.png,98\n")
    (found,) = json.loads(run("evaluate", "rows.csv", "--truth", "truth.csv", "--json").stdout)
    assert (found["fields"], found["exact"]) == (2, 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no CSV file with the columns file and truth"),
        ("file,truth\n", "truth.csv has no rows"),
        ("file,x\na.png,1\n", "no CSV file with the columns file and truth"),
        ('file,truth\n"a.png,1\n', "cannot read truth.csv"),
        ("file,truth\nx.png,1\n", "no row is about a file of the list"),
        ("file,truth\na.png,1\na.png,2\n", "truth.csv: a.png has two truths, 1 and 2"),
        ("file,truth\na.png,1\nb.png,?\n", "truth.csv, line 3: '?' is no number"),
        ("sep=;\nfile;truth\na.png;unlesbar\n", "truth.csv, line 3: 'unlesbar' is no number"),
        ('file,truth\na.png,"1,79E+04"\n', "line 2: '1,79E+04' is no number: a spreadsheet has rounded it"),
    ],
)
def test_a_list_that_does_not_fit_is_one_line(run: Run, content: str, says: str) -> None:
    Path("truth.csv").write_text(content)
    result = run("evaluate", "rows.csv", "--truth", "truth.csv")
    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("file,truth\na.png,7\n", "its rows are about the fields day, room; name one in a column field of the list"),
        ("file,field,truth\na.png,Day,7\n", "no row is about the field Day of the list; there are day, room"),
        ("file,field,truth\nx.png,day,7\n", "no row is about a file of the list"),
    ],
)
def test_a_list_without_the_fields_of_a_form_says_so(run: Run, content: str, says: str) -> None:
    Path("rows.csv").write_text(
        "path,page,field,value,confidence,status,detail,score\ns/a.png,1,day,7,1,ok,,1\ns/a.png,1,room,12,1,ok,,1\n"
    )
    Path("truth.csv").write_text(content)
    result = run("evaluate", "rows.csv", "--truth", "truth.csv")
    assert (result.exit_code, result.stderr) == (1, f"batchdigits: error: rows.csv: {says}\n")


def test_names_with_umlauts_are_found_and_another_encoding_is_refused(run: Run) -> None:
    names = ["gr\u00fcn.png", "bla\u0308u.png", "odd\udce9.png"]  # as Linux and as a Mac have them, and no UTF-8
    rows = "".join(f"{name},12,1,ok,,1\n" for name in names)
    Path("rows.csv").write_bytes(f"{ROWS.splitlines()[0]}\n{rows}".encode(errors="surrogateescape"))
    truth = "file,truth\ngru\u0308n.png,12\nbl\u00e4u.png,12\nodd\udce9.png,12\n"
    Path("truth.csv").write_bytes(truth.encode(errors="surrogateescape"))
    (found,) = json.loads(run("evaluate", "rows.csv", "--truth", "truth.csv", "--json").stdout)
    assert (found["exact"], found["missing"]) == (3, 0)
    Path("truth.csv").write_bytes("file,truth\ngr\u00fcn.png,12\n".encode("cp1252"))
    result = run("evaluate", "rows.csv", "--truth", "truth.csv")
    assert result.exit_code == 1
    assert "gr\ufffdn.png of the list, which no row has, is not UTF-8: save it as UTF-8, which Excel" in result.stderr


def test_the_share_of_digits_is_never_below_0(run: Run) -> None:
    Path("truth.csv").write_text("file,truth\na.png,9\nb.png,\n")
    line = run("evaluate", "rows.csv", "--truth", "truth.csv").stdout.splitlines()[1]
    assert line.split()[2:4] == ["0.00%", "0.00%"]


def test_a_list_that_is_not_there_and_a_table_without_one_are_named(run: Run) -> None:
    assert "No such file" in run("evaluate", "rows.csv", "--truth", "none.csv").stderr
    result = run("evaluate", "rows.csv")
    assert result.exit_code == 2
    assert "rows.csv is a table; give --truth a CSV of what is right" in result.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--wrong", ["wrong.csv"]),
        ("--suspects", ["suspects.csv"]),
        ("--plot", ["plot.png"]),
        ("--model", ["tiny"]),
        ("--runtime", ["tflite"]),
        ("--ink", ["dark"]),
        ("--batch-size", ["512"]),  # the default, and given
        ("--class", ["not_digit"]),
        ("--second-look", []),
    ],
)
def test_options_for_images_are_refused_with_a_truth(run: Run, option: str, value: list[str]) -> None:
    result = run("evaluate", "rows.csv", "--truth", "truth.csv", option, *value)
    assert result.exit_code == 2
    assert f"{option} is for images, and --truth compares tables" in result.stderr


@given(st.text("01", max_size=6), st.text("01", max_size=6), st.text("01", max_size=6))
def test_the_edit_distance_is_a_metric(one: str, other: str, third: str) -> None:
    assert (edit_distance(one, other) == 0) == (one == other)
    assert edit_distance(one, other) == edit_distance(other, one)
    assert edit_distance(one, other) <= edit_distance(one, third) + edit_distance(third, other)
    assert abs(len(one) - len(other)) <= edit_distance(one, other) <= max(len(one), len(other))
