"""Classify, evaluate and preview need nothing that Windows lacks: it is taken away from Python on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from batchdigits.output.journal import Journal
from tests.conftest import ROOT, SAMPLES, run_process
from tests.engines.helpers import make_images, rows

# Python runs this file at its start, in workers, too. What it imports before it takes things away is what would see by
# them that it is not on Windows.
SITECUSTOMIZE = """
import multiprocessing.connection, os, pathlib, shutil, signal, subprocess, sys, tempfile, threading, types
import fcntl

def locking(descriptor, mode, size):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PermissionError(13, "Permission denied") from None

sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules[name] = None
subprocess.Popen.kill = lambda process: process.send_signal(9)
for name in ("SIGALRM", "SIGKILL", "SIGHUP", "SIGCHLD", "SIGPIPE", "setitimer", "alarm", "pthread_sigmask"):
    delattr(signal, name)
for name in ("fork", "forkpty", "register_at_fork", "setpgid", "killpg", "sched_getaffinity", "O_CLOEXEC", "sysconf"):
    delattr(os, name)
real_start = subprocess.Popen._execute_child

def start(process, arguments, executable, preexec_fn, close_fds, pass_fds, *others):
    assert not pass_fds and preexec_fn is None
    return real_start(process, arguments, executable, preexec_fn, close_fds, pass_fds, *others)

subprocess.Popen._execute_child = start
looking = False

def refuse(event, arguments):
    global looking
    if looking:
        return
    if event in ("open", "os.listdir", "os.scandir") and str(arguments[0]).startswith("/proc"):
        raise FileNotFoundError(2, "No such file", arguments[0])
    if event in ("os.remove", "os.rename"):  # of a file that is open
        looking = True
        try:
            links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
            opened = {os.readlink(link) for link in links if os.path.lexists(link)}
        finally:
            looking = False
        if opened & {os.path.realpath(path) for path in arguments[:2] if isinstance(path, (str, os.PathLike))}:
            raise PermissionError(13, "The process cannot access the file", arguments[0])

sys.addaudithook(refuse)

import ctypes
import batchdigits.engines.classify_files as engine
add = engine.FastBatch.add

def obey(self, path, status=None):
    if "hang" in path:
        ctypes.PyDLL(None).pause()
    if "exit" in path:
        os._exit(7)
    return add(self, path, status)

engine.FastBatch.add = obey
"""


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images in `scans`, to run commands in."""
    make_images(tmp_path / "scans", 40)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_blocked(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["site", str(ROOT)])}
    line = [sys.executable, "-m", "batchdigits", *arguments]
    return subprocess.run(line, env=environment, capture_output=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_classify_and_resume(scene: Path) -> None:
    expected = rows(run_process("classify", "scans").stdout.encode())
    for name in ("hang", "exit"):
        (scene / "scans" / f"{name}.png").write_bytes((scene / "scans" / "0.png").read_bytes())
    arguments = ("classify", "scans", "-o", "rows.csv", "--timeout", "3", "--jobs", "2")
    result = run_blocked(*arguments)
    assert result.returncode == 3, result.stderr.decode()
    found = rows((scene / "rows.csv").read_bytes())
    assert [row for row in found if row[3] != "error"] == expected
    assert [row[4] for row in found if row[3] == "error"] == [
        "its decoder crashed (exit code 7)",
        "took longer than 3 s",
    ]
    for name in ("hang", "exit"):
        (scene / "scans" / f"{name}.png").unlink()
    make_images(scene / "scans", 41)
    again = run_blocked(*arguments, "--resume", "--prune")
    assert again.returncode == 0, again.stderr.decode()
    assert b"1 file added" in again.stderr
    assert len(rows((scene / "rows.csv").read_bytes())) == 41
    assert sorted(path.name for path in scene.iterdir() if path.name.startswith(".")) == [".rows.csv.done"]


def test_two_runs_do_not_write_one_output(scene: Path) -> None:
    journal = Journal(scene / ".rows.csv.journal")
    try:
        result = run_blocked("classify", "scans", "-o", "rows.csv")
    finally:
        journal.close()
    assert result.returncode == 1
    assert b"another run is writing it" in result.stderr


def test_a_mistake_leaves_nothing_behind(scene: Path) -> None:
    (scene / "rows.csv").write_text("mine")
    result = run_blocked("classify", "scans", "-o", "rows.csv")
    assert b"rows.csv exists: add --resume" in result.stderr
    assert not [path for path in scene.iterdir() if path.name.startswith(".")]


def test_an_image_on_stdin(scene: Path) -> None:
    result = run_blocked("classify", "-", input=(SAMPLES / "digits" / "3" / "large.png").read_bytes())
    assert [row[:2] for row in rows(result.stdout)] == [["-", "3"]]


def test_evaluate(scene: Path) -> None:
    result = run_blocked("evaluate", str(SAMPLES / "digits"))
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout.decode() == run_process("evaluate", SAMPLES / "digits").stdout


def test_preview(scene: Path) -> None:
    assert run_blocked("preview", "scans").returncode == 0
    blocked = (scene / "preview.png").read_bytes()
    run_process("preview", "scans", "-o", "other.png")
    assert blocked == (scene / "other.png").read_bytes()
