"""The preview shows exactly what the network saw, whatever the sources are called."""

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
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from batchdigits.engines.classify_files import Settings, classify_files
from batchdigits.inference.card import Card
from batchdigits.inference.decide import Prediction, Status, failed
from batchdigits.inference.runtime import Glyphs, Logits
from batchdigits.reports import preview_html, preview_picture
from batchdigits.reports.preview import THUMBNAIL, Seen, fit, look, shrink
from batchdigits.vision.normalise import normalise
from tests.conftest import Arrays

Image8 = NDArray[np.uint8]


class Brightest:
    """A runtime that prefers glyphs with more ink: label 0, and the logit is the mean grey level."""

    card = Card(labels=("0", "1"), network={})

    def __init__(self, sign: int = 1) -> None:
        self.sign = sign

    def logits(self, glyphs: Glyphs) -> Logits:
        logits = np.full((len(glyphs), 2), -1000, np.float32)
        logits[:, 0] = self.sign * glyphs.mean(axis=(1, 2))
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
    """Two candidates: half light, half dark, and the two share the border."""
    scan = np.zeros((40, 40), np.uint8)
    scan[:, :15] = 255
    scan[10:30, 33:35] = 255
    assert len(normalise(scan)) == 2
    return scan


def test_shows_the_rows_of_classify(files: list[str]) -> None:
    seen = look(files, Brightest(), Settings(), 100)
    assert [one.prediction for one in seen] == list(
        chain.from_iterable(classify_files(files, Brightest(), Settings()).rows)
    )
    assert [one.prediction.status for one in seen] == ["ok", "ok", "blank", "error", "ok", "ok"]


def test_shows_the_glyph_that_the_network_saw(files: list[str], small_mnist: Arrays) -> None:
    seen = look(files, Brightest(), Settings(), 100)
    assert seen[0].glyph is not None
    assert np.array_equal(seen[0].glyph, normalise(255 - small_mnist["x_test"][0])[0])
    assert [one.glyph is None for one in seen] == [False, False, True, True, False, False]


@pytest.mark.parametrize("sign", [1, -1])
def test_of_two_readings_shows_the_one_that_is_the_row(files: list[str], sign: int) -> None:
    (seen,) = look(files[1:2], Brightest(sign), Settings(), 1)
    candidates = normalise(undecided())
    chosen = candidates[int(np.argmax([sign * reading.mean() for reading in candidates]))]
    assert seen.glyph is not None
    assert np.array_equal(seen.glyph, chosen)


def test_heeds_ink_and_threshold(files: list[str]) -> None:
    (light,) = look(files[1:2], Brightest(), Settings("light"), 1)
    (dark,) = look(files[1:2], Brightest(), Settings("dark"), 1)
    assert not np.array_equal(light.glyph, dark.glyph)  # type: ignore[arg-type]
    (unsure,) = look(files[:1], Brightest(), Settings(threshold=1.1), 1)
    assert unsure.prediction.status == Status.REVIEW


@pytest.mark.parametrize("most", [1, 3, 5, 6, 7])
def test_stops_at_the_limit_and_reads_no_further(files: list[str], most: int) -> None:
    asked = []
    seen = look((asked.append(file) or file for file in files), Brightest(), Settings(), most)  # type: ignore[func-returns-value]
    assert len(seen) == min(most, 6)
    assert len(asked) == min(most, 5)


def test_keeps_thumbnails_only(files: list[str]) -> None:
    seen = look(files, Brightest(), Settings(), 100)
    assert [None if one.thumbnail is None else one.thumbnail.shape for one in seen] == [
        *((28, 28), (40, 40), (40, 90), None, (THUMBNAIL, THUMBNAIL), (THUMBNAIL, THUMBNAIL))
    ]


@settings(deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000))
def test_fitting_keeps_the_shape(height: int, width: int) -> None:
    fitted = fit(np.zeros((height, width), np.uint8), 112)
    assert max(fitted.shape) == 112
    assert min(fitted.shape) == max(1, round(min(height, width) * 112 / max(height, width)))
    assert max(shrink(np.zeros((height, width), np.uint8), 112).shape) == min(112, max(height, width))


def test_enlarging_shows_the_pixels() -> None:
    glyph = np.random.default_rng(1).integers(0, 256, (28, 28), np.uint8)
    assert np.array_equal(fit(glyph, 112), np.kron(glyph, np.ones((4, 4), np.uint8)))


def seen_of(count: int) -> list[Seen]:
    rng = np.random.default_rng(1)
    glyphs = rng.integers(0, 256, (count, 28, 28), np.uint8)
    return [
        Seen(Prediction(f"{i}.png", "7", 0.5, Status.OK), np.full((50, 20), 99, np.uint8), g)
        for i, g in enumerate(glyphs)
    ]


