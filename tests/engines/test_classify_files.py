"""Classify a chunk of files: the fast path for small images changes no row, and each file is statted just in time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.engines import classify_files as module
from batchdigits.engines.classify_files import Settings, classify_files
from batchdigits.files.content import Content
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.decide import Prediction
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.decode import Page, decode_content
from batchdigits.vision.normalise_batch import NormaliseBatch
from batchdigits.vision.small_images import fast_batch
from batchdigits.vision.small_images.normalise_stack import MAX_SIDE
from tests.engines.helpers import make_images

SHAPES = ((28, 28), (20, 16), (39, 39), (41, 39), (90, 120))


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return load_runtime(PRETRAINED / "digits.tflite")


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Digits of five shapes in turn, every tenth inverted; one file is blank, one empty, one missing."""
    paths = [str(path) for path in sorted(make_images(tmp_path, 100).iterdir())]
    for number, path in enumerate(paths):
        picture = cv2.resize(grey(path), SHAPES[number % len(SHAPES)][::-1])
        cv2.imwrite(path, 255 - picture if number % 10 == 3 else picture)
    Path(paths[7]).write_bytes(b"")
    cv2.imwrite(paths[8], np.zeros((28, 28), np.uint8))
    paths.insert(20, str(tmp_path / "missing.png"))
    return paths


def grey(path: str) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(path, cv2.IMREAD_GRAYSCALE), np.uint8)


def rows_of(files: list[str], runtime: Runtime, settings: Settings | None = None) -> list[list[Prediction]]:
    return classify_files(files, runtime, settings or Settings()).predictions


def test_rows_are_those_of_each_file_alone(files: list[str], runtime: Runtime) -> None:
    together = rows_of(files, runtime, Settings(probabilities=True))
    assert together == [rows_of([path], runtime, Settings(probabilities=True))[0] for path in files]
    assert [row.path for row in chain.from_iterable(together)] == files
    assert {row.status.value for row in chain.from_iterable(together)} >= {"ok", "blank", "error"}


def test_deleting_the_fast_path_changes_no_row(
    files: list[str], runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = rows_of(files, runtime, Settings(probabilities=True))
    monkeypatch.setattr(module, "FastBatch", NormaliseBatch)
    assert rows_of(files, runtime, Settings(probabilities=True)) == expected


def test_each_file_is_statted_once(files: list[str], runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    statted: list[object] = []
    stat = os.stat

    def note(path: Any, *more: Any, **options: Any) -> os.stat_result:
        statted.append(path)
        return stat(path, *more, **options)

    monkeypatch.setattr(os, "stat", note)
    _, file_statuses = classify_files(files, runtime, Settings())
    assert [path for path in statted if isinstance(path, str) and "missing" not in path] == [
        path for path in files if "missing" not in path
    ]
    assert [status is None for status in file_statuses] == ["missing" in path for path in files]


@pytest.mark.parametrize("kind", ["larger", "fifo", "empty"])
def test_a_file_is_statted_right_before_it_is_read(
    files: list[str], runtime: Runtime, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Another program replaces a file while those before it are being read."""
    changing = Path(files[50])
    larger = cv2.imencode(".png", np.kron(grey(files[51]), np.ones((9, 9), np.uint8)))[1]

    def replace_in_time(paths: Sequence[str]) -> Iterator[str]:
        yield from paths[:50]
        changing.unlink()
        if kind == "fifo":
            os.mkfifo(changing)
        else:
            changing.write_bytes(larger.tobytes() if kind == "larger" else b"")
        yield from paths[50:]

    monkeypatch.setattr(module, "read_ahead", replace_in_time)
    (row,) = rows_of(files[: 50 + 1], runtime)[-1]
    assert (row.status.value, row.detail) == {
        "larger": ("ok", ""),
        "fifo": ("error", "not a regular file"),
        "empty": ("error", "empty file"),
    }[kind]


@pytest.mark.parametrize("step", ["normalise_stack", "unpack_small_pngs"])
def test_when_the_fast_path_fails_the_plain_path_takes_over(
    files: list[str], runtime: Runtime, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    expected = rows_of(files, runtime)

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(fast_batch, step, fail)
    assert rows_of(files, runtime) == expected


def test_only_a_damaged_small_png_is_decoded_alone(
    files: list[str], runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = [path for path in files[:50] if Path(path).exists() and max(shape_of(path)) <= MAX_SIDE]
    expected = rows_of(small, runtime)
    alone: list[str] = []

    def note(content: Content) -> Iterable[Page]:
        alone.append(content.source)
        return decode_content(content)

    monkeypatch.setattr(fast_batch, "decode_content", note)
    damaged = Path(small[0])
    damaged.write_bytes(damaged.read_bytes()[:-1])
    rows = rows_of(small, runtime)
    assert alone == small[:1]
    assert rows[1:] == expected[1:]
    assert [row.path for row in rows[0]] == small[:1]


def shape_of(path: str) -> tuple[int, ...]:
    """The shape of an image file; a huge one for a file that is no image."""
    picture = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    return (1 << 30,) if picture is None else picture.shape
