"""How many values of a table that `read` wrote are right, by a list of the true ones."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from batchdigits.errors import DataError
from batchdigits.inference.decide import Status
from batchdigits.output.table import TableRow
from batchdigits.reports.table import table
from batchdigits.text import printable

FILE_COLUMNS, TRUTH_COLUMNS = ("file", "path"), ("truth", "value")  # of the list, the first that it has
HEADER = ("", "fields", "exact", "digits", "too many", "too few", "wrong", "none", "ok", "exact among ok", "missing")


@dataclass
class ValueEvaluation:
    """The values of a table, compared with the true ones. Separators and signs do not count.

    Attributes:
        path: the table.
        fields: true values, also of fields that have no row.
        exact: values that are right.
        true_digits: digits of all true values.
        edits: digits to change, add or remove until all values are right.
        kinds: the number of values that are not right, by kind: `too many` digits, `too few`, as many but a `wrong`
            one, `none`.
        ok: rows with the status `ok`.
        exact_ok: those of them that are right.
        missing: fields without a row.
    """

    path: str
    fields: int = 0
    exact: int = 0
    true_digits: int = 0
    edits: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    ok: int = 0
    exact_ok: int = 0
    missing: int = 0

    def add(self, truth: str, row: TableRow | None) -> None:
        """Count a field."""
        true, value = _digits(truth), _digits(row.label if row else "")
        is_exact, is_ok = value == true, row is not None and row.status == Status.OK
        self.fields += 1
        self.true_digits += len(true)
        self.edits += edit_distance(true, value)
        self.exact += is_exact
        self.ok += is_ok
        self.exact_ok += is_exact and is_ok
        self.missing += row is None
        if not is_exact:
            self.kinds[_kind(true, value)] += 1

    def as_json(self) -> dict[str, Any]:
        """All attributes, in types that JSON has."""
        return {**asdict(self), "kinds": dict(self.kinds)}


def read_truth(path: Path) -> dict[str, str]:
    """The true value of each field by its file; of fields of forms, `#` and the field's name are behind that.

    Args:
        path: a CSV file with a column `file` or `path`, one `truth` or `value`, and for fields of forms one `field`.

    Raises:
        DataError: it cannot be read, lacks a column, or has two values for one file.
    """
    try:
        lines = io.StringIO(path.read_bytes().decode("utf-8-sig", "surrogateescape"), newline="")
        rows = list(csv.DictReader(lines, strict=True))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except csv.Error as error:
        raise DataError(f"cannot read {path}: {error}") from None
    columns = rows[0].keys() if rows else ()
    names = [next((name for name in known if name in columns), None) for known in (FILE_COLUMNS, TRUTH_COLUMNS)]
    if None in names:
        raise DataError(f"{path}: no CSV file with the columns file and truth")
    file, truth = map(str, names)
    truths: dict[str, str] = {}
    for row in rows:
        name, value = "#".join(filter(None, [row[file], row.get("field")])), row[truth] or ""
        if truths.setdefault(name, value) != value:
            raise DataError(f"{path}: two values for {name}: {truths[name]} and {value}")
    return truths


def evaluate_values(path: str, rows: Iterable[TableRow], truths: dict[str, str]) -> ValueEvaluation:
    """Compare the rows of a table with the true values.

    A row belongs to the file of its whole path or, where the list does not have that, to the file of its last name.

    Raises:
        DataError: no row belongs to a file of the list, or two of different files do.
    """
    by_file: dict[str, TableRow] = {}
    for row in rows:
        name = row.path if row.path in truths else row.path.rpartition("/")[2]
        first = by_file.setdefault(name, row)
        if name in truths and first.path != row.path:
            both = f"{first.path} and {row.path}"
            raise DataError(f"{path}: {both} have the name {name} of the list; write whole paths there")
    evaluation = ValueEvaluation(path)
    for file, truth in truths.items():
        evaluation.add(truth, by_file.get(file))
    if evaluation.missing == len(truths):
        raise DataError(f"{path}: no row is about a file of the list")
    return evaluation


def as_table(evaluations: Sequence[ValueEvaluation]) -> str:
    """One line for each evaluation, and a line with the mean share of exact values of several."""
    rows = [HEADER, *map(_row, evaluations)]
    if len(evaluations) > 1:
        mean = sum(one.exact / max(1, one.fields) for one in evaluations) / len(evaluations)
        rows.append(("mean", "", f"{mean:.2%}", *[""] * 8))
    return table(rows)


def edit_distance(one: str, other: str) -> int:
    """How many characters to change, add or remove until two texts are the same (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def _row(one: ValueEvaluation) -> tuple[str, ...]:
    return (
        printable(one.path),
        f"{one.fields:,}",
        f"{one.exact / max(1, one.fields):.2%}",
        f"{1 - one.edits / max(1, one.true_digits):.2%}",
        *(f"{one.kinds[kind]:,}" for kind in HEADER[4:8]),
        f"{one.ok / max(1, one.fields):.1%}",
        f"{one.exact_ok / one.ok:.2%}" if one.ok else "-",
        f"{one.missing:,}",
    )


def _digits(text: str) -> str:
    """The digits of a value; a text without any as it is."""
    return re.sub("[^0-9]", "", text) or text


def _kind(true: str, value: str) -> str:
    if not value:
        return "none"
    if len(value) == len(true):
        return "wrong"
    return "too many" if len(value) > len(true) else "too few"
