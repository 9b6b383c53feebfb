"""SIGTERM as an exception, signals that are held back, and one while the command starts."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from batchdigits.cli.shared.signals import Terminated, held_signals

EXCEPTIONS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


@pytest.mark.parametrize("number", EXCEPTIONS)
def test_the_first_signal_is_held_and_the_second_raises(number: signal.Signals) -> None:
    before = {number: signal.getsignal(number) for number in EXCEPTIONS}
    with pytest.raises(Terminated), held_signals() as held:
        signal.raise_signal(number)
        assert [type(one) for one in held] == [EXCEPTIONS[number]]
        signal.raise_signal(signal.SIGTERM)
    assert {number: signal.getsignal(number) for number in EXCEPTIONS} == before


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
