"""Fixtures for all tests: small data in every layout, and a model trained on it."""

from __future__ import annotations

import csv
import gzip
import io
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from batchdigits.cli import main
from batchdigits.datasets import MNIST, load
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, read_idx
from batchdigits.datasets.labelled import Splits
from batchdigits.engines import worker
from batchdigits.quiet import show_library_output

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"

needs_micro = pytest.mark.skipif(find_spec("tflite_micro") is None, reason="tflite-micro is not installed")

# Variables of the machine that would change the commands that tests run.
FOREIGN_VARIABLES = (
    "PYTHONDEVMODE",
    "PYTHONIOENCODING",
    "PYTHONOPTIMIZE",
    "PYTHONUTF8",
    "PYTHONVERBOSE",
    "PYTHONWARNINGS",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "RAY_ADDRESS",
    "KERAS_BACKEND",
    "GIT_DIR",  # a hook has these
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
)
FOREIGN_PREFIXES = ("AWS_", "TF_", "OMP_", "OPENBLAS_", "OPENCV_", "_BATCHDIGITS_")

Arrays = dict[str, NDArray[np.uint8]]
Run = Callable[..., Result]


def pytest_configure() -> None:
    """Give every command that a test starts the same environment, however pytest itself was started."""
    settings.register_profile("default", deadline=None)  # the machine may be busy
    settings.register_profile("ci", deadline=None, derandomize=True)
    settings.load_profile("ci" if os.environ.get("CI") else "default")
    for name in [name for name in os.environ if name in FOREIGN_VARIABLES or name.startswith(FOREIGN_PREFIXES)]:
        del os.environ[name]
    os.environ["LC_ALL"] = "C.UTF-8"
    paths = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in paths)
    for name in ("NO_PROXY", "no_proxy"):  # the servers of tests run on this machine
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    # `pytest &` in a script starts pytest with SIGINT ignored, and child processes inherit that.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    cv2.setNumThreads(1)
    tqdm.monitor_interval = 0  # it would be a thread
    worker.may_fork = may_fork_in_tests  # type: ignore[attr-defined]


def may_fork_in_tests() -> bool:
    """Whether workers are forked, as those of a command are: a new Python takes ten times as long.

    The package forks a process of one thread only. pytest-xdist has one more, which waits; those of TensorFlow, Ray and
    a test's own may hold a lock, which would stay locked in the fork.
    """
    is_alone = threading.active_count() == 1 and not {"tensorflow", "ray"} & sys.modules.keys()
    return is_alone and sys.platform == "linux"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that load TensorFlow come last, because workers are not forked after them."""
    items.sort(key=_loads_tensorflow)


def _loads_tensorflow(item: pytest.Item) -> bool:
    names = ("train", "export", "built_in", "nano")
    is_training = item.path.parent.name == "learning" or any(name in item.path.name for name in names)
    return is_training or not {"trained", "teacher"}.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture
def run() -> Run:
    """A function that runs the command in this process."""
    return invoke


@pytest.fixture(scope="session")
def run_once() -> Run:
    """The same function, for fixtures of the whole session."""
    return invoke


def invoke(*arguments: str | Path, **options: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], **options)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _silence() -> None:
    """Hide the output of libraries, which an earlier test may have shown with `-v`."""
    show_library_output(False)


@pytest.fixture
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run_process(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, where streams, signals and imports are real."""
    command = [sys.executable, "-m", "batchdigits", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=dict(os.environ))


@pytest.fixture(scope="session")
def small_mnist() -> Arrays:
    """A thousand of MNIST's training images and two hundred of its test images, under Keras's names."""
    return {
        "x_train": read_idx(MNIST / f"{TRAIN_IMAGES}.gz")[:1000],
        "y_train": read_idx(MNIST / f"{TRAIN_LABELS}.gz")[:1000],
        "x_test": read_idx(MNIST / f"{TEST_IMAGES}.gz")[:200],
        "y_test": read_idx(MNIST / f"{TEST_LABELS}.gz")[:200],
    }


@pytest.fixture
def idx_folder(tmp_path: Path, small_mnist: Arrays) -> Path:
    """`small_mnist` as IDX files: two plain, two gzipped."""
    folder = tmp_path / "idx"
    folder.mkdir()
    (folder / TRAIN_IMAGES).write_bytes(idx_bytes(small_mnist["x_train"]))
    (folder / TRAIN_LABELS).write_bytes(idx_bytes(small_mnist["y_train"]))
    (folder / f"{TEST_IMAGES}.gz").write_bytes(gzip.compress(idx_bytes(small_mnist["x_test"])))
    (folder / f"{TEST_LABELS}.gz").write_bytes(gzip.compress(idx_bytes(small_mnist["y_test"])))
    return folder


@pytest.fixture(scope="session")
def npz_file(tmp_path_factory: pytest.TempPathFactory, small_mnist: Arrays) -> Path:
    """`small_mnist` as an .npz in Keras's layout."""
    path = tmp_path_factory.mktemp("npz") / "small.npz"
    np.savez(path, **small_mnist)  # type: ignore[arg-type]
    return path


@pytest.fixture(scope="session")
def small_splits(npz_file: Path) -> Splits:
    """`small_mnist` as glyphs, in splits."""
    return load(npz_file)


@pytest.fixture
def small_mnist_mixed_in(monkeypatch: pytest.MonkeyPatch, small_splits: Splits) -> None:
    """Fine-tuning mixes in `small_mnist`, as the whole MNIST takes seconds to normalise."""
    monkeypatch.setattr("batchdigits.learning.fine_tuning.load", lambda: small_splits)


@pytest.fixture
def class_folder(tmp_path: Path, small_mnist: Arrays) -> Path:
    """Twelve images of each of three classes whose names are words."""
    for digit, name in ((0, "oh"), (1, "one"), (7, "seven")):
        folder = tmp_path / "classes" / name
        folder.mkdir(parents=True)
        for number, image in enumerate(small_mnist["x_train"][small_mnist["y_train"] == digit][:12]):
            Image.fromarray(255 - image).save(folder / f"{number}.png")
    return tmp_path / "classes"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, npz_file: Path) -> Path:
    """A .keras model file after a very short training."""
    path = tmp_path_factory.mktemp("trained") / "digits.keras"
    quick = ["--iterations", "120", "--batch-size", "64", "--hidden", "32,16"]
    arguments = ["train", *quick, "--data", str(npz_file), "-o", str(path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return path


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text)))


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """An IDX file of unsigned bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
