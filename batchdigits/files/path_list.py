"""Lists of paths, one a line, or each ended by NUL as `find -print0` writes them.

A list may begin with a byte order mark, and be UTF-16 by it, as programs on Windows write them.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from typing import IO

from batchdigits.errors import BatchdigitsError
from batchdigits.text import is_utf16

BLOCK_BYTES = 1 << 16


def read_paths(stream: IO[bytes], end: bytes) -> Iterator[str]:
    """The paths in a list, read as they are needed; empty ones are skipped.

    Args:
        stream: the list.
        end: the byte that ends each path: a newline or NUL. The last path may lack it. A carriage return before a
            newline, as in lists that were made on Windows, is dropped.

    Raises:
        BatchdigitsError: the list cannot be read, or is not the UTF-16 that it says it is.
    """
    rest = b""
    blocks = _in_utf8(stream)
    surplus = b"\r" if end == b"\n" else b""
    for block in blocks:
        *whole, rest = (rest + block).split(end)
        yield from (os.fsdecode(path) for line in whole if (path := line.removesuffix(surplus)))
    if path := rest.removesuffix(surplus):
        yield os.fsdecode(path)


def read_paths_and_ids(stream: IO[bytes], end: bytes) -> dict[str, str]:
    """The paths in a list, each with what stands behind the last tab of its line: the source's id.

    Args:
        stream: the list.
        end: as for `read_paths`.

    Raises:
        BatchdigitsError: see `read_paths`; or a path has no id, or two.
    """
    ids: dict[str, str] = {}
    for line in read_paths(stream, end):
        path, tab, source_id = line.rpartition("\t")
        if not (tab and path and source_id):
            raise BatchdigitsError(f"the list of paths has no tab and id behind {line}")
        if ids.setdefault(path, source_id) != source_id:
            raise BatchdigitsError(f"the list of paths has two ids for {path}: {ids[path]} and {source_id}")
    return ids


def _in_utf8(stream: IO[bytes]) -> Iterator[bytes]:
    """The blocks of a list; without its byte order mark, and in UTF-8 if that says UTF-16."""
    first = _read(stream)
    if not is_utf16(first):
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from iter(lambda: _read(stream), b"")
        return
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        yield decoder.decode(first).encode()
        while block := _read(stream):
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError:
        raise BatchdigitsError("the list of paths begins like UTF-16, and is not") from None


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(BLOCK_BYTES)
    except OSError as error:
        raise BatchdigitsError(f"cannot read the list of paths: {error.strerror or error}") from None
