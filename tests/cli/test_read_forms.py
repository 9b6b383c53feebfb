"""read --template: a row for each page of a form, or for each of its fields."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from batchdigits.output.review_answers import Answer
from batchdigits.output.review_log import ReviewLog, log_path
from batchdigits.output.table import read_table
from tests.conftest import Run, rows_of
from tests.forms import drawn
from tests.forms.drawn import blank_form, filled, save, scanned, template

FIELDS = list(drawn.VALUES)
Row = dict[str, str]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans of the form, filled in by three hands, and what is no such scan."""
    folder = tmp_path_factory.mktemp("forms")
    form = blank_form()
    save(form, folder / "blank.png")
    (folder / "scans").mkdir()
    save(scanned(filled(form)), folder / "scans/a.png")
    save(np.rot90(scanned(filled(form, copy=1)), 2).copy(), folder / "scans/b.png")  # upside down
    save(scanned(form), folder / "scans/c.png")  # not filled in
    save(np.full(form.shape, 245, np.uint8), folder / "scans/d.png")  # an empty page
    other = np.full(form.shape, 245, np.uint8)
    for row in range(20):
        cv2.putText(other, f"Another form, line {row}", (100, 200 + 60 * row), 0, 1.5, 20, 2)
    save(other, folder / "scans/e.png")
    (folder / "scans/f.png").write_text("text")
    return folder


