"""Which file a source is a page of, by its name."""

from __future__ import annotations

import pytest

from batchdigits.files.page_names import file_of


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("scan.tif#2", "scan.tif"),
        ("a\nb.tif#12", "a\nb.tif"),
        ("two.zip/a#1#3", "two.zip/a#1"),
        ("scan.tif", "scan.tif"),
        ("a#b.png", "a#b.png"),
        ("scan.tif#", "scan.tif#"),
        ("scan.tif#2\n", "scan.tif#2\n"),
        ("scan.tif#٢", "scan.tif#٢"),  # no page's number has such a digit
        ("#2", "#2"),
        ("", ""),
    ],
)
def test_only_a_number_behind_a_name_is_that_of_a_page(source: str, file: str) -> None:
    assert file_of(source) == file
