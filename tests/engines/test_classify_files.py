"""A chunk of files: what is done together comes out as if it were done alone."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest

from batchdigits.engines.classify_files import Settings, classify_files
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.vision import reads
from tests.engines.helpers import make_images

SHAPES = ((28, 28), (20, 16), (39, 39), (41, 39), (90, 120))


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return load_runtime(PRETRAINED / "digits.tflite")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Digits of five shapes in turn, one upside down in each ten, and between them what cannot be read."""
    paths = [str(path) for path in sorted(make_images(tmp_path, 100).iterdir())]
    for number, path in enumerate(paths):
        picture = cv2.resize(cv2.imread(path, cv2.IMREAD_GRAYSCALE), SHAPES[number % len(SHAPES)][::-1])
        cv2.imwrite(path, 255 - picture if number % 10 == 3 else picture)
    Path(paths[7]).write_bytes(b"")
    cv2.imwrite(paths[8], np.zeros((28, 28), np.uint8))
    paths.insert(20, str(tmp_path / "missing.png"))
    return paths


def test_rows_are_those_of_each_file_alone(files: list[str], runtime: Runtime) -> None:
    together = classify_files(files, runtime, Settings(probabilities=True))
    assert together == [classify_files([path], runtime, Settings(probabilities=True))[0] for path in files]
    assert [row.source for row in chain.from_iterable(together)] == files
    assert {row.status.value for row in chain.from_iterable(together)} >= {"ok", "blank", "error"}


def test_what_the_system_said_of_the_files_is_not_asked_again(
    files: list[str], runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = os.stat
    monkeypatch.setattr(os, "stat", lambda path, *more, **options: asked.append(path) or ask(path, *more, **options))
    classify_files(files, runtime, Settings())
    assert [path for path in asked if isinstance(path, str) and "missing" not in path] == [
        path for path in files if "missing" not in path
    ]


@pytest.mark.parametrize("kind", ["another", "fifo", "empty"])
def test_a_file_is_looked_at_right_before_it_is_read(files: list[str], runtime: Runtime, kind: str) -> None:
    """Another program replaces a file while those before it are at work."""
    changing, calls = Path(files[50]), iter(range(1 << 30))
    larger = cv2.imencode(".png", np.kron(cv2.imread(files[51], cv2.IMREAD_GRAYSCALE), np.ones((9, 9), np.uint8)))[1]

    def change_in_time() -> None:
        if next(calls) == 50:
            changing.unlink()
            if kind == "fifo":
                os.mkfifo(changing)
            else:
                changing.write_bytes(larger.tobytes() if kind == "another" else b"")

    (row,) = classify_files(files[: 50 + 1], runtime, Settings(), change_in_time)[-1]
    assert (row.status.value, row.detail) == {
        "another": ("ok", ""),
        "fifo": ("error", "not a regular file"),
        "empty": ("error", "empty file"),
    }[kind]


@pytest.mark.parametrize("step", ["normalise_stack", "unpack_small_pngs"])
def test_where_many_at_once_fail_they_are_done_alone(
    files: list[str], runtime: Runtime, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    expected = classify_files(files, runtime, Settings())

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(reads, step, fail)
    assert classify_files(files, runtime, Settings()) == expected


def test_small_pngs_are_unpacked_together(files: list[str], runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = classify_files(files, runtime, Settings())
    alone: list[str] = []
    decode_packed = reads.decode_packed
    monkeypatch.setattr(reads, "decode_packed", lambda page: alone.append(page.source) or decode_packed(page))
    damaged = Path(files[0])
    damaged.write_bytes(damaged.read_bytes()[:-1])
    rows = classify_files(files, runtime, Settings())
    assert alone == files[:1]
    assert rows[1:] == expected[1:]
    assert [row.source for row in rows[0]] == files[:1]
