"""What the page says is what batchdigits says: logits, predictions, labels of samples, colours, CSV."""

from __future__ import annotations

import csv
import ctypes
import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, read_idx
from batchdigits.device import arithmetic
from batchdigits.device.layers import read_layers
from batchdigits.inference.card import Card
from batchdigits.inference.choose import BUILT_IN_MODEL, PRETRAINED
from batchdigits.inference.decide import decide
from batchdigits.inference.flatbuffer import read_graph
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.runtime import Glyphs, Logits
from batchdigits.inference.tensors import from_output
from batchdigits.output.columns import Columns
from batchdigits.output.prediction_csv import EXCEL_CSV
from batchdigits.vision.grey import to_grey
from batchdigits.vision.normalise import Candidates
from batchdigits.vision.normalise_batch import Normalised
from batchdigits.web import page as web
from batchdigits.web.page import web_page
from tests.conftest import SAMPLES, Arrays, Run, needs_micro
from tests.device.test_c_sources import micro_logits
from tests.web.conftest import Show
from tests.web.screen import THREE, Screen

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload

MODEL = read_model_file(BUILT_IN_MODEL)
MARKUP = "<img src=x onerror=alert(1)>"


class IntegerRuntime:
    """The runtime of a board: the logits of the integer arithmetic."""

    def __init__(self) -> None:
        self.card: Card = MODEL.card
        graph = read_graph(MODEL.payload)
        output = graph.tensors[graph.outputs[0]]
        self._scale, self._zero = float(output.scales[0]), int(output.zero_points[0])
        self._layers = read_layers(MODEL.payload)

    def logits(self, glyphs: Glyphs) -> Logits:
        return from_output(arithmetic.run(self._layers, glyphs), self._scale, self._zero, "logits")


def hard_glyphs(small_mnist: Arrays) -> NDArray[np.uint8]:
    """Digits, pairs of digits, noise, and glyphs of one stroke or nothing."""
    digits, rng = small_mnist["x_test"], np.random.default_rng(0)
    pairs = np.concatenate([digits[:60, ::, ::2], digits[60:120, ::, ::2]], axis=2)
    noise = rng.integers(0, 256, (20, 28, 28)) * (rng.random((20, 28, 28)) < 0.1)
    strokes = np.zeros((3, 28, 28), np.uint8)
    strokes[1, 13:15, 4:24], strokes[2, 14, 14] = 255, 255
    return np.concatenate([digits, pairs, noise.astype(np.uint8), strokes])


@pytest.mark.parametrize("name", ["digits", "tiny", "nano"])
def test_the_logits_are_those_of_the_integer_arithmetic(
    show: Show, tmp_path: Path, small_mnist: Arrays, name: str
) -> None:
    model = read_model_file(PRETRAINED / f"{name}.tflite")
    (tmp_path / "page.html").write_text(web_page(model), encoding="utf-8")
    glyphs = np.concatenate([small_mnist["x_test"], hard_glyphs(small_mnist)])
    logits = show(tmp_path / "page.html").logits(glyphs)
    assert np.array_equal(logits, arithmetic.run(read_layers(model.payload), glyphs))


@pytest.mark.slow
@needs_micro
def test_the_logits_of_all_test_images_are_those_of_tflite_micro(screen: Screen) -> None:
    glyphs = read_idx(MNIST / f"{TEST_IMAGES}.gz")
    assert len(glyphs) == 10_000
    assert np.array_equal(screen.logits(glyphs), micro_logits(MODEL, glyphs))


def test_label_score_status_and_detail_are_decided_as_in_python(screen: Screen, small_mnist: Arrays) -> None:
    glyphs = hard_glyphs(small_mnist)
    sources = [Normalised("", Candidates((glyph,), (1.0,))) for glyph in glyphs]
    expected, _ = decide(sources, IntegerRuntime(), MODEL.card.thresholds["review"], probabilities=True)
    assert {(row.status, row.detail) for row in expected} == {
        ("ok", ""),
        ("review", ""),
        ("review", "may be no digit"),
        ("review", "several digits, or none"),
    }
    for row, found in zip(expected, screen.predictions(glyphs), strict=True):
        assert (found["label"], found["status"], found["detail"]) == (row.label, row.status, row.detail)
        assert found["score"] == pytest.approx(row.score, abs=1.1e-6)
        assert found["confidence"] == pytest.approx(row.confidence, rel=1e-12)
        assert found["probabilities"] == pytest.approx(list(row.probabilities.values()), rel=1e-9)


