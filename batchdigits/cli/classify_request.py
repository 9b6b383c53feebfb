"""What `batchdigits classify` can be asked for: its options, and the object that holds their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from batchdigits.cli.max_failures import MaxFailures, MaxFailuresType
from batchdigits.cli.model_choice import model_choice_options
from batchdigits.cli.options import Share, batch_size_option, ink_option, output_option, verbosity_options

if TYPE_CHECKING:
    from batchdigits.inference.choose import RuntimeName
    from batchdigits.output.formats import FormatName
    from batchdigits.vision.normalise import Ink

F = TypeVar("F", bound=Callable[..., Any])

STDIO = "-"


@dataclass(frozen=True)
class Request:
    """The values of all options, under their names."""

    paths: tuple[str, ...]
    files_from: str | None
    null: bool
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    no_recursive: bool
    dry_run: bool
    runtime: RuntimeName | None
    model: Path | None
    ink: Ink
    batch_size: int
    min_confidence: float | None
    target_risk: float | None
    output: Path | None
    format: FormatName | None
    top_k: int
    probabilities: bool
    resume: bool | None
    jobs: int | None
    timeout: float
    max_failures: MaxFailures | None

    @property
    def reads_stdin_image(self) -> bool:
        """Whether the one image to classify comes through stdin."""
        return self.paths == (STDIO,)

    @property
    def format_name(self) -> FormatName:
        """The format that was asked for, or the one that the output's suffix says."""
        from batchdigits.output.formats import format_of

        return format_of(self.format, self.output)

    @property
    def file(self) -> Path | None:
        """The regular file to write, which can be resumed; None for stdout, a pipe or a device."""
        output = self.output
        if output is None or str(output) == STDIO or (output.exists() and not output.is_file() and not output.is_dir()):
            return None
        return output

    def check(self) -> None:
        """See that the options go together.

        Raises:
            click.UsageError: they do not.
        """
        if not self.paths and not self.files_from:
            raise click.UsageError("Missing argument 'PATH…' (or --files-from).")
        if STDIO in self.paths and (len(self.paths) > 1 or self.files_from):
            raise click.UsageError("'-' is one image on stdin, and goes alone; a file of that name is './-'.")
        if self.min_confidence is not None and self.target_risk is not None:
            raise click.UsageError("--min-confidence and --target-risk both set the threshold of review; give one.")
        if self.null and not (self.files_from or self.dry_run):
            raise click.UsageError("-0 goes with --files-from or --dry-run.")
        if self.resume and self.file is None:
            raise click.UsageError("--resume needs a file to go on with (-o).")


def classify_options(command: F) -> F:
    """All of them, in the order of the help text."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument("paths", nargs=-1, metavar="[PATH… | -]", type=click.Path()),
    click.option("--files-from", metavar="FILE|-", help="Read more paths from a file or stdin, one a line."),
    click.option("-0", "--null", is_flag=True, help="Paths end with NUL, as from `find -print0`, not with a line."),
    click.option("--include", multiple=True, metavar="GLOB", help="In folders, look only at files like this."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="In folders, leave out files and folders like this."),
    click.option("--no-recursive", is_flag=True, help="Do not walk folders in folders."),
    click.option("--dry-run", is_flag=True, help="List what would be classified, and on stderr what would not."),
    model_choice_options,
    ink_option,
    click.option(
        "--min-confidence",
        type=click.FloatRange(0, 1),
        help="Rows less sure than this are `review`. [default: the model's own threshold]",
    ),
    click.option(
        "--target-risk",
        type=Share(),
        help="Set it so that at most this share of the `ok` rows is wrong, by the model's validation data.",
    ),
    output_option("The file to write, whole or not at all. [default: stdout]"),
    click.option(
        "--format",
        type=click.Choice(["csv", "jsonl", "parquet"]),
        help="What to write. [default: by the suffix of -o, else csv]",
    ),
    click.option(
        "--top-k", type=click.IntRange(1), default=1, show_default=True, help="Classes to name, the likeliest first."
    ),
    click.option("--probabilities", is_flag=True, help="Add a column with the probability of each class."),
    click.option("--resume/--start-over", default=None, help="Go on with the -o that was begun, or forget it."),
    click.option(
        "--max-failures", type=MaxFailuresType(), metavar="N|P%", help="Stop when more images than this are errors."
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0, 86_400),
        default=60,
        show_default=True,
        help="Seconds that one image may take; 0 for no limit.",
    ),
    click.option(
        "--jobs", type=click.IntRange(1, 1_024), help="Worker processes. [default: one a core; 1 for a .keras]"
    ),
    batch_size_option,
    verbosity_options,
)
