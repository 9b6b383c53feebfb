"""`batchdigits preview` of a table that `classify` wrote."""

from __future__ import annotations

import json
import re
import shutil
import sys
from html import unescape
from pathlib import Path

import pyarrow.parquet
import pytest
from PIL import Image

from tests.conftest import Arrays, Run

HEADER = "path,label,confidence,status,detail,score\n"


@pytest.fixture
def rows(run: Run, in_empty_folder: Path, small_mnist: Arrays) -> Path:
    """Eight rows, of six scans in a folder, one of them of two pages, and of a member of an archive."""
    Path("scans").mkdir()
    images = [Image.fromarray(255 - image) for image in small_mnist["x_test"][:8]]
    for number, image in enumerate(images[:5]):
        image.save(f"scans/{number}.png")
    images[5].save("scans/pages.tif", save_all=True, append_images=images[6:7])
    images[7].save("7.png")
    shutil.make_archive("more", "zip", ".", "7.png")
    assert run("classify", "scans", "more.zip", "-o", "rows.csv").exit_code == 0
    return Path("rows.csv")


def figures(page: str = "page.html") -> list[str]:
    """The figures of a page."""
    return Path(page).read_text("utf-8").split("<figure")[1:]


def shown(page: str = "page.html") -> list[str]:
    """The paths on a page."""
    return [
        unescape(path) for path in re.findall(r"<figcaption>(.*?)</figcaption>", Path(page).read_text("utf-8"), re.S)
    ]


def edit(table: Path, **changes: str) -> None:
    """Replace rows whose path ends in a pattern by `label,confidence,status,detail,score`."""
    lines = table.read_text().splitlines()
    for name, cells in changes.items():
        (index,) = [i for i, line in enumerate(lines) if re.search(rf"/{name}$", line.split(",")[0])]
        lines[index] = f"{lines[index].split(',')[0]},{cells}"
    table.write_text("\n".join(lines) + "\n")


def test_a_table_shows_its_rows_as_a_person_left_them_with_their_scans_and_glyphs(run: Run, rows: Path) -> None:
    shutil.copy("scans/0.png", "scans/not-in-the-table.png")
    edit(rows, **{r"1\.png": "9,,by hand,,"})
    result = run("preview", rows, "-o", "page.html")
    assert result.exit_code == 0, result.output
    assert shown() == [
        *(f"scans/{number}.png" for number in range(5)),
        "scans/pages.tif#1",
        "scans/pages.tif#2",
        "more.zip/7.png",
    ]
    assert all('alt="scan"' in figure and 'alt="glyph"' in figure for figure in figures())
    assert '<figure class="other">' in Path("page.html").read_text()
    assert "<b>9</b><i>by hand</i>" in figures()[1]
    run("preview", "scans", "more.zip", "-o", "scans.html")
    images = [re.findall(r'src="(.*?)"', figure) for figure in figures("scans.html")]
    del images[5]  # not-in-the-table.png
    assert [re.findall(r'src="(.*?)"', figure) for figure in figures()] == images
    assert run("preview", rows).exit_code == 0
    with Image.open("preview.png") as picture:
        assert picture.format == "PNG"


def test_a_reviewed_row_shows_what_the_person_said_without_the_confidence_of_the_prediction(
    run: Run, rows: Path
) -> None:
    edit(rows, **{r"1\.png": ",0.8820,reviewed,no digit <b>,0.9", r"2\.png": "9,0.7654,reviewed,,0.8"})
    for name in ("page.html", "page.png"):
        assert run("preview", rows, "--status", "reviewed", "-o", name).exit_code == 0
    first, second = figures()
    assert "<b></b>no digit &lt;b&gt;<i>reviewed</i>" in first
    assert "<b>9</b><i>reviewed</i>" in second


def test_a_row_to_review_shows_its_score_and_what_it_may_be(run: Run, rows: Path) -> None:
    edit(
        rows,
        **{
            r"0\.png": "7,1.0,review,may be no digit,0.41",
            r"1\.png": "2,1.0,review,,0.42",
            r"2\.png": "2,1.0,ok,,0.43",
            r"3\.png": ",,review,no digit found,",
        },
    )
    assert run("preview", rows, "-o", "page.html").exit_code == 0
    first, second, third, fourth, *_ = figures()
    assert "<b>7</b>100.0%<i>review</i>score 41.0%<br>may be no digit</p>" in first
    assert "<b>2</b>100.0%<i>review</i>score 42.0%</p>" in second
    assert "<b>2</b>100.0%<i>ok</i></p>" in third
    assert fourth.count("no digit found") == 1
    pictures = set()
    for score in ("0.41", "0.48"):
        edit(rows, **{r"0\.png": f"7,1.0,review,may be no digit,{score}"})
        assert run("preview", rows, "--limit", 1, "-o", "page.png").exit_code == 0
        pictures.add(Path("page.png").read_bytes())
    assert len(pictures) == 2


