"""The preview shows the glyph that the network was given, and is safe for every file name."""

from __future__ import annotations

import base64
import html
import io
import re
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from batchdigits.engines.classify_files import Settings, classify_files
from batchdigits.files.preview_mark import is_preview
from batchdigits.inference.card import Card
from batchdigits.inference.decide import Prediction, Status, failed
from batchdigits.inference.runtime import Glyphs, Logits
from batchdigits.reports import preview_html, preview_picture
from batchdigits.reports.preview import THUMBNAIL_SIDE, PreviewItem, fit, preview_items, shrink
from batchdigits.vision.normalise import normalise
from tests.conftest import Arrays

Image8 = NDArray[np.uint8]


class Brightest:
    """A runtime that prefers glyphs with more ink: label 0, and the logit rises with the mean grey level."""

    card = Card(labels=("0", "1"), network={})

    def __init__(self, sign: int = 1) -> None:
        self.sign = sign

    def logits(self, glyphs: Glyphs) -> Logits:
        logits = np.zeros((len(glyphs), 2), np.float32)
        logits[:, 0] = 5 + self.sign * glyphs.mean(axis=(1, 2)) / 50
        return logits


@pytest.fixture
def files(tmp_path: Path, small_mnist: Arrays) -> list[str]:
    """A digit, an undecided scan, a blank one, a broken one, and two pages."""
    digit = 255 - small_mnist["x_test"][0]
    Image.fromarray(digit).save(tmp_path / "digit.png")
    Image.fromarray(undecided()).save(tmp_path / "undecided.png")
    Image.fromarray(np.full((40, 90), 255, np.uint8)).save(tmp_path / "blank.png")
    (tmp_path / "broken.png").write_bytes(b"")
    page = Image.fromarray(np.repeat(np.repeat(digit, 20, 0), 20, 1))
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[page])
    return [str(tmp_path / name) for name in ("digit.png", "undecided.png", "blank.png", "broken.png", "pages.tif")]


def undecided() -> Image8:
    """A scan with two candidates: half light, half dark, and both halves touch the border and reach into the other."""
    scan = np.zeros((40, 40), np.uint8)
    scan[:, :18] = scan[12:26, 28:33] = 255
    for row in range(12, 32, 8):
        scan[row : row + 4, 18:22] = 255
    assert len(normalise(scan)) == 2
    return scan


def test_shows_the_rows_of_classify(files: list[str]) -> None:
    items = preview_items(files, Brightest(), Settings(), 100)
    assert [item.prediction for item in items] == list(
        chain.from_iterable(classify_files(files, Brightest(), Settings()).predictions)
    )
    assert [item.prediction.status for item in items] == ["ok", "ok", "blank", "error", "ok", "ok"]


def test_shows_the_glyph_that_the_network_was_given(files: list[str], small_mnist: Arrays) -> None:
    items = preview_items(files, Brightest(), Settings(), 100)
    assert items[0].glyph is not None
    assert np.array_equal(items[0].glyph, normalise(255 - small_mnist["x_test"][0])[0])
    assert [item.glyph is None for item in items] == [False, False, True, True, False, False]


@pytest.mark.parametrize("sign", [1, -1])
def test_of_two_candidates_the_one_that_the_row_is_about_is_shown(files: list[str], sign: int) -> None:
    (item,) = preview_items(files[1:2], Brightest(sign), Settings(), 1)
    candidates = normalise(undecided())
    chosen = candidates[int(np.argmax([sign * candidate.mean() for candidate in candidates]))]
    assert item.glyph is not None
    assert np.array_equal(item.glyph, chosen)


def test_ink_and_threshold_change_the_items(files: list[str]) -> None:
    (light,) = preview_items(files[1:2], Brightest(), Settings("light"), 1)
    (dark,) = preview_items(files[1:2], Brightest(), Settings("dark"), 1)
    assert not np.array_equal(light.glyph, dark.glyph)  # type: ignore[arg-type]
    (unsure,) = preview_items(files[:1], Brightest(), Settings(threshold=1.1), 1)
    assert unsure.prediction.status == Status.REVIEW


@pytest.mark.parametrize("limit", [1, 3, 5, 6, 7])
def test_stops_at_the_limit_and_reads_no_further(files: list[str], limit: int) -> None:
    read = []
    items = preview_items((read.append(file) or file for file in files), Brightest(), Settings(), limit)  # type: ignore[func-returns-value]
    assert len(items) == min(limit, 6)
    assert len(read) == min(limit, 5)


