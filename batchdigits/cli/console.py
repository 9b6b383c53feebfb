"""What people see on stderr: messages and progress."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from batchdigits.quiet import allow_chatter
from batchdigits.text import printable

if TYPE_CHECKING:
    from tqdm import tqdm

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
    """One line on stderr, whatever a hostile file name puts into it."""
    click.echo(f"batchdigits: {printable(message)}", err=True)


def inform(message: str) -> None:
    """One line on stderr unless `-q`, above a progress bar if there is one."""
    if not is_quiet():
        _write_above_bar(f"batchdigits: {printable(message)}")


def log(message: str) -> None:
    """One bare line on stderr unless `-q`, above a progress bar if there is one."""
    if not is_quiet():
        _write_above_bar(message)


def progress_bar(**options: Any) -> tqdm[Any]:
    """A tqdm bar on stderr, shown on a terminal only."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread of its own: workers are forked, which is safe in a process of one thread
    return tqdm(disable=is_quiet() or not sys.stderr.isatty(), file=sys.stderr, dynamic_ncols=True, **options)


def _verbosity() -> int:
    context = click.get_current_context(silent=True)
    return int(context.meta.get(_VERBOSITY, 0)) if context else 0


def _write_above_bar(line: str) -> None:
    if "tqdm" in sys.modules:
        from tqdm import tqdm

        tqdm.write(line, file=sys.stderr)
    else:
        click.echo(line, err=True)
