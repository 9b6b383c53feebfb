"""The task that a command gives to an engine, and the identity by which --resume knows a run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from batchdigits.cli.shared.model_choice import chosen_model
from batchdigits.cli.table.request import STDIO, Request
from batchdigits.version import __version__

if TYPE_CHECKING:
    from batchdigits.engines.worker import Task
    from batchdigits.inference.card import Card
    from batchdigits.inference.decide import Prediction
    from batchdigits.output.columns import Cell, Columns
    from batchdigits.output.formats import Encode, Format
    from batchdigits.output.journal import Identity


def task_of(request: Request, ids: Mapping[str, str] | None = None) -> tuple[Task[bytes], Columns, Format]:
    """The task of the workers, the columns of the rows, and their format.

    Args:
        request: the options.
        ids: the ids of sources by their paths, if the rows have such a column.
    """
    from batchdigits.engines.worker import Task
    from batchdigits.inference.model_file import read_model_file
    from batchdigits.output.formats import output_format
    from batchdigits.output.readers import CsvReader

    _require_packages(request)
    model = chosen_model(request.runtime, request.model)
    card = read_model_file(model).card
    pipeline = request.pipeline(card)
    about = _about(model, card, pipeline.threshold)
    written = output_format(request.format_name, request.compression, request.excel, about)
    columns = request.columns(card, ids)
    reader = written.reader(columns)
    if request.resume and request.file and isinstance(reader, CsvReader):
        columns = replace(columns, others=reader.other_columns(request.file))
    encode = written.encode
    task = Task(
        model,
        card,
        pipeline,
        partial(_encode_stdin, encode, columns) if request.reads_stdin_image else partial(encode, columns),
        request.timeout,
        stamps=request.engine == "ray" or request.file is not None,
        batch_size=request.batch_size,
        second_look=card.looks_again(request.second_look),
    )
    return task, columns, written


def _require_packages(request: Request) -> None:
    """Import what the output needs, before the work.

    Raises:
        MissingExtraError: it is not installed.
    """
    from batchdigits.output.compression import import_zstd
    from batchdigits.output.prediction_parquet import import_pyarrow
    from batchdigits.output.prediction_xlsx import import_xlsxwriter

    if request.format_name == "parquet":
        import_pyarrow()
    if request.format_name == "xlsx":
        import_xlsxwriter()
    if request.compression == "zst":
        import_zstd()


def _about(model: Path, card: Card, threshold: float) -> dict[str, Cell]:
    """What a workbook says of the run."""
    return {
        "model": model.name,
        "model sha256": card.sha256["payload"],
        "normaliser": card.normaliser["version"],
        "review threshold": threshold,
        "batchdigits": __version__,
    }


def _encode_stdin(encode: Encode, columns: Columns, predictions: Sequence[Prediction]) -> bytes:
    """The rows of the temporary file with the image from stdin, under the name `-`."""
    marks = ["".join(Path(row.path).name.partition("#")[1:]) for row in predictions]
    return encode(columns, [row._replace(path=STDIO + mark) for row, mark in zip(predictions, marks, strict=True)])


def identity_of(request: Request, task: Task[bytes]) -> Identity:
    """Everything that the rows depend on, which --resume compares. The card includes the network's hash.

    --timeout is left out, since rows that are errors are done again anyway.
    """
    from batchdigits.inference.choose import CONTEXT_NETWORK
    from batchdigits.inference.model_file import read_card
    from batchdigits.output.journal import VERSION

    return {
        VERSION: __version__,
        "the model": hashlib.sha256(task.card.to_json()).hexdigest()[:16],
        "the normaliser": task.card.normaliser["version"],
        "--second-look": task.second_look and read_card(CONTEXT_NETWORK).sha256["payload"][:16],
        "the review threshold": task.pipeline.threshold,
        "--format": request.format_name,
        "--excel": request.excel,
        "--with-id": request.with_id,
        **request.row_options(),
    }
