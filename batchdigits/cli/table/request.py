"""What `classify` and `read` were asked for: the values of the options that both have, and whether they go together."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import click

from batchdigits.cli.shared.output_file import is_at_or_below, is_same_file
from batchdigits.cli.table.max_failures import MaxFailures

if TYPE_CHECKING:
    from batchdigits.engines.classify_files import Pipeline
    from batchdigits.engines.worker import ChunkResult, Task
    from batchdigits.inference.card import Card
    from batchdigits.inference.choose import RuntimeName
    from batchdigits.output.columns import Columns
    from batchdigits.output.compression import Compression
    from batchdigits.output.formats import FormatName
    from batchdigits.output.journal import Identity
    from batchdigits.output.table import TableRow

STDIO = "-"


@dataclass(frozen=True, kw_only=True)
class Request:
    """The values of the options that both commands have, under their names.

    Attributes:
        command: the command's name.
        done: what becomes of images, as a participle.
        no_options: names of values that the command has no option for.
        option_names: the names of options by those of their values, where these differ.
    """

    command: ClassVar[str]
    done: ClassVar[str]
    no_options: ClassVar[tuple[str, ...]] = ("paths",)
    option_names: ClassVar[Mapping[str, str]] = {}

    paths: tuple[str, ...]
    files_from: str | None
    null: bool
    with_id: bool
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    no_recursive: bool
    dry_run: bool
    runtime: RuntimeName | None
    model: Path | None
    batch_size: int
    min_confidence: float | None
    output: Path | str | None
    format: FormatName | None
    excel: bool
    second_look: bool | None = False  # which `read` has no option for, and never does
    resume: bool | None
    prune: bool
    jobs: int | None
    timeout: float
    max_failures: MaxFailures | None
    summary: Path | None
    engine: Literal["local", "ray"]
    ray_address: str | None
    part_size: int | None

    def pipeline(self, card: Card) -> Pipeline[Any]:
        """What the workers do with images, for a model with this card.

        Raises:
            BatchdigitsError: the card does not support it.
        """
        raise NotImplementedError

    def run(self, files: Iterator[str], task: Task[bytes]) -> Generator[ChunkResult[bytes], None, None]:
        """Give files to the workers of this machine; what comes back are rows."""
        from batchdigits.engines.local import classify

        return classify(files, task, self.jobs)

    def note_lines(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """Pass on the lines of JSON of which a workbook is made, and note what `print_more` needs of them.

        The rows of a workbook cannot be read again.
        """
        return lines

    def print_more(self, rows: Iterable[TableRow] | None = None) -> None:
        """Print what else there is to say of the rows, before the summary.

        Args:
            rows: all rows of the output; None if this run knows them from `run` or `note_lines`.
        """

    def columns(self, card: Card, ids: Mapping[str, str] | None) -> Columns:
        """The columns of the rows; `ids` as in `Columns`."""
        raise NotImplementedError

    def row_options(self) -> Identity:
        """The command's own options that rows depend on, under their names."""
        raise NotImplementedError

    @property
    def row_name(self) -> str:
        """What a row stands for, in the singular."""
        return "image"

    @property
    def can_resume(self) -> bool:
        """Whether a run that failed can be resumed, and a finished one added to."""
        return True

    @property
    def reads_stdin_image(self) -> bool:
        """Whether the only image is read from stdin."""
        return self.paths == (STDIO,)

    @property
    def format_name(self) -> FormatName:
        """The format that was asked for, or that of the output's suffix."""
        return self.format or self._format_by_suffix or "csv"

    @property
    def compression(self) -> Compression | None:
        """How the output file is compressed, by the suffix that was typed, as the format is."""
        from batchdigits.output.formats import compression_of

        return compression_of(Path(self.output)) if self.output and self.file else None

    @property
    def _format_by_suffix(self) -> FormatName | None:
        from batchdigits.output.formats import format_of

        return format_of(Path(self.output) if self.output else None)

    @property
    def writes_stdout(self) -> bool:
        """Whether the rows go to stdout, under any of its names."""
        return self.output is None or str(self.output) == STDIO or _is_stdout(Path(self.output))

    @property
    def file(self) -> Path | None:
        """The output if it can be resumed, a file or a folder; None for stdout, a pipe or a device."""
        from batchdigits.output.atomic import resolve_link

        if self.output is None or self.writes_stdout:
            return None
        output = Path(self.output)
        if output.exists() and not output.is_file() and not output.is_dir():
            return None
        return resolve_link(output)  # not of a pipe: a link of /dev/fd leads to no name

    def check(self) -> None:
        """Check that the options can be combined.

        Raises:
            click.UsageError: they cannot.
        """
        if self.files_from == "":
            raise click.UsageError("--files-from: an empty text names no file.")
        if not self.paths and not self.files_from:
            raise click.UsageError("Missing argument 'PATH…' (or --files-from).")
        if STDIO in self.paths and (len(self.paths) > 1 or self.files_from):
            raise click.UsageError("'-' is one image on stdin and must be the only path; a file of that name is './-'.")
        if self.with_id and (not self.files_from or self.paths):
            raise click.UsageError("--with-id needs --files-from, and no other paths.")
        if self.null and not (self.files_from or self.dry_run):
            raise click.UsageError("-0 needs --files-from or --dry-run.")
        if self.resume and self.file is None:
            raise click.UsageError("--resume needs an output file (-o).")
        if self.resume and self.reads_stdin_image:
            raise click.UsageError("--resume needs files; '-' is an image without a name.")
        if self.prune and not self.resume:
            raise click.UsageError("--prune needs --resume.")
        if (where := self.file) and where.is_file() and any(is_same_file(path, where) for path in self._inputs()):
            raise click.UsageError(f"-o {self.output} is one of the inputs, and would be written over.")
        if self.summary and any(is_same_file(path, self.summary) for path in self._inputs()):
            raise click.UsageError(f"--summary {self.summary} is one of the inputs, and would be written over.")
        if self.summary and self.file and is_at_or_below(self.summary, self.file):
            raise click.UsageError(f"--summary {self.summary} is the output, or in its folder; give another name.")
        self._check_format()
        if self.engine == "ray" and (self.file is None or self.reads_stdin_image):
            raise click.UsageError("--engine ray reads files and URLs, and writes a folder of parts (-o DIR).")
        if self.engine == "local" and isinstance(self.output, str):
            raise click.UsageError("-o is a URL, which only --engine ray writes to.")
        if self.engine == "local" and self.ray_address:
            raise click.UsageError("--ray-address needs --engine ray.")
        if self.engine == "local" and self.part_size:
            raise click.UsageError("--part-size needs --engine ray, which writes a folder of parts.")

    def _check_format(self) -> None:
        from batchdigits.output.formats import KNOWN_SUFFIXES, LINE_FORMATS, compression_of

        if self.engine == "ray":
            if self.excel or self.compression or self.format_name == "xlsx":
                raise click.UsageError("--engine ray writes parts that are neither compressed nor for spreadsheets.")
            return
        if self.file and not (self.format or self._format_by_suffix):
            raise click.UsageError(
                f"-o {self.output}: no format has this suffix; known are {KNOWN_SUFFIXES}. Or give --format."
            )
        if self.file is None and self.output and compression_of(Path(self.output)):
            raise click.UsageError(f"-o {self.output}: a pipe or device gets plain rows; leave the last suffix out.")
        if self.file is None and self.format_name not in LINE_FORMATS:
            raise click.UsageError(f"--format {self.format_name} needs a file to write (-o).")
        if self.compression and self.format_name not in LINE_FORMATS:
            raise click.UsageError(
                f"-o {self.output}: {self.format_name} is compressed as it is; leave .{self.compression} out."
            )
        if self.excel and self.format_name not in ("csv", "tsv"):
            raise click.UsageError(f"--excel is for CSV and TSV; {self.format_name} needs no such option.")

    def _inputs(self) -> tuple[str, ...]:
        return (*self.paths, self.files_from) if self.files_from else self.paths


def _is_stdout(output: Path) -> bool:
    """Whether `output` is a link to stdout, such as /dev/stdout."""
    try:
        return output.is_symlink() and os.path.samestat(output.stat(), os.fstat(1))
    except OSError:
        return False
