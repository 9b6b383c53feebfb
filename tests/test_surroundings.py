"""Tests pass in any environment that pytest is started with. That they pass in any folder, `.ci/run` shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from tests.conftest import ROOT

# The last hangs where the variables reach it; `-x` ends the run before.
SENSITIVE = [
    "cli/test_evaluate.py::test_help_shows_its_examples_line_by_line",
    "vision/test_decode.py::test_silent_stderr_keeps_the_libraries_quiet",
    "cli/test_streams.py::test_a_file_is_written_even_if_a_stream_is_closed",
    "cli/test_classify_never_loses_work.py::test_a_signal_stops_a_run_whose_workers_hang",
]


def test_a_script_in_the_background_and_strange_variables_change_nothing() -> None:
    def ignore_signals() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGALRM})
        os.umask(0o077)

    # In the C locale Python cannot read the .pth file of an editable install whose path is not ASCII.
    locale = "C" if f"{sys.prefix}{ROOT}".isascii() else "C.UTF-8"
    strange = {"COLUMNS": "30", "LC_ALL": locale, "PYTHONPATH": ".", "PYTHONVERBOSE": "1", "TERM": "dumb", "CI": "true"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "-q", "-x"]
    result = subprocess.run(
        [*command, *(f"tests/{name}" for name in SENSITIVE)],
        cwd=ROOT,
        env={**environment, **strange},
        preexec_fn=ignore_signals,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # the many lines that PYTHONVERBOSE prints
        text=True,
        timeout=400,
        check=False,
    )
    assert result.returncode == 0, result.stdout
