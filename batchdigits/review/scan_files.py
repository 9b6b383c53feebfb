"""Where the images of a table are on this machine.

A table is data from outside: a path of it that leads out of the folders is refused.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import NamedTuple

from batchdigits.errors import BatchdigitsError
from batchdigits.files.archives import split_member
from batchdigits.files.page_names import file_of
from batchdigits.files.remote import is_url
from batchdigits.output.source_pages import digest_of
from batchdigits.text import as_unicode, first_names, printable

MAX_TRIED = 200  # rows that are looked for, to find out whether any image is there
MAX_TRIED_EACH = 20  # paths with the same first folders that are looked for, to find out whether these have moved

Parts = tuple[str, ...]  # of a path


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
        first = _first_rests(parts)
        self._moves = [move for folder in given for move in self._moves_to(folder, first, parts)]

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
        """Whether the image of one of the first rows is there."""
        return any(self._is_there(self._moved_path(path)) for path in _first_local(paths))

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

    def _moves_to(self, folder: str, first: Mapping[Parts, Sequence[Parts]], paths: Sequence[Parts]) -> Iterator[_Move]:
        """What a folder has become of: the first folders of paths without which these name files in it.

        These are the ones with its name; where no name decides, the fewest. No two paths may name one file.
        """
        found = [begin for begin, rests in first.items() if self._has_any_of(folder, rests)]
        if not found:
            return
        alike = {begin: _common_end(begin, _parts(folder)) for begin in found}
        most, fewest = max(alike.values()), min(map(len, found))
        likely = dict.fromkeys(begin for begin in found if alike[begin] == most and (most or len(begin) == fewest))
        if len(likely) > 1 and _do_clash(likely, paths):
            names = first_names([printable(as_unicode("/".join(begin))) for begin in likely])
            raise BatchdigitsError(
                f"--scans {folder} may be each of {names} in the paths of the table: rename it like "
                "the one that it is, or give a link that is called so"
            )
        yield from (_Move(begin, folder) for begin in likely)

    def _has_any_of(self, folder: str, rests: Sequence[Parts]) -> bool:
        return any(self._is_there(_join(folder, rest)) for rest in rests)


def _first_rests(paths: Sequence[Parts]) -> dict[Parts, list[Parts]]:
    """For all first folders of paths, none to all, what stands behind them in the first paths that begin so."""
    rests: dict[Parts, list[Parts]] = defaultdict(list)
    for path in paths:
        for end in range(len(path)):
            if len(rests[path[:end]]) < MAX_TRIED_EACH:
                rests[path[:end]].append(path[end:])
    return rests


def _do_clash(begins: Collection[Parts], paths: Sequence[Parts]) -> bool:
    """Whether two paths are the same without these first folders."""
    ends = {len(begin) for begin in begins}
    rests = [path[end:] for path in paths for end in ends if path[:end] in begins]
    return len(rests) > len(set(rests))


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


def _first_local(paths: Sequence[str]) -> list[str]:
    return list(islice((path for path in paths if not is_url(path)), MAX_TRIED))


def _parts(path: str) -> Parts:
    return tuple(part for part in path.replace(os.sep, "/").split("/") if part not in ("", "."))


def _is_file(path: str) -> bool:
    return os.path.isfile(path) or os.path.isfile(file_of(path)) or split_member(path) is not None  # noqa: PTH113