@pytest.fixture(autouse=True)
def _in_scene(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(scene, tmp_path / "scene")
    monkeypatch.chdir(tmp_path / "scene")
    Path("form.toml").write_text(template("marks", form=None))  # the quickest


def values_of(row: Row) -> list[str]:
    return [row[name] for name in FIELDS]


@pytest.mark.parametrize("align", ["features", "marks"])
def test_each_page_gives_one_row_with_a_column_a_field(run: Run, align: str) -> None:
    Path("form.toml").write_text(template(align))
    result = run("read", "scans", "--template", "form.toml")
    assert result.exit_code == 3
    assert result.stdout.startswith("path,page,status,detail,review,score,student,date,amount,room\n")
    filled_in, turned, unfilled, empty, other, text = rows_of(result.stdout)
    assert values_of(filled_in) == list(drawn.VALUES.values())
    assert (filled_in["page"], filled_in["status"], filled_in["review"]) == ("1", "ok", "")
    assert 0.9 < float(filled_in["score"]) < 1
    assert values_of(turned) == list(drawn.VALUES.values())
    assert (unfilled["page"], unfilled["status"], values_of(unfilled)) == ("1", "blank", [""] * 4)
    assert (empty["page"], empty["status"], empty["detail"]) == ("", "review", "an empty page")
    assert other["status"] == "error"
    words = "not the form: other things are printed on it, or much of it is missing"
    assert other["detail"] in (words, "corner marks not found")
    assert (text["status"], text["detail"]) == ("error", "not an image")
    assert "6 images: " in result.stderr


def test_marks_need_no_picture_of_the_form(run: Run) -> None:
    Path("form.toml").write_text(template("marks", form=None))
    good, other = rows_of(run("read", "scans/a.png", "scans/e.png", "--template", "form.toml").stdout)
    assert values_of(good) == list(drawn.VALUES.values())
    assert (other["status"], other["detail"]) == ("error", "corner marks not found")


def test_without_lining_up_the_whole_scan_is_the_page(run: Run) -> None:
    Path("form.toml").write_text(template("none", form=None))
    page = filled(blank_form())
    save(np.asarray(Image.fromarray(page).resize((2480, 3508))), "double.png")
    save(page[:, :900].copy(), "narrow.png")
    double, narrow = rows_of(run("read", "double.png", "narrow.png", "--template", "form.toml").stdout)
    assert values_of(double) == list(drawn.VALUES.values())
    assert (narrow["status"], narrow["detail"]) == ("error", "not as the form: 900x1754 pixels are of another shape")


def test_fields_for_review_are_named(run: Run) -> None:
    Path("form.toml").write_text(template("marks", form=None, room='range = "0-9"', amount="length = 12"))
    result = run("read", "scans/a.png", "--template", "form.toml")
    (row,) = rows_of(result.stdout)
    assert (row["status"], row["review"]) == ("review", "amount, room")
    assert row["detail"].startswith("amount: no number of 12 digits found; room: ")
    assert row["student"] == drawn.VALUES["student"]
    assert result.exit_code == 0


def test_a_field_that_the_scan_lacks_is_for_review(run: Run) -> None:
    Path("form.toml").write_text(template())
    save(filled(blank_form())[:, :560].copy(), "cut.png")
    (row,) = rows_of(run("read", "cut.png", "--template", "form.toml").stdout)
    assert "student: not on the scan" in row["detail"]
    assert row["status"] == "review"


def test_a_row_a_field(run: Run) -> None:
    result = run("read", "scans/a.png", "scans/d.png", "--template", "form.toml", "--long", "--digits")
    assert result.stdout.startswith("path,page,field,value,confidence,status,detail,score,digits,box\n")
    *fields, empty = rows_of(result.stdout)
    assert [(row["path"], row["page"], row["field"]) for row in fields] == [
        ("scans/a.png", "1", name) for name in FIELDS
    ]
    assert [row["value"] for row in fields] == list(drawn.VALUES.values())
    assert (empty["field"], empty["status"], empty["detail"]) == ("", "review", "an empty page")
    for row in fields:
        boxes = np.array([digit["box"] for digit in json.loads(row["digits"])])
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        ink = np.array(Image.open("scans/a.png"))
        for left, top, right, bottom in boxes:  # in pixels of the page
            assert ink[top:bottom, left:right].min() < 130
        left, top, right, _, _, bottom, *_ = map(float, row["box"].split())
        assert (left < boxes[:, 0]).all()
        assert (boxes[:, 2] < right).all()
        assert (top - 9 < boxes[:, 1]).all()  # the page is turned a little
        assert (boxes[:, 3] < bottom + 9).all()
    assert empty["box"] == ""
    assert "5 rows: " in result.stderr


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "xlsx"])
def test_other_formats_have_the_same_columns(run: Run, suffix: str) -> None:
    if suffix == "parquet" and find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed")
    assert run("read", "scans/a.png", "scans/d.png", "--template", "form.toml", "-o", f"rows.{suffix}").exit_code == 0
    if suffix == "jsonl":
        row, empty = map(json.loads, Path("rows.jsonl").read_text().splitlines())
        assert [row[name] for name in FIELDS] == list(drawn.VALUES.values())
        assert [empty[name] for name in FIELDS] == [None] * 4
    assert Path(f"rows.{suffix}").stat().st_size > 100


def test_the_number_of_workers_changes_no_byte(run: Run) -> None:
    Path("form.toml").write_text(template())
    arguments = ["read", "scans", "--template", "form.toml"]
    assert run(*arguments, "--jobs", "1").stdout == run(*arguments, "--jobs", "3").stdout


@pytest.mark.parametrize(("suffix", "long"), [("csv", []), ("jsonl", ["--long"])])
def test_a_finished_table_is_added_to(run: Run, suffix: str, long: list[str]) -> None:
    output = Path(f"rows.{suffix}")
    arguments = ["read", "--template", "form.toml", *long, "-o", output]
    run(*arguments, "scans/a.png", "scans/f.png", "scans/c.png")
    save(scanned(filled(blank_form())), "scans/f.png")  # can be read now
    output.write_text(output.read_text().replace("310826", "310827"))  # a person has corrected it
    result = run(*arguments, "--resume", "scans/a.png", "scans/f.png", "scans/c.png", "scans/d.png")
    assert "1 file added, 1 read again, 2 kept" in result.stderr
    text = output.read_text()
    assert text.count("310827") == 1
    assert text.count("310826") == 1
    assert "not an image" not in text
    assert text.index("scans/a.png") < text.index("scans/f.png") < text.index("scans/c.png") < text.index("scans/d.png")


