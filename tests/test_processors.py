"""Rows do not depend on which vector instructions a processor has, except for the last digits of some."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[1] / "samples" / "digits"


def rows(output: Path, **environment: str) -> bytes:
    """The bytes of the rows of the samples, classified in another process with these environment variables."""
    command = [
        sys.executable,
        "-m",
        "batchdigits",
        "classify",
        "-q",
        str(SAMPLES),
        "--probabilities",
        "-o",
        str(output),
    ]
    subprocess.run(command, env={**os.environ, **environment}, check=True, timeout=400)
    return output.read_bytes()


@pytest.fixture(scope="module")
def plain_rows(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return rows(tmp_path_factory.mktemp("plain") / "rows.csv")


@pytest.mark.parametrize(
    "environment",
    [
        {"OPENBLAS_CORETYPE": "Nehalem"},
        {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"},
        {"OPENCV_CPU_DISABLE": "AVX512-SKX"},
    ],
)
def test_rows_are_the_same_bytes(tmp_path: Path, plain_rows: bytes, environment: dict[str, str]) -> None:
    assert rows(tmp_path / "rows.csv", **environment) == plain_rows


def test_without_avx2_only_digits_of_the_score_differ(tmp_path: Path, plain_rows: bytes) -> None:
    other = rows(tmp_path / "rows.csv", OPENCV_CPU_DISABLE="AVX512-SKX,AVX2,FMA3,FP16,AVX")
    for row, plain in zip(*(csv.DictReader(some.decode().splitlines()) for some in (other, plain_rows)), strict=True):
        assert (row["path"], row["label"], row["status"]) == (plain["path"], plain["label"], plain["status"])
        assert abs(float(row["score"] or 0) - float(plain["score"] or 0)) < 0.02
