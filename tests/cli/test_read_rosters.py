"""read --values --unique: handwritten IDs against a list, as at an exam."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from composed_fields import compose_field

from batchdigits.cli.numbers.compared import Listed, Named, print_values
from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from tests.conftest import Run


def write_fields(folder: Path, values: list[str]) -> list[str]:
    """Strips of MNIST's test digits, whose writers no model has seen, each image used once; returns their paths."""
    folder.mkdir()
    images, labels = (read_idx(MNIST / f"{name}.gz") for name in (TEST_IMAGES, TEST_LABELS))
    rng = np.random.default_rng(23)
    left = [rng.permutation(np.flatnonzero(labels == digit)).tolist() for digit in range(10)]
    paths = []
    for number, value in enumerate(values):
        chosen = [left[int(digit)].pop() for digit in value]
        paths.append(f"{folder.name}/{number:03}.png")
        cv2.imwrite(str(folder / f"{number:03}.png"), compose_field("strip", images[chosen], labels[chosen], rng).scan)
    return paths


@pytest.mark.slow  # 200 fields are cut and read
def test_two_hundred_strips_are_told_apart_and_what_is_wrong_is_named(run: Run, in_empty_folder: Path) -> None:
    """Of 200 strips three hold a number that is not on the list of 300, and two listed numbers are written twice."""
    rng = np.random.default_rng(9)
    ids = [f"{number:09}" for number in rng.choice(10**9, 303, replace=False)]
    listed, strangers, twice = ids[:300], ids[300:], ids[:2]
    written = rng.permutation(listed[:195] + strangers + twice).tolist()
    paths = write_fields(Path("ids"), written)
    Path("list.txt").write_text("\n".join(sorted(listed)) + "\n")
    result = run("read", "ids", "--values", "list.txt", "--unique", "--jobs", "1")  # the boxes are not told
    rows = {row["path"]: row for row in csv.DictReader(result.stdout.splitlines())}
    of_value = {value: [path for path, text in zip(paths, written, strict=True) if text == value] for value in written}

    rest = [value for value in of_value if value not in strangers + twice]
    assert {value: rows[of_value[value][0]]["value"] for value in rest} == dict(zip(rest, rest, strict=True))
    assert sum(rows[of_value[value][0]]["status"] == "ok" for value in rest) > 185
    named = [path for value in strangers + twice for path in of_value[value]]
    assert {rows[path]["status"] for path in named} == {"review"}
    for value in twice:
        assert f"{value} is in {', '.join(of_value[value])}\n" in result.stderr
    lost = sorted(of_value[value][0] for value in strangers)
    assert f"3 fields not on list.txt: {', '.join(lost)}\n" in result.stderr
    assert "105 values of list.txt in no field: " in result.stderr


def test_the_values_of_all_fields_are_gone_through_once(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["date", "student", "date", "unlisted"]
    values = (Named(name, f"{number}.png", str(number)) for number, name in enumerate(names))
    print_values(values, {"student": Listed(["1", "4"], "students.txt"), "date": Listed(["0"], "dates.txt")})
    assert capsys.readouterr().err.splitlines() == [
        "batchdigits: 1 value of students.txt in no field: 4",
        "batchdigits: 1 field not on dates.txt: 2.png",
    ]
