"""Lists of paths, as the programs of several systems write them."""

from __future__ import annotations

import codecs
import io

import pytest

from batchdigits.errors import BatchdigitsError
from batchdigits.files.path_list import BLOCK_BYTES, read_paths

PATHS = ["a.png", "dé/ß 1.png", "日本.png"]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(PATHS).encode(),
        "\r\n".join([*PATHS, "", ""]).encode("utf-8-sig"),
        "\r\n".join(PATHS).encode("utf-16"),
        codecs.BOM_UTF16_BE + "\n".join([*PATHS, ""]).encode("utf-16-be"),
        codecs.BOM_UTF16_LE + "\r\n".join([*PATHS, ""]).encode("utf-16-le"),
    ],
)
def test_lists_of_every_encoding(content: bytes) -> None:
    assert list(read_paths(io.BytesIO(content), b"\n")) == PATHS


def test_a_long_list_in_utf16() -> None:
    paths = [f"{'日' * 50}{number}.png" for number in range(BLOCK_BYTES // 50)]
    assert list(read_paths(io.BytesIO("\n".join(paths).encode("utf-16")), b"\n")) == paths


@pytest.mark.parametrize("content", [b"", codecs.BOM_UTF8])
def test_an_empty_list(content: bytes) -> None:
    assert list(read_paths(io.BytesIO(content), b"\n")) == []


def test_half_a_character_is_an_error() -> None:
    with pytest.raises(BatchdigitsError, match="begins like UTF-16, and is not"):
        list(read_paths(io.BytesIO("a.png".encode("utf-16") + b"x"), b"\n"))
