"""The summary of `classify` and `read`: a line on stderr, and with `--summary` a file of JSON."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchdigits.cli.shared.output_file import first_entry, prepare_document
from batchdigits.cli.table.request import Request
from batchdigits.text import counted, without_secrets
from batchdigits.version import __version__

if TYPE_CHECKING:
    from batchdigits.engines.worker import Task
    from batchdigits.files.sources import Tally
    from batchdigits.output.row_counts import RowCounts

STATUSES = ("ok", "review", "reviewed", "blank", "error", "other")
SUMMARIES = ("batchdigits classify", "batchdigits read")  # what the first entry of the file may say
RUNTIME_PACKAGES = {".tflite": "ai-edge-litert", ".keras": "tensorflow"}


class Stopwatch:
    """The time of a run, which begins now."""

    def __init__(self) -> None:
        """Begin."""
        self.start = datetime.now().astimezone()
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds since then."""
        return time.monotonic() - self._began


@dataclass(frozen=True)
class Summary:
    """What a run has done.

    Attributes:
        request: the options.
        task: the task of the workers.
        workers: worker processes at most; None where a cluster decided.
        counts: the counts of all rows of the output, also those that earlier runs or people wrote.
        new: the number of rows that this run wrote.
        done_before: the number of files or rows that were done before.
        tally: the files that were found.
        start: when the run began, with its time zone.
        seconds: the duration of the run.
    """

    request: Request
    task: Task[bytes]
    workers: int | None
    counts: RowCounts
    new: int
    done_before: int
    tally: Tally
    start: datetime
    seconds: float

    def line(self) -> str:
        """The summary for people."""
        skipped, row = self.tally.skipped, self.request.row_name
        parts = [
            f"{counted(self.counts.rows, row)}: {self._statuses()}",
            "" if self.new else "no images left to do",
            f"{counted(self.done_before, 'file')} done before" if self.done_before else "",
            f"{counted(skipped, 'other file')} skipped" if skipped else "",
            self._expected_errors(),
            *self._left_out(),
            f"{self.seconds:.1f} s, {self.new / self.seconds:,.0f} {row}s/s, with {self.task.model}",
        ]
        return "; ".join(filter(None, parts))

    def numbers(self) -> dict[str, Any]:
        """The summary for programs, in types that JSON has."""
        return {
            "images": self.counts.rows,
            "statuses": {status: self.counts.statuses[status] for status in STATUSES},
            "expected_errors": self.counts.expected_errors,
            "images_of_this_run": self.new,
            "sources": self.tally.sources,
            "skipped": self.tally.skipped,
            "start": self.start.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
        }

    def write(self, path: Path) -> None:
        """Write the file of `--summary`: the numbers, and all that the rows depend on besides the images.

        Raises:
            BatchdigitsError: it cannot be written.
        """
        from batchdigits.engines.host import usable_cores
        from batchdigits.output.atomic import write_atomically

        card = self.task.card
        document = {
            **_mark(self.request.command),
            **self.numbers(),
            "model": {"name": self.task.model.name, "sha256": card.sha256["payload"]},
            "normaliser": card.normaliser["version"],
            "threshold": self.task.pipeline.threshold,
            "options": _options(self.request, self.task.second_look),
            "versions": _versions(self.task.model),
            "host": {"cores": usable_cores(), "workers": self.workers},
        }
        write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())

    def _statuses(self) -> str:
        statuses = self.counts.statuses
        return ", ".join(f"{statuses[status]:,} {status}" for status in STATUSES if statuses[status])

    def _expected_errors(self) -> str:
        ok, errors = self.counts.statuses["ok"], self.counts.expected_errors
        number = f"about {errors:,.0f}" if errors >= 1 else "less than 1"
        return f"{number} of the {counted(ok, 'ok row')} may be wrong" if ok else ""

    def _left_out(self) -> list[str]:
        from batchdigits.fields.left_out import LEFT_OUT

        left_out = self.counts.left_out
        return [f"in {left_out[mark]:,} of them {words}" for mark, words in LEFT_OUT.items() if left_out[mark]]


def prepare_summary(path: Path, command: str) -> None:
    """Check before the work that the file of `--summary` can be written.

    Raises:
        click.BadParameter: the name does not end in .json.
        BatchdigitsError: it cannot be written, or something else than a summary is there.
    """
    prepare_document(path, ".json", first_entry(_mark(command)), "--summary", f"summary of batchdigits {command}")


def _mark(command: str) -> dict[str, str]:
    """The first entry of the file."""
    return {"summary_of": f"batchdigits {command}"}


def _options(request: Request, second_look: bool) -> dict[str, Any]:
    """All options by name, but for the paths, of which there may be many."""
    values = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    values["second_look"] = second_look
    for name in request.no_options:
        del values[name]
    return {request.option_names.get(name, name): _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """An option's value in a type that JSON has."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return [_plain(item) for item in value] if isinstance(value, tuple) else without_secrets(str(value))


def _versions(model: Path) -> dict[str, str | None]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    import cv2
    import numpy as np

    runtime = RUNTIME_PACKAGES[model.suffix]
    try:
        runtime_version = version(runtime)
    except PackageNotFoundError:  # installed under another name
        runtime_version = None
    return {
        "batchdigits": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        runtime: runtime_version,
    }