@pytest.mark.parametrize("long", [[], ["--long"]])
def test_amounts_that_a_spreadsheet_saved_are_not_edited(run: Run, long: list[str]) -> None:
    Path("form.toml").write_text(template("marks", form=None, date="decimals = 2", student='separators = "/"'))
    save(scanned(filled(blank_form(), {**drawn.VALUES, "date": "310820"})), "scans/a.png")
    arguments = ["read", "scans/a.png", "--template", "form.toml", *long, "-o", "rows.csv"]
    run(*arguments)
    table = Path("rows.csv").read_text()
    assert "3108.20" in table
    saved = [line.replace("3108.20", "3108,2").split(",") for line in table.replace(",", ";").splitlines()]
    Path("rows.csv").write_text("".join(",".join(line) + "\n" for line in saved))
    save(scanned(filled(blank_form(), {**drawn.VALUES, "date": "310821"})), "scans/a.png")
    assert "1 read again, 0 kept" in run(*arguments, "--resume").stderr
    assert "3108.21" in Path("rows.csv").read_text()


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_lost_rows_are_read_again(run: Run, suffix: str) -> None:
    output = Path(f"rows.{suffix}")
    save_pages("stack.tif", *(scanned(filled(blank_form(), copy=copy)) for copy in range(3)))
    options = ["--template", "form.toml", "--long", "-o", output]
    run("read", "scans/a.png", "stack.tif", *options)
    before = output.read_text()
    lines = before.splitlines(keepends=True)
    kept = [line for line in lines if not ("stack.tif#2" in line or ("a.png" in line and "room" in line))]
    output.write_text("".join(kept).replace("310826", "310827"))
    said = run("read", "scans/a.png", "stack.tif", *options, "--resume").stderr
    assert "2 kept, of these 2 with rows missing, which are made again (scans/a.png, stack.tif)" in said
    now = output.read_text().splitlines(keepends=True)
    second_page = [line for line in lines if "stack.tif#2" in line]
    assert [line for line in now if "stack.tif#2" in line] == second_page
    assert [line for line in now if "stack.tif#2" not in line] == [
        line.replace("310826", "310827") for line in lines if "stack.tif#2" not in line
    ]
    assert "2 kept\n" in run("read", "scans/a.png", "stack.tif", *options, "--resume").stderr


def test_resume_refuses_another_template(run: Run) -> None:
    run("read", "scans/a.png", "--template", "form.toml", "-o", "rows.csv")
    before = Path("rows.csv").read_bytes()
    Path("form.toml").write_text(template("marks", form=None, room="length = 3"))
    result = run("read", "scans/a.png", "scans/b.png", "--template", "form.toml", "-o", "rows.csv", "--resume")
    assert result.exit_code == 1
    why = "the contents of --template have changed since it was begun"
    assert f"rows.csv: {why}; use the same, or give another name; --overwrite drops all rows" in result.stderr
    assert Path("rows.csv").read_bytes() == before


def test_resume_of_a_row_a_field_without_long_names_the_option(run: Run) -> None:
    run("read", "scans/a.png", "--template", "form.toml", "--long", "-o", "rows.csv")
    result = run("read", "scans/a.png", "--template", "form.toml", "-o", "rows.csv", "--resume")
    assert result.exit_code == 1
    assert "rows.csv: --long was on when it was begun, and is off now; use the same" in result.stderr


def test_ids_stand_before_the_fields(run: Run) -> None:
    Path("list").write_text("scans/a.png\tA-17\n")
    result = run("read", "--files-from", "list", "--with-id", "--template", "form.toml")
    assert rows_of(result.stdout)[0]["id"] == "A-17"
    Path("form.toml").write_text(Path("form.toml").read_text().replace('"room"', '"id"'))
    for long in ([], ["--long"]):  # which review --apply --wide makes a column a field of
        result = run("read", "--files-from", "list", "--with-id", "--template", "form.toml", *long)
        assert result.exit_code == 2
        assert "a field in form.toml has this name" in result.stderr


