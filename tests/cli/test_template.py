"""template: it finds the fields of a form, draws them, and begins the template that read takes."""

from __future__ import annotations

import tomllib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Run
from tests.forms import drawn

needs_pdf = pytest.mark.skipif(find_spec("pypdfium2") is None, reason="pypdfium2 is not installed")


@pytest.fixture(autouse=True)
def _in_empty_folder(in_empty_folder: Path) -> None:
    drawn.save(drawn.blank_form(), "blank.png")


def test_a_blank_form_becomes_a_template_and_a_picture_with_numbers(run: Run) -> None:
    result = run("template", "blank.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "wrote form.toml with 4 fields, and form-preview.png" in result.stderr
    document = tomllib.loads(Path("form.toml").read_text())
    assert (document["form"], document["unit"], document["align"]) == ("blank.png", "px", "features")
    assert document["pages"][0]["size"] == [drawn.WIDTH, drawn.HEIGHT]
    assert len(document["pages"][0]["marks"]) == 4
    assert [field["name"] for field in document["fields"]] == ["field_1", "field_2", "field_3", "field_4"]
    assert [field.get("comb") for field in document["fields"]] == [7, 6, None, 3]
    blank, picture = np.array(drawn.blank_form()), np.array(Image.open("form-preview.png").convert("RGB"))
    assert picture.shape[0] == 1600
    assert (picture.max(axis=2) > picture.min(axis=2) + 50).mean() > 0.002  # boxes in colour, on a grey form
    assert blank.shape == (drawn.HEIGHT, drawn.WIDTH)


def test_the_template_reads_a_scan_of_the_form(run: Run) -> None:
    run("template", "blank.png")
    drawn.save(drawn.scanned(drawn.filled(drawn.blank_form())), "scan.png")
    result = run("read", "scan.png", "--template", "form.toml")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split(",")[-4:] == list(drawn.VALUES.values())


def test_the_template_of_a_filled_form(run: Run) -> None:
    drawn.save(drawn.filled(drawn.blank_form()), "filled.png")
    assert run("template", "filled.png", "--filled", "-o", "filled.toml").exit_code == 0
    fields = tomllib.loads(Path("filled.toml").read_text())["fields"]
    assert [field.get("comb") for field in fields if field["box"][1] > 250] == [7, 6, None, 3]
    without = run("template", "filled.png", "-o", "blank.toml")
    assert without.exit_code == 0
    fields = tomllib.loads(Path("blank.toml").read_text())["fields"]
    assert None not in [field.get("comb") for field in fields]  # writing in a box is taken for its label


def test_boxes_in_mm(run: Run) -> None:
    assert run("template", "blank.png", "--dpi", "150").exit_code == 0
    document = tomllib.loads(Path("form.toml").read_text())
    assert document["unit"] == "mm"
    assert document["pages"][0]["size"] == pytest.approx([209.97, 297.01], abs=0.01)
    left, top, _, _ = document["fields"][0]["box"]
    assert (left, top) == pytest.approx((420 * 25.4 / 150, 300 * 25.4 / 150), abs=1.5)
    drawn.save(drawn.scanned(drawn.filled(drawn.blank_form())), "scan.png")
    assert ",0123456,310826,480,017" in run("read", "scan.png", "--template", "form.toml").stdout


def test_forms_of_several_pages_have_a_picture_for_each(run: Run) -> None:
    pages = [Image.fromarray(drawn.blank_form()), Image.fromarray(drawn.blank_form("The second page", 2))]
    pages[0].save("blank.tif", save_all=True, append_images=pages[1:])
    result = run("template", "blank.tif", "--picture", "numbers.png")
    assert "8 fields, and numbers-1.png, numbers-2.png" in result.stderr
    document = tomllib.loads(Path("form.toml").read_text())
    assert [field["page"] for field in document["fields"]] == [1] * 4 + [2] * 4
    assert document["fields"][-1]["name"] == "field_8"


@needs_pdf
def test_a_form_in_pdf(run: Run) -> None:
    Image.fromarray(drawn.blank_form()).save("blank.pdf", resolution=150)
    assert run("template", "blank.pdf", "-o", "sub/form.toml").exit_code == 0
    document = tomllib.loads(Path("sub/form.toml").read_text())
    assert document["form"] == "../blank.pdf"
    assert len(document["fields"]) == 4


def test_the_next_command_can_be_pasted_into_a_shell(run: Run) -> None:
    result = run("template", "blank.png", "-o", "my form.toml")
    assert "batchdigits read SCANS --template 'my form.toml' -o forms.csv\n" in result.stderr


def test_nothing_is_written_over_unasked(run: Run) -> None:
    Path("form.toml").write_text("mine")
    result = run("template", "blank.png")
    assert result.exit_code == 1
    assert "form.toml exists, and may have been edited" in result.stderr
    assert Path("form.toml").read_text() == "mine"
    assert not Path("form-preview.png").exists()
    assert run("template", "blank.png", "--overwrite").exit_code == 0
    assert run("template", "blank.png", "--overwrite").exit_code == 0  # its own picture, too
    for name in ("blank.png", "other.png"):
        Path("other.png").write_bytes(Path("blank.png").read_bytes())
        result = run("template", "blank.png", "--overwrite", "--picture", name)
        assert result.exit_code == 1
        assert f"{name} exists and is no picture of a template" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.png"], 2, "does not exist"),
        (["form.txt"], 1, "cannot read form.txt: not an image"),
        (["empty.png"], 1, "no combs or boxes found on empty.png; if it is filled in, add --filled"),
        (["empty.png", "--filled"], 1, "no combs or boxes found on empty.png\n"),
        (
            ["squared.png"],
            1,
            "squared.png: more than 5,000 boxes on a page: a pattern, such as that of graph paper; paint",
        ),
        (["blank.png", "-o", "form.csv"], 2, "must end in .toml"),
        (["blank.png", "--picture", "form.jpg"], 2, "must end in .png"),
        (["blank.png", "--dpi", "0"], 2, "--dpi"),
    ],
)
def test_bad_input_gets_one_line_and_nothing_is_written(run: Run, arguments: list[str], code: int, words: str) -> None:
    Path("form.txt").write_text("text")
    drawn.save(np.full((400, 300), 240, np.uint8), "empty.png")
    square = np.zeros((29, 29), np.uint8)
    square[2:-2, 2:-2] = 255
    drawn.save(np.tile(np.pad(square, 1, constant_values=255), (80, 64)), "squared.png")
    before = sorted(Path().iterdir())
    result = run("template", *arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert sorted(Path().iterdir()) == before


def test_a_form_with_little_print_is_lined_up_by_marks_or_not_at_all(run: Run) -> None:
    page = np.full((drawn.HEIGHT, drawn.WIDTH), 255, np.uint8)
    page[500:560, 300:500] = 0
    page[503:557, 303:497] = 255
    drawn.save(page, "bare.png")
    run("template", "bare.png", "-o", "bare.toml")
    for x, y in drawn.MARKS:
        page[y - 12 : y + 12, x - 12 : x + 12] = 0
    drawn.save(page, "marks.png")
    run("template", "marks.png", "-o", "marks.toml")
    assert tomllib.loads(Path("bare.toml").read_text())["align"] == "none"
    assert tomllib.loads(Path("marks.toml").read_text())["align"] == "marks"
