"""What people see on stderr: messages and progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click

from batchdigits.cli.streams import STDERR, let_go_of
from batchdigits.quiet import allow_chatter
from batchdigits.text import printable, without_secrets

_VERBOSITY = "batchdigits.verbosity"


def set_verbosity(change: int) -> None:
    """Remember `-q` (-1) or `-v` (+1) for this command."""
    meta = click.get_current_context().meta
    meta[_VERBOSITY] = meta.get(_VERBOSITY, 0) + change
    if is_verbose():
        allow_chatter()


def is_quiet() -> bool:
    """Whether `-q` was given."""
    return _verbosity() < 0


def is_verbose() -> bool:
    """Whether `-v` was given."""
    return _verbosity() > 0


def say(message: str) -> None:
    """One line on stderr, above a progress bar if there is one, whatever a hostile file name puts into it."""
    _write_above_bar(f"batchdigits: {printable(without_secrets(message))}")


def inform(message: str) -> None:
    """One line on stderr unless `-q`, above a progress bar if there is one."""
    if not is_quiet():
        _write_above_bar(f"batchdigits: {printable(without_secrets(message))}")


def log(message: str) -> None:
    """One bare line on stderr unless `-q`, above a progress bar if there is one."""
    if not is_quiet():
        _write_above_bar(message)


class Bar(Protocol):
    """What is used of a bar: `n` of `total` are done; `disable` is whether nobody sees it."""

    n: float
    total: float | None
    disable: bool | None

    def update(self, n: float = 1) -> object:
        """Move on."""


@contextmanager
def progress_bar(initial: int = 0, **options: Any) -> Iterator[Bar]:
    """A tqdm bar on stderr; on a terminal only, as loading tqdm takes a tenth of a short run."""
    if is_quiet() or not sys.stderr.isatty():
        yield _NoBar(initial)
        return
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread of its own: workers are forked, which is safe in a process of one thread
    with tqdm(file=sys.stderr, dynamic_ncols=True, initial=initial, **options) as bar:
        yield bar


class _NoBar:
    def __init__(self, n: float) -> None:
        self.n = n
        self.total: float | None = None
        self.disable: bool | None = True

    def update(self, n: float = 1) -> None:
        self.n += n


def _verbosity() -> int:
    context = click.get_current_context(silent=True)
    return int(context.meta.get(_VERBOSITY, 0)) if context else 0


def _write_above_bar(line: str) -> None:
    try:
        if "tqdm" in sys.modules:
            from tqdm import tqdm

            tqdm.write(line, file=sys.stderr)
        else:
            click.echo(line, err=True)
    except OSError:  # nobody listens, which is no reason to stop
        let_go_of(STDERR)