# Forms of several pages


def two_pages(more: str = "") -> str:
    """The template of a form with a second page, on which only the room is."""
    first = template(form="blank.tif").replace('name = "room"', 'name = "room"\npage = 2')
    page = f"[[pages]]\nsize = [{drawn.WIDTH}, {drawn.HEIGHT}]\n"
    return first.replace("[[fields]]", f"{page}[[fields]]", 1) + more


def second_page() -> drawn.Scan:
    page = np.full((drawn.HEIGHT, drawn.WIDTH), drawn.PAPER, np.uint8)
    for row in range(24):
        cv2.putText(page, f"Rule {row * 37} of the house", (150, 760 + 40 * row), 0, 1.0, 20, 2)
    room = blank_form()
    page[600:720] = room[600:720]
    return page


def save_pages(path: str, *pages: drawn.Scan) -> None:
    first, *others = map(Image.fromarray, pages)
    first.save(path, save_all=True, append_images=others)


def test_the_pages_of_a_file_are_those_of_the_form_in_turn(run: Run) -> None:
    first, second = blank_form(), second_page()
    save_pages("blank.tif", first, second)
    Path("form.toml").write_text(two_pages())
    one, two = scanned(filled(first)), scanned(filled(second, {"room": "042"}))
    empty = np.full(first.shape, 240, np.uint8)
    save_pages("stack.tif", one, two, empty, one, two)
    save_pages("short.tif", two, one, one)
    save_pages("twice.tif", one, one)
    save(two, "single.png")
    twice = rows_of(run("read", "twice.tif", "--template", "form.toml").stdout)
    assert [(row["page"], row["status"]) for row in twice] == [("1", "ok"), ("1", "review")]
    assert twice[1]["detail"] == "page 2 of the form missing in the file"
    rows = rows_of(run("read", "stack.tif", "short.tif", "single.png", "--template", "form.toml").stdout)
    assert [row["path"] for row in rows[:2]] == ["stack.tif#1", "stack.tif#2"]
    assert [row["page"] for row in rows] == ["1", "2", "", "1", "2", "2", "1", "1", "2"]
    assert [row["room"] for row in rows] == ["", "042", "", "", "042", "042", "", "", "042"]
    assert rows[0]["student"] == drawn.VALUES["student"]
    assert rows[7]["status"] == "review"
    assert rows[7]["detail"] == "3 pages of the form in the file, and the form has 2: look at #1, page 2 as the first"
    assert [row["status"] for row in rows[:7]] == ["ok", "ok", "review", "ok", "ok", "ok", "ok"]
    assert (rows[8]["status"], rows[8]["detail"]) == ("ok", "")  # a file for each page


def test_a_review_keeps_the_note_that_pages_are_missing(run: Run) -> None:
    save_pages("blank.tif", blank_form(), second_page())
    Path("form.toml").write_text(two_pages())
    one = scanned(filled(blank_form()))
    save_pages("twice.tif", one, one)
    assert run("read", "twice.tif", "--template", "form.toml", "--long", "-o", "rows.csv").exit_code == 0
    last = [row for row in read_table("rows.csv") if row.status == "review"]
    note = "page 2 of the form missing in the file"
    assert [row.detail for row in last] == [note]
    for kind, detail in (("label", note), ("blank", f"blank; {note}"), ("unsure", f"unsure; {note}")):
        answer = Answer(last[0].path, kind, last[0].label if kind == "label" else "", last[0].label, "review")  # type: ignore[arg-type]
        with closing(ReviewLog(log_path(Path("rows.csv")), "rows.csv", are_numbers=True)) as log:
            log.add("anna", "t", "single", "first", [answer])
        assert run("review", "rows.csv", "--apply", "-o", "final.csv", "--overwrite").exit_code == 0
        assert rows_of(Path("final.csv").read_text())[-1]["detail"] == detail
        assert run("review", "rows.csv", "--apply", "--wide", "-o", "wide.csv", "--overwrite").exit_code == 0
        assert note in rows_of(Path("wide.csv").read_text())[-1]["detail"]


