"""How many rows have which status, and how many `ok` rows may be wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from batchdigits.fields.left_out import LEFT_OUT
from batchdigits.inference.decide import Prediction, Status

if TYPE_CHECKING:
    from batchdigits.output.reader_protocol import Reader, RowHead

REVIEWED = "reviewed"  # the status of a row that a person has answered, in a table that `review --apply` made
OTHER = "other"  # in place of a status that a person made up
MILLION = 1_000_000

_STATUSES = frozenset([*Status, REVIEWED])


@dataclass
class RowCounts:
    """Counts of rows, which are the same whoever counts them, in whatever order.

    Attributes:
        statuses: the number of rows of each status, REVIEWED too, and of those with another status as OTHER.
        risk: the sum of one minus score over the `ok` rows, in millionths, as scores have six decimals.
        left_out: the number of `ok` rows whose details say that some mark is left out, which an option tells of.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    risk: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.statuses.total()

    @property
    def expected_errors(self) -> float:
        """How many labels of `ok` rows are wrong on average, if the scores are right."""
        return self.risk / MILLION

    def add(self, status: str, score: object, detail: str = "") -> None:
        """Count a row, as a run or a person has written it."""
        self.statuses[status if status in _STATUSES else OTHER] += 1
        if status == Status.OK:
            self.risk += risk_of(score)
            self.left_out.update(_left_out(detail))

    def update(self, other: RowCounts) -> None:
        """Add other rows."""
        self.statuses.update(other.statuses)
        self.risk += other.risk
        self.left_out.update(other.left_out)


def count_predictions(predictions: Sequence[Prediction]) -> RowCounts:
    """The counts of a run's own rows."""
    statuses: Counter[str] = Counter([prediction.status for prediction in predictions])
    rows = [(score, detail) for _, _, _, status, detail, _, score, _, _ in predictions if status is Status.OK]
    left_out = Counter(mark for _, detail in rows for mark in _left_out(detail))
    return RowCounts(statuses, sum(risk_of(score) for score, _ in rows), left_out)


def count_rows(output: Path, reader: Reader) -> RowCounts:
    """The counts of a finished output, which a person may have edited.

    Raises:
        BatchdigitsError: see `Reader`.
    """
    reader = reader.for_file(output)
    rows = reader.pieces(output)
    next(rows)  # the header
    return count_heads(map(reader.head, rows))


def count_heads(heads: Iterable[RowHead]) -> RowCounts:
    """The counts of rows that a person may have edited. A line without path and status is no row."""
    counts = RowCounts()
    for head in heads:
        if head.path or head.status:
            counts.add(head.status, head.score, head.detail)
    return counts


def count_lines(lines: Iterable[bytes], reader: Reader, counts: RowCounts) -> Iterator[bytes]:
    """Yield the same lines, and add them to the counts as rows: for a format that cannot be read again."""
    for line in lines:
        head = reader.head(line)
        counts.add(head.status, head.score, head.detail)
        yield line


def _left_out(detail: str) -> list[str]:
    """The marks that are left out, by the detail of a row."""
    return [mark for mark, words in LEFT_OUT.items() if words in detail] if detail else []


def risk_of(score: object) -> int:
    """One minus a score, in millionths; 0 for what is no score, as there a person has decided.

    A spreadsheet may have made a comma of its point.
    """
    try:
        share = float(score.replace(",", ".") if isinstance(score, str) else score)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0
    return round(MILLION * (1 - share)) if 0 <= share <= 1 else 0
