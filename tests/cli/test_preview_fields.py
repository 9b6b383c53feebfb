"""`batchdigits preview` of fields, and of tables that `read` wrote."""

from __future__ import annotations

import re
import shutil
from html import unescape
from pathlib import Path

import pytest
from PIL import Image

from batchdigits.files.preview_mark import is_preview
from tests.conftest import SAMPLES, Run
from tests.engines.helpers import make_fields

WRITTEN = ["007", "1946", "20260"]


@pytest.fixture(autouse=True)
def _fields(in_empty_folder: Path) -> None:
    """`fields` with three numbers, a blank one and one that is no image."""
    make_fields(Path("fields"), WRITTEN)
    shutil.copy(SAMPLES / "broken" / "blank.png", "fields/x-blank.png")
    shutil.copy(SAMPLES / "broken" / "text.png", "fields/y-text.png")


@pytest.fixture
def table(run: Run) -> Path:
    assert run("read", "fields", "-o", "numbers.csv").exit_code == 3
    return Path("numbers.csv")


def figures(page: str = "page.html") -> list[str]:
    return Path(page).read_text("utf-8").split("<figure")[1:]


def value(figure: str) -> str:
    found = re.search(r"<p><b>(.*?)</b>", figure)
    return unescape(found[1]) if found else ""


def labels(figure: str) -> str:
    """The labels of the digits that were cut out."""
    return "".join(re.findall(r"<li><img[^>]*alt=\"glyph\"[^>]*><b>(.*?)</b>", figure))


def edit(table: Path, name: str, cells: str) -> None:
    table.write_text(re.sub(rf"^(fields/{name}),.*$", rf"\1,{cells}", table.read_text(), flags=re.M))


def test_a_field_is_shown_with_its_cuts_and_each_digit_with_its_glyph_and_label(run: Run) -> None:
    result = run("preview", "fields", "--fields", "-o", "page.html")
    assert result.exit_code == 3  # one cannot be read
    assert [value(figure) for figure in figures()] == [*WRITTEN, "", ""]
    assert [labels(figure) for figure in figures()] == [*WRITTEN, "", ""]
    assert [figure.count('alt="field with its cuts"') for figure in figures()] == [1, 1, 1, 1, 0]
    assert "<i>error</i><span>not an image</span>" in figures()[4]
    assert "<i>blank</i>" in figures()[3]
    run("preview", "fields/0-007.png", "-o", "single.html")
    assert labels(figures("single.html")[0]) == ""  # without the option it is taken for one digit


def test_the_picture_has_boxes_in_colour_and_is_known_as_a_preview(run: Run) -> None:
    for name in ("a.png", "b.png"):
        assert run("preview", "fields/1-1946.png", "--fields", "-o", name).exit_code == 0
    content = Path("a.png").read_bytes()
    assert content == Path("b.png").read_bytes()
    assert is_preview(content)
    with Image.open("a.png") as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20) or ()}
    assert {(11, 87, 208), (178, 90, 0)} <= colours
    make_fields(Path("long"), ["0123456789" * 3])
    assert run("preview", "long", "--fields").exit_code == 0


def test_a_table_of_numbers_is_known_by_its_header(run: Run, table: Path) -> None:
    edit(table, "1-1946.png", "19467,,by hand,,")
    edit(table, "2-20260.png", "<b>&,,ok,,")
    result = run("preview", table, "-o", "page.html")
    assert result.exit_code == 3, result.output
    assert [value(figure) for figure in figures()] == ["007", "19467", "<b>&", "", ""]
    assert [labels(figure) for figure in figures()[:3:2]] == ["007", "20260"]
    assert len(labels(figures()[1])) >= 4  # cut into as many digits as the value has, if that can be
    assert figures()[1].startswith(' class="field other"')
    run("preview", table, "--status", "ok", "--sort", "score", "-o", "page.html")
    assert {value(figure) for figure in figures()} == {"007", "<b>&"}


def test_a_value_is_cut_as_it_was_read(run: Run, table: Path) -> None:
    """`1946` has no two digits, but 19 and 46 could each be one."""
    edit(table, "1-1946.png", "46,,ok,,")
    run("preview", table, "-o", "page.html")
    assert len(labels(figures()[1])) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("digits.csv", "--fields"), "the table is one of digits"),
        (("digits.csv", "numbers.csv"), "give tables of digits or tables of numbers, not both"),
        (("numbers.csv", "--second-look"), "--second-look is for digits; numbers are read without one"),
        (("fields", "--fields", "--second-look"), "--second-look is for digits; numbers are read without one"),
    ],
)
def test_digits_and_fields_are_not_mixed_up(run: Run, table: Path, arguments: tuple[str, ...], words: str) -> None:
    Path("digits.csv").write_text("path,label,confidence,status,detail,score\na.png,1,0.9,ok,,0.9\n")
    result = run("preview", *arguments, "-o", "page.html")
    assert (result.exit_code, words in result.stderr) == (2, True), result.output
    assert not Path("page.html").exists()
