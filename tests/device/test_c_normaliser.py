"""The C normaliser gives the glyphs of the Python one, in its workspace, in single precision and without a library."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from rendered_cells import KINDS, render_cell

from batchdigits.device.write import NORMALISER_SOURCES, TEMPLATES
from batchdigits.vision.normalise import propose
from tests.conftest import Arrays
from tests.device.boards import has_library
from tests.device.test_c_sources import STRICT, needs_cc
from tests.vision.test_cells import SPOTS, corner_in_double_frame, on_ruled_line, ring_in_box, ring_under_shadow

VIEWS = ("8", "25", "28", "61", "96", "160", "255")

WORKSPACE_BYTES = 3 * 160 * 160  # of `digits_workspace` before `holds_writing`


class Normalise:
    """The C normaliser."""

    def __init__(self, library: Path) -> None:
        self._function = ctypes.CDLL(str(library)).digits_normalise
        self._workspace = ctypes.create_string_buffer(1 << 18)

    def __call__(self, scan: NDArray[np.uint8], ink: int = 0) -> NDArray[np.uint8] | None:
        """The glyph of a scan; ink 0 is DIGITS_INK_AUTO, 1 dark, 2 light."""
        scan = scan if scan.strides[1] == 1 else np.ascontiguousarray(scan)
        glyph = np.zeros((28, 28), np.uint8)
        image, out = ctypes.c_void_p(scan.ctypes.data), ctypes.c_void_p(glyph.ctypes.data)
        found = self._function(image, scan.shape[1], scan.shape[0], scan.strides[0], ink, self._workspace, out)
        return glyph if found else None

    def holds_writing(self) -> bool:
        """What the last call said, if it gave no glyph."""
        return bool(self._workspace.raw[WORKSPACE_BYTES])


@pytest.fixture(scope="module")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> Normalise:
    library = tmp_path_factory.mktemp("so") / "normalise.so"
    subprocess.run([*STRICT, "-shared", "-fPIC", *NORMALISER_SOURCES, "-o", str(library)], cwd=TEMPLATES, check=True)
    return Normalise(library)


def _is_close(in_c: Normalise, scan: NDArray[np.uint8], most: int = 2) -> bool:
    """Whether the C normaliser gives the likeliest candidate of the Python one, or neither gives any."""
    found, glyph = propose(scan), in_c(scan, 0)
    if not found.glyphs or glyph is None:
        return not found.glyphs and glyph is None
    expected = found.glyphs[int(np.argmax(found.priors))]
    return bool(np.abs(expected.astype(int) - glyph).max() <= most)


def _scans(image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """An MNIST image in several sizes, polarities, contrasts and stroke widths."""
    large = cv2.resize(image, (120, 120), interpolation=cv2.INTER_CUBIC)
    yield image
    yield 255 - image
    yield (230 - 0.8 * large).astype(np.uint8)
    yield np.pad(255 - large, ((20, 10), (30, 50)), constant_values=255)
    yield (255 - cv2.resize(image, (400, 400), interpolation=cv2.INTER_CUBIC)).astype(np.uint8)
    yield cv2.dilate(image, np.ones((4, 4), np.uint8)).astype(np.uint8)


@needs_cc
def test_the_c_normaliser_gives_the_same_glyphs_as_the_python_one_on_an_even_background(
    in_c: Normalise, small_mnist: Arrays
) -> None:
    close = [_is_close(in_c, scan, 1) for image in small_mnist["x_train"][:100] for scan in _scans(image)]
    assert np.mean(close) > 0.98  # the others differ by two grey levels


Draw = Callable[[NDArray[np.uint8], np.random.Generator], None]


def _few_specks(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    _draw_specks(page, rng, 6)


def _many_specks(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    _draw_specks(page, rng, 120)


def _draw_specks(page: NDArray[np.uint8], rng: np.random.Generator, count: int) -> None:
    for y, x in rng.integers(0, np.array(page.shape) - 3, (count, 2)):
        page[y : y + 2, x : x + rng.integers(1, 4)] = 20


def _neighbour(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """A stroke of a neighbour, cut by the border."""
    y = int(rng.integers(20, 110))
    page[y : y + 30, : int(rng.integers(8, 18))] = 20


def _rest_of_line(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    x = int(rng.integers(20, 90))
    page[-3:, x : x + 40] = 20


def _faint_gap(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """The strokes are faint in two rows."""
    y = int(rng.integers(50, 100))
    page[y : y + 2] = np.maximum(page[y : y + 2], 150)


def _gap(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    y = int(rng.integers(50, 100))
    page[y : y + 3] = 230


def _bar_to_border(page: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """A component beside the digit that reaches the border."""
    row = int(rng.integers(60, 90))
    last = int(np.flatnonzero((page < 120).any(axis=0)).max())
    page[row : row + 6, last + int(rng.integers(3, 25)) :] = 20


@needs_cc
@pytest.mark.parametrize(
    "draw", [_few_specks, _many_specks, _neighbour, _rest_of_line, _faint_gap, _gap, _bar_to_border]
)
def test_the_c_normaliser_finds_the_same_digit_among_components(
    in_c: Normalise, small_mnist: Arrays, draw: Draw
) -> None:
    rng, close = np.random.default_rng(0), []
    for image in small_mnist["x_train"][:60]:
        digit = cv2.resize(image, (100, 100), interpolation=cv2.INTER_CUBIC)
        scan = np.pad((230 - 0.8 * digit).astype(np.uint8), 25, constant_values=230)
        draw(scan, rng)
        close.append(_is_close(in_c, scan))
    assert np.mean(close) > 0.98


@needs_cc
@pytest.mark.parametrize("kind", KINDS)
def test_the_c_normaliser_removes_lines_and_light_like_the_python_one(
    in_c: Normalise, small_mnist: Arrays, kind: str
) -> None:
    """Form cells with a digit and empty ones, in both polarities."""
    close = []
    for number, digit in enumerate(small_mnist["x_train"][:10]):
        for content in (digit, None):
            scan = render_cell(KINDS[kind], content, np.random.default_rng([7, number]))
            close += [_is_close(in_c, scan), _is_close(in_c, 255 - scan)]
    # In one, rounding breaks a tie, in both polarities; of a thick frame, Python may look at the inside alone.
    cells = {"screened": 2, "thick frame": 3}.get(kind, 1)
    assert np.mean(close) >= 1.0 - 2 * cells / 40


@needs_cc
@pytest.mark.parametrize(
    ("row", "side", "top"), [(76, 100, 25), (90, 100, 8), (76, 39, 25), (50, 100, 100), (50, 39, 100)]
)
def test_the_c_normaliser_tells_ruled_lines_from_strokes(in_c: Normalise, row: int, side: int, top: int) -> None:
    scan = on_ruled_line(row, side, top)
    assert _is_close(in_c, scan)
    assert _is_close(in_c, scan.T.copy())


@needs_cc
def test_the_c_normaliser_finds_a_digit_in_the_spot_of_a_lamp(in_c: Normalise) -> None:
    for middle in SPOTS:
        scan = ring_in_box(middle)
        assert in_c(scan, 0) is not None
        assert _is_close(in_c, scan)


@needs_cc
@pytest.mark.parametrize("left", [12, 40, 60])
def test_the_c_normaliser_finds_a_digit_under_a_shadow_across_its_frame(in_c: Normalise, left: int) -> None:
    scan = ring_under_shadow(left)
    assert in_c(scan, 0) is not None
    assert _is_close(in_c, scan)


@needs_cc
@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_the_c_normaliser_erases_a_frame_in_another_one_that_the_digit_touches(in_c: Normalise, thickness: int) -> None:
    scan = corner_in_double_frame(thickness)
    assert in_c(scan, 0) is not None
    assert _is_close(in_c, scan)


def _cell(digit: NDArray[np.uint8] | None, side: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A printed box in a picture, with a digit in it, or empty."""
    page = np.full(size, 220, np.uint8)
    y, x = (size[0] - 2 * side) // 2, (size[1] - 2 * side) // 2
    cv2.rectangle(page, (x, y), (x + 2 * side, y + 2 * side), 60, max(1, side // 20))
    if digit is not None:
        inside = slice(y + side // 2, y + side // 2 + side), slice(x + side // 2, x + side // 2 + side)
        ink = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC)
        page[inside] = np.minimum(page[inside], 220 - 0.7 * ink)
    return page


@needs_cc
@pytest.mark.parametrize(("side", "size"), [(40, (90, 90)), (300, (640, 700)), (120, (330, 380))])
def test_the_c_normaliser_finds_a_digit_in_a_box_and_an_empty_box(
    in_c: Normalise, small_mnist: Arrays, side: int, size: tuple[int, int]
) -> None:
    assert in_c(_cell(None, side, size), 0) is None
    for digit in small_mnist["x_train"][:10]:
        scan = _cell(digit, side, size)
        assert in_c(scan, 0) is not None
        assert _is_close(in_c, scan)


@needs_cc
def test_the_c_normaliser_looks_closer_at_a_small_digit(in_c: Normalise, small_mnist: Arrays) -> None:
    for digit in small_mnist["x_train"][:10]:
        scan = np.full((900, 1200), 220, np.uint8)
        scan[300:380, 700:780] = 220 - 0.8 * cv2.resize(digit, (80, 80), interpolation=cv2.INTER_CUBIC)
        assert _is_close(in_c, scan)


@needs_cc
def test_the_c_normaliser_tells_other_writing_from_blank_pages(in_c: Normalise) -> None:
    text = np.full((300, 400), 230, np.uint8)
    for row in range(30, 300, 30):
        cv2.putText(text, "several words in lines", (10, row), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 30, 2)
    noise = np.random.default_rng(0).normal(200, 3, (100, 100)).astype(np.uint8)
    found = []
    for scan in (text, noise, _cell(None, 40, (90, 90)), np.full((50, 40), 255, np.uint8), text):
        assert in_c(scan, 0) is None
        assert in_c.holds_writing() == propose(scan).holds_writing
        found.append(in_c.holds_writing())
    assert found == [True, False, False, False, True]


@needs_cc
def test_the_c_normaliser_takes_a_part_of_an_image(in_c: Normalise, small_mnist: Arrays) -> None:
    page = np.hstack([255 - digit for digit in small_mnist["x_train"][:5]])
    for number in range(5):
        part = page[:, 28 * number : 28 * number + 28]
        glyph, of_copy = in_c(part, 0), in_c(part.copy(), 0)
        assert glyph is not None and of_copy is not None
        assert np.array_equal(glyph, of_copy)


@needs_cc
def test_the_c_normaliser_gives_the_same_bytes_whatever_the_workspace_holds(
    tmp_path: Path, small_mnist: Arrays
) -> None:
    (tmp_path / "twice.c").write_text(TWICE)
    small_mnist["x_train"][:40].tofile(tmp_path / "images")
    sources = [str(TEMPLATES / name) for name in NORMALISER_SOURCES]
    command = ["cc", "-std=c99", "-O1", "-I", str(TEMPLATES), "twice.c", *sources, "-o", "twice"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([str(tmp_path / "twice")], cwd=tmp_path, check=False).returncode == 0


# A C program that returns 0 if no image has another glyph with another content of the workspace before, and if
# impossible sizes and strides are refused.
TWICE = r"""
#include <stdio.h>
#include <string.h>
#include "digits_normalise.h"
static digits_workspace workspace;
int main(void) {
    uint8_t image[784], first[784], second[784];
    FILE *file = fopen("images", "rb");
    while (file && fread(image, 1, 784, file) == 784) {
        memset(&workspace, 0, sizeof workspace);
        const int found = digits_normalise(image, 28, 28, 28, DIGITS_INK_AUTO, &workspace, first);
        memset(&workspace, 255, sizeof workspace);
        if (digits_normalise(image, 28, 28, 28, DIGITS_INK_AUTO, &workspace, second) != found) return 1;
        if (!found || memcmp(first, second, 784)) return 1;
    }
    return digits_normalise(image, 0, 28, 28, DIGITS_INK_AUTO, &workspace, first) ||
           digits_normalise(image, 28, -1, 28, DIGITS_INK_AUTO, &workspace, first) ||
           digits_normalise(image, 28, 28, 27, DIGITS_INK_AUTO, &workspace, first);
}
"""


def test_all_sources_of_the_normaliser_are_listed() -> None:
    steps = {file.name for file in TEMPLATES.glob("*.c") if '#include "digits_vision.h"' in file.read_text()}
    assert set(NORMALISER_SOURCES) == steps


@pytest.mark.skipif(not has_library("arm-none-eabi-gcc", "-mthumb"), reason="no cross-compiler here")
@pytest.mark.parametrize("processor", ["cortex-m0plus", "cortex-m4"])
def test_the_c_normaliser_needs_no_double_precision_and_no_library(tmp_path: Path, processor: str) -> None:
    options = ["-mthumb", f"-mcpu={processor}", "-std=c99", "-Os", "-Wall", "-Wextra", "-Werror", "-Wdouble-promotion"]
    for name in NORMALISER_SOURCES:
        command = ["arm-none-eabi-gcc", *options, "-c", str(TEMPLATES / name), "-o", str(tmp_path / f"{name}.o")]
        subprocess.run(command, check=True)
    objects = sorted(map(str, tmp_path.glob("*.o")))
    result = subprocess.run(["arm-none-eabi-nm", *objects], capture_output=True, text=True, check=True)
    symbols = [line.split() for line in result.stdout.splitlines() if line and not line.endswith(":")]
    defined = {symbol[-1] for symbol in symbols if symbol[-2] != "U"}
    needed = {symbol[-1] for symbol in symbols} - defined
    # The compiler's conversions from 64 bits to single precision use double precision themselves.
    arithmetic = {name for name in needed if name.startswith("__aeabi_")}
    assert not {name for name in arithmetic if name.startswith(("__aeabi_d", "__aeabi_l2f", "__aeabi_ul2f"))}
    assert not {name for name in arithmetic if name.endswith(("2d", "d2f"))}
    assert needed - arithmetic <= {"memcpy", "memset", "memmove"}


@needs_cc
def test_the_c_normaliser_uses_the_given_ink(in_c: Normalise, small_mnist: Arrays) -> None:
    image = small_mnist["x_test"][0]
    for scan, right, wrong in ((image, 2, 1), (255 - image, 1, 2)):
        glyph, other, auto = in_c(scan, right), in_c(scan, wrong), in_c(scan, 0)
        assert glyph is not None and auto is not None
        assert np.array_equal(glyph, auto)
        assert other is None or not np.array_equal(glyph, other)


@needs_cc
def test_the_c_normaliser_finds_no_ink_on_a_blank_page(in_c: Normalise) -> None:
    noise = np.random.default_rng(0).normal(200, 3, (60, 60)).astype(np.uint8)
    for blank in (np.zeros((1, 1), np.uint8), np.full((50, 40), 255, np.uint8), noise):
        assert in_c(blank, 0) is None


@needs_cc
@pytest.mark.parametrize(
    ("view", "rounds"),
    [("160", 60), *(pytest.param(view, 6000, marks=pytest.mark.slow) for view in VIEWS)],
)
def test_the_c_normaliser_stays_in_its_workspace(tmp_path: Path, view: str, rounds: int) -> None:
    (tmp_path / "fuzz.c").write_text(FUZZ)
    sanitizers = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", f"-DDIGITS_VIEW={view}"]
    sanitizers.append(f"-DROUNDS={rounds}")
    sources = [str(TEMPLATES / name) for name in NORMALISER_SOURCES]
    command = ["cc", "-std=c99", *sanitizers, "-I", str(TEMPLATES), "fuzz.c", *sources, "-o", "fuzz"]
    built: Any = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    if built.returncode:
        pytest.skip("no sanitizers here")
    assert subprocess.run([str(tmp_path / "fuzz")], check=False).returncode == 0


# A C program that normalises random rectangles and slanted lines in images of any size. Each buffer has exactly
# the size that it needs, so that the address sanitizer finds each access beyond it.
FUZZ = r"""
#include <stdlib.h>
#include <string.h>
#include "digits_normalise.h"
static unsigned state = 1;
static int below(int n) { state = state * 1103515245u + 12345u; return (int)((state >> 8) % (unsigned)n); }
int main(void) {
    for (int round = 0; round < ROUNDS; round++) {
        const int w = 1 + below(round % 3 ? 60 : 400), h = 1 + below(round % 5 ? 60 : 400), kind = below(5);
        const int stride = w + (below(2) ? below(9) : 0);
        const size_t size = (size_t)(stride * (h - 1) + w);
        uint8_t *image = malloc(size), glyph[784];
        digits_workspace *workspace = malloc(sizeof *workspace);
        memset(workspace, below(256), sizeof *workspace);
        memset(image, below(256), size);
        for (size_t i = 0; !kind && i < size; i++) image[i] = (uint8_t)below(256);
        for (int stroke = 0; stroke < 3 * kind; stroke++) {
            const int x = below(w), y = below(h), level = below(256), slant = below(5) - 2;
            const int across = below(2) ? 1 + below(3) : 1 + below(w), down = below(2) ? 1 + below(3) : 1 + below(h);
            for (int v = y; v < h && v < y + down; v++)
                for (int u = x + slant * (v - y), n = 0; n < across; u++, n++)
                    if (u >= 0 && u < w) image[v * stride + u] = (uint8_t)level;
        }
        digits_normalise(image, w, h, stride, (digits_ink)below(3), workspace, glyph);
        free(workspace);
        free(image);
    }
    return 0;
}
"""
