"""The log of a review, `ROWS.csv.review`: lines of JSON, to which every answer is appended before it counts.

The first line names the table. Each line behind it is an action: answers that were given together, or `undo` with the
line of the action that it takes back. The table itself is never changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batchdigits.errors import BatchdigitsError
from batchdigits.files.disk import is_irregular
from batchdigits.output.atomic import explain_os_errors
from batchdigits.output.file_lock import lock
from batchdigits.output.journal import open_read_write, write_all
from batchdigits.output.prediction_jsonl import json_line, path_fields, path_of
from batchdigits.output.review_answers import (
    KINDS,
    MAX_LABEL,
    MODES,
    ROUNDS,
    Action,
    Answer,
    Answers,
    Mode,
    Round,
    Settled,
)
from batchdigits.text import as_unicode, is_line

MAX_HEADER = 1 << 16  # bytes
HEADER, NUMBERS = "review_of", "numbers"
HEADER_START = json_line({HEADER: ""}).encode().partition(b":")[0]
ACTION_FIELDS = ("at", "reviewer", "tab", "mode", "round")
Fields = dict[str, Any]


def log_path(table: Path) -> Path:
    """The log of a table: beside it, with `.review` behind its name."""
    return table.with_name(f"{table.name}.review")


def read_review(log: Path) -> dict[str, Settled]:
    """What the answers in a log come to, by path, in the order of the first answers. Open questions are `unsure`.

    Raises:
        BatchdigitsError: it is no log, is damaged, or cannot be read.
    """
    if is_irregular(log):
        raise _no_log(log)
    try:
        content = log.read_bytes()
    except FileNotFoundError:
        raise BatchdigitsError(f"there is no {log}: nothing has been reviewed yet") from None
    except OSError as error:
        raise BatchdigitsError(f"cannot read {log}: {error.strerror or error}") from None
    answers = _replayed(log, _whole_lines(log, content))[0]
    return {path: settled for path in answers.all_paths if (settled := answers.settled(path))}


def is_of_numbers(log: Path) -> bool:
    """Whether a file is the log of a table of numbers."""
    try:
        with log.open("rb") as file:
            return NUMBERS in json.loads(file.readline(MAX_HEADER))
    except (OSError, ValueError, TypeError, RecursionError):
        return False


class ReviewLog:
    """A log that is open for appending, and locked.

    Attributes:
        answers: all answers that are not undone.
        touched: the images whose answers each line changes, those of the header first.
    """

    def __init__(self, path: Path, table_name: str, are_numbers: bool = False) -> None:
        """Open a log, or begin one. What is left of a line that was being written when a server died is cut off.

        Args:
            path: the log.
            table_name: that of the table, for a new log.
            are_numbers: whether the table has a number in each row, for a new log.

        Raises:
            BatchdigitsError: another server has it open, it is no log, it is damaged, or it cannot be written.
        """
        self._path = path
        if is_irregular(path):
            raise _no_log(path)
        with explain_os_errors(path):
            self._file = open_read_write(path)
        try:
            lock(self._file)
            content = self._file.readall()
            whole = _whole_lines(path, content)
            self.answers, self.touched = _replayed(path, whole)
            self._size, self._earlier = len(whole), len(self.touched)
            if not whole:
                self._begin({HEADER: as_unicode(table_name), **({NUMBERS: True} if are_numbers else {})})
            elif len(whole) < len(content):
                self._file.truncate(self._size)
        except BlockingIOError:
            self._file.close()
            raise BatchdigitsError(f"{path} is in use: another review of this table is running") from None
        except BaseException:
            self._file.close()
            raise

    def add(
        self, reviewer: str, tab: str, mode: Mode, round_: Round, answers: Sequence[Answer], at: str = ""
    ) -> Action:
        """Append answers that are given together; they are on disk when this returns.

        Raises:
            BatchdigitsError: they cannot be written; the log is as it was before.
        """
        action = Action(self.last + 1, at or _now(), reviewer, tab, mode, round_, tuple(answers))
        fields = {name: getattr(action, name) for name in ACTION_FIELDS}
        self._append({**fields, "answers": [_fields_of(answer) for answer in action.answers]}, action)
        self.answers.add(action)
        return action

    def undo(self, reviewer: str, tab: str) -> Action | None:
        """Take back the last action of a tab, and return it; None if there is none left.

        A tab that has none left goes on with those of the same person from before the log was opened.

        Raises:
            BatchdigitsError: see `add`.
        """
        action = self.answers.last_action(tab) or self.answers.last_action_of(reviewer, self._earlier)
        if action:
            self._append({"at": _now(), "reviewer": reviewer, "tab": tab, "undo": action.number}, action)
            self.answers.undo(action)
        return action

    @property
    def last(self) -> int:
        """The number of the last line; 1 for a log without any action."""
        return len(self.touched)

    def close(self) -> None:
        """Close and unlock it."""
        self._file.close()

    def _begin(self, header: Fields) -> None:
        self._file.truncate(0)
        self._append(header)
        _flush_folder(self._path.resolve().parent)

    def _append(self, fields: Mapping[str, object], action: Action | None = None) -> None:
        line = json_line(fields).encode()
        try:
            with explain_os_errors(self._path):
                self._file.seek(self._size)
                write_all(self._file, line)
                os.fsync(self._file.fileno())
        except BaseException:
            self._file.truncate(self._size)
            raise
        self._size += len(line)
        self.touched.append(_paths_of(action))


def _whole_lines(path: Path, content: bytes) -> bytes:
    """The lines of a log without the one that was being written; without any, it must be the header of a log."""
    whole = content[: content.rfind(b"\n") + 1]
    if not whole and content[: len(HEADER_START)] != HEADER_START[: len(content)]:
        raise _no_log(path)
    return whole


def _no_log(path: Path) -> BatchdigitsError:
    return BatchdigitsError(f"{path} is no log of batchdigits review")


def _replayed(path: Path, content: bytes) -> tuple[Answers, list[tuple[str, ...]]]:
    """The answers of a log, and the images whose answers each of its lines changes."""
    answers, actions, touched = Answers(), dict[int, Action](), []
    for number, line in enumerate(content.splitlines(), 1):
        action = None
        try:
            fields = json.loads(line)
            if number == 1:
                str(fields[HEADER])
            elif "undo" in fields:
                action = actions.pop(fields["undo"])
                answers.undo(action)
            else:
                action = actions[number] = _action(number, fields)
                answers.add(action)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            if number == 1:
                raise _no_log(path) from None
            raise BatchdigitsError(f"{path} is damaged in line {number:,}") from None
        touched.append(_paths_of(action))
    return answers, touched


def _paths_of(action: Action | None) -> tuple[str, ...]:
    return tuple(answer.path for answer in action.answers) if action else ()


def _action(number: int, fields: Fields) -> Action:
    """The action of a line. A field that is missing, or that has a value that it cannot have, raises an error."""
    at, reviewer, tab, mode, round_ = (fields[name] for name in ACTION_FIELDS)
    if mode not in MODES or round_ not in ROUNDS:
        raise ValueError
    return Action(number, str(at), str(reviewer), str(tab), mode, round_, tuple(map(_answer, fields["answers"])))


def _answer(fields: Fields) -> Answer:
    kind, label, predicted = fields["kind"], str(fields.get("label", "")), str(fields["predicted"])
    if kind not in KINDS or (kind == "label") != bool(label) or not is_line(label):
        raise ValueError
    if len(label) > MAX_LABEL and label != predicted:
        raise ValueError
    digest = str(fields.get("digest", ""))
    return Answer(path_of(fields), kind, label, predicted, str(fields["status"]), digest)


def _fields_of(answer: Answer) -> Fields:
    fields: Fields = {**path_fields(answer.path), "kind": answer.kind}
    if answer.kind == "label":
        fields["label"] = answer.label
    fields |= {"predicted": answer.predicted, "status": answer.status}
    return {**fields, "digest": answer.digest} if answer.digest else fields


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _flush_folder(folder: Path) -> None:
    """Flush a folder to disk, where the system can, so that a new file is there after a power cut."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
