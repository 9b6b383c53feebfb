"""What `batchdigits read --unique` does when all fields have been read."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, cast

from batchdigits.cli.read_compared import print_comparison

if TYPE_CHECKING:
    from batchdigits.engines.worker import ChunkResult, Task
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
    from batchdigits.engines.local import classify
    from batchdigits.engines.worker import ChunkResult
    from batchdigits.fields.decide_together import decide_together
    from batchdigits.output.row_counts import RowCounts, count_predictions

    read: list[list[Prediction]] = []
    stamps: list[int] = []
    undecided = cast("Task[list[Prediction]]", replace(task, encode=list))  # type: ignore[arg-type]
    with closing(classify(files, undecided, jobs)) as results:
        for result in results:
            read += result.rows
            stamps += result.stamps
            yield ChunkResult([], RowCounts(), [], done=result.files)  # shows progress
    rows, choices = decide_together(list(chain.from_iterable(read)), task.settings.threshold)
    left = iter(rows)
    encoded = [task.encode(list(islice(left, len(pages)))) for pages in read]
    print_comparison(choices, listed, name)
    yield ChunkResult(encoded, count_predictions(rows), stamps, done=0)
