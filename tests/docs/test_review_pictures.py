"""The pictures of the review page can be drawn again. Fonts differ between machines, so they are not compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.review.conftest import find_browser


@pytest.mark.slow
def test_the_pictures_are_drawn_and_small(tmp_path: Path) -> None:
    pytest.importorskip("playwright")
    if find_browser() is None:
        pytest.skip("no browser is installed")
    command = [sys.executable, "docs/make_review_pictures.py", "-o", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    for name in ("review-grid.png", "review-single.png"):
        with Image.open(tmp_path / name) as drawn, Image.open(ROOT / "docs/images" / name) as kept:
            assert drawn.size == kept.size
        assert (tmp_path / name).stat().st_size < 150_000
