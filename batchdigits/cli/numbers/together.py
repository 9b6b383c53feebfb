"""What `batchdigits read --unique` does when all fields have been read."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, cast

from batchdigits.cli.numbers.compared import Named, print_comparison, values_of

if TYPE_CHECKING:
    from batchdigits.engines.worker import ChunkResult, Task
    from batchdigits.forms.template import Template
    from batchdigits.inference.decide import Prediction


def run_together(
    files: Iterator[str], task: Task[bytes], jobs: int | None, listed: Sequence[str] | None, name: str
) -> Generator[ChunkResult[bytes], None, None]:
    """Read all fields, choose their values together, and give all rows at once.

    Args:
        files: paths as typed.
        task: the task of the workers.
        jobs: worker processes at most; None for as many as the machine allows.
        listed: the values of which each field holds one; None for any.
        name: of the list.
    """
    from batchdigits.fields.decide_together import decide_together

    def decide(read: list[Prediction]) -> list[Prediction]:
        rows, choices = decide_together(read, task.pipeline.threshold)
        print_comparison(choices, listed, name)
        return rows

    return _run(files, task, jobs, decide)


def run_forms_together(
    files: Iterator[str], task: Task[bytes], jobs: int | None, form: Template, by_field: bool, noted: list[Named]
) -> Generator[ChunkResult[bytes], None, None]:
    """Do the same for the fields of forms whose values are unique.

    Args:
        files: paths as typed.
        task: the task of the workers.
        jobs: worker processes at most; None for as many as the machine allows.
        form: the template.
        by_field: whether each field has a row, and not each page.
        noted: gets the values of all fields.
    """
    from batchdigits.forms.decide_forms import decide_forms_together

    def decide(read: list[Prediction]) -> list[Prediction]:
        rows, choices = decide_forms_together(read, form, task.pipeline.threshold, by_field)
        for field, chosen in choices:
            print_comparison(chosen, field.roster and field.roster.values, field.values or field.name)
        noted.extend(value for row in rows for value in values_of(row))
        return rows

    return _run(files, task, jobs, decide)


def _run(
    files: Iterator[str],
    task: Task[bytes],
    jobs: int | None,
    decide: Callable[[list[Prediction]], list[Prediction]],
) -> Generator[ChunkResult[bytes], None, None]:
    """Read everything, decide, and give all rows at once."""
    from batchdigits.engines.local import classify
    from batchdigits.engines.worker import ChunkResult
    from batchdigits.output.row_counts import RowCounts, count_predictions

    read: list[list[Prediction]] = []
    stamps: list[int] = []
    undecided = cast("Task[list[Prediction]]", replace(task, encode=list))  # type: ignore[arg-type]
    with closing(classify(files, undecided, jobs)) as results:
        for result in results:
            read += result.rows
            stamps += result.stamps
            yield ChunkResult([], RowCounts(), [], done=result.files)  # shows progress
    rows = decide(list(chain.from_iterable(read)))
    left = iter(rows)
    encoded = [task.encode(list(islice(left, len(pages)))) for pages in read]
    yield ChunkResult(encoded, count_predictions(rows), stamps, done=0)
