from __future__ import annotations

import signal
from pathlib import Path

from batchdigits.quiet import is_library_output_shown
from batchdigits.version import __version__
from tests.conftest import SAMPLES, Run


def test_a_command_leaves_the_process_as_it_was(run: Run, in_empty_folder: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert run("classify", SAMPLES / "digits" / "3", "-v").exit_code == 0
    assert signal.getsignal(signal.SIGTERM) is before
    assert run("classify", SAMPLES / "digits" / "3").exit_code == 0
    assert not is_library_output_shown()


def test_an_unknown_command_is_wrong_usage(run: Run) -> None:
    assert run("clasify").exit_code == 2


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.split()[-1] == __version__
