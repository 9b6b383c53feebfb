"""An exclusive lock on an open file. The system releases it when the file is closed, or the process dies."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

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


def is_at(file: FileIO, path: Path) -> bool:
    """Whether an open file is still the one at its path. On Windows it is: no open file is removed there."""
    try:
        import fcntl  # noqa: F401
    except ImportError:
        return True
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _lock_on_windows(file: FileIO) -> None:
    import msvcrt

    file.seek(LOCK_AT)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except PermissionError as error:
        raise BlockingIOError(*error.args) from None
    finally:
        file.seek(0, os.SEEK_SET)
