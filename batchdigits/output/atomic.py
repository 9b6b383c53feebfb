"""Write files atomically: a file appears complete, or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from batchdigits.errors import BatchdigitsError

UMASK = os.umask(0)  # read once: it can only be read by setting it, for all threads of the process
os.umask(UMASK)


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` to write to. It replaces `path` if the block succeeds, and is removed if it fails.

    Raises:
        BatchdigitsError: the file cannot be written there.
    """
    with explain_os_errors(path):
        if path.is_dir():
            raise IsADirectoryError(None, "is a directory")
        target = resolve_link(path)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:64]}.", suffix=path.suffix, dir=target.parent)
        os.close(descriptor)
    beside = Path(name)
    try:
        with explain_os_errors(path):
            yield beside
            beside.chmod(0o666 & ~UMASK)  # mkstemp's own mode is private to the user
            beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file: atomically, unless `path` is a device or a pipe, which cannot be replaced.

    Raises:
        BatchdigitsError: the file cannot be written, or the disk is full.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        with explain_os_errors(path):
            path.write_bytes(content)
    else:
        with replace_atomically(path) as beside:
            beside.write_bytes(content)


def copy_access(source: Path, target: Path, more: int = 0) -> None:
    """Give a file the mode of another one, and its owner and group where the system allows that.

    Where the group is another one after all, it may do what everybody may. `more` is added to the mode.
    """
    wanted, before = source.stat(), target.stat()
    mode = stat.S_IMODE(wanted.st_mode) & 0o777 | more
    if (before.st_uid, before.st_gid) != (wanted.st_uid, wanted.st_gid):  # never on Windows, which has no chown
        for owner in (wanted.st_uid, -1):  # only root gives a file away
            with suppress(OSError):  # PermissionError, or another where the system knows no such owner
                os.chown(target, owner, wanted.st_gid)
                break
    if target.stat().st_gid != wanted.st_gid:
        mode = mode & ~0o070 | (mode & 0o007) << 3
    with suppress(OSError):  # of a file that another member of the group began, or on a disk without modes
        target.chmod(mode)


def resolve_link(path: Path) -> Path:
    """The target of a link, which need not exist; else `path` itself. So the target is written, and the link stays."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def explain_os_errors(path: Path) -> Iterator[None]:
    """Turn an OSError while writing `path` into a one-line error; a BrokenPipeError (no reader) passes unchanged."""
    try:
        yield
    except BrokenPipeError:
        raise
    except FileNotFoundError as error:
        has_folder = path.parent.is_dir()
        reason = error.strerror or error if has_folder else f"there is no folder {path.parent}"
        raise BatchdigitsError(f"cannot write {path}: {reason}") from error
    except OSError as error:
        raise BatchdigitsError(f"cannot write {path}: {error.strerror or error}") from error