def test_status_chooses_and_sort_puts_the_lowest_score_first(run: Run, rows: Path) -> None:
    edit(
        rows,
        **{
            r"0\.png": "7,0.5,review,,0.5",
            r"1\.png": "2,0.5,review,,",
            r"2\.png": "1,0.5,review,,0.05",
            r"3\.png": "0,0.5,unsure,,0.3",
            r"pages\.tif#2": "0,0.5,review,,0.4",
        },
    )
    assert run("preview", rows, "--status", "review", "-o", "page.html").exit_code == 0
    assert shown() == ["scans/0.png", "scans/1.png", "scans/2.png", "scans/pages.tif#2"]
    choice = ("--status", "review", "--status", "unsure", "--sort", "score", "-o", "page.html")
    result = run("preview", rows, *choice)
    assert result.exit_code == 0
    assert shown() == ["scans/2.png", "scans/3.png", "scans/pages.tif#2", "scans/0.png", "scans/1.png"]
    result = run("preview", rows, *choice, "--limit", 2)
    assert shown() == ["scans/2.png", "scans/3.png"]
    assert "only the first 2 images are shown; --limit shows more" in result.stderr
    result = run("preview", rows, "--status", "reveiw", "--status", "x", "-o", "none.html")
    assert (result.exit_code, Path("none.html").exists()) == (1, False)
    assert "no rows with the status reveiw or x in rows.csv" in result.stderr


@pytest.mark.parametrize("options", [("rows.tsv",), ("rows.jsonl", "--probabilities"), ("rows.parquet", "--top-k", 2)])
def test_every_format_is_found_by_its_content(run: Run, rows: Path, options: tuple[str, ...]) -> None:
    Path("scans/ü.png").write_bytes(Path("scans/0.png").read_bytes())
    run("classify", "scans", "-o", *options)
    Path("table").write_bytes(Path(options[0]).read_bytes())
    assert run("preview", "table", "-o", "page.html").exit_code == 0
    assert run("preview", "scans", "-o", "scans.html").exit_code == 0
    assert Path("page.html").read_text() == Path("scans.html").read_text()


def test_a_table_for_spreadsheets_is_read_with_added_and_moved_columns(run: Run, rows: Path) -> None:
    Path("=1").mkdir()
    shutil.copy("scans/0.png", "=1/0.png")
    run("classify", "=1", "-o", "excel.csv", "--excel")
    header, row = Path("excel.csv").read_text("utf-8-sig").splitlines()
    Path("excel.csv").write_text(f"checked,{header}\r\nyes,{row}\r\n", "utf-8-sig")
    result = run("preview", "excel.csv", "-o", "page.html")
    assert result.exit_code == 0, result.output
    assert shown() == ["=1/0.png"]


def test_what_a_stranger_wrote_into_a_table_is_text(run: Run, rows: Path) -> None:
    attack = "<script>alert(1)</script>"
    Path("bad.csv").write_text(
        HEADER + f'scans/0.png,{attack},0.5,{attack},,0.5\n{attack},,,"""><b>",{attack},\nscans/\x1b[2J,7,nan,ok,,inf\n'
    )
    assert run("preview", "bad.csv", "-o", "page.html").exit_code == 3
    page = Path("page.html").read_text()
    assert "<script" not in page
    assert "\x1b" not in page
    assert "nan%" not in page
    assert len(figures()) == 3
    assert run("preview", "bad.csv").exit_code == 3


def test_an_image_that_is_gone_says_so_and_keeps_its_label(run: Run, rows: Path) -> None:
    Path("scans/2.png").unlink()
    Image.open("scans/0.png").save("scans/pages.tif")
    result = run("preview", rows, "-o", "page.html")
    assert result.exit_code == 3
    assert "1: no such file" in figures()[2]
    assert 'alt="scan"' not in figures()[5]
    assert len(figures()) == 8
    assert run("preview", rows, "--limit", 2).exit_code == 0


