"""The pictures of the normaliser's steps are those of this normaliser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import ROOT

STEPS = ROOT / "docs/images/steps"


def test_the_pictures_are_made_again_as_they_are(tmp_path: Path) -> None:
    command = [sys.executable, "docs/make_step_pictures.py", "-o", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    kept, made = (sorted(path.name for path in folder.iterdir()) for folder in (STEPS, tmp_path))
    assert kept == made
    for name in made:
        before, now = (np.asarray(Image.open(folder / name), np.int16) for folder in (STEPS, tmp_path))
        assert before.shape == now.shape, name
        assert np.abs(before - now).mean() < 1, name  # grey levels; another processor rounds a pixel another way
