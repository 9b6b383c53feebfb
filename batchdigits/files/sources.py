"""Find the files to classify: typed paths in the order given, the files of a folder in natural order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from batchdigits.files.archives import has_archive_suffix, is_archive, is_array, open_archive, split_folder
from batchdigits.files.disk import LOCAL_DISK, Disk, is_folder
from batchdigits.files.filter import Filter
from batchdigits.files.image_formats import (
    HEAD_BYTES,
    IMAGE_SUFFIXES,
    has_image_suffix,
    has_text_suffix,
    reads_pdf,
    sniff,
)
from batchdigits.files.litter import is_litter_file, is_litter_folder
from batchdigits.files.natural_order import in_natural_order
from batchdigits.files.preview_mark import MARKED_BYTES, is_preview, may_be_preview
from batchdigits.files.remote import RemoteDisk, is_url, with_one_slash
from batchdigits.files.source_error import SourceError


@dataclass
class Tally:
    """Counts that `find` keeps; complete once its iterator is exhausted.

    Attributes:
        sources: sources found.
        skipped: in folders, files that are no images, litter, previews, and what a `Filter` excluded.
        empty_folders: typed folders and archives that held no source.
        skipped_pdfs: those of the skipped files that are PDF, and need an optional package.
        skipped_archives: those that are archives in an archive.
        on_skipped: called with each skipped path.
    """

    sources: int = 0
    skipped: int = 0
    empty_folders: list[str] = field(default_factory=list)
    skipped_pdfs: int = 0
    skipped_archives: int = 0
    on_skipped: Callable[[str], object] | None = None

    def skip(self, path: str) -> None:
        """Count a skipped path."""
        self.skipped += 1
        if self.on_skipped:
            self.on_skipped(path)


def find(paths: Iterable[str], tally: Tally | None = None, rules: Filter | None = None) -> Iterator[str]:
    """Find the sources at and below `paths`, lazily, folder by folder.

    A typed path is a source, unless it is a folder. Inside a folder, everything with an image's suffix is a source, and
    so is a regular file with an image's first bytes. So a folder `x.png`, a dangling link `x.png` and a fifo `x.png`
    are sources, as is a folder that cannot be read, or a file, unless it has a suffix of text: its error row says why.
    A picture that `batchdigits preview` wrote is none, if its name says so; under another name it gets an error row, as
    files are not opened here. Links to folders are followed, unless they lead to a folder above. A zip or tar archive
    is like a folder, and so are a typed folder in an archive and a typed array of images. A URL with an image's suffix
    is taken for a file without a request.

    Args:
        paths: files and folders, as typed.
        tally: the counts to update; None if the caller needs none.
        rules: which files and folders are visited; None for all.

    Yields:
        Typed paths in the order given, duplicates kept, and URLs with one slash at most at their ends. In place of a
        folder come the paths below it, each beginning with the folder as typed, in natural order.

    Raises:
        MissingExtraError: the package for the kind of storage of a URL is not installed.
    """
    tally = Tally() if tally is None else tally
    rules = rules or Filter()
    for path in paths:
        disk: Disk = LOCAL_DISK
        if is_url(path):
            path = with_one_slash(path)
            disk = RemoteDisk(path)
        if disk.is_folder(path):
            found = _walk(path, tally, rules, disk)
        elif disk is LOCAL_DISK and (is_archive(path) or is_array(path)):
            found = _members(path, len(path) + 1, tally, rules)
        elif disk is LOCAL_DISK and (below := split_folder(path)):
            found = _members(below.archive, len("/".join(below)), tally, rules, below.name)
        else:
            tally.sources += 1
            yield path
            continue
        before = tally.sources
        for source in found:
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
        path = folder.prefix + (name or "/")  # a folder without a name is one of a bucket
        if name not in folder.folders:
            is_image = _has_usual_name(name)
            if not is_image and disk is LOCAL_DISK and is_archive(path) and not is_litter_file(name):
                if rules.wants_folder(path[start:], name):
                    yield from _members(path, start, tally, rules)
                else:
                    tally.skip(path)
            elif rules.wants_file(path[start:], name) and (
                is_image or _is_source(name, partial(disk.head, path), tally)
            ):
                yield path
            else:
                tally.skip(path)
            continue
        if is_litter_folder(name) or not rules.wants_folder(path[start:], name):
            tally.skip(path)
            continue
        below = _list(path, disk)
        if below is None or has_image_suffix(name):
            yield path  # a folder that has an image's suffix, or cannot be read, gets an error row
        if below is not None and below.identity not in (folder.identity for folder in above):
            above.append(below)


def _members(path: str, start: int, tally: Tally, rules: Filter, folder: str = "") -> Iterator[str]:
    """Sources in an archive or a folder of it, and the archive itself if it cannot be read, or not to its end.

    The error row of the archive says why.

    Args:
        path: the archive.
        start: where paths that patterns are matched with begin.
        tally: the counts to update.
        rules: which members are visited.
        folder: the name that theirs begin with.
    """
    is_empty = True
    try:
        with closing(open_archive(path)) as archive:
            for name in archive.names():
                if not name.startswith(folder):
                    continue
                is_empty = False
                source = f"{path}/{name}"
                is_wanted = _wants_member(source, start, len(path) + 1 + len(folder), rules)
                if is_wanted and _is_source(name.rpartition("/")[2], partial(archive.head, name), tally):
                    yield source
                else:
                    tally.skipped_archives += is_wanted and has_archive_suffix(name)
                    tally.skip(source)
    except (SourceError, OSError, MemoryError):
        yield path
        return
    if is_empty:
        tally.skip(path)


def _wants_member(source: str, start: int, first: int, rules: Filter) -> bool:
    """Whether a member is visited, as it would be in the folders of its name, which begins at `first`."""
    *folders, name = source[first:].split("/")
    end = first - 1
    for folder in folders:
        end += 1 + len(folder)
        if is_litter_folder(folder) or not rules.wants_folder(source[start:end], folder):
            return False
    return rules.wants_file(source[start:], name)


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


def _has_usual_name(name: str) -> bool:
    """Whether a name alone says that a file is a source, and no archive: a quick look that is enough for most files."""
    lower = name.lower()
    return lower[lower.rfind(".") :] in IMAGE_SUFFIXES and lower[0].isalnum() and not may_be_preview(lower)


def _is_source(name: str, read_head: Callable[[int], bytes | None], tally: Tally) -> bool:
    """Whether a file inside a folder is a source, by its name, or else by its first bytes."""
    if is_litter_file(name) or (may_be_preview(name) and is_preview(read_head(MARKED_BYTES) or b"")):
        return False
    if has_image_suffix(name):
        return True
    head = read_head(HEAD_BYTES)
    if head is None:
        return not has_text_suffix(name)
    kind = sniff(head)
    if kind == "PDF" and not reads_pdf():
        tally.skipped_pdfs += 1
        return False
    return kind is not None


def estimate(paths: Iterable[str], rules: Filter | None = None) -> int | None:
    """How many sources `find` will yield, in less memory; None if it meets an archive or a link to a folder."""
    rules = rules or Filter()
    uncounted = Tally()
    total = 0
    for top in paths:
        if is_archive(top) or is_array(top) or split_folder(top):
            return None
        start = len(os.path.join(top, ""))  # noqa: PTH118 - see LocalDisk
        waiting = [top]
        while waiting:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        name, path, is_below = entry.name, entry.path, is_folder(entry)
                        if (is_below and entry.is_symlink()) or is_archive(path):
                            return None
                        if not is_below:
                            read_head = partial(LOCAL_DISK.head, path)
                            total += rules.wants_file(path[start:], name) and _is_source(name, read_head, uncounted)
                        elif not is_litter_folder(name) and rules.wants_folder(path[start:], name):
                            waiting.append(path)
                            total += has_image_suffix(name)  # which gets an error row
            except OSError:  # a file, or an unreadable folder, which is a source
                total += 1
    return total
