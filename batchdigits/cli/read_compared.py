"""What `batchdigits read --values` says at the end: which listed values no field has, and which several have."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from batchdigits.cli.console import print_message
from batchdigits.text import as_unicode, counted, first_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from batchdigits.engines.worker import ChunkResult, Task
    from batchdigits.fields.expected_values import Choice
    from batchdigits.inference.decide import Prediction

Named = tuple[str, str]  # a field's path and its value


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
    return _Encoded(encode(predictions), [(row.path, row.label) for row in predictions if row.label])


def print_values(values: Iterable[Named], listed: Sequence[str], name: str) -> None:
    """Compare the values of fields with a list, and print what is missing, doubled, or not on it."""
    from batchdigits.fields.expected_values import Choice
    from batchdigits.inference.decide import Status

    expected = frozenset(listed)
    choices = [(as_unicode(path), Choice(value, 0.0, Status.OK, "", value in expected)) for path, value in values]
    print_comparison(choices, listed, name)


def print_comparison(choices: Sequence[tuple[str, Choice]], listed: Sequence[str] | None, name: str) -> None:
    """Name the listed values that no field has, those that several have, and the fields with none of them."""
    from batchdigits.fields.unique_values import compare

    missing, doubled, unexpected = compare(listed or (), choices)
    if missing:
        print_message(
            f"{counted(len(missing), 'value')} of {name} in no field: {first_names(missing)}", "missing", values=missing
        )
    for value, names in doubled.items():
        print_message(f"{value} is in {first_names(names)}", "doubled", value=value, fields=names)
    if listed and unexpected:
        text = f"{counted(len(unexpected), 'field')} not on {name}: {first_names(unexpected)}"
        print_message(text, "unexpected", fields=unexpected)
