"""Silence for libraries.

Image decoders and TFLite runtimes, written in C, write to the file descriptors 1 and 2 directly, past `sys.stdout` and
`sys.stderr`. The context managers but `no_warnings` redirect the descriptors themselves, hence for every thread of the
process. After `show_library_output`, `silent_stderr` and `silent_output` redirect nothing.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_library_output_shown = False
# Warning filters belong to the process: threads that changed them at the same time would restore each other's.
_WARNING_FILTERS_LOCK = RLock()
# So do descriptors: the first block that discards one redirects it, and the last one restores it.
_discard_lock = RLock()
_discarding: dict[int, tuple[int, int]] = {}  # by descriptor: a duplicate of what it was, and the number of blocks


def show_library_output(shown: bool = True) -> None:
    """Let the libraries' output through, for `-v`; or silence it again."""
    global _library_output_shown
    _library_output_shown = shown


def is_library_output_shown() -> bool:
    """Whether `show_library_output` is on."""
    return _library_output_shown


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Discard everything written to fd 2 inside the block."""
    with _discarded(2):
        yield


@contextmanager
def silent_output() -> Iterator[None]:
    """Discard everything written to fd 1 and fd 2 inside the block."""
    with _discarded(1), _discarded(2):
        yield


@contextmanager
def no_warnings() -> Iterator[None]:
    """Drop Python's warnings inside the block."""
    with _WARNING_FILTERS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def captured_stderr() -> Iterator[io.StringIO]:
    """Capture everything written to fd 2 inside the block; the stream has the text once the block has ended.

    Other threads wait until then to discard what is written there, or to end that.
    """
    captured = io.StringIO()
    if sys.stderr is None:  # the process was started without this stream
        yield captured
        return
    with _discard_lock, tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        original = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield captured
        finally:
            os.dup2(original, 2)
            os.close(original)
            file.seek(0)
            captured.write(file.read().decode(errors="replace"))


@contextmanager
def _discarded(descriptor: int) -> Iterator[None]:
    stream = sys.stdout if descriptor == 1 else sys.stderr
    if _library_output_shown or stream is None:  # None: the process was started without this stream
        yield
        return
    with _discard_lock:
        stream.flush()
        original, blocks = _discarding.get(descriptor) or (_redirect(descriptor), 0)
        _discarding[descriptor] = original, blocks + 1
    try:
        yield
    finally:
        with _discard_lock:
            stream.flush()
            original, blocks = _discarding.pop(descriptor)
            if blocks > 1:
                _discarding[descriptor] = original, blocks - 1
            else:
                os.dup2(original, descriptor)
                os.close(original)


def _redirect(descriptor: int) -> int:
    """Let a descriptor discard all; returns a duplicate of what it was."""
    original = os.dup(descriptor)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
    return original


def _renew_lock() -> None:
    global _discard_lock
    _discard_lock = RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_lock)  # another thread may have held it
