"""SIGTERM and SIGHUP as exceptions, signals that are held back, and one while the command starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batchdigits.cli.shared.signals import Terminated, held_signals, stop_signals_raise
from tests.conftest import SAMPLES

DIGIT = (SAMPLES / "digits" / "3" / "as-is.png").read_bytes()
EXCEPTIONS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated, signal.SIGHUP: Terminated}


@pytest.mark.parametrize("number", EXCEPTIONS)
def test_the_first_signal_is_held_and_the_second_raises(number: signal.Signals) -> None:
    before = {number: signal.getsignal(number) for number in EXCEPTIONS}
    with pytest.raises(Terminated), held_signals() as held:
        signal.raise_signal(number)
        assert [type(one) for one in held] == [EXCEPTIONS[number]]
        signal.raise_signal(signal.SIGTERM)
    assert {number: signal.getsignal(number) for number in EXCEPTIONS} == before


def test_a_second_hang_up_behind_the_block_is_ignored_too() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with stop_signals_raise():
        with held_signals() as held:
            signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        assert len(held) == 1
    assert signal.getsignal(signal.SIGHUP) == before


def test_a_second_hang_up_is_ignored_as_the_shell_and_the_system_each_send_one() -> None:
    with held_signals() as held:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
    assert [one.number for one in held if isinstance(one, Terminated)] == [signal.SIGHUP]


@pytest.mark.parametrize("ignored", [False, True])
def test_a_hang_up_leaves_no_copy_of_stdin_and_nohup_keeps_the_run(tmp_path: Path, ignored: bool) -> None:
    handler = signal.SIG_IGN if ignored else signal.SIG_DFL
    process = subprocess.Popen(
        [sys.executable, "-m", "batchdigits", "classify", "-", "-q"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, handler),
    )
    while not list(tmp_path.iterdir()) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGHUP)
    _, errors = process.communicate(DIGIT if ignored else None)
    ended = (0, b"") if ignored else (129, b"batchdigits: terminated\n")
    assert (process.returncode, errors) == ended
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_the_command_line_is_imported_is_one_line() -> None:
    program = """
import sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
import batchdigits.cli
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "batchdigits: interrupted\n")
