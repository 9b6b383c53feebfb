from __future__ import annotations

import signal
from pathlib import Path

import pytest

from batchdigits.quiet import is_library_output_shown
from batchdigits.version import __version__
from tests.conftest import SAMPLES, Run


def test_a_command_leaves_the_process_as_it_was(run: Run, in_empty_folder: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert run("classify", SAMPLES / "digits" / "3", "-v").exit_code == 0
    assert signal.getsignal(signal.SIGTERM) is before
    assert run("classify", SAMPLES / "digits" / "3").exit_code == 0
    assert not is_library_output_shown()


@pytest.mark.parametrize(
    ("mistyped", "message"),
    [
        (("clasify", "scans"), "No such command 'clasify'. Did you mean 'classify'?"),
        (("inspct",), "No such command 'inspct'. Did you mean 'inspect'?"),
        (("frobnicate",), "No such command 'frobnicate'.\n"),
        (("train", "--lerning-rate", "3"), "No such option '--lerning-rate'. Did you mean '--learning-rate'?"),
    ],
)
def test_a_mistyped_name_is_wrong_usage_and_gets_a_suggestion(
    run: Run, mistyped: tuple[str, ...], message: str
) -> None:
    result = run(*mistyped)
    assert result.exit_code == 2
    assert message in result.stderr


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.split()[-1] == __version__
