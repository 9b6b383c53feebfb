"""Members of a tar archive, plain or compressed; WebDataset's shards are such."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from batchdigits.files.archives.archive import as_file_name, check_count, check_name, check_ratio, check_size, faults_of
from batchdigits.files.archives.bounded_file import BoundedFile
from batchdigits.files.natural_order import natural_path_key
from batchdigits.files.source_error import MissingMemberError, SourceError

MAX_HEADER_BYTES = 1 << 20  # of one member: a name and its attributes, which are read at once
SKIP_BYTES = 1 << 20  # read at once to get past what is not wanted


class TarArchive:
    """An `Archive` in a tar file, which is read as far as it is needed. Of members with one name, the first counts.

    For the last one, as `tar -x` has it, each worker would have to go through the whole archive before its first image.
    A compressed one can only be read from its beginning: each step back unpacks it anew.
    """

    def __init__(self, path: str) -> None:
        """Open an archive.

        Raises:
            SourceError: it is damaged, or needs a package that is not installed.
            OSError: it cannot be read.
        """
        self._packed = Path(path).stat().st_size
        self._is_compressed = not path.lower().endswith(".tar")
        self._file = _unpacked(path)
        self._headers = BoundedFile(self._file, MAX_HEADER_BYTES)
        self._extents: dict[str, tuple[int, int] | None] = {}  # first byte and size; None if it is no regular file
        try:
            with faults_of("archive"):
                self._tar = tarfile.TarFile(fileobj=cast("IO[bytes]", self._headers))
        except BaseException:
            self._file.close()
            raise
        self._rest, self._fault = self._scan(), ""

    def names(self) -> Iterator[str]:
        """The names of all members; of a plain archive in natural order, of a compressed one in its own."""
        if self._is_compressed:
            yield from iter(self._next_name, None)
            return
        with suppress(SourceError):
            while self._next_name() is not None:
                pass
        yield from sorted(self._extents, key=natural_path_key)
        if self._fault:
            raise SourceError(self._fault)

    def head(self, name: str, size: int) -> bytes:
        """The first `size` bytes of a member; empty if they cannot be read."""
        try:
            offset, size_of_all = self._extent(name)
            return self._read(offset, min(size, size_of_all))
        except Exception:
            return b""

    def read(self, name: str) -> bytes:
        """A member's bytes."""
        offset, size = self._extent(name)
        check_size(size)
        with faults_of("member of an archive"):
            data = self._read(offset, size)
        if len(data) < size:
            raise SourceError("truncated or corrupt member of an archive")
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def _extent(self, name: str) -> tuple[int, int]:
        while name not in self._extents:
            if self._next_name() is None:
                raise MissingMemberError("no such file in the archive")
        extent = self._extents[name]
        if extent is None:
            raise SourceError("not a regular file; a link in an archive is not followed")
        return extent

    def _next_name(self) -> str | None:
        """The name of the next member; None behind the last one. A fault is raised each time, not only the first."""
        if self._fault:
            raise SourceError(self._fault)
        try:
            return next(self._rest, None)
        except SourceError as error:
            self._fault = str(error)  # not the exception, whose traceback would keep this frame and those above
            raise

    def _scan(self) -> Iterator[str]:
        """The names of the members, while their extents are noted."""
        while member := self._next():
            if self._tar.offset <= member.offset:  # a negative size leads back
                raise SourceError("truncated or corrupt archive")
            check_ratio(self._tar.offset, self._packed)  # before its bytes are skipped, which unpacks them
            name = as_file_name(member.name.removeprefix("./"))  # as `tar -c .` writes them
            check_name(name)
            if member.isdir() or name in self._extents:
                continue
            is_plain = member.isreg() and not member.issparse()
            self._extents[name] = (member.offset_data, member.size) if is_plain else None
            check_count(len(self._extents))
            yield name

    def _next(self) -> tarfile.TarInfo | None:
        self._headers.allow(MAX_HEADER_BYTES)
        with faults_of("archive"):
            member = self._tar.next()
        cast("Any", self._tar).members.clear()  # a kilobyte each
        last = self._headers.last
        if member is None and (not last or last.strip(b"\0")):
            raise SourceError("truncated or corrupt archive")  # the end is marked by a block of zeros
        return member


def _unpacked(path: str) -> IO[bytes]:
    """The bytes of a tar, as a file in which one can seek.

    Raises:
        SourceError: it needs a package that is not installed.
    """
    if path.lower().endswith(".zst"):
        return cast("IO[bytes]", _ZstandardFile(path))
    return cast("IO[bytes]", gzip.open(path) if path.lower().endswith("z") else Path(path).open("rb"))


class _ZstandardFile:
    """The unpacked bytes of a .zst file. Going back unpacks it anew, as in a `gzip.GzipFile`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._start()

    def _start(self) -> None:
        self._stream, self._position = _zstandard_stream(self._path), 0

    def read(self, size: int) -> bytes:
        parts = []
        while size > 0 and (part := self._stream.read(size)):
            parts.append(part)
            size -= len(part)
            self._position += len(part)
        return b"".join(parts)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if offset < self._position:
            self.close()
            self._start()
        while self._position < offset and self.read(min(SKIP_BYTES, offset - self._position)):
            pass
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._stream.close()


def _zstandard_stream(path: str) -> IO[bytes]:
    try:
        from zstandard import ZstdDecompressor
    except ImportError:
        pass
    else:
        return cast("IO[bytes]", ZstdDecompressor().stream_reader(Path(path).open("rb"), read_across_frames=True))
    try:
        from pyarrow import input_stream
    except ImportError:
        raise SourceError("a .tar.zst archive needs an optional package: pip install zstandard") from None
    return cast("IO[bytes]", input_stream(path, compression="zstd"))
