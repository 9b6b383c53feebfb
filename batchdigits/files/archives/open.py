"""Which paths are archives, and which are members of one; open them, and keep the last one open."""

from __future__ import annotations

import os
import re
import stat
import threading
from contextlib import closing, suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, cast

from batchdigits.files.archives.archive import Archive
from batchdigits.files.image_formats import has_image_suffix
from batchdigits.files.source_error import SourceError

if TYPE_CHECKING:
    from batchdigits.files.archives.zip_archive import ZipArchive

_ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst")
_ARRAY_SUFFIXES = (".npz", ".npy", "idx3-ubyte", "idx3-ubyte.gz")
_find_archives = re.compile(
    "(" + "|".join(re.escape(suffix) for suffix in (*_ARCHIVE_SUFFIXES, *_ARRAY_SUFFIXES)) + ")(?=/)", re.IGNORECASE
).finditer


class Member(NamedTuple):
    """A member of an archive: the archive's path, and its name in there."""

    archive: str
    name: str


def has_archive_suffix(name: str) -> bool:
    """Whether a name is that of a zip or tar archive."""
    return name.lower().endswith(_ARCHIVE_SUFFIXES)


def is_archive(path: str) -> bool:
    """Whether a path is that of a zip or tar archive, by its suffix; many other formats are zip files."""
    return has_archive_suffix(path) and os.path.isfile(path)  # noqa: PTH113 - a Path takes longer


def is_array(path: str) -> bool:
    """Whether a path is that of an .npy, .npz or IDX file of images, by its suffix."""
    return path.lower().endswith(_ARRAY_SUFFIXES) and os.path.isfile(path)  # noqa: PTH113


def split_member(path: str) -> Member | None:
    """The archive and the name of a member, by its source; None if no part of the path is an archive."""
    for match in _find_archives(path):
        if os.path.isfile(path[: match.end()]):  # noqa: PTH113
            return Member(path[: match.end()], path[match.end() + 1 :])
    return None


def split_folder(path: str) -> Member | None:
    """The archive and the name of a folder in it, with a slash behind; None if no member of an archive is below a path.

    A path with an image's suffix is none: to find out would take too long for a list of members.
    """
    member = None if has_image_suffix(path) else split_member(path)
    if member is None:
        return None
    folder = member.name.rstrip("/")
    with suppress(SourceError, OSError, MemoryError):
        if folder in _kept(member.archive).folders:
            return Member(member.archive, f"{folder}/" if folder else "")
    return None


def before_member(path: str) -> int:
    """Where the first part of a path ends that may be an archive, by its suffix; the path's length if there is none."""
    return next((match.end() for match in _find_archives(path)), len(path))


def open_archive(path: str) -> Archive:
    """Open an archive, or an array of images.

    Raises:
        SourceError: it is damaged, or beyond a limit.
        OSError: it cannot be read.
    """
    if path.lower().endswith(".zip"):
        from batchdigits.files.archives.zip_archive import ZipArchive

        return ZipArchive(path)
    if path.lower().endswith(_ARRAY_SUFFIXES):
        from batchdigits.files.archives.array_archive import ArrayArchive

        return ArrayArchive(path)
    from batchdigits.files.archives.tar_archive import TarArchive

    return TarArchive(path)


def archive_fault(path: str) -> str:
    """Why the members of an archive, or some of them, cannot be read; empty if they can, or if it is no archive."""
    if not is_archive(path) and not is_array(path):
        return ""
    try:
        archive = open_archive(path)
        try:
            for _ in archive.names():
                pass
        finally:
            archive.close()
    except SourceError as error:
        return str(error)
    return ""


def read_member(member: Member) -> bytes:
    """A member's bytes. The archive stays open, as the next member is likely to be in it, too.

    Raises:
        SourceError: there is no such member, or it or the archive cannot be read.
        OSError: the archive cannot be read.
    """
    return _kept(member.archive).archive.read(member.name)


def member_status(member: Member) -> os.stat_result:
    """What tells whether a member has changed: the archive's status; for a member of a zip its own size and checksum.

    So the members of a zip stay as they were when others are added. Other archives hold no checksums.

    Raises:
        OSError: there is no such archive.
    """
    if member.archive.lower().endswith(".zip"):
        with suppress(SourceError, OSError, MemoryError):
            size, checksum = cast("ZipArchive", _kept(member.archive).archive).fingerprint(member.name)
            return os.stat_result((stat.S_IFREG, 0, 0, 1, 0, 0, size, 0, 0, 0), {"st_mtime_ns": checksum})
    return os.stat(member.archive)  # noqa: PTH116


def _kept(path: str) -> _Kept:
    """The archive, which stays open for the next member."""
    status = os.stat(path)  # noqa: PTH116
    key = (os.getpid(), path, status.st_size, status.st_mtime_ns)  # a forked process has its own position
    kept: _Kept | None = getattr(_of_thread, "kept", None)
    if kept is None or kept.key != key:
        _of_thread.kept = kept = _Kept(key, open_archive(path))
    return kept


class _Kept:
    """An archive that stays open until another takes its place, or its thread ends."""

    def __init__(self, key: tuple[int, str, int, int], archive: Archive) -> None:
        self.key, self.archive = key, archive

    @cached_property
    def folders(self) -> set[str]:
        """The names of the folders that members are in; the archive itself has an empty one."""
        found: set[str] = set()
        with suppress(SourceError, OSError, MemoryError), closing(open_archive(self.key[1])) as archive:
            for name in archive.names():
                folder = name.rpartition("/")[0]
                while folder not in found:
                    found.add(folder)
                    folder = folder.rpartition("/")[0]
        return found

    def __del__(self) -> None:
        self.archive.close()


_of_thread = threading.local()


def _close_in_child() -> None:
    """Close what a forked process inherits, before its descriptor is given to another file."""
    _of_thread.__dict__.clear()


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_close_in_child)
