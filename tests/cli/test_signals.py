"""SIGTERM as an exception, and signals that are held back."""

from __future__ import annotations

import signal

import pytest

from batchdigits.cli.signals import Terminated, held_signals

EXCEPTIONS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


@pytest.mark.parametrize("number", EXCEPTIONS)
def test_the_first_signal_is_held_and_the_second_raises(number: signal.Signals) -> None:
    before = {number: signal.getsignal(number) for number in EXCEPTIONS}
    with pytest.raises(Terminated), held_signals() as held:
        signal.raise_signal(number)
        assert [type(one) for one in held] == [EXCEPTIONS[number]]
        signal.raise_signal(signal.SIGTERM)
    assert {number: signal.getsignal(number) for number in EXCEPTIONS} == before
