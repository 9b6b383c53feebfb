"""Templates in TOML: what is written can be read, and whatever is wrong is named in one line."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from batchdigits.errors import BatchdigitsError
from batchdigits.forms.template import TemplatePage
from batchdigits.forms.template_file import read_template
from batchdigits.forms.template_text import template_text
from tests.forms import drawn


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn.save(drawn.blank_form(), tmp_path_factory.mktemp("forms") / "blank.png")


@pytest.fixture(autouse=True)
def _in_folder_with_a_form(blank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(blank, "blank.png")
    Path("roster.csv").write_text("room\n017\n018\n")


def read(text: str) -> object:
    Path("form.toml").write_text(text)
    return read_template("form.toml")


def fault_of(text: str) -> str:
    with pytest.raises(BatchdigitsError) as caught:
        read(text)
    message = str(caught.value)
    assert "form.toml" in message
    assert "\n" not in message
    return message


def test_a_template_has_pages_fields_and_options() -> None:
    Path("form.toml").write_text(
        drawn.template(
            date='separators = "/."\ndigits-only = true\nunique = true',
            amount='length = "1-5"\nrange = "0-9000"\ncheck = ["luhn", "d1 > 0"]\nsigned = true',
            room='values = "roster.csv:room"\nlength = 3',
        )
    )
    template = read_template("form.toml", ink="dark")
    student, date, amount, room = template.fields
    assert template.alignment == "features"
    assert template.form == "blank.png"
    assert template.pages[0].size == (drawn.WIDTH, drawn.HEIGHT)
    assert template.pages[0].marks == drawn.MARKS
    assert template.pages[0].reference is not None
    assert student.box == (414.0, 294.0, 334.0, 58.0)
    assert (student.options.comb, student.options.is_as_wide, student.options.ink) == (7, True, "dark")
    assert (date.options.separators, date.options.digits_only, date.options.unique) == ("/.", True, True)
    assert (amount.options.length, amount.options.signed) == (range(1, 6), True)
    assert amount.options.expected is not None
    assert room.roster is not None
    assert room.roster.values == ("017", "018")


@pytest.mark.parametrize("option", ["decimals = 2", "pattern = '\\d+'", 'check = "luhn"'])
def test_other_options_are_those_of_read(option: str) -> None:
    Path("form.toml").write_text(drawn.template(amount=option))
    assert read_template("form.toml").fields[2].options.expected is not None


def test_the_digest_changes_with_the_template_its_lists_and_its_picture() -> None:
    text = drawn.template(room='values = "roster.csv"')
    Path("form.toml").write_text(text)
    digests = [read_template("form.toml").digest]
    Path("form.toml").write_text(text + "# a comment\n")
    digests.append(read_template("form.toml").digest)
    Path("roster.csv").write_text("017\n019\n")
    digests.append(read_template("form.toml").digest)
    drawn.save(drawn.blank_form("Another title"), "blank.png")
    digests.append(read_template("form.toml").digest)
    assert len(set(digests)) == 4
    assert read_template("form.toml").digest == digests[-1]


def test_the_digest_tells_where_the_list_of_a_field_ends() -> None:
    Path("form.toml").write_text(drawn.template(amount='values = "a.txt"', room='values = "b.txt"'))
    digests = set()
    for first, second in (("12", "3"), ("1", "23"), ("1\n2", "3")):
        Path("a.txt").write_text(first)
        Path("b.txt").write_text(second)
        digests.add(read_template("form.toml").digest)
    assert len(digests) == 3


FIELD = drawn.template()
HUGE = "0x" + "f" * 4_000  # of more decimal digits than Python writes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no [[pages]]"),
        ("a = [", "it is no TOML"),
        ("a = " + "[" * 5000, "it is no TOML"),
        ("a" + ".a" * 50_000 + " = 1", "line 1 has over 100 dots"),
        (f"align = [{HUGE}]", "key 'align': must be 'none' or 'features' or 'marks', not so large a number"),
        (f"[[pages]]\nsize = [1, {HUGE}]", "page 1, key 'size': must be 2 numbers"),
        (drawn.template(amount=f"length = {HUGE}"), "field 'amount', key 'length': must be at most 1,000,000,000"),
        (drawn.template(room=f"page = {HUGE}"), "field 'room', key 'page': must be at most"),
        (drawn.template(room=f"name2 = {HUGE}"), "field 'room', key 'name2': no such key"),
        ("pages = 3", "there is no [[pages]]"),
        ("pages = [3]", "page 1: not a table"),
        ("[[pages]]\nsize = [1, 2]", "there is no [[fields]]"),
        ("[[pages]]\nsize = [1, 2, 3]", "page 1, key 'size': must be 2 numbers"),
        ("[[pages]]\nsize = [0, 2]", "page 1, key 'size'"),
        ("[[pages]]\nsize = [nan, 2]", "page 1, key 'size'"),
        ("[[pages]]\nsize = [1e300, 2]", "page 1, key 'size'"),
        ("[[pages]]\nsize = [true, 2]", "page 1, key 'size'"),
        ("[[pages]]\nmarks = []", "page 1, key 'size': must be 2 numbers, width and height, not missing"),
        (FIELD.replace("marks = ", "marks = 3 #"), "page 1, key 'marks': must be a list"),
        (FIELD.replace("marks = [", "marks = [[1, 2, 3], "), "page 1, key 'marks': must be 2 numbers"),
        (FIELD.replace("marks = ", "marks = [[1, 1], [2, 2], [3, 3]] # "), "must be three or more"),
        (
            FIELD.replace("marks = [", "marks = [[1, 1], [1300, 2], [3, 30]] # "),
            "'marks': must lie on the page, which is 1240",
        ),
        (
            FIELD.replace("marks = [", "marks = [[1, -1], [3, 2], [3, 30]] # "),
            "page 1, key 'marks': must lie on the page",
        ),
        (FIELD.replace("marks = ", f"marks = [{'[1, 2], ' * 7}] # "), "7 marks, and 6 are the most"),
        (FIELD.replace("marks = ", "marcs = "), "page 1, key 'marcs': no such key"),
        (FIELD.replace('"features"', '"lines"'), "key 'align': must be 'none' or 'features' or 'marks', not 'lines'"),
        (drawn.template("marks").replace("marks = [", "#"), "page 1, key 'marks': align = \"marks\" needs three"),
        (drawn.template(form=None), "key 'form': align = \"features\" needs a picture"),
        (drawn.template(form="no.png"), "key 'form': cannot read no.png: no such file"),
        (drawn.template(form="form.toml"), "key 'form': cannot read form.toml: not an image"),
        (drawn.template(form="a\\u0000b.png"), "key 'form': cannot read"),
        (FIELD.replace("size = [1240", "size = [1754"), "key 'form': blank.png has 1240x1754 pixels"),
        (FIELD.replace("[[fields]]", "[[pages]]\nsize = [1240, 1754]\n[[fields]]", 1), "has 1 page, and there are 2"),
        (drawn.template(more='unit = "inch"'), "key 'unit': must be 'px' or 'mm', not 'inch'"),
        (drawn.template(more="marks = 3"), "form.toml, key 'marks': no such key"),
        (FIELD.replace('name = "room"', "name = 3"), "field 4, key 'name': must be a text, not 3"),
        (FIELD.replace('"room"', '"a "'), "field 4, key 'name': must not begin or end with a blank, as 'a ' does"),
        (FIELD.replace('"room"', '" "'), "field 4, key 'name': must be a text of 1 to 64 characters, not ' '"),
        (FIELD.replace('name = "room"', ""), "field 4, key 'name': must be a text of 1 to 64 characters, not ''"),
        (FIELD.replace('"room"', '"a\\nb"'), "field 4, key 'name'"),
        (FIELD.replace('"room"', '"' + "a" * 65 + '"'), "field 4, key 'name'"),
        (FIELD.replace('"room"', '"date"'), "field 'date', key 'name': another field has this name"),
        (FIELD.replace('"room"', '"status"'), "field 'status', key 'name': another column of tables"),
        (FIELD.replace('"room"', '"confidence"'), "field 'confidence', key 'name': another column of tables"),
        (drawn.template(room="page = 2"), "field 'room', key 'page': must be from 1 to 1"),
        (drawn.template(room="page = true"), "field 'room', key 'page': must be a whole number, not True"),
        (FIELD.replace("box = [414, 654", "box = [1240, 654"), "field 'room', key 'box': must lie on the page"),
        (FIELD.replace("box = [414, 654", "box = [-1, 654"), "field 'room', key 'box'"),
        (FIELD.replace("box = [414, 654, 150, 58]", "box = [414, 654, 0, 58]"), "field 'room', key 'box'"),
        (FIELD.replace("box = [414, 654", "box = ['a', 654"), "field 'room', key 'box': must be 4 numbers"),
        (drawn.template(amount="comb = 1"), "field 'amount', key 'comb': a comb has 2 to 32 boxes"),
        (drawn.template(amount="comb = '3'"), "field 'amount', key 'comb': must be a whole number, not '3'"),
        (drawn.template(amount="length = '5-'"), "field 'amount', key 'length': '5-' is no length"),
        (drawn.template(amount="length = 5.0"), "field 'amount', key 'length': must be a whole number or a text"),
        (drawn.template(amount="separators = 'x'"), "field 'amount', key 'separators'"),
        (drawn.template(amount="digits-only = 1"), "field 'amount', key 'digits-only': must be true or false"),
        (drawn.template(amount="digits-only = true"), "field 'amount', key 'digits-only': needs separators"),
        (drawn.template(amount="signed = 'yes'"), "field 'amount', key 'signed'"),
        (drawn.template(amount="decimals = 0"), "field 'amount', key 'decimals'"),
        (drawn.template(amount="range = '9'"), "field 'amount', key 'range': '9' is no range"),
        (drawn.template(amount="values = 'none.csv'"), "field 'amount', key 'values': none.csv is no file"),
        (drawn.template(amount="values = ''"), "field 'amount', key 'values': must be the name of a file"),
        (drawn.template(amount="pattern = '('"), "field 'amount', key 'pattern'"),
        (drawn.template(amount="check = 'lun'"), "field 'amount', key 'check'"),
        (drawn.template(amount="check = [1]"), "field 'amount', key 'check': must be a text or a list of texts"),
        (drawn.template(amount="unique = 'yes'"), "field 'amount', key 'unique'"),
        (drawn.template(amount="colour = 'red'"), "field 'amount', key 'colour': no such key"),
        (drawn.template(room="length = 7"), "field 'room': a number of 7 digits does not fit into 3 boxes"),
        (drawn.template(amount="decimals = 2\nseparators='.'\ndigits-only = true"), "field 'amount': "),
    ],
)
def test_a_wrong_template_is_named_with_field_and_key(text: str, words: str) -> None:
    assert words in fault_of(text)


def test_a_list_of_values_that_cannot_be_read_is_named() -> None:
    Path("form.toml").write_text(drawn.template(room="values = 'none.csv'"))
    with pytest.raises(BatchdigitsError, match=r"none\.csv"):
        read_template("form.toml")


def test_an_editor_may_have_written_a_byte_order_mark_and_windows_line_ends() -> None:
    Path("form.toml").write_bytes(b"\xef\xbb\xbf" + drawn.template().replace("\n", "\r\n").encode())
    assert read_template("form.toml").form == "blank.png"


def test_files_that_are_no_templates_are_refused() -> None:
    Path("form.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BatchdigitsError, match="not UTF-8"):
        read_template("form.toml")
    Path("form.toml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(BatchdigitsError, match="more than 1 MiB"):
        read_template("form.toml")
    for path in ("none.toml", ".", "a\0b"):
        with pytest.raises(BatchdigitsError, match="cannot read"):
            read_template(path)


def test_too_many_fields_and_pages_are_refused() -> None:
    page = "[[pages]]\nsize = [10, 10]\n"
    fields = "".join(f'[[fields]]\nname = "f{number}"\nbox = [1, 1, 5, 5]\n' for number in range(1001))
    assert "1,001 fields, and 1,000 are the most" in fault_of(page + fields)
    assert "101 pages, and 100 are the most" in fault_of(page * 101)


names = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20)
numbers = st.floats(0, 5000).map(lambda number: round(number, 2))


@given(names, names, st.tuples(numbers, numbers, numbers, numbers), st.integers(1, 32))
def test_what_is_written_is_read(form: str, name: str, box: tuple[float, float, float, float], comb: int) -> None:
    pages = [TemplatePage((210.0, 297.0), ((1.5, 2.25),)), TemplatePage((10.0, 20.0))]
    text = template_text(form, "p.png", "mm", "marks", pages, [(name, 2, box, comb)])
    document = tomllib.loads(text)
    assert (document["form"], document["unit"], document["align"]) == (form, "mm", "marks")
    assert document["pages"] == [{"size": [210, 297], "marks": [[1.5, 2.25]]}, {"size": [10, 20]}]
    (field,) = document["fields"]
    assert field == {"name": name, "page": 2, "box": list(box)} | ({"comb": comb} if comb > 1 else {})


def test_a_blank_form_of_several_pages_has_as_many_pages_in_the_template() -> None:
    page = drawn.blank_form()
    images = [Image.fromarray(page), Image.fromarray(np.rot90(page).copy())]
    images[0].save("blank.tif", save_all=True, append_images=images[1:])
    text = drawn.template(form="blank.tif")
    assert "blank.tif has more pages than the 1 [[pages]]" in fault_of(text)
    two = text.replace("[[fields]]", "[[pages]]\nsize = [1754, 1240]\n[[fields]]", 1)
    Path("form.toml").write_text(two)
    assert [page.size for page in read_template("form.toml").pages] == [(1240, 1754), (1754, 1240)]
