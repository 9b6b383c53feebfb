"""An exclusive lock on an open file. The system releases it when the file is closed, or the process dies."""

from __future__ import annotations

import os
from io import FileIO

LOCK_AT = (1 << 31) - 2  # the byte that is locked on Windows, where nobody else can read it: the last one it may be


def lock(file: FileIO) -> None:
    """Lock a file.

    Raises:
        BlockingIOError: another process, or another opening of the file, has locked it.
    """
    try:
        import fcntl
    except ImportError:
        _lock_on_windows(file)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_on_windows(file: FileIO) -> None:
    import msvcrt

    file.seek(LOCK_AT)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except PermissionError as error:
        raise BlockingIOError(*error.args) from None
    finally:
        file.seek(0, os.SEEK_SET)
