"""`batchdigits preview`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.shared.console import print_message
from batchdigits.cli.shared.model_choice import chosen_model, model_choice_options
from batchdigits.cli.shared.options import (
    Count,
    batch_size_option,
    ink_option,
    output_option,
    second_look_option,
    verbosity_options,
)
from batchdigits.cli.shared.output_file import is_same_file, prepare_document, prepare_picture
from batchdigits.errors import ExitCode, NoImagesError

if TYPE_CHECKING:
    from batchdigits.files.sources import Tally
    from batchdigits.inference.choose import RuntimeName
    from batchdigits.inference.runtime import Runtime
    from batchdigits.output.table import TableRow
    from batchdigits.vision.normalise import Ink

_TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")
MAX_LIMIT = 1_000  # images: the picture is 42,500 pixels high then; many viewers refuse more than 65,535


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path())
@model_choice_options
@ink_option
@batch_size_option
@second_look_option
@click.option("--fields", "are_fields", is_flag=True, help="Each image is a field with a number, as for read.")
@click.option("--limit", type=Count(1, MAX_LIMIT), default=60, show_default=True, help="Show at most this many images.")
@click.option(
    "--status", "statuses", multiple=True, metavar="STATUS", help="Of a table, show rows with this status; repeatable."
)
@click.option("--sort", type=click.Choice(["score"]), help="Of a table, show the rows with the lowest score first.")
@output_option("Write a picture (.png) or a web page (.html).", default="preview.png", show_default=True)
@verbosity_options
def preview(
    paths: tuple[str, ...],
    runtime: RuntimeName | None,
    model: Path | None,
    ink: Ink,
    batch_size: int,
    second_look: bool | None,
    are_fields: bool,
    limit: int,
    statuses: tuple[str, ...],
    sort: str | None,
    output: Path,
) -> None:
    """Show images beside their glyphs and predictions.

    A glyph is the network's input, made from the image. Start here when labels are wrong: the glyph shows whether the
    digit was found, and everything else was removed.

    A PATH is an image, a folder, or a table that classify or read wrote (CSV, TSV, JSON lines, Parquet). Of a table its
    rows are shown, with their labels as they stand there; their images are looked for where they were when it was
    written, seen from the current folder. Of a field, the cuts are drawn in, and each digit is shown with its glyph.

    \b
    Example:
        batchdigits preview ./scans
        batchdigits preview ./scans --limit 200 -o preview.html
        batchdigits preview rows.csv --status review --sort score -o review.html
        batchdigits preview ./numbers --fields
    """
    from batchdigits.files.required import require_paths
    from batchdigits.files.sources import Tally
    from batchdigits.inference.load import load_runtime

    _prepare(output)
    tables = _tables(paths, has_choice=bool(statuses or sort))
    if not tables:
        require_paths(paths)
    rows = _chosen_rows(tables, statuses, sort, limit + 1) if tables else []
    are_fields = _are_fields(rows, bool(tables), are_fields)
    if are_fields and second_look:
        raise click.UsageError("--second-look is for digits; numbers are read without one.")
    network = load_runtime(chosen_model(runtime, model), batch_size, second_look)
    kind = _fields(network, ink) if are_fields else _digits(network, ink)
    tally = Tally()
    items = kind.of_rows(rows) if tables else _items_of_images(paths, tally, kind, limit + 1, output)
    _write(kind, items[:limit], output)
    if len(items) > limit:
        print_message(f"only the first {limit:,} images are shown; --limit shows more")
    print_message(f"wrote {output}")
    if tally.empty_folders:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders)}")
    if any(item.thumbnail is None for item in items[:limit]):
        raise click.exceptions.Exit(ExitCode.SOME_FAILED)


@dataclass(frozen=True)
class _Kind:
    """What is shown of digits, or of fields.

    Attributes:
        of_images: the items of the first so many images.
        of_rows: those of rows.
        page: a web page of items.
        png: a picture of items.
    """

    of_images: Callable[[Iterable[str], int], list[Any]]
    of_rows: Callable[[Sequence[TableRow]], list[Any]]
    page: Callable[[Sequence[Any]], str]
    png: Callable[[Sequence[Any]], bytes]


def _digits(network: Runtime, ink: Ink) -> _Kind:
    from batchdigits.engines.classify_files import Settings
    from batchdigits.reports.preview import items_of_rows, preview_items
    from batchdigits.reports.preview_html import page
    from batchdigits.reports.preview_picture import png

    settings = Settings(ink, network.card.thresholds["review"])
    return _Kind(
        lambda files, limit: preview_items(files, network, settings, limit),
        lambda rows: items_of_rows(rows, network, settings),
        page,
        png,
    )


def _fields(network: Runtime, ink: Ink) -> _Kind:
    from batchdigits.engines.field_settings import FieldSettings
    from batchdigits.fields.decide_fields import field_threshold
    from batchdigits.fields.field_options import field_options
    from batchdigits.inference.second_look import without_second_look
    from batchdigits.reports.preview_fields import field_items, items_of_numbers
    from batchdigits.reports.preview_fields_html import page
    from batchdigits.reports.preview_fields_picture import png

    network = without_second_look(network)
    settings = FieldSettings(field_options(ink=ink), field_threshold(network.card))
    return _Kind(
        lambda files, limit: field_items(files, network, settings, limit),
        lambda rows: items_of_numbers(rows, network, settings),
        page,
        png,
    )


def _are_fields(rows: Sequence[TableRow], are_rows: bool, are_fields: bool) -> bool:
    """Whether rows, or else images, are fields.

    Raises:
        click.UsageError: some rows are and some are not, or it was said that they are and they are not.
    """
    if not are_rows:
        return are_fields
    kinds = {row.is_number for row in rows}
    if len(kinds) > 1:
        raise click.UsageError("give tables of digits or tables of numbers, not both.")
    if are_fields and kinds == {False}:
        raise click.UsageError("--fields shows numbers, and the table is one of digits.")
    return kinds == {True}


def _items_of_images(paths: Sequence[str], tally: Tally, kind: _Kind, limit: int, output: Path) -> list[Any]:
    """Classify or read the first images.

    Raises:
        NoImagesError: there is none.
    """
    from batchdigits.files.sources import find

    has_old = output.is_file()  # the output of an earlier run, which may lie in the same folder
    files = (file for file in find(paths, tally) if not (has_old and is_same_file(file, output)))
    items = kind.of_images(files, limit)
    for _ in files:  # so that all empty folders are known
        pass
    if not items:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders)}")
    return items


def _tables(paths: Sequence[str], has_choice: bool) -> list[str]:
    """The paths, if they are tables of rows; none of them if they are images.

    Raises:
        click.UsageError: some are tables and some are not, or none is one and there is a choice among rows.
        BatchdigitsError: one is a table by its name only.
    """
    from batchdigits.output.table import known_format, table_format

    different = dict.fromkeys(paths)
    tables = [path for path in different if table_format(path)]
    if tables and len(tables) < len(different):
        raise click.UsageError(f"{tables[0]} is a table of rows; give tables or images, not both.")
    if has_choice and not tables:
        raise click.UsageError("--status and --sort choose among the rows of a table that classify wrote; give one.")
    for path in different:
        if path not in tables and Path(path).suffix in _TABLE_SUFFIXES and Path(path).is_file():
            known_format(path)
    return tables


def _chosen_rows(tables: Sequence[str], statuses: Sequence[str], sort: str | None, limit: int) -> list[TableRow]:
    """The first rows to show.

    Raises:
        NoImagesError: there is none.
        BatchdigitsError: a table cannot be read.
    """
    from batchdigits.output.table import first_rows, read_table

    rows = (row for table in tables for row in read_table(table))
    chosen = first_rows(rows, statuses, sort == "score", limit)
    if not chosen:
        wanted = f" with the status {' or '.join(statuses)}" if statuses else ""
        raise NoImagesError(f"no rows{wanted} in {', '.join(tables)}")
    return chosen


def _prepare(output: Path) -> None:
    """Check before the work that the output can be written, and destroys nothing but an older preview."""
    from batchdigits.reports.preview_html import BEGIN

    if output.suffix == ".png":
        prepare_picture(output, "--output", "preview")
    else:
        prepare_document(output, (".png", ".html"), BEGIN, "--output", "preview")


def _write(kind: _Kind, items: list[Any], output: Path) -> None:
    from batchdigits.output.atomic import write_atomically

    write_atomically(output, kind.page(items).encode() if output.suffix == ".html" else kind.png(items))
