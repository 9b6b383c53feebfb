"""Scans are lined up with their form, and whatever a scan is, it becomes a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from batchdigits.files.source_error import SourceError
from batchdigits.forms.align import ScanFeatures, align
from batchdigits.forms.crop import crop
from batchdigits.forms.cut_pages import FormBatch, cut_form
from batchdigits.forms.page_note import page_note, page_note_of
from batchdigits.forms.template import Template
from batchdigits.forms.template_file import read_template
from batchdigits.inference.decide import Status
from batchdigits.vision.decode import Page
from tests.forms import drawn
from tests.forms.drawn import HEIGHT, WIDTH, Scan

ALIGNMENTS = ("features", "marks", "none")


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    folder = tmp_path_factory.mktemp("templates")
    drawn.save(drawn.blank_form(), folder / "blank.png")
    for alignment in ALIGNMENTS:
        (folder / f"{alignment}.toml").write_text(drawn.template(alignment))
    return {alignment: read_template(str(folder / f"{alignment}.toml")) for alignment in ALIGNMENTS}


def lay(scan: Scan, turn: float, scale: float, perspective: float) -> tuple[Scan, NDArray[np.float64]]:
    """Another scan, and the map from the form to it."""
    matrix = np.vstack([cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), turn, scale), [perspective, 0, 1]])
    size = (round(1.3 * WIDTH), round(1.3 * HEIGHT))
    matrix = np.array([[1, 0, 0.15 * WIDTH], [0, 1, 0.15 * HEIGHT], [0, 0, 1]]) @ matrix
    return np.asarray(cv2.warpPerspective(scan, matrix, size, borderValue=(140,)), np.uint8), matrix


@pytest.mark.parametrize(
    ("alignment", "turn", "scale", "perspective"),
    [
        ("features", 0, 1, 0),
        ("features", 4, 0.8, 0),
        ("features", -3, 1.1, 3e-5),
        ("features", 180, 0.6, 0),
        ("marks", 0, 1, 0),
        ("marks", 4, 0.8, 0),
        ("marks", 180, 0.6, 0),
    ],
)
def test_a_scan_is_lined_up_to_a_pixel_or_two(
    templates: dict[str, Template], alignment: str, turn: float, scale: float, perspective: float
) -> None:
    template = templates[alignment]
    scan, matrix = lay(drawn.filled(drawn.blank_form()), turn, scale, perspective)
    if alignment == "marks":  # a scanner sees the page and nothing else
        corners = cv2.perspectiveTransform(np.array([[(0.0, 0.0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)]]), matrix)[
            0
        ]
        x, y = np.floor(corners.min(axis=0).clip(0)).astype(int)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int)
        scan = np.ascontiguousarray(scan[y:bottom, x:right])
        matrix = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]]) @ matrix
    placed = align(ScanFeatures(scan), template.pages[0], template.alignment)
    assert placed.matrix is not None, placed.fault
    points = np.array([[(field.box[0], field.box[1]) for field in template.fields]])
    off = cv2.perspectiveTransform(points, placed.matrix) - cv2.perspectiveTransform(points, matrix)
    assert np.abs(off).max() < 2.0


WEIRD: dict[str, Callable[[], Scan]] = {
    "a pixel": lambda: np.zeros((1, 1), np.uint8),
    "a line": lambda: np.tile(np.arange(256, dtype=np.uint8), 20)[None],
    "a column": lambda: np.tile(np.arange(256, dtype=np.uint8), 20)[:, None],
    "black": lambda: np.zeros((HEIGHT, WIDTH), np.uint8),
    "noise": lambda: np.random.default_rng(0).integers(0, 256, (400, 300)).astype(np.uint8),
    "stripes": lambda: np.tile(np.array([0, 0, 255, 255], np.uint8), (300, 100)),
    "marks alone": lambda: np.where(drawn.blank_form() < 10, 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("name", WEIRD)
@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_every_scan_becomes_a_row(templates: dict[str, Template], alignment: str, name: str) -> None:
    form = cut_form(Page("a.png", WEIRD[name]()), templates[alignment], 1)
    if alignment == "none" and form.fields:
        return
    assert form.page == 0
    assert not form.fields
    assert form.status in (Status.ERROR, Status.REVIEW)
    assert form.detail
    assert "cannot be lined up" not in form.detail


def test_an_unforeseen_error_costs_one_row(templates: dict[str, Template], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchdigits.forms.cut_pages.align", lambda *_: 1 / 0)
    form = cut_form(Page("a.png", drawn.blank_form()), templates["features"], 1)
    assert (form.status, form.detail) == (Status.ERROR, "cannot be lined up (ZeroDivisionError)")


def test_a_page_without_fields_is_blank(templates: dict[str, Template], tmp_path: Path) -> None:
    template = templates["features"]._replace(fields=())
    path = drawn.save(drawn.filled(drawn.blank_form()), tmp_path / "a.png")
    batch = FormBatch(template, by_field=False)
    for _ in batch.add(str(path)):
        pass
    (row,) = batch.finish()
    assert (row.page, row.status, row.detail) == (1, Status.BLANK, "the template has no fields on this page")


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_pages_that_are_much_alike_are_told_apart(alignment: str, tmp_path: Path) -> None:
    pages = drawn.blank_form(), drawn.blank_form("The second page of it", seed=4)
    first, second = map(Image.fromarray, pages)
    first.save(tmp_path / "blank.tif", save_all=True, append_images=[second])
    size = f"[[pages]]\nsize = [{WIDTH}, {HEIGHT}]\nmarks = {[list(mark) for mark in drawn.MARKS]}\n"
    text = drawn.template(alignment, form="blank.tif").replace("[[fields]]", f"{size}[[fields]]", 1)
    (tmp_path / "form.toml").write_text(text.replace('name = "room"', 'name = "room"\npage = 2'))
    template = read_template(str(tmp_path / "form.toml"))
    for number, page in enumerate(pages, 1):
        scan = Page("a.png", lay(drawn.filled(page), 0.0, 1.0, 0.0)[0][263:-263, 186:-186])
        assert [cut_form(scan, template, expected).page for expected in (1, 2)] == [number] * 2


def test_a_field_of_an_upright_scan_keeps_its_pixels() -> None:
    scan = drawn.filled(drawn.blank_form())
    assert np.array_equal(crop(scan, (420, 300, 100, 46), np.eye(3)).scan, scan[300:346, 420:520])
    moved = np.array([[1, 0, 5.3], [0, 1, -2.2], [0, 0, 1.0]])
    assert np.array_equal(crop(scan, (420, 300, 100, 46), moved).scan, scan[298:344, 425:525])


def test_a_field_of_a_turned_scan_is_upright() -> None:
    scan = drawn.filled(drawn.blank_form())
    turned, matrix = lay(scan, 5.0, 1.0, 0.0)
    found = crop(turned, (420, 300, 322, 46), matrix)
    assert found.scan.shape == (46, 322)
    assert np.abs(found.scan.astype(int) - scan[300:346, 420:742]).mean() < 12
    there = cv2.perspectiveTransform(np.array([[(0.0, 0.0)]]), found.back)
    assert np.allclose(there, cv2.perspectiveTransform(np.array([[(420.0, 300.0)]]), matrix), atol=0.1)


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[1, 0, -700.0], [0, 1, 0], [0, 0, 1]]),
        np.array([[1, 0, 0.0], [0, 1, 9000], [0, 0, 1]]),
        np.diag([1e9, 1e9, 1.0]),
        np.array([[1, 0, 0.0], [0, 1, 0], [-1 / 500, 0, 1]]),
    ],
)
def test_a_field_that_is_not_on_the_scan_is_refused(matrix: NDArray[np.float64]) -> None:
    with pytest.raises(SourceError, match="not on the scan"):
        crop(drawn.blank_form(), (420, 300, 322, 46), matrix)


@pytest.mark.parametrize(
    ("found", "place"),
    [
        ({1: 2, 2: 1, 3: 2}, ": look at #1, page 2 as the first"),
        ({2: 2, 3: 1, 4: 2}, ": look at #2, page 2 as the first"),
        ({1: 1, 2: 2, 3: 2}, ": look at #3, page 2 behind page 2"),
        ({1: 1, 2: 2, 3: 1}, ""),
    ],
)
def test_the_note_of_too_many_pages_names_the_first_scan_out_of_turn(found: dict[int, int], place: str) -> None:
    note = page_note(f"a.tif#{max(found)}", max(found), found, 2)
    assert note == f"3 pages of the form in the file, and the form has 2{place}"
    assert page_note_of(f"blank; {note}") == note
