"""An OpenCV that cannot be used: one line names the cure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SAMPLES

# What is left of `cv2` where another package of OpenCV overwrote it, or took files of it when it was removed.
BROKEN = {
    "an older one over a newer one": {"__init__.py": "__version__ = '4.10.0'", "utils.py": "", "typing.py": ""},
    "an older one": {"__init__.py": "__version__ = '4.10.0'", "utils.py": "logging = None", "typing.py": ""},
    "a rest": {"__init__.py": ""},
    "without a library of the system": {
        "__init__.py": "raise ImportError('libGL.so.1: cannot open shared object file')"
    },
}


@pytest.fixture(params=BROKEN)
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment of a process that finds a broken OpenCV first."""
    package = tmp_path / "broken" / "cv2"
    package.mkdir(parents=True)
    for name, source in BROKEN[request.param].items():
        (package / name).write_text(source)
    if "utils.py" in BROKEN[request.param]:
        with (package / "__init__.py").open("a") as file:
            file.write("\nfrom cv2 import utils\n")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(package.parent), os.environ["PYTHONPATH"]])}


def test_a_broken_opencv_is_one_line_with_the_cure(environment: dict[str, str], tmp_path: Path) -> None:
    output = tmp_path / "rows.csv"
    command = [sys.executable, "-m", "batchdigits", "classify", str(SAMPLES / "digits" / "3"), "-o", str(output)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("batchdigits: error: OpenCV is missing, older than 5, or mixed up")
    assert "pip uninstall -y opencv-python " in line
    assert line.endswith("pip install 'opencv-python-headless>=5'")
    assert not output.exists()


def test_a_broken_opencv_has_an_exception_of_its_own(environment: dict[str, str]) -> None:
    program = """
import batchdigits
try:
    batchdigits.Classifier()
except batchdigits.BatchdigitsError as error:
    print(type(error).__name__)
"""
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert result.stdout == "OpenCVError\n"
