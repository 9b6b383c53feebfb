"""What `batchdigits read --values` says at the end: which listed values no field has, and which several have."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from batchdigits.cli.shared.console import print_message, prints_json_lines
from batchdigits.text import as_unicode, counted, first_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from batchdigits.engines.worker import ChunkResult, Task
    from batchdigits.fields.values.expected_values import Choice
    from batchdigits.inference.decide import Prediction
    from batchdigits.output.table import TableRow

MAX_DOUBLED = 20  # values that are there twice and have a line each; in JSON, all have one


class Named(NamedTuple):
    """The value of a field.

    Attributes:
        field: its name on a form; empty where each image is a field.
        path: its source.
        value: the value.
    """

    field: str
    path: str
    value: str


class Listed(NamedTuple):
    """A list of values, and the name that it was given by."""

    values: Sequence[str]
    name: str


class _Encoded(NamedTuple):
    """The rows of a file, and the values of its fields."""

    rows: bytes
    values: list[Named]


def run_noting(
    files: Iterator[str], task: Task[bytes], jobs: int | None, noted: list[Named]
) -> Generator[ChunkResult[bytes], None, None]:
    """Read fields as `engines.local.classify` does, and note their values."""
    from batchdigits.engines.local import classify
    from batchdigits.engines.worker import ChunkResult

    noting = cast("Task[_Encoded]", replace(task, encode=cast(Any, partial(_encode, task.encode))))
    with closing(classify(files, noting, jobs)) as results:
        for result in results:
            for file in result.rows:
                noted += file.values
            yield ChunkResult([file.rows for file in result.rows], result.counts, result.stamps)


def _encode(encode: Callable[[Sequence[Prediction]], bytes], predictions: Sequence[Prediction]) -> _Encoded:
    return _Encoded(encode(predictions), [value for row in predictions for value in values_of(row)])


def values_of(row: Prediction) -> list[Named]:
    """The values of an image, or of all fields of a page."""
    fields = row.form.fields if row.form else {"": row}
    return [Named(name, row.path, field.label) for name, field in fields.items() if field.label]


def values_of_rows(rows: Iterable[TableRow]) -> list[Named]:
    """The values of a table that has one in each row."""
    return [Named(row.field, row.source, row.label) for row in rows if row.label]


def values_of_line(line: bytes, fields: Collection[str]) -> list[Named]:
    """The values of a row as JSON: one, or if its columns have the names of fields that of each."""
    from batchdigits.output.table import row_of

    cells = json.loads(line)
    if fields:
        return [Named(name, cells["path"], cells[name]) for name in fields if cells[name]]
    return values_of_rows([row_of(cells)])


def print_values(values: Iterable[Named], lists: Mapping[str, Listed]) -> None:
    """Compare the values of fields with the list for each name, and print what is missing, doubled, or not on it."""
    from batchdigits.fields.values.expected_values import Choice
    from batchdigits.inference.decide import Status

    of_field = defaultdict(list)
    for name, path, value in values:
        of_field[name].append((as_unicode(path), value))
    for field, listed in lists.items():
        expected = frozenset(listed.values)
        choices = [
            (path, Choice(value, 0.0, Status.OK, "", value in expected)) for path, value in of_field.get(field, ())
        ]
        print_comparison(choices, listed.values, listed.name)


def print_comparison(choices: Sequence[tuple[str, Choice]], listed: Sequence[str] | None, name: str) -> None:
    """Name the listed values that no field has, those that several have, and the fields with none of them."""
    from batchdigits.fields.values.unique_values import compare

    missing, doubled, unexpected = compare(listed or (), choices)
    if missing:
        print_message(
            f"{counted(len(missing), 'value')} of {name} in no field: {first_names(missing)}", "missing", values=missing
        )
    is_all = prints_json_lines()
    for value, names in islice(doubled.items(), None if is_all else MAX_DOUBLED):
        print_message(f"{value} is in {first_names(names)}", "doubled", value=value, fields=names)
    if len(doubled) > MAX_DOUBLED and not is_all:
        print_message(f"{counted(len(doubled) - MAX_DOUBLED, 'more value')} in several fields", "doubled")
    if listed and unexpected:
        text = f"{counted(len(unexpected), 'field')} not on {name}: {first_names(unexpected)}"
        print_message(text, "unexpected", fields=unexpected)
        _print_lost_zeros(choices, frozenset(listed), name)


def _print_lost_zeros(choices: Sequence[tuple[str, Choice]], listed: Collection[str], name: str) -> None:
    """Name the fields whose values would be on the list without their zeros in front."""
    lost = [field for field, choice in choices if choice.value not in listed and choice.value.lstrip("0") in listed]
    if lost:
        what = f"{counted(len(lost), 'field')} on {name} but for zeros in front: {first_names(lost)}"
        print_message(f"{what}; if a spreadsheet dropped them from the list, put them back", "lost zeros", fields=lost)
