"""Tables with a row a field of a form: review, --apply, audit and preview."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import re
import shutil
import urllib.error
import urllib.request
from contextlib import closing
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from batchdigits.errors import BatchdigitsError
from batchdigits.output.form_columns import PageColumns
from batchdigits.output.prediction_csv import CSV
from batchdigits.output.review_answers import Answer
from batchdigits.output.review_log import ReviewLog, log_path
from batchdigits.output.table import read_table
from tests.cli.test_review import Serve, Server, serve
from tests.conftest import Run, invoke
from tests.forms.drawn import blank_form, filled, save, scanned, template

__all__ = ["serve"]

NAMES = ["student", "date", "amount", "room"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of a form's fields, some of them for review, and of an empty page."""
    folder = tmp_path_factory.mktemp("forms")
    form = blank_form()
    save(form, folder / "blank.png")
    (folder / "scans").mkdir()
    empty = Image.fromarray(np.full(form.shape, 245, np.uint8))
    Image.fromarray(scanned(filled(form))).save(folder / "scans/a.tif", save_all=True, append_images=[empty])
    save(np.rot90(filled(form, copy=1), 2).copy(), folder / "scans/b.png")  # upside down
    (folder / "form.toml").write_text(template(room='range = "0-9"'))
    with contextlib.chdir(folder):
        assert invoke("read", "scans", "--template", "form.toml", "--long", "-o", "long.csv").exit_code == 0
    return folder


