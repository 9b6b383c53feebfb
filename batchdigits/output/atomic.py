"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from batchdigits.errors import BatchdigitsError


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it becomes `path` when the block ends well, and vanishes when it does not.

    Raises:
        BatchdigitsError: the file cannot be written there.
    """
    with explain_os_errors(path):
        if path.is_dir():
            raise IsADirectoryError(None, "is a directory")
        whole = resolve_link(path)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:64]}.", suffix=path.suffix, dir=whole.parent)
        os.close(descriptor)
    beside = Path(name)
    try:
        with explain_os_errors(path):
            yield beside
            beside.chmod(0o666 & ~_umask())  # mkstemp's own mode is private to the user
            os.replace(beside, whole)  # noqa: PTH105 - the house's word for it
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """A binary stream to `path`: whole or not at all, unless `path` is a device or a pipe, which cannot be replaced.

    Raises:
        BatchdigitsError: the file cannot be written, or the disk is full.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        with explain_os_errors(path), path.open("wb") as stream:
            yield stream
    else:
        with replace_atomically(path) as beside, beside.open("wb") as stream:
            yield stream


def resolve_link(path: Path) -> Path:
    """The file that a link leads to, be it there or not: it is written, and the link stays. Else `path` itself."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def explain_os_errors(path: Path) -> Iterator[None]:
    """Turn what the system says of writing `path` into one line; a pipe without a reader is nobody's fault."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BatchdigitsError(f"cannot write {path}: {error.strerror or error}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
