"""What `batchdigits review --apply` does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchdigits.cli.shared.console import print_message
from batchdigits.text import as_unicode, counted, first_names, printable

if TYPE_CHECKING:
    from batchdigits.output.apply_review import Applied
    from batchdigits.output.form_pages import PageFaults
    from batchdigits.review.typed_answers import TypedAnswers


def check_apply_options(
    is_apply: bool, output: Path | None, for_apply: Sequence[object], for_page: Sequence[object]
) -> None:
    """Check that the options go together.

    Args:
        is_apply: whether `--apply` was given.
        output: the value of `-o`.
        for_apply: the values of more options that are for `--apply` only.
        for_page: the values of options that are for the page only.

    Raises:
        click.UsageError: they do not.
    """
    if is_apply and not output:
        raise click.UsageError("--apply needs -o, where the finished table is written to.")
    if is_apply and any(for_page):
        raise click.UsageError(
            "--apply shows no page: only -o, --overwrite, --wide, --scans, --sample and --column, with --reviewer and "
            "--label, go with it."
        )
    if not is_apply and (output or any(for_apply)):
        raise click.UsageError("-o, --overwrite, --wide and --column go with --apply.")


def apply(
    table: Path, scans: Sequence[Path], output: Path, overwrite: bool, typed: TypedAnswers | None, wide: bool
) -> None:
    """Write the finished table with the answers of its log, and those in `typed`, and say what became of its rows."""
    from batchdigits.output.apply_review import apply_review
    from batchdigits.output.table import read_table
    from batchdigits.output.table_encoding import check_encoding
    from batchdigits.review.scan_files import ScanFiles

    rows = islice(read_table(str(table)), None if scans else 1)  # one shows that the table can be reviewed
    files = ScanFiles([row.source for row in rows], scans, table.resolve().parent)
    check_encoding(table, lambda path: bool(files.digest(path)))
    answers = typed.answers if typed else {}
    applied = apply_review(table, output, overwrite, digest_of=files.digest, typed=answers, wide=wide)
    print_message(f"wrote {output}: {_as_text(applied, 'field' if wide else 'row')}")
    _name_pages(table, applied.pages)
    if typed and typed.without_zeros:
        _name_without_zeros(typed.without_zeros)


def unknown_answers(paths: Sequence[str]) -> str:
    """How many answers there are for images that the table does not have, and the first of these."""
    return f"{counted(len(paths), 'answer')} for images that are not in the table: {_names(paths)}"


def _name_pages(table: Path, faults: PageFaults) -> None:
    if faults.incomplete:
        pages = f"{counted(len(faults.incomplete), 'page')} without the row of a field that others have"
        print_message(f"{pages}, still to review: {_names(faults.incomplete)}")
    if faults.doubled:
        print_message(f"{table} has {counted(len(faults.doubled), 'page')} twice: {_names(faults.doubled)}")


def _name_without_zeros(paths: Sequence[str]) -> None:
    from batchdigits.reports.number_notation import WITHOUT_ZEROS

    print_message(f"{counted(len(paths), 'number')} {WITHOUT_ZEROS}: {_names(paths)}")


def _as_text(applied: Applied, noun: str) -> str:
    parts = [f"{applied.reviewed:,} of {counted(applied.rows, noun)} reviewed, {applied.corrected:,} corrected"]
    if applied.unsure:
        parts.append(f"{len(applied.unsure):,} unsure, and still to review: {_names(applied.unsure)}")
    if applied.changed:
        parts.append(f"{counted(applied.changed, noun)} kept that changed after the answer")
    if applied.other_images:
        changed = counted(len(applied.other_images), "image")
        parts.append(f"{changed} changed after the answer, their rows kept: {_names(applied.other_images)}")
    if applied.not_found:
        parts.append(unknown_answers(applied.not_found))
    return "; ".join(parts)


def _names(paths: Sequence[str]) -> str:
    """The first few paths, each once."""
    return first_names([printable(as_unicode(path)) for path in dict.fromkeys(paths)])
