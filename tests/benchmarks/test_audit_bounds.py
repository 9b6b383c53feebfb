"""The audit's bound on 1,000 simulated tables of each kind whose truth is known."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.benchmarks.scripts import run_script
from tests.conftest import ROOT

TABLES = 1_000


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def test_the_bound_holds_in_95_of_100_tables_and_is_never_wider_than_that_of_a_simple_sample() -> None:
    from audit_bounds import WORLDS, coverage, simulate, wrong_rows

    for world in WORLDS:
        found = simulate(world, 500, 150, TABLES)
        assert found.held >= 0.95
        assert found.widest <= 1  # for each sample
        assert found.stratified <= found.simple <= found.clopper_pearson
        for rows in (500, 20_000):
            assert coverage(wrong_rows(world, rows, 150, 0), rows, 150) >= 0.95


def test_wrong_rows_among_the_least_sure_ones_make_the_bound_narrower() -> None:
    from audit_bounds import coverage, simulate, wrong_rows

    found = simulate("the least sure rows", 500, 150, TABLES)
    assert found.stratified < 0.95 * found.simple
    assert coverage(wrong_rows("the least sure rows", 500, 150, 0), 500, 150) < 0.97  # or it has another reason


def test_the_computed_coverage_is_that_of_all_samples() -> None:
    from audit_bounds import bounds, coverage

    rows, size = 9, 4
    samples = list(combinations(range(rows), size))
    for wrong in ([], [0], [8], [0, 1, 2], [2, 5, 8], [0, 1, 2, 4, 7, 8], list(range(9))):
        found = [[row for row in sample if row in wrong] for sample in samples]
        held = sum(bounds(len(those), size, rows, max(those, default=-1) + 1)[0] >= len(wrong) for those in found)
        assert coverage(wrong, rows, size) == pytest.approx(held / len(samples))


def test_the_table_is_printed() -> None:
    result = run_script("audit_bounds.py", "--tables", "2", "--sizes", "90:30")
    assert result.returncode == 0, result.stderr
    assert "\n30 of 90 rows keyed:\n" in result.stdout
    assert "| the least sure rows | " in result.stdout
    assert "ratio: at most 1.0000; widest: at most 1.0000" in result.stdout
