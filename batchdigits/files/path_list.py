"""Lists of paths, one a line, or each ended by NUL as `find -print0` writes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

from batchdigits.errors import BatchdigitsError

BLOCK_BYTES = 1 << 16


def read_paths(stream: IO[bytes], end: bytes) -> Iterator[str]:
    """The paths in a list, read as they are needed; empty ones are skipped.

    Args:
        stream: the list.
        end: the byte that ends each path: a newline or NUL. The last path may lack it. A carriage return before a
            newline, as in lists that were made on Windows, is dropped.

    Raises:
        BatchdigitsError: the list cannot be read.
    """
    rest = b""
    surplus = b"\r" if end == b"\n" else b""
    while block := _read(stream):
        *whole, rest = (rest + block).split(end)
        yield from (os.fsdecode(path) for line in whole if (path := line.removesuffix(surplus)))
    if path := rest.removesuffix(surplus):
        yield os.fsdecode(path)


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(BLOCK_BYTES)
    except OSError as error:
        raise BatchdigitsError(f"cannot read the list of paths: {error.strerror or error}") from None
