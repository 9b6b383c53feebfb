from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.threshold import clopper_pearson_upper_bound
from batchdigits.output.table import TableRow
from batchdigits.reports.audit import OkRow, Table, draw, judge, sample_size, table_of, upper_bound

known_bound = cache(upper_bound)


@pytest.mark.parametrize("size", [3, 5, 8])
def test_the_bound_holds_exactly_for_every_place_of_every_number_of_wrong_rows(size: int) -> None:
    rows = 10
    samples = list(combinations(range(rows), size))
    for guess in range(rows + 1):
        for places in combinations(range(rows), guess):
            shared = [[row for row in places if row in sample] for sample in samples]
            held = sum(known_bound(len(found), size, rows, max(found, default=-1) + 1) >= guess for found in shared)
            assert held >= 0.95 * len(samples)


def test_a_probability_of_exactly_5_percent_is_not_over_it() -> None:
    """Of 16 rows with 12 wrong ones, 6 of 120 samples of two have no wrong one."""
    assert upper_bound(0, 2, 16) == 11


@given(st.integers(1, 60), st.data())
@settings(max_examples=60)
def test_the_bound_is_the_largest_number_whose_exact_probability_is_over_5_percent(
    rows: int, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, rows))
    wrong = data.draw(st.integers(0, size))
    rank = data.draw(st.integers(wrong, rows))

    def probability(guess: int) -> Fraction:
        fewer = sum(comb(guess, found) * comb(rows - guess, size - found) for found in range(wrong))
        as_many = comb(min(guess, rank), wrong) * comb(rows - guess, size - wrong)
        return Fraction(fewer + as_many, comb(rows, size))

    possible = [guess for guess in range(wrong, rows - (size - wrong) + 1) if probability(guess) > Fraction(1, 20)]
    bound = upper_bound(wrong, size, rows, rank)
    assert bound == max(possible, default=wrong)
    assert bound <= upper_bound(wrong, size, rows)
    assert bound <= max(wrong, clopper_pearson_upper_bound(wrong, size) * rows + 1e-3)


def test_a_bound_from_all_rows_is_what_was_found() -> None:
    assert [upper_bound(wrong, 80, 80) for wrong in (0, 1, 80)] == [0, 1, 80]


def test_a_bound_of_a_large_table_is_that_of_clopper_and_pearson() -> None:
    assert upper_bound(2, 500, 10**7) / 10**7 == pytest.approx(clopper_pearson_upper_bound(2, 500), rel=1e-3)


def test_every_row_is_drawn_equally_often_and_no_row_twice() -> None:
    samples = [draw(11, 4, seed) for seed in range(4_000)]
    assert all(len(set(sample)) == 4 for sample in samples)
    often = Counter(row for sample in samples for row in sample)
    assert all(abs(often[row] / 4_000 - 4 / 11) < 0.035 for row in range(11))
    pairs = Counter(pair for sample in samples for pair in combinations(sorted(sample), 2))
    assert all(abs(pairs[pair] / 4_000 - 6 / 55) < 0.03 for pair in combinations(range(11), 2))
    assert sorted(draw(11, 11, 1)) == list(range(11))
    assert draw(11, 4, 1) == samples[1]


def test_a_larger_sample_contains_a_smaller_one() -> None:
    assert draw(500, 40, 7) == draw(500, 90, 7)[:40]


def test_a_sample_larger_than_the_table_is_refused() -> None:
    with pytest.raises(BatchdigitsError, match="a sample of 3 rows is more than the 2 ok rows"):
        draw(2, 3, 1)


