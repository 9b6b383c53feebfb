"""Everything on stderr: messages and the progress bar."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import click

from batchdigits.cli.shared.streams import STDERR, discard_output
from batchdigits.quiet import show_library_output
from batchdigits.text import as_unicode, printable, without_secrets

_VERBOSITY = "batchdigits.verbosity"
_JSON_LINES = "batchdigits.json_lines"


def set_verbosity(change: int) -> None:
    """Remember `-q` (-1) or `-v` (+1) for the command that runs."""
    meta = click.get_current_context().meta
    meta[_VERBOSITY] = meta.get(_VERBOSITY, 0) + change
    if is_verbose():
        show_library_output()


def is_quiet() -> bool:
    """Whether `-q` was given."""
    return _verbosity() < 0


def is_verbose() -> bool:
    """Whether `-v` was given."""
    return _verbosity() > 0


def print_json_lines() -> None:
    """From here on, print each message of the command that runs as a line of JSON."""
    click.get_current_context().meta[_JSON_LINES] = True


def prints_json_lines() -> bool:
    """Whether messages are lines of JSON."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_JSON_LINES))


def print_error(message: str, event: str = "error") -> None:
    """Print `batchdigits: <message>`, even with `-q`: the reason why the command ends early."""
    _print("error", event, message, {})


def print_message(message: str, event: str = "message", **numbers: object) -> None:
    """Print `batchdigits: <message>` unless `-q`.

    Args:
        message: one line.
        event: what it is about, for a line of JSON.
        numbers: what it says, for a line of JSON; in types that JSON has.
    """
    if not is_quiet():
        _print("info", event, message, numbers)


def quoted(path: Path) -> str:
    """A path as a shell takes it, for a command in a message."""
    return shlex.quote(as_unicode(path))


def print_log_line(line: str) -> None:
    """Print a line as it is unless `-q`: a training's log, a traceback."""
    if not is_quiet():
        _print_above_bar(_json_line("debug", "log", line, {}) if prints_json_lines() else line)


class Bar(Protocol):
    """The attributes of a tqdm bar that commands use.

    Attributes:
        n: how many units are done.
        total: how many units there are; None while it is not known.
        disable: whether the bar is not shown.
    """

    n: float
    total: float | None
    disable: bool | None

    def update(self, n: float = 1) -> object:
        """Add `n` units to those done."""


@contextmanager
def progress_bar(initial: int = 0, **options: Any) -> Iterator[Bar]:
    """A tqdm bar if stderr is a terminal for people. Elsewhere tqdm is not even loaded: that would slow a short run."""
    if is_quiet() or prints_json_lines() or not sys.stderr.isatty():
        yield _HiddenBar(initial)
        return
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # tqdm's thread would make it unsafe to fork workers
    with tqdm(file=sys.stderr, dynamic_ncols=True, initial=initial, **options) as bar:
        yield bar


class _HiddenBar:
    def __init__(self, n: float) -> None:
        self.n = n
        self.total: float | None = None
        self.disable: bool | None = True

    def update(self, n: float = 1) -> None:
        self.n += n


def _verbosity() -> int:
    context = click.get_current_context(silent=True)
    return int(context.meta.get(_VERBOSITY, 0)) if context else 0


def _print(level: str, event: str, message: str, numbers: Mapping[str, object]) -> None:
    """Print a message without control characters of file names and without secrets of URLs."""
    safe = _safe(message)
    _print_above_bar(_json_line(level, event, safe, numbers) if prints_json_lines() else f"batchdigits: {safe}")


def _json_line(level: str, event: str, message: str, numbers: Mapping[str, object]) -> str:
    now = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return json.dumps({"time": now, "level": level, "event": event, "message": message, **_safe(numbers)})


def _safe(value: Any) -> Any:
    """A value of JSON whose texts have neither control characters nor secrets of URLs."""
    if isinstance(value, str):
        return printable(without_secrets(value))
    if isinstance(value, Mapping):
        return {name: _safe(one) for name, one in value.items()}
    return [_safe(one) for one in value] if isinstance(value, list | tuple) else value


def _print_above_bar(line: str) -> None:
    try:
        if "tqdm" in sys.modules:
            from tqdm import tqdm

            tqdm.write(line, file=sys.stderr)
        else:
            click.echo(line, err=True)
    except OSError:  # stderr has no reader any more, which is no reason to stop
        discard_output(STDERR)
