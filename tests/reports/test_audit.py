from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.threshold import clopper_pearson_upper_bound
from batchdigits.output.table import TableRow
from batchdigits.reports.audit import OkRow, Table, draw, judge, sample_size, table_of, upper_bound

TABLES = 1_000


def simulated(seed: int, rows: int = 500) -> tuple[list[OkRow], list[bool]]:
    """Rows, and which are wrong: mostly the less sure ones, in some classes more than in others."""
    random = Random(seed)
    factor = random.choice([0.0, 0.3, 1.0, 3.0])
    made = [OkRow(str(i), str(random.randrange(10)), int(250_000 * random.random() ** 8)) for i in range(rows)]
    return made, [random.random() < factor * row.risk / 1e6 * int(row.label) / 4.5 for row in made]


def test_numbers_are_stratified_by_length_and_score() -> None:
    risks = Random(3).sample(range(80), 80)
    rows = [OkRow(str(i), f"{i:0{3 + i % 2}}", risk, 3 + i % 2) for i, risk in enumerate(risks)]
    drawn = set(draw(rows, 40, 1))
    for length in (3, 4):
        by_risk = sorted((i for i in range(80) if rows[i].length == length), key=lambda i: rows[i].risk)
        assert all(len(drawn & set(by_risk[i : i + 2])) == 1 for i in range(0, 40, 2))  # one of two that are alike


def test_the_bound_holds_in_95_of_100_tables_and_is_not_wider_than_that_of_a_simple_sample() -> None:
    size, held, stratified, simple, found = 150, 0, 0.0, 0.0, [0, 0]
    for seed in range(TABLES):
        rows, wrong = simulated(seed)
        in_strata = sum(wrong[row] for row in draw(rows, size, seed))
        at_random = sum(Random(seed).sample(wrong, size))
        bound = upper_bound(in_strata, size, len(rows))
        held += bound >= sum(wrong)
        stratified += bound / len(rows)
        simple += clopper_pearson_upper_bound(at_random, size)
        found = [found[0] + in_strata, found[1] + at_random]
    assert held >= 0.95 * TABLES
    assert held < TABLES  # or it would hold for another reason
    assert stratified <= simple
    assert found[0] > 0.8 * found[1]  # the same share of the wrong rows is found


