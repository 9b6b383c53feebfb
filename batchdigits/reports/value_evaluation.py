"""How many values of a table that `read` wrote are right, by a list of the true ones."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from batchdigits.errors import DataError
from batchdigits.fields.values.roster import check_number
from batchdigits.inference.decide import Status
from batchdigits.output.table import TableRow
from batchdigits.reports.table import table
from batchdigits.reports.truths import is_no_label, without_apostrophe
from batchdigits.text import (
    SAVE_AS_UTF8,
    as_unicode,
    first_names,
    is_utf8,
    is_utf16,
    likeliest_delimiter,
    printable,
    without_sep_line,
)

FILE_COLUMNS, TRUTH_COLUMNS = ("file", "path"), ("truth", "value")  # of the list, the first that it has
DROPPED = "a spreadsheet drops them: format its column as text"
HEADER = ("", "fields", "exact", "digits", "too many", "too few", "wrong", "none", "ok", "exact among ok", "missing")


@dataclass
class ValueEvaluation:
    """The values of a table, compared with the true ones. Separators and signs do not count as errors.

    Attributes:
        path: the table.
        fields: true values, also of fields that have no row.
        exact: values whose digits are right.
        other_separators: those of them that have other separators than the true ones, or another sign.
        without_zeros: values that are not right, and differ from the true one only by zeros before or behind it,
            which a spreadsheet may have dropped.
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
    other_separators: int = 0
    without_zeros: int = 0
    true_digits: int = 0
    edits: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    ok: int = 0
    exact_ok: int = 0
    missing: int = 0

    def add(self, truth: str, row: TableRow | None) -> None:
        """Count a field; `x` and `blank`, as in other truths, say that there is no number, as an empty truth does."""
        label = row.label if row else ""
        if is_no_label(truth) and label != truth:
            truth = ""
        true, value = _digits(truth), _digits(label)
        is_exact, is_ok = value == true, row is not None and row.status == Status.OK
        self.fields += 1
        self.true_digits += len(true)
        self.edits += edit_distance(true, value)
        self.exact += is_exact
        self.other_separators += is_exact and _plain(truth) != _plain(label)
        self.ok += is_ok
        self.exact_ok += is_exact and is_ok
        self.missing += row is None
        if not is_exact:
            self.kinds[_kind(true, value)] += 1
            self.without_zeros += _is_same_number(truth, label)

    def as_json(self) -> dict[str, Any]:
        """All attributes, in types that JSON has."""
        return {**asdict(self), "kinds": dict(self.kinds)}


def read_truth(path: Path, are_numbers: bool = True) -> dict[str, str]:
    """The true value of each field by its file; of fields of forms, `#` and the field's name are behind that.

    Args:
        path: a CSV file with a column `file` or `path`, one `truth` or `value`, and for fields of forms one `field`.
        are_numbers: whether each truth is a number, or a word for none.

    Raises:
        DataError: it cannot be read, lacks a column or rows, or has several truths for a field.
        BatchdigitsError: a truth is no number.
    """
    columns, rows = _rows_of_list(path)
    names = [next((name for name in known if name in columns), None) for known in (FILE_COLUMNS, TRUTH_COLUMNS)]
    if None in names:
        raise DataError(f"{path}: no CSV file with the columns file and truth")
    if not rows:
        raise DataError(f"{path} has no rows")
    file, truth = map(str, names)
    truths: dict[str, str] = {}
    for line, row in rows:
        name, true = _composed("#".join(filter(None, [row[file], row.get("field")]))), (row[truth] or "").strip()
        if are_numbers and true and not is_no_label(true):
            true = without_apostrophe(true)
            check_number(path, line, true)
        if truths.setdefault(name, true) != true:
            raise DataError(
                f"{path}: {printable(name)} has two truths, {printable(truths[name])} and {printable(true)}"
            )
    return truths


def _rows_of_list(path: Path) -> tuple[Sequence[str], list[tuple[int, dict[str, str]]]]:
    """The columns of a list, and the cells of each row by these, with the number of its last line.

    Raises:
        DataError: it cannot be read.
    """
    try:
        whole = path.read_bytes()
        if is_utf16(whole):
            raise DataError(f"cannot read {path}: it is in UTF-16; {SAVE_AS_UTF8}")
        content = without_sep_line(whole)
        lines = io.StringIO(content.decode("utf-8-sig", "surrogateescape"), newline="")
        header = lines.readline()
        lines.seek(0)
        reader = csv.DictReader(lines, strict=True, delimiter=likeliest_delimiter(header))
        rows = [(reader.line_num + (content != whole), row) for row in reader]
        return reader.fieldnames or (), rows
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    except csv.Error as error:
        raise DataError(f"cannot read {path}: {error}") from None


