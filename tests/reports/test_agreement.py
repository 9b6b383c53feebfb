from __future__ import annotations

import numpy as np
import pytest

from batchdigits.reports.agreement import compare
from batchdigits.reports.table import table


def test_two_forms_that_differ_on_one_glyph() -> None:
    first = np.log(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], np.float32))
    second = np.log(np.array([[0.8, 0.2], [0.3, 0.7], [0.2, 0.8]], np.float32))
    agreement = compare(first, second, np.array([0, 1, 1]))
    assert agreement.images == 3
    assert agreement.same == pytest.approx(2 / 3)
    assert (agreement.first, agreement.second) == (pytest.approx(2 / 3), 1.0)
    assert agreement.difference == pytest.approx(0.3, abs=1e-6)
    ((glyph, mine, sure, yours, other),) = agreement.disagreements
    assert (glyph, mine, yours) == (1, 0, 1)
    assert (sure, other) == (pytest.approx(0.6), pytest.approx(0.7))


def test_labels_that_nobody_knows_count_for_agreement_only() -> None:
    logits = np.eye(2, dtype=np.float32)
    known = compare(logits, logits[::-1], np.array([0, -1]))
    assert (known.first, known.second, known.same) == (1.0, 0.0, 0.0)
    unknown = compare(logits, logits, np.array([-1, -1]))
    assert (unknown.first, unknown.second, unknown.same) == (None, None, 1.0)


def test_ties_go_to_the_lowest_class_in_both() -> None:
    assert compare(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32), np.array([0])).disagreements == ()


def test_a_short_row_ends_with_a_remark() -> None:
    assert table([("a", "bb"), ("ccc", "d")]) == "a    bb\nccc   d"
    rows = [("set", "runtime", "share"), ("a", "b", "1%"), ("a", "a remark as long as it likes")]
    assert table(rows, left=(0, 1)).splitlines()[-1] == "a    a remark as long as it likes"
