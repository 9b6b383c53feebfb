"""The checks that people run with `make check`, as tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

CHECKS = {
    line.split(":")[0]: line.split("\t")[1].split()
    for line in (ROOT / "Makefile").read_text().replace(":\n", ":").splitlines()
    if line.startswith(("lint:", "format:", "types:", "imports:"))
}


@pytest.mark.parametrize("name", ["lint", "format", "types", "imports"])
def test_check(name: str) -> None:
    tool, *arguments = CHECKS[name]
    command = [str(Path(sys.executable).parent / tool), *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
