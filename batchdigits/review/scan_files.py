"""Where the images of a table are on this machine.

A table is data from outside: a path of it that leads out of the folders is refused.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from batchdigits.errors import BatchdigitsError
from batchdigits.files.archives import split_member
from batchdigits.files.page_names import file_of
from batchdigits.files.remote import is_url
from batchdigits.output.source_pages import digest_of

MAX_TRIED = 200  # rows that are looked for, to find out where the folder given begins in their paths


class ScanFiles:
    """Files in some folders.

    Attributes:
        folders: the folders.
    """

    def __init__(self, paths: Sequence[str], folders: Sequence[Path], beside: Path) -> None:
        """Find out where the images are.

        Args:
            paths: those of the table.
            folders: where a person says that they are; a path of the table may begin above or below. Without any, they
                are below the current folder, or below `beside`.
            beside: the folder of the table.

        Raises:
            BatchdigitsError: a folder is not there.
        """
        for folder in folders:
            if not folder.is_dir():
                raise BatchdigitsError(f"{folder}: no such folder")
        self.folders = list(dict.fromkeys(map(os.path.realpath, folders or (Path(), beside))))
        self._moved = self._moved_to(paths, folders)

    def locate(self, path: str) -> str:
        """The file of a row, for `decode`.

        Raises:
            BatchdigitsError: it is not on this machine, or not in the folders.
        """
        if is_url(path):
            raise BatchdigitsError("the image is at a URL, and only files of this machine are shown")
        file = self._moved_path(path)
        if not self._is_inside(file):
            raise BatchdigitsError("the image is outside of the folders that may be shown; give its own to --scans")
        return file

    def digest(self, path: str) -> str:
        """A hash of the image of a row; empty if there is none here."""
        try:
            return digest_of(self.locate(path))
        except BatchdigitsError:
            return ""

    def has_any(self, paths: Sequence[str]) -> bool:
        """Whether the image of one of the first rows is there."""
        return any(self._is_there(self._moved_path(path)) for path in _first_local(paths))

    def _moved_path(self, path: str) -> str:
        if self._moved is None:
            return path
        folder, dropped = self._moved
        return os.path.join(folder, *_parts(path)[dropped:])  # noqa: PTH118 - the name of a file may hold any bytes

    def _is_there(self, file: str) -> bool:
        return _is_file(file) and self._is_inside(file)

    def _is_inside(self, file: str) -> bool:
        try:
            real = os.path.realpath(file)
        except ValueError:  # NUL is in the path, or half of a surrogate pair
            return False
        return any(_is_below(real, folder) for folder in self.folders)

    def _moved_to(self, paths: Sequence[str], folders: Sequence[Path]) -> tuple[str, int] | None:
        """The folder to put before paths, and how many of their own first folders to drop; None to take them as are.

        One rule holds for the whole table, so that no image is taken for another one of the same name elsewhere.
        """
        tried = _first_local(paths)
        if not folders or any(map(self._is_there, tried)):
            return None
        for dropped in range(max((len(_parts(path)) for path in tried), default=0)):
            for folder in self.folders:
                if any(_is_file(os.path.join(folder, *_parts(path)[dropped:])) for path in tried):  # noqa: PTH118
                    return folder, dropped
        return None


def _is_below(file: str, folder: str) -> bool:
    try:
        return os.path.commonpath([file, folder]) == folder
    except ValueError:  # they are on two drives of Windows
        return False


def _first_local(paths: Sequence[str]) -> list[str]:
    return list(islice((path for path in paths if not is_url(path)), MAX_TRIED))


def _parts(path: str) -> list[str]:
    return [part for part in path.replace(os.sep, "/").split("/") if part not in ("", ".")]


def _is_file(path: str) -> bool:
    return os.path.isfile(path) or os.path.isfile(file_of(path)) or split_member(path) is not None  # noqa: PTH113
