"""Files appear whole, and as the user's other files do."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from batchdigits.output.atomic import copy_access, replace_atomically


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


@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL])  # the latter of an owner that a container has not
def test_a_group_that_the_system_does_not_give_gets_the_rights_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "")

    source, target = tmp_path / "a", tmp_path / "b"
    source.touch()
    target.touch()
    source.chmod(0o664)
    if os.geteuid() == 0:
        os.chown(source, 12, 34)
    own = target.stat().st_gid == source.stat().st_gid
    monkeypatch.setattr(os, "chown", refuse)
    copy_access(source, target)
    assert stat.S_IMODE(target.stat().st_mode) == (0o664 if own else 0o644)