@pytest.mark.parametrize(("rows", "share", "rate"), [(5_000, 0.002, 0.0004), (5_000, 0.002, 0.0), (300, 0.05, 0.02)])
def test_a_sample_of_the_size_that_is_named_shows_it_and_one_smaller_does_not(
    rows: int, share: float, rate: float
) -> None:
    size = sample_size(rows, share, rate)
    assert size
    shows = [upper_bound(-int(-rate * n // 1), n, rows) <= share * rows for n in (size - 1, size)]
    assert shows == [False, True]


def test_no_sample_shows_less_than_there_is() -> None:
    assert sample_size(10_000, 0.002, 0.003) is None
    assert sample_size(1_000, 0.0001, 0.0) == 950  # misses the one wrong row in 1 of 20


def a_row(path: str, status: str, score: float | None, label: str) -> TableRow:
    return TableRow(path, label, None, status, "", score)


def table(rows: int = 100) -> Table:
    return table_of(a_row(f"{i}.png", "ok", 1 - i / 1000, str(i % 10)) for i in range(rows))


def test_a_table_is_its_ok_rows() -> None:
    heads = [
        ("a", "ok", 0.9),
        ("b", "review", 0.2),
        ("c", "reviewed", 0.1),
        ("d", "ok", None),
        ("e", "blank", None),
    ]
    made = table_of(a_row(path, status, score, "1") for path, status, score in heads)
    assert made.rows == [OkRow("a", "1", 100_000), OkRow("d", "1", 0)]
    assert made.counts.statuses == {"ok": 2, "review": 1, "reviewed": 1, "blank": 1}
    with pytest.raises(BatchdigitsError, match="no ok rows"):
        table_of([a_row("a", "review", 0.9, "1")])


@pytest.mark.parametrize("order", [1, -1])
def test_a_table_with_a_number_is_one_of_numbers_wherever_it_is(order: int) -> None:
    rows = [a_row("a", "ok", 0.9, "1946")._replace(is_number=True), a_row("b", "ok", 0.9, "1")]
    assert table_of(rows[::order]).are_numbers


def test_what_is_keyed_otherwise_than_labelled_is_wrong() -> None:
    made = table()
    rows = [made.rows[row] for row in draw(len(made.rows), 60, 3)]
    truths = [(row.path, "x" if row.path == rows[5].path else row.label) for row in rows]
    audit = judge(made, 3, truths)
    assert (audit.size, audit.wrong) == (60, [(rows[5].path, rows[5].label, "x")])
    assert audit.as_is.estimate == pytest.approx(100 / 60)
    assert audit.as_is.expected == pytest.approx(4.95)
    rank = 1 + sorted(range(100), reverse=True).index(int(rows[5].path.removesuffix(".png")))
    assert audit.as_is.bound == upper_bound(1, 60, 100, rank)
    assert audit.size_to_show(0.001) is None


def test_the_size_that_would_show_a_share_counts_on_the_sample_and_without_wrong_rows_on_the_scores() -> None:
    made = table_of(a_row(f"{i}.png", "ok", 0.9, "1") for i in range(1_000))  # one of ten is wrong by the scores
    drawn = [made.rows[row] for row in draw(len(made.rows), 200, 3)]
    for wrong, expected in ((0, None), (1, sample_size(1_000, 0.02, 1 / 200))):
        audit = judge(made, 3, [(row.path, "x" if place < wrong else "1") for place, row in enumerate(drawn)])
        assert audit.size_to_show(0.02) == expected
    assert expected


def test_reviewing_the_least_sure_rows_takes_their_errors_out() -> None:
    made = table()
    sample = [made.rows[row] for row in draw(len(made.rows), 60, 3)]
    least_sure = max(sample, key=lambda row: row.risk)
    audit = judge(made, 3, [(row.path, "x" if row is least_sure else row.label) for row in sample])
    after = audit.outlooks[-1]
    assert [outlook.reviewed for outlook in audit.outlooks] == [0, 1, 2, 5, 10]
    assert (audit.as_is.found, after.found) == (1, 0)
    assert [outlook.bound for outlook in audit.outlooks] == sorted((o.bound for o in audit.outlooks), reverse=True)
    assert after.bound == upper_bound(0, 60, 100) < audit.as_is.bound
    assert after.expected == pytest.approx(sum(range(90)) / 1000)


def test_no_more_rows_are_wrong_by_the_sample_than_can_be() -> None:
    made = table()
    audit = judge(made, 2, [(made.rows[row].path, "x") for row in draw(100, 60, 2)])  # without the least sure row
    assert [outlook.bound for outlook in audit.outlooks] == [100 - n for n in (0, 1, 2, 5, 10)]
    assert all(outlook.estimate <= outlook.bound for outlook in audit.outlooks)


def test_a_row_twice_in_the_table_is_judged_twice() -> None:
    made = table_of([a_row("a", "ok", 0.9, "1"), a_row("a", "ok", 0.9, "2")])
    assert len(judge(made, 1, [("a", "1"), ("a", "1")]).wrong) == 1
    assert judge(made, 1, [("a", "1"), ("a", "2")]).wrong == []


def test_a_sample_that_is_not_whole_or_not_keyed_is_refused() -> None:
    made = table()
    keyed = [(made.rows[row].path, made.rows[row].label) for row in draw(len(made.rows), 20, 1)]
    assert judge(made, 1, keyed).wrong == []
    for spoilt, seed in ((keyed[1:], 1), ([*keyed, keyed[0]], 1), (keyed, 2), ([], 1)):
        with pytest.raises(BatchdigitsError, match="are not the sample that the seed"):
            judge(made, seed, spoilt)
    with pytest.raises(BatchdigitsError, match="1 row of the sample without a truth; key all 20"):
        judge(made, 1, [(keyed[0][0], ""), *keyed[1:]])
