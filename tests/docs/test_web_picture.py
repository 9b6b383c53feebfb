"""The picture of the page of `export --web` can be drawn again. Fonts differ between machines: it is not compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.review.conftest import find_browser


@pytest.mark.slow
def test_the_picture_is_drawn_and_small(tmp_path: Path) -> None:
    pytest.importorskip("playwright")
    if find_browser() is None:
        pytest.skip("no browser is installed")
    command = [sys.executable, "docs/make_web_picture.py", "-o", str(tmp_path / "page.png")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "page.png") as drawn, Image.open(ROOT / "docs/images/web-page.png") as kept:
        assert drawn.width == kept.width
    assert (tmp_path / "page.png").stat().st_size < 100_000
