"""The command group `batchdigits`: imports commands on demand, and turns exceptions into messages and exit codes."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from batchdigits.cli.shared.console import is_verbose, print_error, print_log_line, prints_json_lines
from batchdigits.cli.shared.own_pip import with_own_pip
from batchdigits.cli.shared.signals import Terminated, stop_signals_raise
from batchdigits.cli.shared.streams import STDOUT, discard_output, replace_missing_streams
from batchdigits.errors import BatchdigitsError, ExitCode
from batchdigits.quiet import show_library_output
from batchdigits.text import printable, without_secrets
from batchdigits.version import __version__

# The commands, those that make and check a table before those that make a model, and the first sentence of their help.
COMMANDS = {
    "classify": "Classify images of handwritten digits into a table.",
    "read": "Read images of handwritten numbers into a table.",
    "template": "Find the fields of a form, boxes and rows of boxes, and begin its template for read.",
    "review": "Look over the rows of a table in the browser, and correct them.",
    "audit": "Say how many ok rows of a table are wrong, by a sample that a person keys.",
    "preview": "Show images beside their glyphs and predictions.",
    "evaluate": "Measure the accuracy of a model on labelled images.",
    "train": "Train a network on labelled digits.",
    "export": "Convert a model file to TFLite, or write it for a device or a browser.",
    "inspect": "Show the contents of a model file, or what differs between two.",
    "benchmark": "Measure the speed and the memory of a .tflite model file.",
}

# A run makes no reference cycles worth collecting. By default Python searches for some after every 700 new objects, and
# once more through everything at exit.
gc.set_threshold(100_000)
atexit.register(gc.freeze)


class CommandGroup(click.Group):
    """Imports a command's module only when that command is named, so that `--help` and usage errors are fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in order."""
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does, without importing it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command in `cli/<name>.py`."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"batchdigits.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name; if there is none, the error suggests those with a similar name."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=list(COMMANDS), ctx=ctx) from None

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line."""
        replace_missing_streams()
        try:
            return super().main(*args, **extra)
        except OSError as error:  # --help and --version write to stdout before `invoke`
            _print_exception(error)
            _flush()
            sys.exit(ExitCode.FATAL)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and exit with one of the codes of `errors.ExitCode`."""
        typed = list(ctx.args)
        try:
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's threads would make it unsafe to fork workers
            show_library_output(False)  # an earlier command of this process may have had -v
            with stop_signals_raise():
                super().invoke(ctx)
                sys.stdout.flush()
        except click.UsageError as error:
            shown = _with_help(error, typed) if isinstance(error, click.NoSuchOption) else error
            message = shown.format_message()
            if prints_json_lines():
                print_error(f"error: {message}", "usage")
                ctx.exit(shown.exit_code)
            safe = without_secrets(message)
            raise (shown if safe == message else click.exceptions.UsageError(safe, shown.ctx)) from None
        except (click.ClickException, click.exceptions.Exit):
            raise
        except KeyboardInterrupt:
            print_error("interrupted", "interrupted")
            ctx.exit(ExitCode.INTERRUPTED)
        except Terminated as signal:
            print_error("terminated", "terminated")
            ctx.exit(ExitCode(128 + signal.number))
        except BrokenPipeError:
            discard_output(STDOUT)
            ctx.exit(ExitCode.DONE)
        except Exception as error:
            _print_exception(error)
            _flush()
            ctx.exit(error.exit_code if isinstance(error, BatchdigitsError) else ExitCode.FATAL)


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Classify images of handwritten digits, or read numbers, into a table that has one row for every image.

    A model is built in. First classify or read; then review puts rows right, and audit says how many are still wrong.
    The other commands are for models, and for seeing why a label is wrong.

    \b
    Example:
        batchdigits classify ./scans > out.csv
    """


def _with_help(error: click.NoSuchOption, typed: Sequence[str]) -> click.NoSuchOption:
    """The error, which suggests no option that replaces a file.

    It says how a file is typed that was taken for options, as happens with `*.png`.
    """
    file = next((text for text in typed if text.startswith("-") and Path(text).exists()), None)
    message = error.message if file is None else f"{error.message} The file is typed {printable(f'./{file}')}."
    possible = [name for name in error.possibilities or () if name not in ("--overwrite", "--start-over")]
    return click.NoSuchOption(error.option_name, message, possible, error.ctx)


def _flush() -> None:
    """Flush stdout; if it fails, discard the rest, so that the interpreter does not try again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        discard_output(STDOUT)


def _print_exception(error: Exception) -> None:
    if is_verbose():
        print_log_line(without_secrets("".join(traceback.format_exception(error)).rstrip("\n")))
    if isinstance(error, BatchdigitsError):
        print_error(f"error: {with_own_pip(str(error))}")
    elif isinstance(error, OSError):
        print_error(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    else:
        print_error(f"error: a bug in batchdigits, please report it: {type(error).__name__}: {error} (-v shows where)")
