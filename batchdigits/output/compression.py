"""Files of lines that are plain, or compressed with gzip or Zstandard."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast, get_args

from batchdigits.errors import BatchdigitsError, MissingExtraError

Compression = Literal["gz", "zst"]
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)


def import_zstd() -> Any:
    """The module `pyarrow`, which has Zstandard.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError("a .zst file", "parquet") from None
    return pyarrow


def write_compressed(compression: Compression, pieces: Iterable[bytes], path: Path) -> None:
    """Write pieces to `path`. A gzip file holds neither a name nor the time: the same pieces give the same bytes."""
    with path.open("wb") as file, _compressor(compression, file) as stream:
        for piece in pieces:
            stream.write(piece)


@contextmanager
def open_to_read(path: Path, compression: Compression | None) -> Iterator[BinaryIO]:
    """The content of a file that is added to.

    Raises:
        BatchdigitsError: it is truncated, or not compressed like that.
    """
    try:
        with path.open("rb") as file:
            yield _decompressor(compression, file) if compression else file
    except (OSError, EOFError, zlib.error) as error:
        if getattr(error, "errno", None):  # of the system, not of gzip or pyarrow
            raise
        raise BatchdigitsError(f"cannot add to {path}: it is damaged, or not a .{compression} file") from None


def _compressor(compression: Compression, file: BinaryIO) -> Any:
    if compression == "gz":
        return gzip.GzipFile("", "wb", 6, file, mtime=0)
    return import_zstd().CompressedOutputStream(file, "zstd")


def _decompressor(compression: Compression, file: BinaryIO) -> BinaryIO:
    if compression == "gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    return cast(BinaryIO, io.BufferedReader(import_zstd().CompressedInputStream(file, "zstd")))