def test_the_picture_holds_the_glyphs_in_order() -> None:
    seen = seen_of(7)
    picture = np.asarray(preview_picture.draw(seen).convert("L"))
    columns = picture.shape[1] // preview_picture.TILE[0]
    assert 1 < columns <= preview_picture.MOST_COLUMNS
    for index, one in enumerate(seen):
        row, column = divmod(index, columns)
        top = 10 + row * (preview_picture.TILE[1] + 10) + 12
        left = 10 + column * (preview_picture.TILE[0] + 10) + 12 + 112 + 12
        assert one.glyph is not None
        assert np.array_equal(picture[top : top + 112 : 4, left : left + 112 : 4], one.glyph)


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (60, 4, 15), (61, 4, 16)])
def test_the_grid_is_broad_and_then_long(count: int, columns: int, rows: int) -> None:
    width, height = preview_picture.draw(seen_of(count)).size
    assert (width, height) == (
        10 + columns * (preview_picture.TILE[0] + 10),
        10 + rows * (preview_picture.TILE[1] + 10),
    )


def test_the_png_is_known_again_and_always_the_same(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(preview_picture.png(seen_of(3)))
    assert file.read_bytes() == preview_picture.png(seen_of(3))
    assert preview_picture.is_preview(file)
    with Image.open(file) as picture:
        assert picture.mode == "RGB"
        picture.load()
    picture.save(file)
    assert not preview_picture.is_preview(file)


@pytest.mark.parametrize("name", ["x" * 4000, "a\nb", "\udcff\u202e", "", "数字/" * 100, "\x00", "a\u0301" * 3000])
def test_any_name_any_label_and_any_detail_stay_in_their_tile(name: str) -> None:
    (good,) = seen_of(1)
    odd = [
        good._replace(prediction=Prediction(name, name, 0.5, Status.REVIEW)),
        Seen(failed(name, name or "?"), None, None),
        Seen(Prediction(name, "", None, Status.BLANK), good.thumbnail, None),
    ]
    alone = np.asarray(preview_picture.draw([good, good, good, good]))
    among = np.asarray(preview_picture.draw([*odd, good]))
    width, height = (side + 10 for side in preview_picture.TILE)
    assert np.array_equal(alone[height:, width:], among[height:, width:])


def test_blank_and_error_are_told_apart_in_the_picture() -> None:
    (good,) = seen_of(1)
    blank = good._replace(prediction=Prediction("a.png", "", None, Status.BLANK), glyph=None)
    errors = [Seen(failed("a.png", why), None, None) for why in ("empty file", "permission denied")]
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


def test_the_page_holds_the_images_themselves() -> None:
    seen = seen_of(2)
    page = Page(preview_html.page(seen))
    images = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert all(source.startswith("data:image/png;base64,") for source in images)
    pixels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(source[22:])))) for source in images]
    for one, (thumbnail, glyph) in zip(seen, zip(pixels[::2], pixels[1::2], strict=True), strict=True):
        assert np.array_equal(one.thumbnail, thumbnail)  # type: ignore[arg-type]
        assert np.array_equal(one.glyph, glyph)  # type: ignore[arg-type]
    assert "0.png" in page.text
    assert "50.0%" in page.text


def test_the_page_needs_nothing_else() -> None:
    text = preview_html.page(seen_of(1))
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|<script|<link|\son\w+=|@import|url\(", text)


@given(st.text(st.characters(), max_size=30))  # surrogates too: a file name need not be UTF-8
def test_nothing_from_outside_becomes_markup(name: str) -> None:
    hostile = f"\"><script>alert(1)</script><img src=x onerror=1>'&lt;{name}"
    (good,) = seen_of(1)
    seen = [
        good._replace(prediction=Prediction(hostile, hostile, 0.5, Status.OK)),
        Seen(failed(hostile, hostile), None, None),
        Seen(Prediction(hostile, "", None, Status.BLANK), good.thumbnail, None),
    ]
    text = preview_html.page(seen)
    assert text.encode()
    page = Page(text)
    tags = [tag for tag, _ in page.tags]
    assert "script" not in tags
    assert tags.count("img") == 3
    assert tags.count("figure") == 3
    assert html.escape("<script>alert(1)</script>") in text
    assert all(set(attributes) <= {"class", "alt", "src"} for tag, attributes in page.tags if tag == "img")


def test_the_page_says_why_there_is_no_glyph() -> None:
    page = Page(preview_html.page([Seen(failed("a.png", "empty file"), None, None)]))
    assert "empty file" in page.text
    blank = Seen(Prediction("b.png", "", None, Status.BLANK), np.full((9, 9), 255, np.uint8), None)
    assert "no ink" in Page(preview_html.page([blank])).text
