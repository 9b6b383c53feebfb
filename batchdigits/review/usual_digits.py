"""How many digits the numbers of a field have, by which one that is typed with more or fewer is asked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from batchdigits.inference.decide import Status
from batchdigits.output.row_counts import REVIEWED
from batchdigits.output.table import TableRow

MIN_VALUES = 5  # of a field, that have as many digits


def usual_digits(rows: Iterable[TableRow]) -> dict[str, int]:
    """How many digits all numbers of a field have that are `ok` or reviewed; other fields are left out."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row.is_number and row.label and row.status in (Status.OK, REVIEWED):
            found[row.field].append(sum(map(str.isdigit, row.label)))
    return {name: counts[0] for name, counts in found.items() if len(counts) >= MIN_VALUES and len({*counts}) == 1}
