"""The `batchdigits` group: finds commands, and turns whatever ends one into a line and an exit code."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from importlib import import_module
from typing import Any

import click

from batchdigits.cli.console import is_verbose, log, say
from batchdigits.cli.signals import INTERRUPTED, TERMINATED, Terminated, sigterm_raises
from batchdigits.cli.streams import STDOUT, let_go_of, replace_closed
from batchdigits.errors import BatchdigitsError
from batchdigits.quiet import allow_chatter
from batchdigits.text import without_secrets
from batchdigits.version import __version__

COMMANDS = ("train", "export", "inspect", "benchmark", "classify", "evaluate", "preview")


# Looking for cycles after every 700 new objects, Python finds none while modules load and rows pass by; that took 4 %
# of the time that 10,000 small files take. It would look through everything once more before it ends: 35 ms.
gc.set_threshold(100_000)
atexit.register(gc.freeze)


class CommandGroup(click.Group):
    """Imports a command's file when it is asked for, so that `--help` and mistakes are answered at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Commands in the order in which a model's life goes."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command in `cli/<name>.py`."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"batchdigits.cli.{cmd_name}"), cmd_name)
        return command

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line."""
        replace_closed()
        try:
            return super().main(*args, **extra)
        except OSError as error:  # of --help and --version, which write before there is a command to invoke
            _explain(error)
            _flush()
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; every way in which it can end has its exit code (DESIGN.md, Exit codes)."""
        try:
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's idle threads would forbid forking workers
            allow_chatter(False)  # until this command's own -v: another one may have run in this process
            with sigterm_raises():
                super().invoke(ctx)
                sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit):
            raise
        except KeyboardInterrupt:
            say("interrupted")
            ctx.exit(INTERRUPTED)
        except Terminated:
            say("terminated")
            ctx.exit(TERMINATED)
        except BrokenPipeError:
            let_go_of(STDOUT)
            ctx.exit(0)
        except Exception as error:
            _explain(error)
            _flush()
            ctx.exit(error.exit_code if isinstance(error, BatchdigitsError) else 1)


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Folders of handwritten digits in, a CSV you can trust out.

    \b
    Example:
        batchdigits classify ./scans > out.csv
    """


def _flush() -> None:
    """Push out what stdout still takes; what it does not take is not to be tried again when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        let_go_of(STDOUT)


def _explain(error: Exception) -> None:
    if is_verbose():
        log(without_secrets("".join(traceback.format_exception(error)).rstrip("\n")))
    if isinstance(error, BatchdigitsError):
        say(f"error: {error}")
    elif isinstance(error, OSError):
        say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    else:
        say(f"error: a bug in batchdigits, please report it: {type(error).__name__}: {error} (-v shows where)")
