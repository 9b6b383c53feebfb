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
    """Capture everything written to fd 2 inside the block; the stream has the text once the block has ended."""
    captured = io.StringIO()
    with tempfile.TemporaryFile() as file:
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
    stream.flush()
    original = os.dup(descriptor)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
    try:
        yield
    finally:
        stream.flush()
        os.dup2(original, descriptor)
        os.close(original)
