"""Standard streams that are missing, full, or have lost their reader."""

from __future__ import annotations

import os
import sys

STDIN, STDOUT, STDERR = range(3)


def replace_missing_streams() -> None:
    """Open /dev/null in place of each standard stream that this process was started without.

    Otherwise Python has None for the stream, and the next file that is opened gets its descriptor. Messages to the new
    stderr are discarded. Reading the new stdin and writing the new stdout fail, as on a closed descriptor, so that no
    data is lost silently.
    """
    for descriptor, name, mode, access in (
        (STDIN, "stdin", "r", os.O_WRONLY),
        (STDOUT, "stdout", "w", os.O_RDONLY),
        (STDERR, "stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            _redirect_to_null(descriptor, access)
            setattr(sys, name, open(descriptor, mode))  # noqa: PTH123, SIM115 - open until the process ends


def discard_output(descriptor: int) -> None:
    """Redirect a descriptor to /dev/null: the interpreter would try to flush it again at exit, and fail again."""
    _redirect_to_null(descriptor, os.O_WRONLY)


def _redirect_to_null(descriptor: int, access: int) -> None:
    null = os.open(os.devnull, access)
    if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)