def evaluate_values(path: str, rows: Iterable[TableRow], truths: dict[str, str]) -> ValueEvaluation:
    """Compare the rows of a table with the true values.

    A row belongs to the file of its whole path or, where the list does not have that, to the file of its last name.

    Raises:
        DataError: no row belongs to a file of the list, or rows of several files do, or the list is in another
            encoding.
    """
    by_file: dict[str, TableRow] = {}
    for row in rows:
        name = _composed(row.path)
        name = name if name in truths else _last_name(row)
        if by_file.setdefault(name, row).path != row.path and name in truths:
            both = f"{printable(by_file[name].path)} and {printable(row.path)}"
            raise DataError(f"{path}: {printable(name)} of the list may be {both}; write whole paths into the list")
    evaluation = ValueEvaluation(path)
    for file, truth in truths.items():
        if file not in by_file and not is_utf8(file):
            raise DataError(
                f"{printable(as_unicode(file))} of the list, which no row has, is not UTF-8: {SAVE_AS_UTF8}"
            )
        evaluation.add(truth, by_file.get(file))
    if evaluation.missing == len(truths):
        raise DataError(f"{path}: {_why_all_are_missing(list(by_file.values()), truths)}")
    return evaluation


def _why_all_are_missing(rows: Sequence[TableRow], truths: Iterable[str]) -> str:
    fields = list(dict.fromkeys(printable(row.field) for row in rows if row.field))
    sources = {name for row in rows for name in (_composed(row.source), _last_name(row._replace(path=row.source)))}
    for name in truths if fields else ():
        file, _, field_name = name.rpartition("#")
        if name in sources:
            return f"its rows are about the fields {first_names(fields)}; name one in a column field of the list"
        if file in sources:
            return f"no row is about the field {printable(field_name)} of the list; there are {first_names(fields)}"
    return "no row is about a file of the list"


def _composed(name: str) -> str:
    """A name in the form that most systems use: on a Mac, ü may be u with two dots as another character."""
    return unicodedata.normalize("NFC", name)


def _last_name(row: TableRow) -> str:
    """The name of a row's file without its folders; of a field of a form, `#` and the field's name are behind it."""
    return _composed(row.source.rpartition("/")[2] + row.path.removeprefix(row.source))


def as_table(evaluations: Sequence[ValueEvaluation]) -> str:
    """One line for each evaluation, a line with the mean share of exact values of several, and then warnings."""
    rows = [HEADER, *map(_row, evaluations)]
    if len(evaluations) > 1:
        mean = sum(one.exact / max(1, one.fields) for one in evaluations) / len(evaluations)
        rows.append(("mean", "", f"{mean:.2%}", *[""] * 8))
    return "\n".join([table(rows), *(warning for one in evaluations for warning in _warnings(one))])


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
        f"{max(0.0, 1 - one.edits / max(1, one.true_digits)):.2%}",
        *(f"{one.kinds[kind]:,}" for kind in HEADER[4:8]),
        f"{one.ok / max(1, one.fields):.1%}",
        f"{one.exact_ok / one.ok:.2%}" if one.ok else "-",
        f"{one.missing:,}",
    )


def _warnings(one: ValueEvaluation) -> list[str]:
    begin, others = f"{printable(one.path)}: ", one.fields - one.exact
    separators = f"{begin}exact but for separators or the sign: {one.other_separators:,} of {one.exact:,}"
    zeros = f"{begin}not exact only for zeros that the list lacks: {one.without_zeros:,} of {others:,}; {DROPPED}"
    return [*([separators] if one.other_separators else []), *([zeros] if one.without_zeros else [])]


def _plain(text: str) -> str:
    """A value with its separators and its sign; a comma is a point."""
    return text.strip().removeprefix("+").replace(",", ".")


def _is_same_number(truth: str, label: str) -> bool:
    """Whether both are one number, and the truth has fewer zeros before it or behind its point."""
    try:
        return len(truth) < len(label) and Decimal(_plain(truth)) == Decimal(_plain(label))
    except InvalidOperation:
        return False


def _digits(text: str) -> str:
    """The digits of a value; a text without any as it is."""
    return re.sub("[^0-9]", "", text) or text


def _kind(true: str, value: str) -> str:
    if not value:
        return "none"
    if len(value) == len(true):
        return "wrong"
    return "too many" if len(value) > len(true) else "too few"
