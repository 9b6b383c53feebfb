"""Files appear whole, and as the user's other files do."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from batchdigits.output.atomic import replace_atomically


def test_writing_leaves_the_umask_of_other_threads_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "umask", None)
    with replace_atomically(tmp_path / "a") as beside:
        beside.write_text("a")
    assert (tmp_path / "a").read_text() == "a"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_file_has_the_mode_that_the_umask_gives(tmp_path: Path, umask: int) -> None:
    program = "import sys, pathlib; from batchdigits.output.atomic import write_atomically\n"
    program += "write_atomically(pathlib.Path(sys.argv[1]), b'a')"
    subprocess.run([sys.executable, "-c", program, tmp_path / "a"], umask=umask, check=True)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask
