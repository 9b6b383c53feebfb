"""What is loaded when: slow imports only where they are needed, TensorFlow never on the LiteRT road."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import SAMPLES

HEAVY = ("tensorflow", "keras", "ray", "matplotlib", "h5py", "pandas")


def loaded_after(code: str, cwd: Path) -> set[str]:
    """The top-level packages that a fresh process has loaded after `code`."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    command = [sys.executable, "-c", f"{code}\n{report}"]
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    return set(result.stderr.splitlines()[-1].split())


def test_the_litert_road_never_loads_tensorflow(tmp_path: Path) -> None:
    assert find_spec("tensorflow"), "the proof is worth something only where TensorFlow is installed"
    arguments = ["classify", str(SAMPLES / "digits"), "-o", "out.csv"]
    loaded = loaded_after(f"from batchdigits.cli import main; main({arguments!r}, standalone_mode=False)", tmp_path)
    assert (tmp_path / "out.csv").read_text().count("\n") == 41
    assert "ai_edge_litert" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_tensorflow_road_does_load_it(tmp_path: Path) -> None:
    arguments = ["classify", str(SAMPLES / "digits" / "3"), "-o", "out.csv", "--runtime", "tensorflow"]
    loaded = loaded_after(f"from batchdigits.cli import main; main({arguments!r}, standalone_mode=False)", tmp_path)
    assert "tensorflow" in loaded


@pytest.mark.parametrize("command", ["", "train", "export", "classify"])
def test_help_loads_nothing_slow(command: str, tmp_path: Path) -> None:
    arguments = [*command.split(), "--help"]
    code = f"from batchdigits.cli import main\ntry: main({arguments!r})\nexcept SystemExit: pass"
    assert loaded_after(code, tmp_path).isdisjoint((*HEAVY, "numpy", "cv2", "PIL", "ai_edge_litert", "tqdm"))
