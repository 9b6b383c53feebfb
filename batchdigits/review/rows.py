"""The rows of a table in the order in which a person reviews them, and those that fit a filter."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from batchdigits.files.natural_order import natural_key
from batchdigits.inference.card import DIGIT_NAMES
from batchdigits.inference.decide import Status
from batchdigits.output.table import TableRow
from batchdigits.reports.number_notation import NumberNotations
from batchdigits.review.usual_digits import usual_digits
from batchdigits.text import as_unicode


class Filter(NamedTuple):
    """Which rows are shown.

    Attributes:
        group: the rows of one predicted class, or empty for those without a label; None for all.
        status: the rows of one status; empty for all.
        text: the rows whose path holds this text; upper and lower case are the same.
        in_table_order: the order of the table, in place of the least likely of each class first.
        by_score: the least likely of all classes first.
    """

    group: str | None = None
    status: str = ""
    text: str = ""
    in_table_order: bool = False
    by_score: bool = False


class Rows:
    """The rows of a table.

    Attributes:
        rows: in the order of the table.
        are_numbers: whether their labels are values of fields. Then they have neither classes nor groups, and those for
            review come before the others.
        classes: the labels that a row can get: those of the table, with nothing but digits among them all ten, and
            those that a person has added.
        notations: those of their numbers.
        digits: how many digits these have, see `usual_digits`.
        groups: the positions of the rows of each predicted class, the least likely first; the last group, with an
            empty name, has those without a label.
    """

    def __init__(self, rows: Iterable[TableRow], added: Iterable[str] = ()) -> None:
        """Sort the rows; `added` are labels that none of them needs to have."""
        self.rows: list[TableRow] = []
        self._by_path: dict[str, list[int]] = {}
        by_label: defaultdict[str, list[int]] = defaultdict(list)
        for position, row in enumerate(rows):
            self.rows.append(row)
            self._by_path.setdefault(row.path, []).append(position)
            by_label[row.label].append(position)
        self.are_numbers = any(row.is_number for row in self.rows)
        self.notations = NumberNotations(self.rows)
        self.digits = usual_digits(self.rows)
        if self.are_numbers:
            by_label.clear()
        labels = sorted((label for label in by_label if label), key=natural_key)
        has_digits = set(labels) <= set(DIGIT_NAMES) and not self.are_numbers
        classes = {*(DIGIT_NAMES if has_digits else labels), *(() if self.are_numbers else added)}
        self.classes = tuple(sorted(classes, key=natural_key))
        self.groups = {label: sorted(by_label[label], key=self._score) for label in [*labels, ""] if by_label[label]}

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.rows)

    def positions(self, path: str) -> Sequence[int]:
        """The positions of the rows of an image; none if the table does not have it."""
        return self._by_path.get(path, ())

    def statuses(self) -> dict[str, int]:
        """The number of rows of each status, the most frequent first."""
        return dict(Counter(row.status for row in self.rows).most_common())

    def matching(self, wanted: Filter) -> Iterator[int]:
        """The positions of the rows that a filter lets through, in the order in which they are shown."""
        text = wanted.text.casefold()
        for position in self._ordered(wanted):
            row = self.rows[position]
            if wanted.status and row.status != wanted.status:
                continue
            if text and text not in as_unicode(row.path).casefold():
                continue
            yield position

    def neighbours(self, position: int, count: int) -> tuple[list[int], list[int]]:
        """The positions of up to `count` rows of the same folder before and behind a row in the table."""
        folder = _folder(self.rows[position])
        before = range(max(0, position - count), position)
        after = range(position + 1, min(len(self.rows), position + 1 + count))
        beside = [[near for near in part if _folder(self.rows[near]) == folder] for part in (before, after)]
        return beside[0], beside[1]

    def _ordered(self, wanted: Filter) -> Iterator[int]:
        if wanted.in_table_order:
            return (
                position
                for position in range(len(self.rows))
                if wanted.group is None or self.rows[position].label == wanted.group
            )
        if wanted.group is not None:
            return iter(self.groups.get(wanted.group, ()))
        if wanted.by_score or self.are_numbers:
            return iter(self._all_by_score)
        return (position for group in self.groups.values() for position in group)

    @cached_property
    def _all_by_score(self) -> list[int]:
        return sorted(range(len(self.rows)), key=self._doubt if self.are_numbers else self._score)

    def _doubt(self, position: int) -> tuple[bool, float]:
        """Sorts fields: those for review first, of these the ones in which no number was found, then by score."""
        row = self.rows[position]
        is_review = row.status == Status.REVIEW
        return not is_review, -1 if is_review and row.score is None else self._score(position)

    def _score(self, position: int) -> float:
        score = self.rows[position].score
        return math.inf if score is None else score


def _folder(row: TableRow) -> str:
    return row.source.rpartition("/")[0]
