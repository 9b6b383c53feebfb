"""Text for people."""

from __future__ import annotations

import pytest

from batchdigits.text import counted, first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError(" \n two"), "two"),
        (RuntimeError(), "RuntimeError"),
        (OSError("\n"), "OSError"),
    ],
)
def test_an_exception_without_text_has_its_type_for_a_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (1_234_567, "1,234,567 images")]
)
def test_only_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "image") == text
