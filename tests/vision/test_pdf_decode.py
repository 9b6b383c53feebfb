"""PDF: a page that is one image gives that image's pixels, another is drawn; damaged ones are faults."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from batchdigits.files import image_formats, sources
from batchdigits.files.sources import Tally, find
from batchdigits.vision import pdf_decode
from batchdigits.vision.decode import Page, decode
from tests.conftest import SAMPLES, Run

NOISE = np.random.default_rng(0).integers(0, 256, (60, 90), np.uint8)
SCAN = SAMPLES / "digits" / "3" / "large.png"


def pdf(*images: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    first, *others = images
    first.save(buffer, "PDF", save_all=True, append_images=others, **options)
    return buffer.getvalue()


def page_with(content: bytes, size: tuple[float, float] = (72, 36), image: bytes = b"", more: bytes = b"") -> bytes:
    """A PDF of one page, on which /I is a grey image of 4 x 2 pixels."""
    pixels = image or bytes(range(0, 240, 30))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %g %g]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>%s>>"
        % (*size, more),
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/XObject/Subtype/Image/Width 4/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray/Length 8>>stream\n"
        + pixels
        + b"\nendstream",
    ]
    data, offsets = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj" % number + text + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return data + b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(data),
    )


def pages_of(tmp_path: Path, data: bytes, **options: Any) -> list[Page]:
    path = tmp_path / "form.pdf"
    path.write_bytes(data)
    return list(decode(str(path), **options))


def scan_of(tmp_path: Path, data: bytes, **options: Any) -> NDArray[np.uint8]:
    (page,) = pages_of(tmp_path, data, **options)
    assert (page.source, page.fault) == (str(tmp_path / "form.pdf"), "")
    assert page.scan is not None
    return page.scan


def test_without_the_package_the_row_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    (page,) = pages_of(tmp_path, b"%PDF-1.7\n")
    assert page.fault == "PDF needs an optional package: pip install 'batchdigits[pdf]'"


def test_without_the_package_those_in_folders_are_named_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setattr(sources, "reads_pdf", lambda: False)
    for name in ("a.pdf", "b.pdf", "no suffix"):
        (tmp_path / name).write_bytes(b"%PDF-1.7\n")
    (tmp_path / "c.png").write_bytes(SCAN.read_bytes())
    result = run("classify", tmp_path)
    assert (result.exit_code, result.stdout.count("\n")) == (0, 2)
    assert "batchdigits: 3 PDF files skipped: " in result.stderr
    assert "pip install 'batchdigits[pdf]'\n" in result.stderr
    assert "3 other files skipped" in result.stderr
    assert "PDF" not in run("classify", tmp_path, "--exclude", "*.pdf", "--exclude", "no*").stderr


def test_without_the_package_a_folder_of_pdf_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.setattr(sources, "reads_pdf", lambda: False)
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    result = run("classify", tmp_path)
    assert result.exit_code == 1
    assert "pip install 'batchdigits[pdf]'" in result.stderr


pdfium = pytest.importorskip("pypdfium2")


@pytest.mark.parametrize("mode", ["1", "P", "RGB"])
@pytest.mark.parametrize("dpi", [72, 150, 200, 300, 433])
def test_a_page_that_is_one_image_has_its_pixels(tmp_path: Path, mode: str, dpi: int) -> None:
    image = Image.fromarray(NOISE).convert(mode)
    scan = scan_of(tmp_path, pdf(image, resolution=dpi))
    if mode == "RGB":  # a JPEG in the PDF
        assert scan.shape == NOISE.shape
        assert np.abs(scan.astype(int) - NOISE).mean() < 25
    else:
        assert np.array_equal(scan, np.asarray(image.convert("L")))


IMAGE = np.arange(0, 240, 30, dtype=np.uint8).reshape(2, 4)


@pytest.mark.parametrize(
    ("content", "more", "expected"),
    [
        (b"72 0 0 36 0 0 cm /I Do", b"", IMAGE),
        (b"8 0 0 4 20 20 cm /I Do", b"", IMAGE),  # somewhere on the page
        (b"-72 0 0 36 72 0 cm /I Do", b"", IMAGE[:, ::-1]),
        (b"72 0 0 -36 0 36 cm /I Do", b"", IMAGE[::-1]),
        (b"72 0 0 36 0 0 cm /I Do", b"/Rotate 90", np.rot90(IMAGE, -1)),
        (b"72 0 0 36 0 0 cm /I Do", b"/Rotate 180", IMAGE[::-1, ::-1]),
        (b"0 36 -72 0 72 0 cm /I Do", b"", np.rot90(IMAGE)),
        (b"0 -36 72 0 0 36 cm /I Do", b"", np.rot90(IMAGE, -1)),
        (b"0 36 72 0 0 0 cm /I Do", b"", np.rot90(IMAGE)[:, ::-1]),
        (b"0.001 0 0 9000 1 1 cm /I Do", b"", IMAGE),
    ],
)
def test_an_image_is_shown_as_readers_show_it(
    tmp_path: Path, content: bytes, more: bytes, expected: NDArray[np.uint8]
) -> None:
    assert np.array_equal(scan_of(tmp_path, page_with(content, more=more)), expected)


def test_a_tilted_image_is_drawn(tmp_path: Path) -> None:
    assert scan_of(tmp_path, page_with(b"30 10 -10 30 20 0 cm /I Do")).shape == (150, 300)


def test_another_page_is_drawn_at_300_dpi(tmp_path: Path) -> None:
    scan = scan_of(tmp_path, page_with(b"0 g 10 10 20 20 re f 36 0 0 18 36 0 cm /I Do"))
    assert scan.shape == (150, 300)
    assert (scan[0, 0], scan[90, 60]) == (255, 0)


def test_a_scan_with_annotations_is_drawn_with_them(tmp_path: Path) -> None:
    more = b"/Annots[<</Type/Annot/Subtype/Square/Rect[0 0 9 9]/C[0 0 0]>>]"
    assert scan_of(tmp_path, page_with(b"72 0 0 36 0 0 cm /I Do", more=more)).shape == (150, 300)


def test_an_empty_page_is_white(tmp_path: Path) -> None:
    assert (scan_of(tmp_path, page_with(b"")) == 255).all()


def test_a_huge_page_is_drawn_with_fewer_dots(tmp_path: Path) -> None:
    scan = scan_of(tmp_path, page_with(b"0 g 10 10 20 20 re f", (14_000, 14_000)), max_pixels=1_000_000)
    assert 900_000 < scan.size <= 1_000_000


def test_a_huge_image_is_refused(tmp_path: Path) -> None:
    (page,) = pages_of(tmp_path, pdf(Image.fromarray(NOISE)), max_pixels=5000)
    assert page.fault.startswith("too large: 90 x 60 pixels")


def test_pages_have_numbers(tmp_path: Path) -> None:
    pages = pages_of(tmp_path, pdf(*[Image.fromarray(NOISE[: 10 * n]).convert("P") for n in (1, 2, 3)]))
    assert [page.source.removeprefix(str(tmp_path)) for page in pages] == [f"/form.pdf#{n}" for n in (1, 2, 3)]
    assert [page.scan.shape for page in pages if page.scan is not None] == [(10, 90), (20, 90), (30, 90)]


def test_pages_over_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_decode, "MAX_PAGES", 2)
    pages = pages_of(tmp_path, pdf(*[Image.fromarray(NOISE)] * 4))
    assert [page.fault for page in pages] == ["", "", "more than 2 pages: the rest is skipped"]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"%PDF-1.7\n", "truncated or corrupt PDF"),
        (pdf(Image.fromarray(NOISE))[:300], "truncated or corrupt PDF"),
        (page_with(b"", (0, 0), more=b"/UserUnit 0"), ""),
    ],
)
def test_damaged_files_are_faults(tmp_path: Path, data: bytes, fault: str) -> None:
    assert [page.fault for page in pages_of(tmp_path, data)] == [fault]


@pytest.mark.parametrize("content", [b"q 72 0 0 36 0 0 cm /I Do Q", b"0 0 5 5 re n q 72 9 0 36 0 0 cm /I Do Q"])
def test_an_image_that_cannot_be_decoded_is_no_empty_page(tmp_path: Path, content: bytes) -> None:
    data = page_with(content).replace(b"/ColorSpace/DeviceGray", b"/Filter/DCTDecode".ljust(22))
    assert [page.fault for page in pages_of(tmp_path, data)] == ["truncated or corrupt page of a PDF"]


def test_in_folders_pdf_is_a_source_by_its_content(tmp_path: Path, run: Run) -> None:
    assert image_formats.reads_pdf()
    (tmp_path / "a.pdf").write_bytes(pdf(Image.open(SCAN).convert("P"), Image.open(SCAN).convert("P")))
    (tmp_path / "b").write_bytes(pdf(Image.open(SCAN).convert("P")))
    (tmp_path / "c.pdf").write_bytes(b"no PDF")
    tally = Tally()
    assert list(find([str(tmp_path)], tally)) == [str(tmp_path / "a.pdf"), str(tmp_path / "b")]
    result = run("classify", tmp_path)
    cells = [line.split(",") for line in result.stdout.splitlines()[1:]]
    assert [(row[0].rpartition("/")[2], row[1]) for row in cells] == [("a.pdf#1", "3"), ("a.pdf#2", "3"), ("b", "3")]
    assert "PDF" not in result.stderr


def test_threads_may_draw_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(*[Image.fromarray(NOISE).convert("P")] * 5))
    good: list[bool] = []

    def read() -> None:
        good.extend(np.array_equal(page.scan, NOISE) for page in decode(str(path)) if page.scan is not None)

    threads = [Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert good == [True] * 20
