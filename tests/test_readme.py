"""Every command that the README shows works as it stands there, one after the other, in one folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLES

README = (ROOT / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S) for line in block.splitlines()]
INSTALLS = [line for line in COMMANDS if line.startswith("python3 -m venv")]
ON_THE_ROAD = [line for line in COMMANDS if line.startswith("batchdigits ")]


def test_the_readme_shows_two_installs_and_the_road() -> None:
    assert len(INSTALLS) == 2
    assert INSTALLS[0].endswith("batchdigits classify samples/digits")
    assert INSTALLS[1].endswith("-m pytest")
    assert ON_THE_ROAD[:2] == ["batchdigits train", "batchdigits export --tflite"]
    assert len(INSTALLS) + len(ON_THE_ROAD) == len(COMMANDS)


def test_the_road_works_as_it_stands_there(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES, tmp_path / "samples")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in ON_THE_ROAD:
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stderr}"
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 41


@pytest.mark.slow
def test_the_first_command_works_in_a_fresh_copy_without_tensorflow(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, fresh / name)
    result = subprocess.run(["bash", "-c", INSTALLS[0]], cwd=fresh, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) >= 41
    assert list(fresh.glob(".venv/lib/*/site-packages/batchdigits"))
    assert not list(fresh.glob(".venv/lib/*/site-packages/tensorflow"))