def test_keeps_thumbnails_only(files: list[str]) -> None:
    items = preview_items(files, Brightest(), Settings(), 100)
    assert [None if item.thumbnail is None else item.thumbnail.shape for item in items] == [
        *((28, 28), (40, 40), (40, 90), None, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    ]


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_fitting_keeps_the_aspect_ratio(height: int, width: int) -> None:
    fitted = fit(np.zeros((height, width), np.uint8), 112, 112)
    assert max(fitted.shape) == 112
    assert min(fitted.shape) == max(1, round(min(height, width) * 112 / max(height, width)))
    assert max(shrink(np.zeros((height, width), np.uint8), 112).shape) == min(112, max(height, width))


@pytest.mark.parametrize(("shape", "fitted"), [((10, 100), (5, 50)), ((100, 10), (20, 2)), ((5, 5, 3), (20, 20, 3))])
def test_an_image_fits_into_a_place_that_is_no_square(shape: tuple[int, ...], fitted: tuple[int, ...]) -> None:
    assert fit(np.zeros(shape, np.uint8), 50, 20).shape == fitted


def test_enlarging_repeats_pixels() -> None:
    glyph = np.random.default_rng(1).integers(0, 256, (28, 28), np.uint8)
    assert np.array_equal(fit(glyph, 112, 112), np.kron(glyph, np.ones((4, 4), np.uint8)))


def example_items(count: int) -> list[PreviewItem]:
    rng = np.random.default_rng(1)
    glyphs = rng.integers(0, 256, (count, 28, 28), np.uint8)
    return [
        PreviewItem(Prediction(f"{i}.png", "7", 0.5, Status.OK), np.full((50, 20), 99, np.uint8), g)
        for i, g in enumerate(glyphs)
    ]


def test_the_picture_holds_the_glyphs_in_order() -> None:
    items = example_items(7)
    picture = np.asarray(preview_picture.draw(items).convert("L"))
    columns = picture.shape[1] // preview_picture.TILE_SIZE[0]
    assert 1 < columns <= preview_picture.MAX_COLUMNS
    for index, one in enumerate(items):
        row, column = divmod(index, columns)
        top = 10 + row * (preview_picture.TILE_SIZE[1] + 10) + 12
        left = 10 + column * (preview_picture.TILE_SIZE[0] + 10) + 12 + 112 + 12
        assert one.glyph is not None
        assert np.array_equal(picture[top : top + 112 : 4, left : left + 112 : 4], one.glyph)


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (60, 4, 15), (61, 4, 16)])
def test_the_grid_grows_in_columns_first_and_then_in_rows(count: int, columns: int, rows: int) -> None:
    width, height = preview_picture.draw(example_items(count)).size
    assert (width, height) == (
        10 + columns * (preview_picture.TILE_SIZE[0] + 10),
        10 + rows * (preview_picture.TILE_SIZE[1] + 10),
    )


def test_the_png_is_reproducible_and_recognised_as_a_preview(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(preview_picture.png(example_items(3)))
    assert file.read_bytes() == preview_picture.png(example_items(3))
    assert is_preview(file.read_bytes())
    with Image.open(file) as picture:
        assert picture.mode == "RGB"
        picture.load()
    picture.save(file)
    assert not is_preview(file.read_bytes())


@pytest.mark.parametrize("name", ["x" * 4000, "a\nb", "\udcff\u202e", "", "数字/" * 100, "\x00", "a\u0301" * 3000])
def test_no_name_label_or_detail_runs_out_of_its_tile(name: str) -> None:
    (good,) = example_items(1)
    odd = [
        good._replace(prediction=Prediction(name, name, 0.5, Status.REVIEW)),
        PreviewItem(failed(name, name or "?"), None, None),
        PreviewItem(Prediction(name, "", None, Status.BLANK), good.thumbnail, None),
    ]
    alone = np.asarray(preview_picture.draw([good, good, good, good]))
    among = np.asarray(preview_picture.draw([*odd, good]))
    width, height = (side + 10 for side in preview_picture.TILE_SIZE)
    assert np.array_equal(alone[height:, width:], among[height:, width:])


def test_blank_and_each_error_look_different_in_the_picture() -> None:
    (good,) = example_items(1)
    blank = good._replace(prediction=Prediction("a.png", "", None, Status.BLANK), glyph=None)
    errors = [PreviewItem(failed("a.png", why), None, None) for why in ("empty file", "permission denied")]
    pictures = {preview_picture.png([one]) for one in (good, blank, *errors)}
    assert len(pictures) == 4


class Page(HTMLParser):
    """Tags with their attributes, and the text between."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_embeds_the_images() -> None:
    items = example_items(2)
    page = Page(preview_html.page(items))
    images = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert all(source.startswith("data:image/png;base64,") for source in images)
    pixels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(source[22:])))) for source in images]
    for one, (thumbnail, glyph) in zip(items, zip(pixels[::2], pixels[1::2], strict=True), strict=True):
        assert np.array_equal(one.thumbnail, thumbnail)  # type: ignore[arg-type]
        assert np.array_equal(one.glyph, glyph)  # type: ignore[arg-type]
    assert "0.png" in page.text
    assert "50.0%" in page.text


def test_the_page_loads_and_runs_nothing() -> None:
    text = preview_html.page(example_items(1))
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|<script|<link|\son\w+=|@import|url\(", text)


@given(st.text(st.characters(), max_size=30))  # surrogates too: a file name need not be UTF-8
def test_file_names_and_labels_never_become_markup(name: str) -> None:
    hostile = f"\"><script>alert(1)</script><img src=x onerror=1>'&lt;{name}"
    (good,) = example_items(1)
    items = [
        good._replace(prediction=Prediction(hostile, hostile, 0.5, Status.OK)),
        PreviewItem(failed(hostile, hostile), None, None),
        PreviewItem(Prediction(hostile, "", None, Status.BLANK), good.thumbnail, None),
    ]
    text = preview_html.page(items)
    assert text.encode()
    page = Page(text)
    tags = [tag for tag, _ in page.tags]
    assert "script" not in tags
    assert tags.count("img") == 3
    assert tags.count("figure") == 3
    assert html.escape("<script>alert(1)</script>") in text
    assert all(set(attributes) <= {"class", "alt", "src"} for tag, attributes in page.tags if tag == "img")


def test_the_page_gives_the_reason_why_there_is_no_glyph() -> None:
    page = Page(preview_html.page([PreviewItem(failed("a.png", "empty file"), None, None)]))
    assert "empty file" in page.text
    blank = PreviewItem(Prediction("b.png", "", None, Status.BLANK), np.full((9, 9), 255, np.uint8), None)
    assert "no ink" in Page(preview_html.page([blank])).text
