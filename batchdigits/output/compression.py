"""Files of lines that are plain, or compressed with gzip or Zstandard."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from batchdigits.errors import BatchdigitsError, needs_extra

Compression = Literal["gz", "zst"]
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)
BLOCK_BYTES = 1 << 20  # read at once


def import_zstd() -> tuple[Any, Any]:
    """The modules `pyarrow` and `zstandard`, of which one is enough: the other may be None.

    Raises:
        MissingExtraError: neither is installed.
    """
    try:
        import pyarrow
    except ImportError:
        with needs_extra("a .zst file", "parquet"):
            import zstandard
        return None, zstandard
    return pyarrow, None


def write_compressed(compression: Compression | None, pieces: Iterable[bytes], path: Path) -> None:
    """Write pieces to `path`; None writes them as they are.

    A gzip file holds neither a name nor the time: the same pieces give the same bytes.
    """
    with path.open("wb") as file, _compressor(compression, file) as stream:
        for piece in pieces:
            stream.write(piece)


def read_lines(path: Path, compression: Compression | None) -> Iterator[bytes]:
    """The lines of a file, with their ends.

    Raises:
        BatchdigitsError: it is truncated, or not compressed like that.
    """
    try:
        with path.open("rb") as file:
            yield from _decompressed(compression, file)
    except (OSError, EOFError, zlib.error) as error:
        if getattr(error, "errno", None):  # of the system, not of gzip or pyarrow
            raise
        raise BatchdigitsError(f"cannot read {path}: it is damaged, or not a .{compression} file") from None


def _compressor(compression: Compression | None, file: BinaryIO) -> Any:
    if compression is None:
        return file
    if compression == "gz":
        return gzip.GzipFile("", "wb", 6, file, mtime=0)
    pyarrow, zstandard = import_zstd()
    return pyarrow.CompressedOutputStream(file, "zstd") if pyarrow else zstandard.ZstdCompressor().stream_writer(file)


def _decompressed(compression: Compression | None, file: BinaryIO) -> Iterable[bytes]:
    if compression is None:
        return file
    if compression == "gz":
        return gzip.GzipFile(fileobj=file)
    pyarrow, zstandard = import_zstd()
    if pyarrow:
        return io.BufferedReader(pyarrow.CompressedInputStream(file, "zstd"))
    return _lines_by_zstandard(zstandard, file)


def _lines_by_zstandard(zstandard: Any, file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file of one frame or several; the streams of this package do not notice that one is truncated."""
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    rest = b""
    try:
        while block := file.read(BLOCK_BYTES):
            while block:
                if decompressor.eof:  # another frame follows
                    decompressor = zstandard.ZstdDecompressor().decompressobj()
                *lines, rest = (rest + decompressor.decompress(block)).split(b"\n")
                yield from (line + b"\n" for line in lines)
                block = decompressor.unused_data
    except zstandard.ZstdError:
        raise EOFError from None
    if not decompressor.eof:
        raise EOFError
    if rest:
        yield rest