@pytest.fixture
def table(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in the current folder."""
    shutil.copytree(folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return Path("long.csv")


def cells_of(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def image(server: Server, name: str) -> Image.Image:
    with urllib.request.urlopen(server.address + name) as reply:
        return Image.open(io.BytesIO(reply.read()))


def test_fields_are_shown_in_a_frame_and_the_table_keeps_its_shape(table: Path, serve: Serve, run: Run) -> None:
    before = table.read_bytes()
    server = serve(table, "--reviewer", "anna")
    assert server.get("state")["are_numbers"]
    cards = server.get("cards?order=score")["cards"]
    assert {card["status"] for card in cards[:3]} == {"review"}  # both rooms and the empty page
    by_path = {card["path"]: card for card in cards}
    assert next(iter(by_path)) == "scans/a.tif#2"
    card = by_path["scans/a.tif#1#room"]
    assert "fails the range" in card["detail"]
    field, wide = (image(server, f"scan/{card['row']}?side=800{more}") for more in ("", "&wide=1"))
    assert field.mode == "RGB"
    assert field.width > 1.5 * field.height
    assert wide.height > 3 * field.height
    assert (np.asarray(field)[..., 2].astype(int) - np.asarray(field)[..., 0] > 100).sum() > 200  # the frame
    upright = image(server, f"scan/{by_path['scans/b.png#room']['row']}?side=800")
    assert abs(upright.width - field.width) <= 12
    page = image(server, f"scan/{by_path['scans/a.tif#2']['row']}?side=800")
    assert (page.mode, page.height) == ("L", 800)
    near = server.get(f"neighbours/{card['row']}?count=2")
    assert [one["path"] for one in near["before"]] == ["scans/a.tif#1#date", "scans/a.tif#1#amount"]
    answers = [{"row": card["row"], "kind": "label", "label": "7"}]
    server.post("answers", mode="single", view="", answers=answers, since=1)
    server.process.kill()
    server.process.wait()
    assert table.read_bytes() == before
    result = run("review", table, "--apply", "-o", "final.csv")
    assert result.exit_code == 0, result.output
    assert "1 of 9 rows reviewed, 1 corrected" in result.stderr
    old, new = cells_of(table), cells_of("final.csv")
    changed = [(one, other) for one, other in zip(old, new, strict=True) if not one.items() <= other.items()]
    ((_, row),) = changed
    assert (row["path"], row["page"], row["field"], row["value"]) == ("scans/a.tif#1", "1", "room", "7")
    assert (row["status"], row["predicted"], row["reviewer"]) == ("reviewed", "017", "anna")


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_a_finished_table_of_any_format_can_be_reviewed_again(table: Path, run: Run, suffix: str) -> None:
    if suffix == "parquet" and find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed")
    for value in ("1", "2"):
        before = {row.path: row for row in read_table(str(table))}
        old = before["scans/b.png#date"]
        with closing(ReviewLog(log_path(table), table.name, are_numbers=True)) as log:
            log.add("anna", "t", "single", "first", [Answer(old.path, "label", value, old.label, old.status)])
        output = Path(f"final-{value}.{suffix}")
        result = run("review", table, "--apply", "-o", output)
        assert "1 of 9 rows reviewed, 1 corrected" in result.stderr, result.output
        table, after = output, {row.path: row for row in read_table(str(output))}
        assert list(after) == list(before)
        assert [row.box for row in after.values()] == [row.box for row in before.values()]
        row = after[old.path]
        assert (row.source, row.field, row.label, row.status) == ("scans/b.png", "date", value, "reviewed")


SELDOM = [pytest.param(suffix, marks=pytest.mark.slow) for suffix in ("tsv.gz", "jsonl")]


@pytest.mark.parametrize("suffix", ["csv", "parquet", *SELDOM])
def test_a_finished_table_can_have_a_row_a_page_as_read_writes_it(table: Path, run: Run, suffix: str) -> None:
    if suffix == "parquet" and find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed")
    for long in ([], ["--long"]):
        options = ["--template", "form.toml", *long, "--overwrite", "-o", f"rows{''.join(long)}.{suffix}"]
        assert run("read", "scans", *options).exit_code == 0
    table = Path(f"rows--long.{suffix}")
    with closing(ReviewLog(log_path(table), table.name, are_numbers=True)) as log:
        log.add("anna", "t", "single", "first", [Answer("of another table", "blank")])
    assert run("review", table, "--apply", "--wide", "-o", f"pages.{suffix}").exit_code == 0
    assert Path(f"pages.{suffix}").read_bytes() == Path(f"rows.{suffix}").read_bytes()


def test_a_page_counts_what_a_person_answered_as_right(table: Path, run: Run) -> None:
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join([lines[0], "\n", *lines[1:]]))
    rows = {row.path: row for row in read_table(str(table))}
    given = {
        "scans/a.tif#1#room": ("label", "7"),
        "scans/b.png#date": ("unsure", ""),
        "scans/b.png#room": ("blank", ""),
    }
    with closing(ReviewLog(log_path(table), table.name, are_numbers=True)) as log:
        answers = [Answer(path, *one, rows[path].label, rows[path].status) for path, one in given.items()]  # type: ignore[arg-type]
        log.add("anna", "t", "single", "first", answers)
    result = run("review", table, "--apply", "--wide", "-o", "final.csv")
    assert "2 of 9 fields reviewed, 2 corrected; 1 unsure" in result.stderr
    first, empty, second = cells_of("final.csv")
    assert list(first) == ["path", "page", "status", "detail", "review", "score", *NAMES]
    assert (first["path"], first["status"], first["review"], first["room"]) == ("scans/a.tif#1", "reviewed", "", "7")
    scores = [rows[f"scans/a.tif#1#{name}"].score or 0 for name in NAMES if name != "room"]
    assert float(first["score"]) == pytest.approx(math.prod(scores), abs=2e-6)
    assert (empty["status"], empty["page"], empty["student"]) == ("review", "", "")
    assert (second["status"], second["review"], second["detail"]) == ("review", "date", "date: unsure; room: blank")


def test_a_table_that_needs_no_answers_has_a_row_a_page_without_a_log(table: Path, run: Run) -> None:
    result = run("review", table, "--apply", "--wide", "-o", "pages.csv")
    says = "batchdigits: wrote pages.csv: 0 of 9 fields reviewed, 0 corrected\n"
    assert (result.exit_code, result.stderr) == (0, says)
    assert [row["path"] for row in cells_of("pages.csv")] == ["scans/a.tif#1", "scans/a.tif#2", "scans/b.png"]


@pytest.mark.parametrize(("statuses", "status"), [("ok blank", "ok"), ("blank blank", "blank"), ("ok error", "review")])
def test_a_page_has_the_status_of_its_fields(in_empty_folder: Path, run: Run, statuses: str, status: str) -> None:
    header = "path,page,field,value,confidence,status,detail,score,id"
    one, other = statuses.split()
    fields = [f"a.png,2,p_1,1,0.5,{one},,0.5,x", f"a.png,2,b,1,0.5,{other},,0,x"]
    apart = [fields[0], "c.png,1,z,007,1,ok,,1,y", fields[0], fields[1], fields[1]]
    Path("t.csv").write_text("\n".join([header, *apart, ""]))
    Path("s.csv").write_text("path,truth\na.png#b,\nc.png#z,007\n")
    result = run("review", "t.csv", "--apply", "--wide", "--sample", "s.csv", "-o", "p.jsonl")
    assert result.exit_code == 0, result.output
    pages = [json.loads(line) for line in Path("p.jsonl").read_text().splitlines()]
    assert [page["path"] for page in pages] == ["a.png", "c.png", "a.png"]  # a page that is named twice stays two
    assert [page["status"] for page in pages] == [status, "reviewed", status]
    assert list(pages[0]) == ["path", "page", "status", "detail", "review", "score", "id", "z", "p_1", "b"]
    assert (pages[0]["id"], pages[0]["p_1"], pages[0]["z"], pages[1]["z"]) == ("x", "1", None, "007")
    assert (pages[0]["score"], pages[1]["score"]) == (0, None)


def test_a_row_a_page_needs_nothing_that_was_typed(in_empty_folder: Path, run: Run) -> None:
    header = "path,page,field,value,confidence,status,detail,score,checked"
    Path("t.csv").write_text(f"{header}\na.png,1,z,007,1,ok,,1,\n")
    assert run("review", "t.csv", "--apply", "--wide", "--column", "checked", "-o", "p.csv").exit_code == 0
    assert [page["z"] for page in cells_of("p.csv")] == ["007"]


@pytest.mark.parametrize("status", ["review", "error"])
def test_a_number_for_a_page_without_fields_stays_for_review(in_empty_folder: Path, run: Run, status: str) -> None:
    header = "path,page,field,value,confidence,status,detail,score,checked"
    rows = ["a.png,1,z,007,1,ok,,1,", f"b.png,,,,,{status},an empty page,,42", "c.png,,,,,review,an empty page,,blank"]
    Path("t.csv").write_text("\n".join([header, *rows, ""]))
    assert run("review", "t.csv", "--apply", "--wide", "--column", "checked", "-o", "p.csv").exit_code == 0
    _, number, blank = cells_of("p.csv")
    assert (number["status"], number["detail"], number["z"]) == ("review", "there is no field for 42", "")
    assert (blank["status"], blank["detail"]) == ("reviewed", "blank")


def test_a_row_without_a_name_among_fields_does_not_shift_those_to_review(in_empty_folder: Path, run: Run) -> None:
    header = "path,page,field,value,confidence,status,detail,score,checked"
    rows = ["a.png,1,x,1,1,ok,,1,1", "a.png,1,,,,ok,a note,,", "a.png,1,y,2,1,review,,1,", "a.png,1,z,3,1,ok,,1,"]
    Path("t.csv").write_text("\n".join([header, *rows, ""]))
    assert run("review", "t.csv", "--apply", "--wide", "--column", "checked", "-o", "p.csv").exit_code == 0
    (page,) = cells_of("p.csv")
    assert (page["status"], page["review"], page["detail"]) == ("review", "y", "a note")


def test_a_page_that_lost_a_row_is_for_review_and_named(in_empty_folder: Path, run: Run) -> None:
    header = "path,page,field,value,confidence,status,detail,score"
    one = ["a.png,1,x,1,1,ok,,1", "a.png,1,y,2,1,ok,,1"]
    rows = [*one, "b.png,1,y,2,1,ok,,1", "c.png,,,,,review,an empty page,", "d.png,2,z,3,1,ok,,1"]
    Path("t.csv").write_text("\n".join([header, *rows, ""]))
    result = run("review", "t.csv", "--apply", "--wide", "-o", "p.csv")
    pages = cells_of("p.csv")
    assert [page["status"] for page in pages] == ["ok", "review", "review", "ok"]
    assert [page["detail"] for page in pages] == ["", "x: no row in the table", "an empty page", ""]
    assert (pages[1]["review"], pages[1]["x"]) == ("x", "")
    lack = "1 page without the row of a field that others have, still to review: b.png\n"
    assert result.stderr.endswith(f"wrote p.csv: 0 of 5 fields reviewed, 0 corrected\nbatchdigits: {lack}")


def test_a_page_that_is_there_twice_is_named(in_empty_folder: Path, run: Run) -> None:
    header = "path,page,field,value,confidence,status,detail,score"
    one = ["a.png,1,x,1,1,ok,,1", "a.png,1,y,2,1,ok,,1"]
    Path("t.csv").write_text("\n".join([header, *one, "b.png,1,x,1,1,ok,,1", *one, one[0], "b.png,1,y,2,1,ok,,1", ""]))
    result = run("review", "t.csv", "--apply", "--wide", "-o", "p.csv")
    assert [page["path"] for page in cells_of("p.csv")] == ["a.png", "b.png", "a.png", "a.png"]
    assert "batchdigits: t.csv has 1 page twice: a.png\n" in result.stderr
    assert "without the row of a field" not in result.stderr


def test_other_tables_have_no_pages(in_empty_folder: Path, run: Run) -> None:
    Path("rows.csv").write_text("path,label,confidence,status,detail,score\na.png,1,1,ok,,1\n")
    Path("s.csv").write_text("path,truth\na.png,1\n")
    result = run("review", "rows.csv", "--apply", "--wide", "--sample", "s.csv", "-o", "final.csv")
    assert (result.exit_code, Path("final.csv").exists()) == (1, False)
    assert "--wide is for tables with a row a field, as read --template --long writes them\n" in result.stderr


def test_a_row_whose_scan_is_another_one_now_is_kept_and_named(table: Path, serve: Serve, run: Run) -> None:
    server = serve(table)
    (card,) = server.get("cards?path=b.png%23date")["cards"]
    server.post("answers", mode="single", view="", answers=[{"row": card["row"], "kind": "blank"}], since=1)
    save(filled(blank_form()), "scans/b.png")
    assert server.get("cards?path=b.png%23date")["cards"][0]["has_changed"]
    server.process.kill()
    server.process.wait()
    result = run("review", table, "--apply", "-o", "final.csv")
    assert "1 image changed after the answer, their rows kept: scans/b.png#date" in result.stderr
    assert [row["value"] for row in cells_of("final.csv")] == [row["value"] for row in cells_of(table)]


def test_a_sample_of_fields_is_keyed_blind_and_certified(table: Path, serve: Serve, run: Run) -> None:
    assert run("audit", table, "--sample", "3", "-o", "sample.csv").exit_code == 0
    server = serve(table, "--mode", "blind", "--sample", "sample.csv")
    cards = server.get("cards")["cards"]
    assert [card["path"].rpartition("#")[2] in NAMES for card in cards] == [True] * 3
    values = {row.path: row.label for row in read_table(str(table))}
    answers = [{"row": card["row"], "kind": "label", "label": values[card["path"]]} for card in cards]
    answers[0]["label"] = "1"
    server.post("answers", mode="blind", view="", answers=answers, since=1)
    server.process.kill()
    server.process.wait()
    result = run("audit", table, "--keyed", "sample.csv", "--html", "page.html")
    ok = table.read_text().count(",ok,")
    assert f"3 of {ok} ok rows keyed, 1 wrong" in result.stdout, result.output
    assert cards[0]["path"] in Path("page.html").read_text()


@pytest.mark.parametrize(
    ("box", "says"),
    [
        ("", None),
        ("1 2 3", None),
        ("0 0 10 0 20 0 30 0", None),
        ("0 0 900000 0 900000 900000 0 900000", "not on the scan"),
    ],
)
def test_a_box_that_a_person_has_changed_shows_the_page_or_says_why_not(
    table: Path, serve: Serve, run: Run, box: str, says: str | None
) -> None:
    with table.open(newline="") as file:
        rows = list(csv.reader(file))
    rows[1][-1] = box
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(rows[:2])
    assert run("preview", table, "-o", "p.html").exit_code == (3 if says else 0)
    server = serve(table)
    if says is None:
        assert image(server, "scan/0?side=900").height == 900
        return
    with pytest.raises(urllib.error.HTTPError) as refused:
        image(server, "scan/0?side=900")
    assert says in json.load(refused.value)["error"]
    assert says in Path("p.html").read_text()


def test_the_preview_shows_the_fields_with_their_cuts(table: Path, run: Run) -> None:
    result = run("preview", table, "-o", "page.html")
    assert result.exit_code == 0, result.output
    page = Path("page.html").read_text()
    captions = [unescape(text) for text in re.findall(r"<figcaption>(.*?)</figcaption>", page, re.S)]
    assert captions[:4] == [f"scans/a.tif#1#{name}" for name in NAMES]
    assert captions[4:] == ["scans/a.tif#2", *(f"scans/b.png#{name}" for name in NAMES)]
    figures = page.split("<figure")[1:]
    assert [figure.count("<img") - 1 for figure in figures] == [7, 6, 3, 3, 0, 7, 6, 3, 3]
    Path("scans/b.png").unlink()
    result = run("preview", table, "-o", "page.html")
    assert result.exit_code == 3


def test_a_table_with_a_row_a_page_is_known_whatever_its_fields_are_called(in_empty_folder: Path) -> None:
    columns = PageColumns(fields=("label", "value", "field", "box", "digits"))
    Path("wide.csv").write_bytes(CSV.line(columns.names))
    with pytest.raises(BatchdigitsError, match="it has a row a page"):
        list(read_table("wide.csv"))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_table_with_a_row_a_page_says_what_to_do(table: Path, run: Run, suffix: str) -> None:
    if suffix == "parquet" and find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed")
    run("read", "scans", "--template", "form.toml", "-o", f"wide.{suffix}")
    for command in (
        ["review", "--no-browser"],
        ["review", "--apply", "-o", "final.csv"],
        ["audit", "--sample", "2", "-o", "sample.csv"],
        ["preview", "-o", "p.png"],
    ):
        result = run(command[0], f"wide.{suffix}", *command[1:])
        assert result.exit_code == 1
        says = f"error: cannot use wide.{suffix}: it has a row a page; batchdigits read --template with --long writes"
        assert says in result.stderr
    assert not any(Path(name).exists() for name in ("final.csv", "sample.csv", "p.png", f"wide.{suffix}.review"))
