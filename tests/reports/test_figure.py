from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from batchdigits.reports.figure import DPI, MAX_ENTRIES, MAX_NAME, SUFFIXES, add_legend, draw, legend_name
from tests.conftest import SAMPLES

matplotlib = pytest.importorskip("matplotlib")

DIFFICULT_NAMES = (
    "$x$",
    r"$\frac{1}{",
    "_hidden",
    "__",
    "",
    " ",
    "two\nlines",
    "\udcff",
    "\x1b[31m",
    "手写",
    "\u202eright to left",
    "--><x>",
)


def line(axes: Any) -> None:
    axes.plot([0, 1], [0, 1])


def legend_of(names: list[str], suffixes: Sequence[str] = SUFFIXES) -> list[Any]:
    """The texts of a legend, once it has been drawn as PNG and as SVG, which is the last."""
    legends = []

    def panel(axes: Any) -> None:
        add_legend(axes, [axes.plot([0], [0])[0] for _ in names], names)
        legends.append(axes.get_legend())

    for suffix in suffixes:
        written = draw([panel], "title", (4, 3), suffix)
    ElementTree.fromstring(written)
    return list(legends[-1].get_texts())


def test_names_from_outside_are_shown_as_they_are() -> None:
    texts = legend_of([*DIFFICULT_NAMES])
    assert [text.get_text() for text in texts] == [legend_name(name) for name in DIFFICULT_NAMES]
    assert all(text.get_visible() and not text.get_parse_math() for text in texts)
    assert [legend_name(name) for name in ("two\nlines", "\udcff", "$x$")] == ["two\\nlines", "\\udcff", "$x$"]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=MAX_ENTRIES))
def test_any_names_can_be_drawn(names: list[str]) -> None:
    texts = [text.get_text() for text in legend_of(names, [".svg"])]
    assert texts == [legend_name(name) for name in names]
    assert all(text.isprintable() and len(text) <= MAX_NAME for text in texts)


def test_of_a_long_name_the_end_is_shown() -> None:
    path = "/a/long/path/to/a/folder/of/digits"
    assert legend_name(path) == f"…{path[1 - MAX_NAME :]}"
    assert legend_name("x" * MAX_NAME) == "x" * MAX_NAME


def test_a_legend_of_too_many_names_says_how_many_it_leaves_out() -> None:
    texts = [text.get_text() for text in legend_of([str(number) for number in range(MAX_ENTRIES + 4)])]
    assert len(texts) == MAX_ENTRIES
    assert texts[-2:] == [str(MAX_ENTRIES - 2), "and 5 more"]
    assert legend_of([str(number) for number in range(MAX_ENTRIES)])[-1].get_text() == str(MAX_ENTRIES - 1)


def test_the_size_is_in_inches() -> None:
    with Image.open(BytesIO(draw([line, line], "title", (4, 3), ".png"))) as picture:
        assert (picture.format, picture.size) == ("PNG", (4 * DPI, 3 * DPI))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_holds_neither_version_nor_time_and_is_the_same_each_time(suffix: str) -> None:
    written = draw([line], "title", (4, 3), suffix)
    assert written == draw([line], "title", (4, 3), suffix)
    for changing in (matplotlib.__version__.encode(), b"matplotlib.org", b"tIME", b"<dc:date>"):
        assert changing not in written


def test_settings_of_the_program_are_neither_used_nor_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = draw([line], "title", (4, 3), ".png")
    monkeypatch.setitem(matplotlib.rcParams, "lines.linewidth", 20.0)
    assert draw([line], "title", (4, 3), ".png") == written
    assert matplotlib.rcParams["lines.linewidth"] == 20.0


def test_a_users_settings_and_display_are_ignored_and_nothing_is_printed(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 20\nno.such.key: 1\n")
    code = (
        "import sys; from batchdigits.reports.figure import draw\n"
        "picture = draw([lambda axes: axes.plot([0, 1], [0, 1])], 'title', (4, 3), '.png')\n"
        "open('picture.png', 'wb').write(picture)\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    environment = {**os.environ, "MPLCONFIGDIR": str(tmp_path), "MPLBACKEND": "qtagg"}
    environment.pop("DISPLAY", None)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "picture.png").read_bytes() == draw([line], "title", (4, 3), ".png")


def test_a_wrong_backend_in_the_environment_is_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "batchdigits", "evaluate", str(SAMPLES / "digits"), "--plot", "x.png"]
    environment = {**os.environ, "MPLBACKEND": "none such"}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("batchdigits: error: matplotlib cannot be loaded: ")
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