@pytest.mark.skipif(find_spec("pypdfium2") is None, reason="pypdfium2 is not installed")
def test_pages_of_a_pdf(run: Run) -> None:
    scans = [Image.fromarray(scanned(filled(blank_form(), copy=copy))) for copy in range(2)]
    scans[0].save("scans.pdf", save_all=True, append_images=scans[1:], resolution=150)
    Image.fromarray(blank_form()).save("blank.pdf", resolution=300)
    Path("form.toml").write_text(template(form="blank.pdf"))
    rows = rows_of(run("read", "scans.pdf", "--template", "form.toml").stdout)
    assert [row["path"] for row in rows] == ["scans.pdf#1", "scans.pdf#2"]
    assert [values_of(row) for row in rows] == [list(drawn.VALUES.values())] * 2


@pytest.mark.skipif(find_spec("pypdfium2") is None, reason="pypdfium2 is not installed")
def test_a_pdf_of_one_page_says_that_the_other_is_missing(run: Run) -> None:
    save_pages("blank.tif", blank_form(), second_page())
    Path("form.toml").write_text(two_pages())
    page = scanned(filled(second_page(), {"room": "042"}))
    Image.fromarray(page).save("one.PDF", resolution=150)
    save_pages("one.tif", page)
    pdf, tiff = rows_of(run("read", "one.PDF", "one.tif", "--template", "form.toml").stdout)
    assert (pdf["room"], pdf["status"]) == ("042", "review")
    assert pdf["detail"] == "1 page of the form in the file, and the form has 2"
    assert (tiff["room"], tiff["status"], tiff["detail"]) == ("042", "ok", "")  # a file for each page


# Values of all pages together


@pytest.mark.parametrize("long", [[], ["--long"]])
def test_unique_values_are_chosen_for_all_pages_together(run: Run, long: list[str]) -> None:
    Path("ids.csv").write_text("id\n0123456\n0123457\n9999999\n")
    Path("form.toml").write_text(template("marks", form=None, student='values = "ids.csv"\nunique = true'))
    shutil.copy("scans/a.png", "scans/b.png")
    result = run("read", "scans/a.png", "scans/b.png", "scans/d.png", "--template", "form.toml", *long)
    assert result.exit_code == 0
    assert "0123456 is in scans/a.png, scans/b.png" in result.stderr
    assert "of ids.csv in no field" in result.stderr
    rows = rows_of(result.stdout)
    if long:
        assert [row["status"] for row in rows if row["field"] == "student"] == ["review", "review"]
        assert [row["value"] for row in rows if row["field"] == "room"] == ["017", "017"]
    else:
        assert ["student" in row["review"] for row in rows] == [True, True, False]
        assert [row["room"] for row in rows] == ["017", "017", ""]
        assert rows[2]["detail"] == "an empty page"


# Lists of values


@pytest.mark.parametrize(
    "more", [[], ["--long"], ["-o", "out.csv"], ["-o", "out.xlsx"], ["--long", "-o", "out.xlsx"], ["unique"]]
)
def test_the_list_of_a_field_is_compared_with_its_values(run: Run, more: list[str]) -> None:
    Path("ids.csv").write_text("id\n0123456\n9999999\n")
    room = "unique = true" if more == ["unique"] else ""
    Path("form.toml").write_text(template("marks", form=None, student='values = "ids.csv"', room=room))
    shutil.copy("scans/a.png", "scans/b.png")
    result = run("read", "scans/a.png", "scans/b.png", "--template", "form.toml", *(more if not room else []))
    assert result.exit_code == 0, result.output
    assert "batchdigits: 1 value of ids.csv in no field: 9999999\n" in result.stderr
    assert result.stderr.count("0123456 is in scans/a.png, scans/b.png\n") == 1
    assert "310826 is in" not in result.stderr  # dates are not on a list


