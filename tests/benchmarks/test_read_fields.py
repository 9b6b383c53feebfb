"""The benchmark of fields, on a folder made here and on composed fields."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.benchmarks.scripts import run_script


def test_each_source_and_kind_has_a_row(tmp_path: Path) -> None:
    source = tmp_path / "forms"
    source.mkdir()
    scan = np.full((60, 90), 240, np.uint8)
    cv2.line(scan, (45, 10), (45, 50), 30, 4)
    cv2.imwrite(str(source / "a.png"), scan)
    (source / "truth.csv").write_text("file,truth\na.png,1\n")
    result = run_script("read_fields.py", "--fields", tmp_path, "--composed", "14")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0][:3] == ["source", "fields", "exact"]
    assert rows[1][:4] == ["forms", "1", "100.0%", "100.0%"]
    assert [row[0] for row in rows[2:]] == ["mean", "strip", "ruled", "cell", "comb", "blanks", "touching", "empty"]


@pytest.mark.slow
def test_weights_of_the_confidence_are_printed() -> None:
    result = run_script("read_fields.py", "--calibrate", "--composed", "42")
    assert result.stdout.startswith("INTERCEPT, LEAD_WEIGHT, DOUBT_WEIGHT = ")
