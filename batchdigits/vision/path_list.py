"""Lists of paths, one a line, or each ended by NUL as `find -print0` writes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

AT_ONCE = 1 << 16  # bytes read


def read_paths(stream: IO[bytes], end: bytes) -> Iterator[str]:
    """The paths in a list, read as they are needed; empty ones are skipped.

    Args:
        stream: the list.
        end: what ends a path, one byte; the last may do without.
    """
    rest = b""
    while block := stream.read(AT_ONCE):
        *whole, rest = (rest + block).split(end)
        yield from (os.fsdecode(path) for path in whole if path)
    if rest:
        yield os.fsdecode(rest)