def test_what_is_wrong_with_the_list_of_a_field_is_named_once(run: Run) -> None:
    Path("ids.csv").write_text("id\n0123456\n0123456\n99\n1-2\n")
    listed = 'values = "ids.csv"\nlength = "3-7"'
    Path("form.toml").write_text(template("marks", form=None, student=listed, amount=listed))
    result = run("read", "scans/a.png", "--template", "form.toml")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("batchdigits: ids.csv has 0123456 more than once\n") == 1
    assert result.stderr.count("batchdigits: left out of ids.csv, by the rules: 99, 1-2\n") == 1


def test_a_list_is_compared_with_rows_of_earlier_runs_where_a_row_is_a_field(run: Run) -> None:
    Path("ids.csv").write_text("id\n0123456\n9999999\n")
    Path("form.toml").write_text(template("marks", form=None, student='values = "ids.csv"'))
    shutil.copy("scans/a.png", "scans/b.png")
    for more, says in (
        (["--long", "-o", "long.csv"], "0123456 is in scans/a.png, scans/b.png\n"),
        (["-o", "wide.csv"], "batchdigits: ids.csv not compared with rows of other runs or machines; --long does\n"),
    ):
        arguments = ["read", "--template", "form.toml", *more]
        assert "not compared" not in run(*arguments, "scans/a.png").stderr
        result = run(*arguments, "scans/a.png", "scans/b.png", "--resume")
        assert says in result.stderr, result.output


# Options that do not go together


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--length", "9"], "--length: with --template, each field has its own in form.toml"),
        (["--comb", "9", "--unique"], "--comb and --unique: with --template, each"),
        (["--separators", "/", "--digits-only"], "--separators and --digits-only: with --template, each"),
        (["--signed", "--decimals", "2"], "--signed and --decimals: with --template, each"),
        (
            ["--range", "0-9", "--pattern", "1", "--check", "luhn"],
            "--range and --pattern and --check: with --template, each",
        ),
        (["--values", "blank.png"], "--values: with --template, each"),
        (["--digits"], "add --long"),
        (["-o", "form.toml", "--format", "csv"], "is one of the inputs"),
        (["-o", "blank.png", "--format", "csv"], "is one of the inputs"),
    ],
)
def test_options_of_single_fields_are_refused(run: Run, arguments: list[str], words: str) -> None:
    Path("form.toml").write_text(template("marks"))
    before = Path("form.toml").read_bytes(), Path("blank.png").read_bytes()
    result = run("read", "scans", "--template", "form.toml", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert before == (Path("form.toml").read_bytes(), Path("blank.png").read_bytes())


def test_long_needs_a_template(run: Run) -> None:
    result = run("read", "scans", "--long")
    assert result.exit_code == 2
    assert "--long needs --template" in result.stderr


@pytest.mark.parametrize("arguments", [["--resume", "-o", "rows.csv"], ["--engine", "ray", "-o", "rows"]])
def test_unique_values_cannot_be_added_to(run: Run, arguments: list[str]) -> None:
    Path("form.toml").write_text(template("marks", form=None, student="unique = true"))
    result = run("read", "scans", "--template", "form.toml", *arguments)
    assert result.exit_code == 2
    assert "unique = true in form.toml chooses the values of all fields together" in result.stderr


def test_a_wrong_template_is_one_line(run: Run) -> None:
    Path("form.toml").write_text(template(room="lenght = 3"))
    result = run("read", "scans", "--template", "form.toml")
    assert result.exit_code == 1
    assert result.stderr.endswith("error: form.toml: field 'room', key 'lenght': no such key\n")
    assert run("read", "scans", "--template", "none.toml").exit_code == 1
