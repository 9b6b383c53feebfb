"""Text for people."""

from __future__ import annotations

import pytest

from batchdigits.text import counted, first_line, first_names


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


@pytest.mark.parametrize(
    ("total", "text"), [(0, "a, b and 1 more"), (3, "a, b and 1 more"), (2_002, "a, b and 2,000 more")]
)
def test_the_first_names_say_how_many_more_there_are(total: int, text: str) -> None:
    assert first_names(["a", "b", "c"], 2, total) == text
    assert first_names(["a", "b"]) == "a, b"