@pytest.mark.parametrize("wrong_rows", [range(5), range(0, 200, 40), range(195, 200)])
def test_the_bound_holds_for_any_table_wherever_its_wrong_rows_are(wrong_rows: range) -> None:
    """With 5 wrong rows of 200, a sample of 95 misses all with a probability just under 0.05 if drawn simply."""
    rows = [OkRow(str(i), str(i // 20), i * 1_000) for i in range(200)]
    wrong = set(wrong_rows)
    held = sum(upper_bound(len(wrong.intersection(draw(rows, 95, seed))), 95, 200) >= 5 for seed in range(2_000))
    assert held >= 0.95 * 2_000


@given(st.integers(1, 400), st.data())
@settings(max_examples=60)
def test_the_bound_is_never_over_that_of_clopper_and_pearson(rows: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, rows))
    wrong = data.draw(st.integers(0, size))
    bound = upper_bound(wrong, size, rows)
    assert wrong <= bound <= rows - (size - wrong)
    # Hoeffding's inequality is used only from a mean of one more wrong row on.
    assert bound <= max(clopper_pearson_upper_bound(wrong, size) * rows, (wrong + 1) * rows / size) + 1e-3


def test_a_bound_from_all_rows_is_what_was_found() -> None:
    assert [upper_bound(wrong, 80, 80) for wrong in (0, 1, 80)] == [0, 1, 80]


def test_a_bound_of_a_large_table_is_that_of_clopper_and_pearson() -> None:
    assert upper_bound(2, 500, 10**7) / 10**7 == pytest.approx(clopper_pearson_upper_bound(2, 500), rel=1e-3)


def test_every_row_is_drawn_equally_often_and_no_row_twice() -> None:
    rows = [OkRow(str(i), str(i % 3), i) for i in range(11)]
    samples = [draw(rows, 4, seed) for seed in range(4_000)]
    assert all(len(set(sample)) == 4 for sample in samples)
    often = Counter(row for sample in samples for row in sample)
    assert all(abs(often[row] / 4_000 - 4 / 11) < 0.035 for row in range(11))
    assert sorted(draw(rows, 11, 1)) == list(range(11))
    assert draw(rows, 4, 1) == samples[1]


def test_a_sample_has_as_much_of_each_class_and_score_as_the_table() -> None:
    rows = [OkRow(str(i), "7" if i < 300 else "1", i % 300) for i in range(900)]
    for seed in range(50):
        drawn = draw(rows, 90, seed)
        assert abs(sum(row < 300 for row in drawn) - 30) <= 1
        assert abs(sum(rows[row].label == "7" and rows[row].risk < 100 for row in drawn) - 10) <= 1


def test_a_sample_larger_than_the_table_is_refused() -> None:
    with pytest.raises(BatchdigitsError, match="a sample of 3 rows is more than the 2 ok rows"):
        draw([OkRow("a", "1", 0), OkRow("b", "1", 0)], 3, 1)


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
    assert sample_size(1_000, 0.0001, 0.0) == 1_000


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


def test_what_is_keyed_otherwise_than_labelled_is_wrong() -> None:
    made = table()
    rows = [made.rows[row] for row in draw(made.rows, 60, 3)]
    truths = [(row.path, "x" if row.path == rows[5].path else row.label) for row in rows]
    audit = judge(made, 3, truths)
    assert (audit.size, audit.wrong) == (60, [(rows[5].path, rows[5].label, "x")])
    assert audit.as_is.estimate == pytest.approx(100 / 60)
    assert audit.as_is.expected == pytest.approx(4.95)
    assert audit.as_is.bound == upper_bound(1, 60, 100)
    assert audit.size_to_show(0.001) is None


def test_the_size_that_would_show_a_share_counts_on_the_sample_and_without_wrong_rows_on_the_scores() -> None:
    made = table_of(a_row(f"{i}.png", "ok", 0.9, "1") for i in range(1_000))  # one of ten is wrong by the scores
    drawn = [made.rows[row] for row in draw(made.rows, 200, 3)]
    for wrong, expected in ((0, None), (1, sample_size(1_000, 0.02, 1 / 200))):
        audit = judge(made, 3, [(row.path, "x" if place < wrong else "1") for place, row in enumerate(drawn)])
        assert audit.size_to_show(0.02) == expected
    assert expected


def test_reviewing_the_least_sure_rows_takes_their_errors_out() -> None:
    made = table()
    sample = [made.rows[row] for row in draw(made.rows, 60, 3)]
    least_sure = max(sample, key=lambda row: row.risk)
    audit = judge(made, 3, [(row.path, "x" if row is least_sure else row.label) for row in sample])
    after = audit.outlooks[-1]
    assert [outlook.reviewed for outlook in audit.outlooks] == [0, 1, 2, 5, 10]
    assert (audit.as_is.found, after.found) == (1, 0)
    assert after.bound == upper_bound(0, 60, 100) < audit.as_is.bound
    assert after.expected == pytest.approx(sum(range(90)) / 1000)


def test_a_row_twice_in_the_table_is_judged_twice() -> None:
    made = table_of([a_row("a", "ok", 0.9, "1"), a_row("a", "ok", 0.9, "2")])
    assert len(judge(made, 1, [("a", "1"), ("a", "1")]).wrong) == 1
    assert judge(made, 1, [("a", "1"), ("a", "2")]).wrong == []


def test_a_sample_that_is_not_whole_or_not_keyed_is_refused() -> None:
    made = table()
    keyed = [(made.rows[row].path, made.rows[row].label) for row in draw(made.rows, 20, 1)]
    assert judge(made, 1, keyed).wrong == []
    for spoilt, seed in ((keyed[1:], 1), ([*keyed, keyed[0]], 1), (keyed, 2), ([], 1)):
        with pytest.raises(BatchdigitsError, match="are not the sample that the seed"):
            judge(made, seed, spoilt)
    with pytest.raises(BatchdigitsError, match="1 row of the sample without a truth; key all 20"):
        judge(made, 1, [(keyed[0][0], ""), *keyed[1:]])


def test_the_binomial_bound_is_not_used_where_its_inequality_is_not_proven() -> None:
    """If each of 4 wrong rows is in another stratum, one is missed with a probability up to 4 * 0.0127, over 0.05."""
    assert upper_bound(3, 9_873, 10_000) == 4
