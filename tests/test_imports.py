"""Slow packages are imported only where they are needed; with LiteRT, TensorFlow never is."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from batchdigits.inference.choose import PRETRAINED
from tests.conftest import SAMPLES

HEAVY = ("tensorflow", "keras", "ray", "fsspec", "s3fs", "aiohttp", "matplotlib", "h5py", "pandas")

REPORT = "import sys; print(*{name.partition('.')[0] for name in sys.modules}, file=%s)"
# A forked worker writes the names of its loaded packages into the file `worker` after each chunk.
SPY = f"""
import os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
from batchdigits.engines import worker
real = worker.classify_chunk
def spy(*arguments):
    result = real(*arguments)
    {REPORT % "open('worker', 'w')"}
    return result
worker.classify_chunk = spy
from batchdigits.cli import main
main(ARGUMENTS, standalone_mode=False)
"""


def loaded_after(code: str, cwd: Path) -> set[str]:
    """The top-level packages that a fresh process has loaded after `code`."""
    command = [sys.executable, "-c", f"{code}\n{REPORT % 'sys.stderr'}"]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    return set(result.stderr.splitlines()[-1].split())


def loaded_by_classify(cwd: Path, *arguments: str, verb: str = "classify") -> tuple[set[str], set[str]]:
    """The top-level packages that a run loads, in the main process and in its worker."""
    line = [verb, "--jobs", "1", "-o", "out.csv", *arguments]
    return loaded_after(SPY.replace("ARGUMENTS", repr(line)), cwd), set((cwd / "worker").read_text().split())


def test_classifying_with_litert_never_loads_tensorflow(tmp_path: Path) -> None:
    assert find_spec("tensorflow"), "without TensorFlow installed, this test would pass for the wrong reason"
    main, worker = loaded_by_classify(tmp_path, str(SAMPLES / "digits"))
    assert (tmp_path / "out.csv").read_text().count("\n") == 41
    assert "ai_edge_litert" in worker
    assert (main | worker).isdisjoint(HEAVY)


def test_reading_with_litert_never_loads_tensorflow(tmp_path: Path) -> None:
    main, worker = loaded_by_classify(tmp_path, str(SAMPLES / "digits"), verb="read")
    assert "ai_edge_litert" in worker
    assert (main | worker).isdisjoint((*HEAVY, "PIL"))


@pytest.mark.parametrize("model", ["built-in", str(PRETRAINED / "digits.tflite")])
def test_a_tflite_is_written_as_c_without_tensorflow(model: str, tmp_path: Path) -> None:
    line = ["export", "--model", model, "--c-array", "c"]
    loaded = loaded_after(f"from batchdigits.cli import main\nmain({line!r}, standalone_mode=False)", tmp_path)
    assert (tmp_path / "c" / "digits_model.h").exists()
    assert loaded.isdisjoint(HEAVY)


def test_pillow_is_not_loaded_for_images_that_opencv_reads(tmp_path: Path) -> None:
    main, worker = loaded_by_classify(tmp_path, str(SAMPLES / "digits"))
    assert "cv2" in worker
    assert "PIL" not in main | worker


def test_classifying_with_tensorflow_loads_it_in_the_worker_only(tmp_path: Path) -> None:
    main, worker = loaded_by_classify(tmp_path, str(SAMPLES / "digits" / "3"), "--runtime", "tensorflow")
    assert "tensorflow" in worker
    assert main.isdisjoint(HEAVY)


@pytest.mark.parametrize("command", ["", "train", "export", "inspect", "benchmark", "classify", "read"])
def test_help_loads_nothing_slow(command: str, tmp_path: Path) -> None:
    arguments = [*command.split(), "--help"]
    code = f"from batchdigits.cli import main\ntry: main({arguments!r})\nexcept SystemExit: pass"
    assert loaded_after(code, tmp_path).isdisjoint((*HEAVY, "numpy", "cv2", "PIL", "ai_edge_litert", "tqdm"))
