"""Members of a zip archive."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from batchdigits.files.archives.archive import as_file_name, check_count, check_name, check_ratio, check_size, faults_of
from batchdigits.files.archives.bounded_file import BoundedFile
from batchdigits.files.natural_order import natural_path_key
from batchdigits.files.source_error import MissingMemberError, SourceError

MAX_DIRECTORY_BYTES = 1 << 27  # of the list of members, which is parsed at once: a million have about 100 MB
_ENCRYPTED = 1  # a flag of a member
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may claim any amount of memory, and are rare


class ZipArchive:
    """An `Archive` in a zip file. Of members with one name, the last counts."""

    def __init__(self, path: str) -> None:
        """Open an archive, and read the list of its members.

        Raises:
            SourceError: it is damaged, or beyond a limit.
            OSError: it cannot be read.
        """
        self._file = BoundedFile(Path(path).open("rb"), MAX_DIRECTORY_BYTES)  # noqa: SIM115 - `close` closes it
        try:
            with faults_of("archive"):
                self._zip = zipfile.ZipFile(cast("IO[bytes]", self._file))
            members = self._zip.infolist()
            check_count(len(members))
            for member in members:
                check_name(member.filename)
            self._file.allow(sys.maxsize)  # `open` and `read` have limits of their own
        except BaseException:
            self._file.close()
            raise
        self._members = {as_file_name(member.filename): member for member in members if not member.is_dir()}

    def names(self) -> Iterator[str]:
        """The names of all members, in natural order."""
        yield from sorted(self._members, key=natural_path_key)

    def head(self, name: str, size: int) -> bytes:
        """The first `size` bytes of a member; empty if they cannot be read."""
        try:
            with self.open(name) as stream:
                return stream.read(size)
        except Exception:
            return b""

    def read(self, name: str) -> bytes:
        """A member's bytes."""
        size = self.member(name).file_size
        check_size(size)
        with faults_of("member of an archive"), self.open(name) as stream:
            return stream.read(size)  # without a number it would unpack more than the archive says

    def open(self, name: str) -> IO[bytes]:
        """Open a member.

        Raises:
            SourceError: it is encrypted, packed in a rare way, or may be a bomb.
        """
        member = self.member(name)
        if member.flag_bits & _ENCRYPTED:
            raise SourceError("encrypted in its archive")
        if member.compress_type not in _METHODS:
            raise SourceError("packed by another method than deflate in its archive")
        check_ratio(member.file_size, member.compress_size)
        with faults_of("member of an archive"):
            return self._zip.open(member)

    def member(self, name: str) -> zipfile.ZipInfo:
        """What the archive says about a member.

        Raises:
            SourceError: there is none of this name.
        """
        if name not in self._members:
            raise MissingMemberError("no such file in the archive")
        return self._members[name]

    def fingerprint(self, name: str) -> tuple[int, int]:
        """A member's size and checksum.

        Raises:
            SourceError: there is none of this name.
        """
        member = self.member(name)
        return member.file_size, member.CRC

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()
