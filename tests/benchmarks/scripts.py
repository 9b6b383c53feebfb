"""Ways to run the scripts of `benchmarks/`."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from tests.conftest import ROOT

BENCHMARKS = ROOT / "benchmarks"


def run_script(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own."""
    command = [sys.executable, str(BENCHMARKS / name), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def complaint(name: str, *arguments: str | Path) -> str:
    """What a script prints to stderr about wrong input, which must end it. Runs in this process, which is faster."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        module = importlib.import_module(name.removesuffix(".py"))
        result = CliRunner().invoke(module.main, [str(argument) for argument in arguments])
    finally:
        sys.path.remove(str(BENCHMARKS))
    assert isinstance(result.exception, SystemExit), result.exception  # and no other exception, which is a traceback
    assert result.exit_code > 0
    return result.stderr
