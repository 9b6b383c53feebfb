from __future__ import annotations

import numpy as np
import pytest

from batchdigits.learning.agreement import compare
from batchdigits.learning.parity_check import LITERT, MICRO, ComparedImages, ParityRow
from batchdigits.reports.parity_table import disagreements, parity_table
from batchdigits.reports.table import table


def test_two_networks_that_differ_on_one_glyph() -> None:
    first = np.log(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], np.float32))
    second = np.log(np.array([[0.8, 0.2], [0.3, 0.7], [0.2, 0.8]], np.float32))
    agreement = compare(first, second, np.array([0, 1, 1]))
    assert agreement.images == 3
    assert agreement.same_label == pytest.approx(2 / 3)
    assert (agreement.keras_accuracy, agreement.export_accuracy) == pytest.approx((2 / 3, 1.0))
    assert agreement.largest_difference == pytest.approx(0.3, abs=1e-6)
    (one,) = agreement.disagreements
    assert (one.glyph, one.keras_label, one.export_label) == (1, 0, 1)
    assert (one.keras_confidence, one.export_confidence) == pytest.approx((0.6, 0.7))


def test_unknown_labels_count_for_agreement_but_not_for_accuracy() -> None:
    logits = np.eye(2, dtype=np.float32)
    known = compare(logits, logits[::-1], np.array([0, -1]))
    assert (known.keras_accuracy, known.export_accuracy, known.same_label) == (1.0, 0.0, 0.0)
    unknown = compare(logits, logits, np.array([-1, -1]))
    assert (unknown.keras_accuracy, unknown.export_accuracy, unknown.same_label) == (None, None, 1.0)


def test_ties_go_to_the_lowest_class_in_both_networks() -> None:
    assert compare(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32), np.array([0])).disagreements == ()


def test_the_last_cell_of_a_short_row_is_a_note_of_any_length() -> None:
    assert table([("a", "bb"), ("ccc", "d")]) == "a    bb\nccc   d"
    rows = [("set", "runtime", "share"), ("a", "b", "1%"), ("a", "a note longer than any column")]
    assert table(rows, left=(0, 1)).splitlines()[-1] == "a    a note longer than any column"


def test_all_disagreements_are_listed_without_a_limit() -> None:
    first, second = np.eye(2, dtype=np.float32).repeat(30, axis=0), np.eye(2, dtype=np.float32)[::-1].repeat(30, axis=0)
    images = ComparedImages(
        "own scans", [f"\x1b{n}.png" for n in range(60)], np.empty((60, 28, 28), np.uint8), np.full(60, -1)
    )
    rows = [
        ParityRow(images, LITERT, compare(first, second, images.labels)),
        ParityRow(images, MICRO, None, "not installed"),
    ]
    everything = disagreements(rows, ("a", "b"), None).splitlines()
    assert len(everything) == 60
    assert everything[0] == "\\x1b0.png: a (0.731) became b (0.731)"
    assert disagreements(rows, ("a", "b"), 2).splitlines()[2:] == ["own scans: 58 more; -v lists them all"]
    assert parity_table(rows, "int8").splitlines()[2].split() == ["own", "scans", "TFLite", "Micro", "not", "installed"]
