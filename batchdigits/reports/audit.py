"""How many `ok` rows of a table are wrong, by the scores and by a random sample that a person has keyed.

The sample is stratified by class, or length of a number, and score: the rows are sorted by both, and drawn so that
every row has the same
probability f = size / rows, and about one row comes from each stretch of 1 / f rows (ordered pivotal sampling, Deville
and Tillé 1998, Biometrika 85). The allocation is proportional, since the bound has to hold wherever the wrong rows are:
with few of them, it is the thinnest stratum that decides, so none may be thinner than the others.

Why the bound is exact: the sample is strongly Rayleigh, since each step of the drawing keeps that property (Borcea,
Brändén and Liggett 2009, J. AMS 22: it is kept by products, by substituting a mean of two variables for one, and by
exchanging two variables with a given probability). So the number of rows that it shares with any K rows is distributed
as a sum of min(K, size) independent Bernoulli variables, and its mean is fK. By Hoeffding (1956, Ann. Math. Statist.
27), at least up to fK - 1, such a sum is no more likely to be small than a binomial variable with the same number of
trials and the same mean. The bound inverts that binomial test, as Clopper and Pearson (1934) do.

For the same number of wrong rows found, it is at most that of Clopper and Pearson for a simple random sample. The
hypergeometric bound of a simple sample is a little lower where wrong rows are frequent; it is not proven for strata.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import NamedTuple

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.decide import Status
from batchdigits.inference.threshold import CONFIDENCE_LEVEL, binomial_cdf
from batchdigits.output.row_counts import MILLION, REVIEWED, RowCounts, risk_of
from batchdigits.output.table import TableRow
from batchdigits.text import counted

REVIEWED_PERCENTS = (1, 2, 5, 10)  # of the `ok` rows, the least sure ones, that a person might look at


class OkRow(NamedTuple):
    """An `ok` row.

    Attributes:
        path: its source.
        label: its label.
        risk: one minus its score, in millionths; 0 for a row without one.
        length: of a number, how many characters it has; 0 for a class.
    """

    path: str
    label: str
    risk: int
    length: int = 0

    @property
    def group(self) -> tuple[int, str]:
        """What a sample is stratified by besides the score: the class, or the length of a number."""
        return self.length, "" if self.length else self.label


@dataclass(frozen=True)
class Table:
    """A table of predictions.

    Attributes:
        rows: its `ok` rows, in its order. Those that a person has changed have another status.
        counts: its rows by status.
        are_numbers: whether its labels are values of fields.
    """

    rows: list[OkRow]
    counts: RowCounts
    are_numbers: bool = False

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
    found, counts, are_numbers = [], RowCounts(), False
    for row in rows:
        counts.add(row.status, row.score)
        are_numbers = row.is_number
        if row.status == Status.OK:
            found.append(OkRow(row.path, row.label, risk_of(row.score), len(row.label) if row.is_number else 0))
    if not found:
        raise BatchdigitsError("the table has no ok rows to audit")
    return Table(found, counts, are_numbers)


def draw(rows: Sequence[OkRow], size: int, seed: int) -> list[int]:
    """A random sample, stratified as said above: the positions of `size` rows, those of stratum 0 first.

    Ordered pivotal sampling: going through the rows in that order, two rows are in play at a time. Either
    one of them takes the probability of both, or, where that is 1 or more, one of them is drawn and the rest is left to
    the other. All probabilities are counted in parts of the number of rows, so the size comes out exactly.

    Raises:
        BatchdigitsError: there are fewer rows than that.
    """
    total = len(rows)
    if size > total:
        raise BatchdigitsError(f"a sample of {size:,} rows is more than the {total:,} ok rows of the table")
    random = Random(seed)
    drawn: list[int] = []
    held, weight = -1, 0
    for row in _by_group_and_score(rows):
        both = weight + size
        if both < total:
            held = row if random.random() * both >= weight else held
            weight = both
        else:
            weight = both - total
            first, held = (held, row) if random.random() * (total - weight) < total - size else (row, held)
            drawn.append(first)
    return drawn


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
    sample = sorted(draw(table.rows, len(truths), seed)) if truths else []
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
        if truth != label:
            wrong[row] = WrongRow(path, label, truth)
    return Audit(table, len(sample), list(wrong.values()), _outlooks(table, sample, list(wrong)))


def upper_bound(wrong: int, size: int, rows: int, possible: int | None = None) -> int:
    """The largest number of wrong rows that a sample does not speak against, at CONFIDENCE_LEVEL; see above.

    It holds for the whole table, and for any part of it that does not depend on the sample. Unless only one row of the
    sample is right, it is at most the bound of Clopper and Pearson for a simple random sample with as many wrong rows.

    Args:
        wrong: wrong rows of the sample, in the table or the part.
        size: the number of rows in the sample, from the whole table, at least 1.
        rows: the number of `ok` rows in the whole table.
        possible: how many rows of the part can be wrong: all but those that were keyed and are right. None for the
            whole table.
    """
    low, high = wrong, rows - (size - wrong) if possible is None else possible
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (low, middle - 1) if _is_refuted(middle, wrong, size, rows) else (middle, high)
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


def _is_refuted(guess: int, wrong: int, size: int, rows: int) -> bool:
    """Whether a table with `guess` wrong rows would hardly give a sample with so few, at CONFIDENCE_LEVEL."""
    if wrong * rows > size * guess - rows:  # Hoeffding's inequality holds up to the mean minus 1
        return False
    if size == rows:
        return True
    trials = min(guess, size)
    return binomial_cdf(wrong, trials, size * guess / rows / trials) <= 1 - CONFIDENCE_LEVEL


def _by_group_and_score(rows: Sequence[OkRow]) -> list[int]:
    """The positions of rows by group, and in it by score, turned round in every other group: neighbours are alike."""
    turns = {group: 1 - 2 * (number % 2) for number, group in enumerate(sorted({row.group for row in rows}))}
    return sorted(range(len(rows)), key=lambda i: (rows[i].group, turns[rows[i].group] * rows[i].risk, i))


def _outlooks(table: Table, sample: Sequence[int], wrong: Sequence[int]) -> list[Outlook]:
    rows = table.rows
    least_sure = sorted(range(len(rows)), key=lambda i: (-rows[i].risk, i))
    outlooks = []
    for reviewed in dict.fromkeys([0, *(ceil(len(rows) * percent / 100) for percent in REVIEWED_PERCENTS)]):
        others = set(least_sure[reviewed:])
        found = sum(row in others for row in wrong)
        keyed = sum(row in others for row in sample)
        bound = upper_bound(found, len(sample), len(rows), len(others) - (keyed - found))
        expected = sum(rows[row].risk for row in others) / MILLION
        outlooks.append(Outlook(reviewed, expected, found, found * len(rows) / len(sample), bound))
    return outlooks
