"""Make folders of images, and run the command, if need be with a decoder that fails as a file's name says."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import chdir, suppress
from pathlib import Path

import cv2
import numpy as np

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from tests.conftest import invoke

# A file that crashes or hangs a real decoder works only until the decoder's next release. This decoder obeys the file's
# name instead: `crash1.png` makes it crash. It hangs in C with the interpreter locked, as the worst of decoders would.
FAULTY_DECODER = """
import ctypes, os, re, signal, sys
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the command does; workers are forked, and inherit this decoder
from pathlib import Path
import batchdigits.engines.classify_files as engine
from batchdigits.fields.cut_batch import CutBatch

def obeying(add):
    def obey(self, path, status=None):
        name = os.path.basename(path)
        if name.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if name.startswith("abort"):
            os.abort()
        if name.startswith("exit"):
            os._exit(7)
        if name.startswith("hang"):
            ctypes.PyDLL(None).pause()
        times = re.match("(KILL|TERM|SEGV)-([0-9])-times", name)
        if times:
            with open(path + ".deaths", "a+") as deaths:
                deaths.write("x")
            if os.path.getsize(path + ".deaths") <= int(times[2]):
                os.kill(os.getpid(), getattr(signal, "SIG" + times[1]))
        if name.startswith("kill-always"):
            os.kill(os.getpid(), signal.SIGKILL)
        if name.startswith(("slow", "very-slow")):
            __import__("time").sleep(0.2 if name.startswith("very") else 0.05)
        return add(self, path, status)
    return obey

for batch in (engine.FastBatch, CutBatch):
    batch.add = obeying(batch.add)
if os.path.exists("terminate-at-fork"):
    os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM))
"""
FIELD_MARGIN = 20  # pixels at both ends of a field
RUN = "from batchdigits.cli import main; main()"


def count(output: bytes) -> str:
    """The counts of statuses that the summary must show for a CSV with its header."""
    counts = Counter(row[3] for row in rows(output))
    by_status = [f"{counts[status]} {status}" for status in ("ok", "review", "blank", "error") if counts[status]]
    return f"{counts.total()} image{'s' if counts.total() != 1 else ''}: {', '.join(by_status)}; "


def make_images(folder: Path, count: int, names: Sequence[str] = ()) -> Path:
    """Make a folder of `count` 28x28 PNG files 0.png, 1.png…, and of further ones with those names."""
    folder.mkdir(parents=True, exist_ok=True)
    images = read_idx(MNIST / f"{TEST_IMAGES}.gz")
    for index, name in enumerate([*(f"{number}.png" for number in range(count)), *names]):
        done, data = cv2.imencode(".png", images[index % len(images)])
        assert done
        (folder / name).write_bytes(np.asarray(data).tobytes())
    return folder


def make_fields(folder: Path, values: Sequence[str]) -> Path:
    """Make a folder of fields, 0-VALUE.png, 1-VALUE.png…, each of digits written apart from each other."""
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")
    for number, value in enumerate(values):
        digits = [images[labels == int(digit)][10 + number] for digit in value]
        field = np.concatenate([np.pad(digit, ((8, 8), (2, 2))) for digit in digits], axis=1)
        field = np.pad(field, ((8, 8), (FIELD_MARGIN, FIELD_MARGIN)))
        done, data = cv2.imencode(".png", 255 - field)
        assert done
        (folder / f"{number}-{value}.png").write_bytes(np.asarray(data).tobytes())
    return folder


def command(*arguments: str | Path, faulty_decoder: bool = False, verb: str = "classify") -> list[str]:
    """The line of a command, with the faulty decoder if asked for."""
    program = ["-c", FAULTY_DECODER + RUN] if faulty_decoder else ["-m", "batchdigits"]
    return [sys.executable, *program, verb, *map(str, arguments)]


def classify(
    *arguments: str | Path, cwd: Path, own_process: bool = False, faulty_decoder: bool = False, **options: object
) -> subprocess.CompletedProcess[bytes]:
    """Run `batchdigits classify` to its end, in this process if it needs no other decoder, streams or signals.

    That takes a quarter of the time. With `own_process`, the real streams have all that libraries write too.
    """
    if not (own_process or faulty_decoder or options):
        with chdir(cwd):
            result = invoke("classify", *arguments)
        return subprocess.CompletedProcess([], result.exit_code, result.stdout_bytes, result.stderr_bytes)
    line = command(*arguments, faulty_decoder=faulty_decoder)
    return subprocess.run(line, cwd=cwd, capture_output=True, check=False, env=environment(), **options)  # type: ignore[call-overload,no-any-return]


def start(*arguments: str | Path, cwd: Path, faulty_decoder: bool = False) -> subprocess.Popen[bytes]:
    """Start `batchdigits classify`, with pipes for stdout and stderr."""
    line = command(*arguments, faulty_decoder=faulty_decoder)
    return subprocess.Popen(line, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())


def environment() -> dict[str, str]:
    """This process's environment, with this checkout's package first, so that a command finds it from any folder."""
    paths = [str(Path(__file__).parents[2]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def read_terminal(terminal: int) -> bytes:
    """All that a process writes to the other end of a terminal until that is closed."""
    shown = b""
    with suppress(OSError):  # the other end is closed
        while block := os.read(terminal, 4096):
            shown += block
    return shown


def rows(output: bytes) -> list[list[str]]:
    """The rows of a CSV, less its header."""
    return list(csv.reader(output.decode(errors="surrogateescape").splitlines()))[1:]
