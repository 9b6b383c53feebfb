"""Streams that are closed, full, or have no reader, and the other names of stdout."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SAMPLES
from tests.engines.helpers import environment

COMMAND = f"{shlex.quote(sys.executable)} -m batchdigits"
THREES, BROKEN = (shlex.quote(str(SAMPLES / name)) for name in ("digits/3", "broken"))


def shell(line: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run a line in a shell where `batchdigits` is the command."""
    line = f'batchdigits() {{ {COMMAND} "$@"; }}\n{line}'
    return subprocess.run(line, shell=True, cwd=cwd, capture_output=True, check=False, env=environment(), **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(("folder", "code"), [(THREES, 0), (BROKEN, 3)])
def test_a_stderr_without_a_reader_stops_nothing(tmp_path: Path, folder: str, code: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "batchdigits", "classify", *shlex.split(folder), "-o", "out.csv"]
    result = subprocess.run(command, cwd=tmp_path, stderr=writer, check=False, env=environment())
    os.close(writer)
    assert result.returncode == code
    assert (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(("closing", "code"), [("2>&-", 0), (">&-", 0), ("<&-", 0), (">&- 2>&- <&-", 0)])
def test_a_file_is_written_even_if_a_stream_is_closed(tmp_path: Path, closing: str, code: int) -> None:
    result = shell(f"batchdigits classify {THREES} -o out.csv {closing}", tmp_path)
    assert (result.returncode, result.stdout) == (code, b"")
    assert len((tmp_path / "out.csv").read_bytes().splitlines()) == 5
    assert b"bug" not in result.stderr and b"Traceback" not in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        f"batchdigits classify -q {THREES} >&-",
        f"batchdigits classify -q {THREES} --dry-run >&-",
        "batchdigits classify - <&-",
        "batchdigits classify -q --files-from - <&-",
        "batchdigits --help >&-",
        "batchdigits --help >/dev/full",
        "batchdigits --version >/dev/full",
        "batchdigits classify --help >/dev/full",
    ],
)
def test_data_that_a_stream_does_not_take_or_give_is_one_line(tmp_path: Path, line: str) -> None:
    result = shell(line, tmp_path)
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"batchdigits: error: ")
    assert result.stderr.count(b"\n") == 1
    assert b"bug" not in result.stderr


@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1", "own"])
def test_every_name_of_stdout_is_stdout(tmp_path: Path, name: str) -> None:
    (tmp_path / "own").symlink_to("/proc/self/fd/1")
    expected = shell(f"batchdigits classify {THREES}", tmp_path).stdout
    assert shell(f"batchdigits classify {THREES} -o {name}", tmp_path).stdout == expected
    assert shell(f"echo before > x; batchdigits classify {THREES} -o {name} >> x", tmp_path).returncode == 0
    assert (tmp_path / "x").read_bytes() == b"before\n" + expected
    assert (tmp_path / "own").is_symlink()


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_a_pipe_to_a_process_is_an_output(tmp_path: Path) -> None:
    expected = shell(f"batchdigits classify {THREES}", tmp_path).stdout
    line = f"{COMMAND} classify {THREES} -o >(cat; echo the end)"
    result = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, check=False, env=environment())
    assert (result.returncode, result.stdout) == (0, expected + b"the end\n")
