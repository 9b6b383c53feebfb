"""Which files to classify: paths named by hand as they are, folders walked in natural order."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from batchdigits.files.image_formats import HEAD_BYTES, IMAGE_SUFFIXES, sniff
from batchdigits.files.natural_order import in_natural_order
from batchdigits.files.remote import RemoteDisk, is_url

# What systems leave beside pictures; some carry an image's suffix, and a Thumbs.db holds pictures.
_LITTER_NAMES = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"})
_LITTER_PREFIX = "._"


@dataclass
class Tally:
    """What `find` met, filled in as it goes and whole once it is exhausted.

    Attributes:
        sources: sources found.
        skipped: files in folders that are not images, and files and folders that a `Filter` left out.
        empty_folders: folders named by hand that held no source, as typed.
        on_skipped: called with the path of each that is skipped.
    """

    sources: int = 0
    skipped: int = 0
    empty_folders: list[str] = field(default_factory=list)
    on_skipped: Callable[[str], object] | None = None

    def skip(self, path: str) -> None:
        """Count it, and tell who wants to know."""
        self.skipped += 1
        if self.on_skipped:
            self.on_skipped(path)


class Filter:
    """What of the content of folders is looked at."""

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = (), recursive: bool = True) -> None:
        """Shell patterns. One with a slash is held against the path below the folder named by hand, others to names.

        Args:
            include: only files that match one of these; empty for all.
            exclude: no file and no folder that matches one of these.
            recursive: whether folders in folders are walked.
        """
        self.recursive = recursive
        self._included = _matcher(include)
        self._excluded = _matcher(exclude)

    def wants_file(self, path: str, name: str) -> bool:
        """Whether a file is looked at; `path` begins below the folder named by hand."""
        return (not self._included or self._included(path, name)) and not (
            self._excluded and self._excluded(path, name)
        )

    def wants_folder(self, path: str, name: str) -> bool:
        """Whether a folder is walked; `path` begins below the folder named by hand."""
        return self.recursive and not (self._excluded and self._excluded(path, name))


def _matcher(patterns: Iterable[str]) -> Callable[[str, str], bool] | None:
    """Whether a path or its last name matches one of some shell patterns; None without patterns."""
    whole = {pattern: re.compile(fnmatch.translate(pattern)).match for pattern in patterns}
    if not whole:
        return None
    return lambda path, name: any(match(path if "/" in pattern else name) for pattern, match in whole.items())


def find(paths: Iterable[str], tally: Tally | None = None, rules: Filter | None = None) -> Iterator[str]:
    """Find the sources behind `paths`, lazily: a folder's are given before the next folder is looked into.

    What is named by hand is always a source, whatever it is, unless it is a folder that can be walked. In a folder,
    a source is whatever is named like an image or, being a regular file, begins like one; what only looks like an
    image (a folder `x.png`, a dangling link, a fifo) is one too, so that its error row says so, and so is a folder
    that cannot be read. Folders reached through links are walked, unless they are above themselves. A URL that is
    named like an image is taken for a file unasked.

    Args:
        paths: files and folders, as typed.
        tally: where to count.
        rules: what of the content of folders is looked at; None for all of it.

    Yields:
        Paths as typed, joined with what lies below: arguments in the order given, duplicates kept, and natural
        order inside a folder.

    Raises:
        BatchdigitsError: a URL is for a kind of storage that is not installed, or that nobody knows.
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
    """Sources below a folder, depth first; a stack and no recursion, as a tree may be deeper than Python's."""
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
        if not rules.wants_folder(path[start:], name):
            tally.skip(path)
            continue
        below = _list(path, disk)
        if below is None or _has_image_suffix(name):
            yield path  # a folder: not a scan, but not to be lost without a word either
        if below is not None and below.identity not in (folder.identity for folder in above):
            above.append(below)


@dataclass
class _Folder:
    """A folder being walked: how its paths begin, what is left of its names (next one last), and which are folders."""

    prefix: str
    identity: object
    names: list[str]
    folders: set[str]


def _list(path: str, disk: Disk) -> _Folder | None:
    """The content of a folder in natural order; None if it cannot be read."""
    content = disk.content(path)
    if content is None:
        return None
    identity, names, folders = content
    return _Folder(os.path.join(path, ""), identity, in_natural_order(names)[::-1], folders)  # noqa: PTH118 - see LocalDisk


class Disk(Protocol):
    """Where folders are."""

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder."""

    def content(self, path: str) -> tuple[object, list[str], set[str]] | None:
        """Something that tells the folder from others, its names, and which are folders; None if it cannot be read."""

    def head(self, path: str, size: int) -> bytes:
        """The first bytes of a file; none if it cannot be read."""


class LocalDisk:
    """The file system of this machine."""

    def is_folder(self, path: str) -> bool:
        """Whether a path is a folder."""
        return os.path.isdir(path)  # noqa: PTH112 - paths stay strings, as typed: Path("./a//b") would be "a/b"

    def content(self, path: str) -> tuple[object, list[str], set[str]] | None:
        """Something that tells the folder from others, its names, and which are folders; None if it cannot be read."""
        names: list[str] = []
        folders: set[str] = set()
        try:
            status = os.stat(path)  # noqa: PTH116 - see is_folder
            with os.scandir(path) as entries:
                for entry in entries:
                    names.append(entry.name)
                    if _is_folder(entry):
                        folders.add(entry.name)
        except OSError:
            return None
        return (status.st_dev, status.st_ino), names, folders

    def head(self, path: str, size: int) -> bytes:
        """The first bytes of a file; none if it cannot be read."""
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - opening a fifo would wait for ever
                return b""
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - see is_folder
                return file.read(size)
        except OSError:
            return b""


LOCAL_DISK = LocalDisk()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points at itself, or into a folder that is closed to us
        return False


def _is_source(path: str, name: str, disk: Disk) -> bool:
    if name.startswith(_LITTER_PREFIX):
        return False
    if _has_image_suffix(name):
        return True
    return name.lower() not in _LITTER_NAMES and sniff(disk.head(path, HEAD_BYTES)) is not None


def _has_image_suffix(name: str) -> bool:
    stem, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower() in IMAGE_SUFFIXES and bool(stem.strip("."))


def estimate(paths: Iterable[str], rules: Filter | None = None) -> int:
    """About how many sources `find` will give: by name, in no order, nothing opened, sorted or kept; 1 us for each."""
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
                        elif rules.wants_folder(entry.path[start:], entry.name):
                            waiting.append(entry.path)
            except OSError:  # a file, or a folder that will have a row
                total += 1
    return total
