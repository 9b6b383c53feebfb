"""The options that `classify` and `read` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from batchdigits.cli.shared.model_choice import model_choice_options
from batchdigits.cli.shared.options import (
    OUTPUT_FILE,
    Count,
    Number,
    batch_size_option,
    log_format_option,
    refuse_folder_name,
    verbosity_options,
)
from batchdigits.cli.table.max_failures import MaxFailuresType

Option = Callable[[Any], Any]  # adds an option to a command


class FileOrUrl(click.ParamType["Path | str"]):
    """A path as `Path`; a URL as `str`, since a `Path` would drop one of its two slashes."""

    name = "FILE|DIR"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        """A path or a URL; a name that only a folder can have is for `--engine ray`."""
        if isinstance(value, Path) or "://" in value:
            return value
        if ctx and ctx.params.get("engine") == "local":
            refuse_folder_name(value, param, ctx)
        return Path(value)


def add_options(*options: Option) -> Option:
    """Add options to a command, in the order of its help text."""

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


INPUT_OPTIONS: tuple[Option, ...] = (
    click.argument("paths", nargs=-1, metavar="[PATH… | -]", type=click.Path()),
    click.option("--files-from", metavar="FILE|-", help="Read more paths from a file or stdin, one a line."),
    click.option(
        "-0",
        "--null",
        is_flag=True,
        help="Paths of --files-from end with a zero byte and not with the line, as from `find -print0`.",
    ),
    click.option(
        "--with-id", is_flag=True, help="Behind each path of --files-from stand a tab and an id, for the column `id`."
    ),
    click.option(
        "--include",
        multiple=True,
        metavar="GLOB",
        help="In folders, take only files with such a name, as `'*.png'`, or path if GLOB has a slash. May be given "
        "several times.",
    ),
    click.option("--exclude", multiple=True, metavar="GLOB", help="In the same way, skip files and folders."),
    click.option("--no-recursive", is_flag=True, help="Do not visit folders inside folders."),
    click.option(
        "--dry-run",
        is_flag=True,
        help="List the files that would give rows, and on stderr those that would be skipped.",
    ),
    model_choice_options,
)

OUTPUT_OPTIONS: tuple[Option, ...] = (
    click.option(
        "-o",
        "--output",
        type=FileOrUrl(),
        help="The file to write; it appears when it is complete. Its suffix sets the format: .csv, .tsv or .jsonl, "
        "each also with .gz or .zst, .parquet or .xlsx. With --engine ray, a folder.",
    ),
    click.option(
        "--format",
        type=click.Choice(["csv", "tsv", "jsonl", "parquet", "xlsx"]),
        help="Format of the output. [default: by the suffix of -o, else csv]",
    ),
    click.option(
        "--excel",
        is_flag=True,
        help="Write CSV or TSV that a spreadsheet opens right: with the mark by which Excel knows the letters, and an "
        "apostrophe before cells that could be taken for a formula.",
    ),
)

RUN_OPTIONS: tuple[Option, ...] = (
    click.option(
        "--resume/--overwrite",
        " /--start-over",
        default=None,
        help="Continue an unfinished output, or add to a finished one what is new or has changed. With --overwrite, "
        "replace it.",
    ),
    click.option(
        "--prune",
        is_flag=True,
        help="With --resume, drop the rows of files that are not among the PATHs any more, but for those below a "
        "folder or archive that cannot be read.",
    ),
    click.option(
        "--max-failures", type=MaxFailuresType(), metavar="N|P%", help="Stop when more images than this are errors."
    ),
    click.option(
        "--summary",
        type=OUTPUT_FILE,
        metavar="FILE",
        help="Write counts, model, options and versions to this .json file.",
    ),
    log_format_option,
    click.option(
        "--timeout",
        type=Number(0, 86_400),
        default=60,
        show_default=True,
        help="Seconds that one image may take; one that takes longer is an `error`. 0 for no limit.",
    ),
    click.option(
        "--jobs",
        type=Count(1, 65_536),
        help="How many processes work at the same time. [default: one for each core; 1 for a .keras model]",
    ),
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        is_eager=True,  # what -o may be depends on it
        help="Where to work: on this machine, or on a Ray cluster, which writes a folder of parts.",
    ),
    click.option(
        "--ray-address", metavar="ADDR", help="Address of the cluster. [default: $RAY_ADDRESS, else this machine]"
    ),
    click.option(
        "--part-size",
        type=Count(1, 1_000_000),
        help="Files in each part that --engine ray writes. A lost machine loses the parts it is working on. "
        "[default: 5000]",
    ),
    batch_size_option,
    verbosity_options,
)
