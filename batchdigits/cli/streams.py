"""The standard streams, where they are closed, full, or have no reader any more."""

from __future__ import annotations

import os
import sys

STDIN, STDOUT, STDERR = range(3)


def replace_closed() -> None:
    """Put something in the place of the streams that this process was started without.

    Python has None for them, and the next file to be opened gets their number. What is said on stderr goes nowhere.
    Reading stdin and writing stdout fails, as on any closed descriptor: no data is to be lost without a word.
    """
    for number, name, mode, access in (
        (STDIN, "stdin", "r", os.O_WRONLY),
        (STDOUT, "stdout", "w", os.O_RDONLY),
        (STDERR, "stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            _point_at_nothing(number, access)
            setattr(sys, name, open(number, mode))  # noqa: PTH123, SIM115 - for as long as the process lives


def let_go_of(number: int) -> None:
    """Point a descriptor at nothing, so that what could not be written is not tried again at the very end."""
    _point_at_nothing(number, os.O_WRONLY)


def _point_at_nothing(number: int, access: int) -> None:
    nowhere = os.open(os.devnull, access)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
