"""Where the images of a table are on this machine.

A table is data from outside: a path of it that leads out of the folders is refused.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from batchdigits.errors import BatchdigitsError
from batchdigits.files.archives import split_member
from batchdigits.files.page_names import file_of
from batchdigits.files.remote import is_url
from batchdigits.output.source_pages import digest_of
from batchdigits.text import as_unicode, first_names, printable

MAX_TRIED = 200  # paths, of all or of those with the same first folders, that are looked for to see if any is there

Parts = tuple[str, ...]  # of a path
_T = TypeVar("_T")


class _Move(NamedTuple):
    """Paths that begin with some folders, which is now one folder of this machine."""

    begin: Parts
    folder: str


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
            BatchdigitsError: a folder is not there, or may be several of those in the paths.
        """
        for folder in folders:
            if not folder.is_dir():
                raise BatchdigitsError(f"{folder}: no such folder")
        self.folders = list(dict.fromkeys(map(os.path.realpath, folders or (Path(), beside))))
        self._are_given = bool(folders)
        parts = list(dict.fromkeys(_parts(path) for path in paths if not is_url(path))) if folders else []
        given = dict.fromkeys(os.path.abspath(folder) for folder in folders)  # noqa: PTH100 - a link keeps its name
        rests = _some_rests(parts)
        self._moves = [move for folder in given if (move := self._move_to(folder, rests))]

    def locate(self, path: str) -> str:
        """The file of a row, for `decode`.

        Raises:
            BatchdigitsError: it is not on this machine, or not in the folders.
        """
        if is_url(path):
            raise BatchdigitsError("the image is at a URL, and only files of this machine are shown")
        file = self._moved_path(path)
        if not self._is_inside(file):
            if self._are_given:
                raise BatchdigitsError("there is no such file in the folders of --scans")
            raise BatchdigitsError("the image is outside of the folders that may be shown; give its own to --scans")
        return file

    def digest(self, path: str) -> str:
        """A hash of the image of a row; empty if there is none here."""
        try:
            return digest_of(self.locate(path))
        except BatchdigitsError:
            return ""

    def has_any(self, paths: Sequence[str]) -> bool:
        """Whether the image of one of some rows is there."""
        local = _shuffled([path for path in paths if not is_url(path)])
        return any(self._is_there(self._moved_path(path)) for path in local[:MAX_TRIED])

    def outside(self, paths: Sequence[str]) -> str:
        """The image of some rows that is there, but outside of the folders, maybe by a link; empty if there is none."""
        local = _shuffled([path for path in paths if not is_url(path)])
        return next((path for path in local[:MAX_TRIED] if _is_file(path) and not self._is_inside(path)), "")

    def _moved_path(self, path: str) -> str:
        """Where a path of the table is now. Without any file there, where it would be."""
        parts = _parts(path)
        moved = [_join(folder, parts[len(begin) :]) for begin, folder in self._moves if parts[: len(begin)] == begin]
        return next(filter(self._is_there, [path, *moved]), [*moved, path][0])

    def _is_there(self, file: str) -> bool:
        return _is_file(file) and self._is_inside(file)

    def _is_inside(self, file: str) -> bool:
        try:
            real = os.path.realpath(file)
        except ValueError:  # NUL is in the path, or half of a surrogate pair
            return False
        return any(_is_below(real, folder) for folder in self.folders)

    def _move_to(self, folder: str, rests: Mapping[Parts, Sequence[Parts]]) -> _Move | None:
        """What a folder has become of: the first folders of paths without which these name files in it.

        These are the ones with its name; where no name decides, the fewest.

        Raises:
            BatchdigitsError: several are as likely. Also if no two paths of the table name one file then: the scan of a
                row that was taken out of the table could be shown for that of another row.
        """
        found = [begin for begin, ends in rests.items() if self._has_any_of(folder, ends)]
        if not found:
            return None
        alike = {begin: _common_end(begin, _parts(folder)) for begin in found}
        most, fewest = max(alike.values()), min(map(len, found))
        likely = [begin for begin in found if alike[begin] == most and (most or len(begin) == fewest)]
        if len(likely) > 1:
            names = first_names(sorted(printable(as_unicode("/".join(begin))) for begin in likely))
            raise BatchdigitsError(
                f"--scans {folder} may be each of {names} in the paths of the table: give a folder, or a link to it, "
                "whose path ends like that of the one that it is"
            )
        return _Move(likely[0], folder)

    def _has_any_of(self, folder: str, rests: Sequence[Parts]) -> bool:
        return any(self._is_there(_join(folder, rest)) for rest in rests)


def _some_rests(paths: Sequence[Parts]) -> dict[Parts, list[Parts]]:
    """For all first folders of paths, none to all, what stands behind them in some of the paths that begin so."""
    rests: dict[Parts, list[Parts]] = defaultdict(list)
    for path in _shuffled(paths):
        for end in range(len(path)):
            if len(rests[path[:end]]) < MAX_TRIED:
                rests[path[:end]].append(path[end:])
    return rests


def _shuffled(paths: Sequence[_T]) -> list[_T]:
    """The paths in a mixed order, always the same: the first ones are from all folders, of which some may be gone."""
    return Random(0).sample(paths, len(paths))


def _common_end(one: Parts, other: Parts) -> int:
    """How many names two paths have in common at their ends."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in takewhile(lambda names: names[0] == names[1], pairs))


def _join(folder: str, parts: Parts) -> str:
    return os.path.join(folder, *parts)  # noqa: PTH118 - the name of a file may hold any bytes


def _is_below(file: str, folder: str) -> bool:
    try:
        return os.path.commonpath([file, folder]) == folder
    except ValueError:  # they are on two drives of Windows
        return False


def _parts(path: str) -> Parts:
    return tuple(part for part in path.replace(os.sep, "/").split("/") if part not in ("", "."))


def _is_file(path: str) -> bool:
    return os.path.isfile(path) or os.path.isfile(file_of(path)) or split_member(path) is not None  # noqa: PTH113