def test_the_samples_get_the_labels_of_classify(screen: Screen, run: Run) -> None:
    result = run("classify", SAMPLES / "digits", SAMPLES / "broken", "--no-second-look")
    expected = list(csv.DictReader(io.StringIO(result.stdout)))
    screen.choose([Path(row["path"]) for row in expected])
    rows = list(csv.DictReader(io.StringIO(screen.download().decode("utf-8-sig"))))
    by_content = sorted((Path(row["path"]).name, row["label"], row["status"]) for row in expected)
    assert sorted((row["path"], row["label"], row["status"]) for row in rows) == by_content
    assert {row["detail"] for row in rows if row["status"] == "error"} == {
        "empty file",
        "no image that this browser can read",
    }


def test_a_photograph_is_turned_upright_as_by_classify(screen: Screen, run: Run, tmp_path: Path) -> None:
    image = Image.open(SAMPLES / "digits/4/as-is.png").convert("L").resize((200, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter to show
    image.rotate(90).save(tmp_path / "turned.jpg", exif=exif)
    image.save(tmp_path / "upright.jpg")
    screen.choose([tmp_path / "turned.jpg", tmp_path / "upright.jpg"])
    assert [row[1:4:2] for row in screen.rows] == [["4", "ok"]] * 2
    assert [row["label"] for row in csv.DictReader(io.StringIO(run("classify", tmp_path).stdout))] == ["4", "4"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
def test_colours_and_transparency_become_grey_as_in_python(tmp_path: Path) -> None:
    library = tmp_path / "grey.so"
    source = str(Path(web.__file__).parent / "c/grey.c")
    subprocess.run(["cc", "-std=c99", "-O2", "-shared", "-fPIC", source, "-lm", "-o", str(library)], check=True)
    make_grey = ctypes.CDLL(str(library)).digits_make_grey
    for number, pixels in enumerate(_colourful(np.random.default_rng(0))):
        rgba = pixels.copy()
        make_grey(ctypes.c_void_p(rgba.ctypes.data), pixels.shape[0] * pixels.shape[1])
        found = rgba.ravel()[: pixels.shape[0] * pixels.shape[1]].reshape(pixels.shape[:2])
        expected = to_grey(np.ascontiguousarray(pixels[:, :, [2, 1, 0, 3]]))
        assert np.array_equal(found, expected), number


def _colourful(rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Pictures as RGBA: any colours, inks of the paper's own luma, noise, and transparency of each kind."""
    pictures = [rng.integers(0, 256, (9, 11, 4), np.uint8)]
    for ink, paper in (((200, 40, 40), (40, 122, 40)), ((60, 60, 200), (92, 60, 60)), ((90, 90, 90), (98, 92, 90))):
        picture = np.full((20, 20, 4), (*paper, 255), np.uint8)
        picture[5:15, 8:12, :3] = ink
        pictures.append(picture)
        faint = picture.copy()
        faint[..., 3] = rng.integers(200, 256, (20, 20))
        pictures.append(faint)
    for level in (0, 100, 255):  # on nothing, and on paper with a hole
        stamp = np.zeros((20, 20, 4), np.uint8)
        stamp[5:15, 8:12] = (level, level, level, 255)
        stamp[4, 8:12] = (level, level, level, 120)
        sheet = np.full((21, 20, 4), 230, np.uint8)
        sheet[..., 3], sheet[0, :, 3], sheet[5:15, 8:12, :3] = 255, 0, level
        pictures += [stamp, sheet]
    opaque = rng.integers(0, 256, (9, 11, 4), np.uint8)
    opaque[..., 3] = 255
    return [*pictures, opaque, np.zeros((3, 3, 4), np.uint8)]


def test_the_csv_is_that_of_classify_for_spreadsheets_whatever_the_names(screen: Screen) -> None:
    names = ["=1+1.png", 'a"b,c.png', f"{MARKUP}.png", "ü\n;.png", "@x.png", "'x.png", "plain.png"]
    picture = (SAMPLES / "digits/4/as-is.png").read_bytes()
    files: list[FilePayload] = [{"name": name, "mimeType": "image/png", "buffer": picture} for name in names]
    screen.choose(files)
    [header, *lines] = screen.download().removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    assert header == EXCEL_CSV.line(Columns().names)
    text = (header + b"".join(lines)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sorted(EXCEL_CSV.original(row["path"]) for row in rows) == sorted(names)
    cells = [
        (EXCEL_CSV.original(path), label, float(confidence), status, detail, float(score))
        for path, label, confidence, status, detail, score in (row.values() for row in rows)
    ]
    assert text.encode() == header + b"".join(map(EXCEL_CSV.line, cells))


def test_any_model_has_a_page_whatever_its_labels(
    show: Show, run: Run, class_folder: Path, tmp_path: Path, small_mnist: Arrays
) -> None:
    (class_folder / "one").rename(class_folder / MARKUP)
    keras, tflite = tmp_path / "m.keras", tmp_path / "m.tflite"
    quick = ("--iterations", "60", "--batch-size", "32", "--hidden", "24,16", "--data", class_folder)
    assert run("train", *quick, "-o", keras).exit_code == 0
    options = ("--data", class_folder, "--min-agreement", "0", "--per-tensor")
    result = run("export", "--tflite", "--model", keras, "-o", tflite, *options)
    assert result.exit_code == 0, result.output
    model, path = read_model_file(tflite), tmp_path / "page.html"
    path.write_text(web_page(model), encoding="utf-8")
    screen = show(path)
    glyphs = small_mnist["x_test"]
    assert np.array_equal(screen.logits(glyphs), arithmetic.run(read_layers(model.payload), glyphs))
    screen.draw([(0.5, 0.1), (0.5, 0.9)])
    screen.page.locator("#probabilities dt", has_text=MARKUP).wait_for()
    assert screen.page.locator("#probabilities dt").all_text_contents() == [MARKUP, "oh", "seven"]
    screen.page.click("#about-button")
    assert MARKUP in screen.page.inner_text("#facts")
    assert screen.page.locator("img").count() == 0


def test_of_many_classes_the_likeliest_are_shown(
    show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_mnist: Arrays
) -> None:
    *others, last = read_layers(MODEL.payload)
    weights, biases, multipliers, shifts = (
        np.concatenate([part, part]) for part in (last.weights, last.biases, last.multipliers, last.shifts)
    )
    wide = last._replace(weights=weights, biases=biases, multipliers=multipliers, shifts=shifts)
    monkeypatch.setattr(web, "read_layers", lambda _: [*others, wide])
    labels = (*"0123456789", *"abcdefghij")
    path = tmp_path / "page.html"
    path.write_text(web_page(replace(MODEL, card=replace(MODEL.card, labels=labels))), encoding="utf-8")
    screen = show(path)
    logits = screen.logits(small_mnist["x_test"])
    assert np.array_equal(logits[:, :10], logits[:, 10:])
    screen.draw(THREE)
    screen.wait_answer("3 review")
    shown = screen.page.locator("#probabilities dt").all_text_contents()
    assert (len(shown), shown[:2]) == (12, ["3", "d"])


def test_long_tables_are_cut_and_the_csv_is_not(show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(web.PAGE, tmp_path / "page")
    shutil.copytree(web.COMMON, tmp_path / "common")
    script = (folder / "table.js").read_text(encoding="utf-8")
    assert script.count("MAX_ROWS = 2000;") == 1
    (folder / "table.js").write_text(script.replace("MAX_ROWS = 2000;", "MAX_ROWS = 2;"), encoding="utf-8")
    monkeypatch.setattr(web, "PAGE", folder)
    (tmp_path / "page.html").write_text(web_page(MODEL), encoding="utf-8")
    screen = show(tmp_path / "page.html")
    screen.choose(sorted((SAMPLES / "digits/4").iterdir()))
    assert len(screen.rows) == 2
    assert screen.page.inner_text("#counts") == "4 ok; the first 2 are shown, the CSV has all"
    assert len(screen.download().splitlines()) == 5
