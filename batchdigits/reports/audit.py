"""How many `ok` rows of a table are wrong, by the scores and by a random sample that a person has keyed.

The sample is simple: any `size` of the rows are as likely as any others. It is stratified by score after the draw: the
bound looks at how many wrong rows were found, and at how sure the surest of them is. The rows are numbered by score,
the least sure one is 1; the number of the surest wrong row of the sample is its rank.

Why the bound is exact, wherever the wrong rows are: let K of the N rows be wrong. Samples are ordered by how many wrong
rows they have, and those with as many by their rank. A sample of n rows with x wrong ones and a rank of at most r is x
of the wrong rows among the first r, of which there are at most min(K, r), and n - x of the N - K right ones. So the
probability of drawing it or an earlier one is at most

    (sum over k < x of C(K, k) C(N - K, n - k) + C(min(K, r), x) C(N - K, n - x)) / C(N, n)

which falls as K grows. The bound is the largest K for which it is over 0.05. If the K least sure rows are the wrong
ones, the probability is this very one, so for this order no lower bound is exact.

With r = N it is the hypergeometric bound of a simple sample (Wright 1991, Lecture Notes in Statistics 66). So it is at
most that for every sample, and lower if the wrong rows that were found are among the K least sure ones.

Why the draw itself is not stratified: averaged over all places where K wrong rows can be, the probability to find x of
them is the hypergeometric one, whatever the design. If strata lower it in one place, they raise it in another, and a
bound by the number found that holds in both is wider, or at best the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, exp, inf, lgamma
from random import Random
from typing import NamedTuple

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.decide import Status
from batchdigits.inference.threshold import CONFIDENCE_LEVEL
from batchdigits.output.row_counts import MILLION, REVIEWED, RowCounts, risk_of
from batchdigits.output.table import TableRow
from batchdigits.reports.number_notation import NumberNotations
from batchdigits.reports.truths import plain_digit
from batchdigits.text import counted

ROUNDING = 1e-9  # of a probability from logarithms, as a share of it: some are 0.05 exactly, as 6 of 120
REVIEWED_PERCENTS = (1, 2, 5, 10)  # of the `ok` rows, the least sure ones, that a person might look at


class OkRow(NamedTuple):
    """An `ok` row.

    Attributes:
        path: its source.
        label: its label.
        risk: one minus its score, in millionths; 0 for a row without one.
        field: the name of a field of a form; empty for others.
    """

    path: str
    label: str
    risk: int
    field: str = ""


@dataclass(frozen=True)
class Table:
    """A table of predictions.

    Attributes:
        rows: its `ok` rows, in its order. Those that a person has changed have another status.
        counts: its rows by status.
        are_numbers: whether its labels are values of fields.
        notations: those of its numbers.
    """

    rows: list[OkRow]
    counts: RowCounts
    are_numbers: bool = False
    notations: NumberNotations = field(default_factory=NumberNotations)

    @property
    def expected_errors(self) -> float:
        """How many `ok` rows are wrong on average, if the scores are right."""
        return self.counts.expected_errors

    @property
    def answer(self) -> str:
        """What a row says of its image."""
        return "value" if self.are_numbers else "label"

    @property
    def reviewed(self) -> int:
        """How many rows a person has answered; they count as right."""
        return self.counts.statuses[REVIEWED]

    @property
    def finished(self) -> int:
        """How many rows are done: `ok`, or reviewed."""
        return len(self.rows) + self.reviewed


class WrongRow(NamedTuple):
    """A row whose keyed truth is not its label."""

    path: str
    label: str
    truth: str


class Outlook(NamedTuple):
    """What is wrong among the `ok` rows once the least sure of them are reviewed, and so are right.

    Attributes:
        reviewed: the number of rows that are reviewed.
        expected: wrong rows among the others by the scores.
        found: wrong rows of the sample among the others.
        estimate: wrong rows among the others, from the sample.
        bound: the number of wrong rows among the others is at most this one at CONFIDENCE_LEVEL.
    """

    reviewed: int
    expected: float
    found: int
    estimate: float
    bound: int


@dataclass(frozen=True)
class Audit:
    """What a keyed sample says about a table.

    Attributes:
        table: the table.
        size: the number of rows in the sample.
        wrong: the rows of the sample that are wrong, in the table's order.
        outlooks: as the table is, and after reviewing each of REVIEWED_PERCENTS.
    """

    table: Table
    size: int
    wrong: list[WrongRow]
    outlooks: list[Outlook]

    @property
    def as_is(self) -> Outlook:
        """The table as it is."""
        return self.outlooks[0]

    @property
    def bound_when_corrected(self) -> int:
        """The bound of `as_is` once the wrong rows of the sample are put right, as these are among those it counts."""
        return self.as_is.bound - len(self.wrong)

    def size_to_show(self, share: float) -> int | None:
        """The size of a sample that shows that at most `share` (0-1) of the `ok` rows are wrong.

        It counts on wrong rows being as frequent as in this sample, or, if it has none, as the scores say. None if they
        are too frequent then.
        """
        rows = len(self.table.rows)
        return sample_size(rows, share, len(self.wrong) / self.size or self.table.expected_errors / rows)


def table_of(rows: Iterable[TableRow]) -> Table:
    """The table of some rows.

    Raises:
        BatchdigitsError: none of them is `ok`.
    """
    found, counts, are_numbers, notations = [], RowCounts(), False, NumberNotations()
    for row in rows:
        counts.add(row.status, row.score)
        are_numbers |= row.is_number
        notations.add(row)
        if row.status == Status.OK:
            found.append(OkRow(row.path, row.label, risk_of(row.score), row.field))
    if not found:
        raise BatchdigitsError("the table has no ok rows to audit")
    return Table(found, counts, are_numbers, notations)


def draw(rows: int, size: int, seed: int) -> list[int]:
    """A simple random sample: the positions of `size` of so many rows. With the same seed, a larger one contains it.

    Raises:
        BatchdigitsError: there are fewer rows than that.
    """
    if size > rows:
        raise BatchdigitsError(f"a sample of {size:,} rows is more than the {rows:,} ok rows of the table")
    random = Random(seed)  # of which only `random` gives the same numbers in every version of Python
    return sorted(range(rows), key=lambda _: random.random())[:size]


def judge(table: Table, seed: int, truths: Sequence[tuple[str, str]]) -> Audit:
    """What a keyed sample says.

    Args:
        table: the table that it was drawn from.
        seed: the seed that it was drawn with.
        truths: each row's path and what a person has keyed, in any order. What is not the row's label is wrong.

    Raises:
        BatchdigitsError: these are not the rows that the seed draws from the table, or some are not keyed yet.
    """
    keyed = defaultdict(list)
    for path, truth in truths:
        keyed[path].append(truth)
    sample = sorted(draw(len(table.rows), len(truths), seed)) if truths else []
    if not sample or Counter(table.rows[row].path for row in sample) != Counter(path for path, _ in truths):
        raise BatchdigitsError(
            f"these {len(truths):,} rows are not the sample that the seed {seed} draws from this table: give the seed "
            "that it was drawn with, all of its rows, and the table as it was"
        )
    open_rows = sum(not truth for _, truth in truths)
    if open_rows:
        raise BatchdigitsError(f"{counted(open_rows, 'row')} of the sample without a truth; key all {len(truths):,}")
    wrong = {}
    for row in sample:
        path, label = table.rows[row][:2]
        truth = keyed[path].pop(0)
        if truth != label and not table.are_numbers:
            truth = plain_digit(truth)
        if truth != label:
            wrong[row] = WrongRow(path, label, truth)
    return Audit(table, len(sample), list(wrong.values()), _outlooks(table, sample, list(wrong)))


def upper_bound(wrong: int, size: int, rows: int, rank: int | None = None, possible: int | None = None) -> int:
    """The largest number of wrong rows that a sample does not speak against, at CONFIDENCE_LEVEL; see above.

    It holds for the whole table, and for any part of it that does not depend on the sample.

    Args:
        wrong: wrong rows of the sample, in the table or the part.
        size: the number of rows in the sample, from the whole table, at least 1.
        rows: the number of `ok` rows in the whole table.
        rank: of the surest of the `wrong` rows in the table or the part, whose least sure row has 1. None for the bound
            of a sample without scores.
        possible: how many rows of the part can be wrong: all but those that were keyed and are right. None for the
            whole table.
    """
    low, high = wrong, rows - (size - wrong) if possible is None else possible
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (low, middle - 1) if _is_refuted(middle, wrong, size, rows, rank) else (middle, high)
    return low


def sample_size(rows: int, share: float, error_rate: float) -> int | None:
    """The smallest sample that shows that at most `share` of the rows are wrong, if it has as many as expected.

    Args:
        rows: the number of `ok` rows.
        share: the accepted share of wrong rows, 0-1.
        error_rate: the expected share of wrong rows, 0-1. Their number in a sample is rounded up.

    Returns:
        The size; None if not even all rows would show it.
    """
    limit = int(share * rows + 1e-9)
    wrong = 0
    while True:
        # The sizes in which as many wrong rows are expected; in them, a larger sample shows more.
        low = int((wrong - 1) / error_rate) + 1 if wrong else 1
        high = min(rows, int(wrong / error_rate)) if error_rate else rows
        if wrong > limit or low > rows:
            return None
        if low <= high and _shows(limit, wrong, high, rows):
            while low < high:
                middle = (low + high) // 2
                low, high = (low, middle) if _shows(limit, wrong, middle, rows) else (middle + 1, high)
            return high
        wrong += 1


def _shows(limit: int, wrong: int, size: int, rows: int) -> bool:
    """Whether a sample with as many wrong rows has a bound of at most `limit`."""
    return limit >= rows - (size - wrong) or _is_refuted(limit + 1, wrong, size, rows)


def _is_refuted(guess: int, wrong: int, size: int, rows: int, rank: int | None = None) -> bool:
    """Whether `guess` wrong rows would hardly give such a sample or an earlier one, at CONFIDENCE_LEVEL."""

    def probability(found: int, places: int) -> float:
        """Of a sample with `found` wrong rows, all among so many of those that are wrong."""
        log_ways = _log_choose(places, found) + _log_choose(rows - guess, size - found)
        return exp(log_ways - _log_choose(rows, size))

    last = probability(wrong, guess if rank is None else min(guess, rank))
    return last + sum(probability(found, guess) for found in range(wrong)) <= (1 - CONFIDENCE_LEVEL) * (1 + ROUNDING)


def _log_choose(rows: int, drawn: int) -> float:
    """The logarithm of the number of ways to draw so many rows."""
    return lgamma(rows + 1) - lgamma(drawn + 1) - lgamma(rows - drawn + 1) if drawn <= rows else -inf


def _outlooks(table: Table, sample: Sequence[int], wrong: Sequence[int]) -> list[Outlook]:
    rows = table.rows
    least_sure = sorted(range(len(rows)), key=lambda i: (-rows[i].risk, i))
    outlooks = []
    for reviewed in dict.fromkeys([0, *(ceil(len(rows) * percent / 100) for percent in REVIEWED_PERCENTS)]):
        ranks = {row: rank for rank, row in enumerate(least_sure[reviewed:], 1)}
        found = [ranks[row] for row in wrong if row in ranks]
        right = sum(row in ranks for row in sample) - len(found)
        possible = len(ranks) - right
        bound = upper_bound(len(found), len(sample), len(rows), max(found, default=0), possible)
        expected = sum(rows[row].risk for row in ranks) / MILLION
        estimate = min(len(found) * len(rows) / len(sample), possible)
        outlooks.append(Outlook(reviewed, expected, len(found), estimate, bound))
    return outlooks
