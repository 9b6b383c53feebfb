"""Storage with folders, and the file system of this machine as such."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Storage with folders."""

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder."""

    def list_folder(self, path: str) -> tuple[object, list[str], set[str]] | None:
        """The folder's identity, its names, and which are folders; None if it cannot be read.

        The identity is the same by every path that leads to the folder.
        """

    def head(self, path: str, size: int) -> bytes | None:
        """The first `size` bytes of a file; empty if it is no regular one, and None if they cannot be read."""


class LocalDisk:
    """The file system of this machine."""

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder."""
        return os.path.isdir(path)  # noqa: PTH112 - paths stay strings, as typed: Path("./a//b") would be "a/b"

    def list_folder(self, path: str) -> tuple[object, list[str], set[str]] | None:
        """The folder's identity, its names, and which are folders; None if it cannot be read."""
        names: list[str] = []
        folders: set[str] = set()
        try:
            status = os.stat(path)  # noqa: PTH116 - see is_folder
            with os.scandir(path) as entries:
                for entry in entries:
                    names.append(entry.name)
                    if is_folder(entry):
                        folders.add(entry.name)
        except OSError:
            return None
        return (status.st_dev, status.st_ino), names, folders

    def head(self, path: str, size: int) -> bytes | None:
        """The first `size` bytes of a regular file; empty if it is none, and None if they cannot be read."""
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - opening a fifo would wait for a writer
                return b""
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - see is_folder
                return file.read(size)
        except (FileNotFoundError, NotADirectoryError):  # a link to nothing
            return b""
        except OSError:
            return None


LOCAL_DISK = LocalDisk()


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one that can be followed."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a folder without permission
        return False


def is_irregular(path: Path) -> bool:
    """Whether a path is a pipe or a device, whose end is unknown: opening it may wait for a writer."""
    return path.exists() and not (path.is_file() or path.is_dir())
