"""`batchdigits audit`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.audit_facts import facts_of
from batchdigits.cli.shared.console import print_message, quoted
from batchdigits.cli.shared.options import (
    FILE,
    OUTPUT_FILE,
    Count,
    Share,
    output_option,
    seed_option,
    verbosity_options,
)
from batchdigits.cli.shared.output_file import prepare_document, prepare_output
from batchdigits.errors import BatchdigitsError
from batchdigits.text import counted

if TYPE_CHECKING:
    from batchdigits.reports.audit import Table
    from batchdigits.reports.audit_sample import Keyed

BEGIN = '{\n  "audit_of": "batchdigits '  # of the file of --json; then the command that wrote the table


class Ratio(Share):
    """A share over 0 and under 1, also as a ratio: 2/1000, 0.2% or 0.002."""

    name = "K/N"

    def __init__(self) -> None:
        """A share, without its ends."""
        super().__init__(min_open=True, max_open=True)

    def _plain(self, value: Any) -> Any:
        wrong, line, rows = str(value).partition("/")
        try:
            return float(wrong) / float(rows) if line else super()._plain(value)
        except (ValueError, ZeroDivisionError):
            return value

    def _expected(self) -> str:
        return "a ratio such as 2/1000 or a share such as 0.2%"


@click.command()
@click.argument("rows", type=FILE)
@click.option("--sample", "size", type=Count(1), help="Draw N ok rows at random, and write them to -o.")
@seed_option
@click.option(
    "--keyed",
    type=FILE,
    metavar="FILE",
    help="The sample that was drawn, after it was keyed: say how many ok rows are wrong.",
)
@click.option(
    "--show-at-most",
    "share",
    type=Ratio(),
    help="What you want to say: at most K of N ok rows are wrong. Says how many rows to key for it, and draws them for "
    "-o; with --keyed, says whether it is shown.",
)
@output_option("The file to write the sample to (.csv).")
@click.option("--json", "json_file", type=OUTPUT_FILE, metavar="FILE", help="Write the result as JSON, too.")
@click.option("--html", "html_file", type=OUTPUT_FILE, metavar="FILE", help="Write a certificate of one page, too.")
@click.option(
    "--summary",
    type=FILE,
    metavar="FILE",
    help="The file of classify --summary: the certificate names its model and threshold.",
)
@click.option(
    "--keyed-by", metavar="NAME", help="The name of who keyed, for --json and --html. [default: as in the review]"
)
@verbosity_options
def audit(
    rows: Path,
    size: int | None,
    seed: int,
    keyed: Path | None,
    share: float | None,
    output: Path | None,
    json_file: Path | None,
    html_file: Path | None,
    summary: Path | None,
    keyed_by: str | None,
) -> None:
    """Say how many ok rows of a table are wrong, by a sample that a person keys.

    First draw a sample: of N rows, or as many as show what is to be shown, if the scores are right. It has the columns
    path and truth, and no labels or values. Then key it, which is to type what each image shows, without seeing what
    classify or read made of it: in batchdigits review --mode blind --sample, or into the column truth (x, say, for what
    is no digit or number). Then give it to --keyed, with the same --seed. Rows whose status you have changed are left
    out.

    \b
    Example:
        batchdigits audit rows.csv --show-at-most 2/1000
        batchdigits audit rows.csv --sample 1500 -o sample.csv
        batchdigits audit rows.csv --keyed sample.csv --html certificate.html
    """
    from batchdigits.output.table import read_table
    from batchdigits.reports.audit import table_of
    from batchdigits.reports.audit_html import HEAD

    _check_options(size, keyed, share, output, [json_file, html_file, summary, keyed_by])
    if json_file:
        prepare_document(json_file, ".json", BEGIN, "--json", "report of batchdigits audit")
    if html_file:
        prepare_document(html_file, ".html", HEAD, "--html", "report of batchdigits audit")
    if output:
        prepare_output(output, ".csv")
        if output.exists():
            raise BatchdigitsError(f"{output} exists, and may be keyed already; give -o another name")
    table = table_of(read_table(str(rows)))
    if not keyed:
        _draw(rows, table, size, share, seed, output)
        if output:
            _say_next(
                f"review {quoted(rows)} --mode blind --sample {quoted(output)}, then "
                f"batchdigits audit {quoted(rows)} --keyed {quoted(output)} --seed {seed}"
            )
        return
    sample = _keyed_sample(rows, keyed, table)
    facts = facts_of(rows, keyed, sample, summary, keyed_by, seed, table)
    _judge(table, sample, seed, share, facts, json_file, html_file)
    typed = f"--sample {quoted(keyed)} --reviewer NAME " if sample.in_file else ""
    _say_next(f"review {quoted(rows)} --apply {typed}-o FILE, for a table in which the keyed rows are reviewed")


def _say_next(command: str) -> None:
    print_message(f"next: batchdigits {command}")


def _check_options(
    size: int | None, keyed: Path | None, share: float | None, output: Path | None, only_keyed: list[object]
) -> None:
    if keyed and (size or output):
        raise click.UsageError("--keyed judges a sample; --sample and -o draw one.")
    if not keyed and any(only_keyed):
        raise click.UsageError("--json, --html, --summary and --keyed-by go with --keyed.")
    if not keyed and size and not output:
        raise click.UsageError("--sample needs -o, where the sample is written to.")
    if not keyed and size and share:
        raise click.UsageError("--sample and --show-at-most both set the size of the sample; give one.")
    if not (keyed or size or share):
        raise click.UsageError("give --sample N, --show-at-most K/N or --keyed FILE.")


def _draw(rows: Path, table: Table, size: int | None, share: float | None, seed: int, output: Path | None) -> None:
    """Say how large the sample has to be, or draw it."""
    from batchdigits.output.atomic import write_atomically
    from batchdigits.reports.audit import draw, sample_size
    from batchdigits.reports.audit_sample import write_sample
    from batchdigits.reports.audit_table import size_as_text

    if share is not None:
        size = sample_size(len(table.rows), share, table.expected_errors / len(table.rows))
        click.echo(size_as_text(table, share, size))
    if not output:
        return
    if size is None:
        raise BatchdigitsError("no sample is large enough, so none was drawn")
    _refuse_answered(rows, table)
    write_atomically(output, write_sample(table.rows, draw(len(table.rows), size, seed)))
    print_message(f"wrote {output}: {counted(size, 'row')} to key, drawn with the seed {seed}")


def _refuse_answered(rows: Path, table: Table) -> None:
    """Check that nobody has answered `ok` rows with their label in sight, as nobody could key these blind any more.

    Raises:
        BatchdigitsError: somebody has.
    """
    from batchdigits.output.review_log import log_path, read_review

    log = log_path(rows)
    answers = read_review(log) if log.exists() else {}
    seen = sum(row.path in answers and not answers[row.path].is_blind for row in table.rows)
    if seen:
        raise BatchdigitsError(
            f"{log} has answers for {counted(seen, 'ok row')} whose label was shown: first "
            f"batchdigits review {quoted(rows)} --apply -o FILE, then audit that"
        )


def _keyed_sample(rows: Path, keyed: Path, table: Table) -> Keyed:
    """The sample with its truths in the table's notation; where it has none, what was keyed blind in its review."""
    from batchdigits.output.review_log import log_path, read_review
    from batchdigits.reports.audit_sample import as_in_table, read_sample, with_review
    from batchdigits.reports.number_notation import WITHOUT_ZEROS

    truths, without_zeros = as_in_table(read_sample(keyed.read_bytes()), table)
    log = log_path(rows)
    is_open = not all(truth for _, truth in truths)
    sample = with_review(truths, read_review(log) if is_open and log.exists() else {})
    if is_open and log.exists():
        parts = [
            f"{sample.in_file:,} of {counted(len(truths), 'row')} keyed in {keyed}",
            f"{len(sample.blind):,} keyed blind in {log}",
        ]
        if sample.changed:
            parts.append(f"{sample.changed:,} of these changed when the label was shown")
        if sample.not_blind:
            unused = f"{counted(sample.not_blind, 'answer')} there not used, as the label was shown"
            parts.append(f"{unused}; type these truths into {keyed}")
        if sample.unsure:
            parts.append(f"{sample.unsure:,} unsure there")
        print_message("; ".join(parts))
    if without_zeros:
        print_message(f"{keyed} has {counted(without_zeros, 'number')} {WITHOUT_ZEROS}")
    return sample._replace(without_zeros=without_zeros)


def _judge(
    table: Table,
    sample: Keyed,
    seed: int,
    share: float | None,
    facts: dict[str, str],
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Say what the keyed sample says, and write the reports."""
    from batchdigits.reports.audit import judge
    from batchdigits.reports.audit_html import certificate
    from batchdigits.reports.audit_table import as_json, as_text

    result = judge(table, seed, sample.truths)
    click.echo(as_text(result, share))
    if json_file:
        command = f"batchdigits {'read' if table.are_numbers else 'classify'}"
        document = {"audit_of": command, "about": facts, **as_json(result, share)}
        _write(json_file, json.dumps(document, indent=2) + "\n")
    if html_file:
        _write(html_file, certificate(result, share, facts))


def _write(path: Path, text: str) -> None:
    from batchdigits.output.atomic import write_atomically

    write_atomically(path, text.encode())
    print_message(f"wrote {path}")
