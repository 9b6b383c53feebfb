"""Chunks of PNG files, made by hand."""

from __future__ import annotations

import struct
import zlib


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk with its length and its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