def test_a_file_named_like_a_page_and_a_row_named_twice_are_found(run: Run, rows: Path) -> None:
    shutil.copy("scans/0.png", "scans/0.png#1")
    run("classify", "scans/0.png#1", "scans/1.png", "scans/1.png", "-o", "odd.csv")
    assert run("preview", "odd.csv", "-o", "page.html").exit_code == 0
    assert shown() == ["scans/0.png#1", "scans/1.png", "scans/1.png"]
    Image.open("scans/0.png").save("scans/1.png", "TIFF", save_all=True, append_images=[Image.open("scans/2.png")])
    assert run("preview", "odd.csv", "-o", "page.html").exit_code == 3
    assert "the file has other pages now" in figures()[1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "rows.csv",
            HEADER + 'a.png,1,0.5,ok,"open,0.5\n',
            "cannot read rows.csv: the row in line 2: unexpected end of data",
        ),
        (
            "rows.csv",
            HEADER.replace("\n", "\r") + "a.png,1,0.5,ok,,0.5\r",
            "cannot read rows.csv: the row in line 1: new-line character seen in unquoted field",
        ),
        ("rows.jsonl", '{"path": "a.png"}\n', "cannot read rows.jsonl: line 1 is not a row of classify"),
        ("rows.jsonl", '{"path": "a.png"}'[:-1], "cannot read rows.jsonl: line 1 is not a row of classify"),
        ("rows.parquet", "PAR1", "cannot read rows.parquet: it is not a Parquet file of classify"),
        ("rows.csv", HEADER, "no rows in rows.csv"),
    ],
)
def test_a_damaged_table_gets_one_line(run: Run, in_empty_folder: Path, name: str, content: str, message: str) -> None:
    Path(name).write_text(content)
    result = run("preview", name)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [f"batchdigits: error: {message}"]
    assert not Path("preview.png").exists()


def test_a_parquet_file_with_other_columns_is_named(run: Run, rows: Path) -> None:
    run("classify", "scans", "-o", "rows.parquet")
    pyarrow.parquet.write_table(pyarrow.parquet.read_table("rows.parquet").drop_columns(["score"]), "less.parquet")
    assert "cannot read less.parquet: it has no column score" in run("preview", "less.parquet").stderr


def test_parquet_without_pyarrow_names_the_extra(run: Run, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("classify", "scans", "-o", "rows.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "a Parquet file needs an optional package" in run("preview", "rows.parquet").stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rows.csv", "scans"), "rows.csv is a table of rows; give tables or images, not both"),
        (("scans", "--sort", "score"), "--status and --sort choose among the rows of a table that classify wrote"),
        (("notes.csv", "--status", "ok"), "--status and --sort choose among the rows of a table that classify wrote"),
        (("rows.csv", "--sort", "label"), "'label' is not"),
    ],
)
def test_tables_and_images_are_not_mixed(run: Run, rows: Path, arguments: tuple[str, ...], message: str) -> None:
    Path("notes.csv").write_text("path,label\nscans/0.png,7\n")
    result = run("preview", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("name", ["notes.csv", "rows.xlsx"])
def test_a_table_by_its_name_only_is_no_image(run: Run, rows: Path, name: str) -> None:
    Path(name).write_text("path;label\nscans/0.png;7\n")
    result = run("preview", name)
    assert result.exit_code == 1
    assert f"cannot read {name}: it is " in result.stderr
    assert not Path("preview.png").exists()


@pytest.mark.parametrize("output", ["scans/4.png", "table.html", "pages.png"])
def test_neither_the_table_nor_its_images_are_written_over(run: Run, rows: Path, output: str) -> None:
    Path("pages.png").write_bytes(Path("scans/pages.tif").read_bytes())
    Path("table.html").write_text(rows.read_text().replace("scans/pages.tif", "pages.png"))
    before = Path(output).read_bytes()
    result = run("preview", "table.html", "--limit", 1, "-o", output)
    assert result.exit_code == 1
    assert "exists and is no preview; give --output another name" in result.stderr
    assert Path(output).read_bytes() == before


def test_several_tables_are_joined_and_json_numbers_and_nulls_are_read(run: Run, rows: Path) -> None:
    row = {"path": "scans/0.png", "label": 7, "confidence": 1, "status": "ok", "detail": None, "score": None}
    Path("one.jsonl").write_text(json.dumps(row) + "\n\n")
    assert run("preview", "one.jsonl", rows, "-o", "page.html").exit_code == 0
    assert len(figures()) == 9
    assert "<b>7</b>100.0%<i>ok</i>" in figures()[0]
