"""The history of a training as a table beside its model file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from batchdigits.learning.training import Progress
from batchdigits.output.atomic import write_atomically


def history_path(model: Path) -> Path:
    """The path of the history of the training that made a model file: `digits.history.csv` beside `digits.keras`."""
    return model.with_suffix(".history.csv")


def write_history(history: Sequence[Progress], path: Path) -> None:
    """Write progress reports as CSV, one line each, with the attributes of `Progress` as columns; None is empty.

    The file is written whole or not at all.

    Raises:
        BatchdigitsError: the file cannot be written there.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Progress._fields)
    for progress in history:
        writer.writerow(["" if value is None else f"{value:.6g}" for value in progress])
    write_atomically(path, text.getvalue().encode())
