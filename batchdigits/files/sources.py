"""Find the files to classify: typed paths in the order given, the files of a folder in natural order."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from batchdigits.files.image_formats import HEAD_BYTES, IMAGE_SUFFIXES, sniff
from batchdigits.files.litter import is_litter_file, is_litter_folder
from batchdigits.files.natural_order import in_natural_order
from batchdigits.files.remote import RemoteDisk, is_url


@dataclass
class Tally:
    """Counts that `find` keeps; complete once its iterator is exhausted.

    Attributes:
        sources: sources found.
        skipped: in folders, files that are no images, litter, and what a `Filter` excluded.
        empty_folders: typed folders that held no source.
        on_skipped: called with each skipped path.
    """

    sources: int = 0
    skipped: int = 0
    empty_folders: list[str] = field(default_factory=list)
    on_skipped: Callable[[str], object] | None = None

    def skip(self, path: str) -> None:
        """Count a skipped path."""
        self.skipped += 1
        if self.on_skipped:
            self.on_skipped(path)


class Filter:
    """Which files and folders inside folders are visited."""

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = (), recursive: bool = True) -> None:
        """A filter of shell patterns.

        A pattern with a slash is matched with the path below the typed folder, one without a slash with the name.

        Args:
            include: only files that match one of these; empty for all.
            exclude: no file and no folder that matches one of these.
            recursive: whether folders in folders are walked.
        """
        self.recursive = recursive
        self._included = _matcher(include)
        self._excluded = _matcher(exclude)
        self._include = list(include)
        self._used: set[str] = set()

    @property
    def unused(self) -> list[str]:
        """The patterns of `include` that no file has matched so far."""
        return [pattern for pattern in self._include if pattern not in self._used]

    def wants_file(self, path: str, name: str) -> bool:
        """Whether a file is visited; `path` begins below the typed folder."""
        if self._included:
            matching = self._included(path, name)
            self._used.update(matching)
            if not matching:
                return False
        return not (self._excluded and self._excluded(path, name))

    def wants_folder(self, path: str, name: str) -> bool:
        """Whether a folder is visited; `path` begins below the typed folder."""
        return self.recursive and not (self._excluded and self._excluded(path, name))


def _matcher(patterns: Iterable[str]) -> Callable[[str, str], list[str]] | None:
    """A function that gives the patterns that a path, with its last name, matches; None without patterns."""
    whole = {pattern: re.compile(fnmatch.translate(pattern)).match for pattern in patterns}
    if not whole:
        return None
    return lambda path, name: [pattern for pattern, match in whole.items() if match(path if "/" in pattern else name)]


def find(paths: Iterable[str], tally: Tally | None = None, rules: Filter | None = None) -> Iterator[str]:
    """Find the sources at and below `paths`, lazily, folder by folder.

    A typed path is a source, unless it is a folder. Inside a folder, everything with an image's suffix is a source, and
    so is a regular file with an image's first bytes. So a folder `x.png`, a dangling link `x.png` and a fifo `x.png`
    are sources, as is a folder that cannot be read: its error row says why. Links to folders are followed, unless they
    lead to a folder above. A URL with an image's suffix is taken for a file without a request.

    Args:
        paths: files and folders, as typed.
        tally: the counts to update; None if the caller needs none.
        rules: which files and folders are visited; None for all.

    Yields:
        Typed paths in the order given, duplicates kept. In place of a folder come the paths below it, each beginning
        with the folder as typed, in natural order.

    Raises:
        BatchdigitsError: fsspec does not know the kind of storage of a URL, or the package for it is not installed.
    """
    tally = Tally() if tally is None else tally
    rules = rules or Filter()
    for path in paths:
        disk = RemoteDisk(path) if is_url(path) else LOCAL_DISK
        if not disk.is_folder(path):
            tally.sources += 1
            yield path
            continue
        before = tally.sources
        for source in _walk(path, tally, rules, disk):
            tally.sources += 1
            yield source
        if tally.sources == before:
            tally.empty_folders.append(path)


def _walk(top: str, tally: Tally, rules: Filter, disk: Disk) -> Iterator[str]:
    """Sources below a folder, depth first; with a stack, as a tree may be deeper than Python's recursion limit."""
    folder = _list(top, disk)
    if folder is None:
        yield top
        return
    above = [folder]
    start = len(folder.prefix)
    while above:
        folder = above[-1]
        if not folder.names:
            above.pop()
            continue
        name = folder.names.pop()
        path = folder.prefix + name
        if name not in folder.folders:
            if rules.wants_file(path[start:], name) and _is_source(path, name, disk):
                yield path
            else:
                tally.skip(path)
            continue
        if is_litter_folder(name) or not rules.wants_folder(path[start:], name):
            tally.skip(path)
            continue
        below = _list(path, disk)
        if below is None or _has_image_suffix(name):
            yield path  # a folder that has an image's suffix, or cannot be read, gets an error row
        if below is not None and below.identity not in (folder.identity for folder in above):
            above.append(below)


@dataclass
class _Folder:
    """A folder being visited: the prefix of its paths, its remaining names (next one last), and which are folders."""

    prefix: str
    identity: object
    names: list[str]
    folders: set[str]


def _list(path: str, disk: Disk) -> _Folder | None:
    """A folder with its names in natural order; None if it cannot be read."""
    listing = disk.list_folder(path)
    if listing is None:
        return None
    identity, names, folders = listing
    return _Folder(os.path.join(path, ""), identity, in_natural_order(names)[::-1], folders)  # noqa: PTH118 - see LocalDisk


class Disk(Protocol):
    """Storage with folders."""

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder."""

    def list_folder(self, path: str) -> tuple[object, list[str], set[str]] | None:
        """The folder's identity, its names, and which are folders; None if it cannot be read.

        The identity is the same by every path that leads to the folder.
        """

    def head(self, path: str, size: int) -> bytes:
        """The first `size` bytes of a file; empty if it cannot be read."""


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

    def head(self, path: str, size: int) -> bytes:
        """The first `size` bytes of a regular file; empty if it cannot be read."""
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - opening a fifo would wait for a writer
                return b""
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - see is_folder
                return file.read(size)
        except OSError:
            return b""


LOCAL_DISK = LocalDisk()


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one that can be followed."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a folder without permission
        return False


def _is_source(path: str, name: str, disk: Disk) -> bool:
    if is_litter_file(name):
        return False
    return _has_image_suffix(name) or sniff(disk.head(path, HEAD_BYTES)) is not None


def _has_image_suffix(name: str) -> bool:
    stem, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower() in IMAGE_SUFFIXES and bool(stem.strip("."))


def estimate(paths: Iterable[str], rules: Filter | None = None) -> int:
    """About how many sources `find` will yield, judged by name only: no file is opened."""
    rules = rules or Filter()
    total = 0
    for top in paths:
        start = len(os.path.join(top, ""))  # noqa: PTH118 - see LocalDisk
        waiting = [top]
        while waiting:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        if not entry.is_dir(follow_symlinks=False):
                            total += _has_image_suffix(entry.name) and rules.wants_file(entry.path[start:], entry.name)
                        elif not is_litter_folder(entry.name) and rules.wants_folder(entry.path[start:], entry.name):
                            waiting.append(entry.path)
            except OSError:  # a file, or an unreadable folder, which is a source
                total += 1
    return total
