"""Keeping other people's chatter off the terminal: decoders and runtimes write to fds 1 and 2 behind our back."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_chatter_allowed = False


def allow_chatter(allowed: bool = True) -> None:
    """Let it all through, for `-v`; or no longer."""
    global _chatter_allowed
    _chatter_allowed = allowed


def chatter_is_allowed() -> bool:
    """Whether `allow_chatter` was called."""
    return _chatter_allowed


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Send whatever C code writes to fd 2 nowhere; for every thread of the process."""
    with _silent(2):
        yield


@contextmanager
def silent_output() -> Iterator[None]:
    """Send whatever is written to fd 1 and fd 2 nowhere, from C or from Python; for every thread of the process."""
    with _silent(1), _silent(2):
        yield


@contextmanager
def captured_stderr() -> Iterator[io.StringIO]:
    """Catch what C code writes to fd 2; it is in the stream once the block has ended."""
    caught = io.StringIO()
    with tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield caught
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            caught.write(file.read().decode(errors="replace"))


@contextmanager
def _silent(descriptor: int) -> Iterator[None]:
    stream = sys.stdout if descriptor == 1 else sys.stderr
    if _chatter_allowed or stream is None:  # None: a process that was started without it
        yield
        return
    stream.flush()
    kept = os.dup(descriptor)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
    try:
        yield
    finally:
        stream.flush()
        os.dup2(kept, descriptor)
        os.close(kept)
