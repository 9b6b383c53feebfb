"""`batchdigits audit`."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.classify_summary import MARK as SUMMARY_MARK
from batchdigits.cli.console import print_message
from batchdigits.cli.options import FILE, Share, output_option, seed_option, verbosity_options
from batchdigits.cli.output_file import first_entry, prepare_document, prepare_output
from batchdigits.errors import BatchdigitsError
from batchdigits.text import as_unicode, counted

if TYPE_CHECKING:
    from batchdigits.reports.audit import Table

MARK = {"audit_of": "batchdigits classify"}  # the first entry of the file of --json


class Ratio(Share):
    """A share, also as a ratio: 2/1000, 0.2% or 0.002."""

    name = "K/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse a ratio or a share."""
        wrong, line, rows = str(value).partition("/")
        try:
            return super().convert(float(wrong) / float(rows) if line else value, param, ctx)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is not a ratio such as 2/1000", param, ctx)


@click.command()
@click.argument("rows", type=FILE)
@click.option("--sample", "size", type=click.IntRange(1), metavar="N", help="Draw a sample of N ok rows, for -o.")
@seed_option
@click.option("--keyed", type=FILE, metavar="FILE", help="The sample, keyed.")
@click.option("--show-at-most", "share", type=Ratio(), help="What is to be shown: at most K of N ok rows are wrong.")
@output_option("Write the sample to key (.csv).")
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write the result as JSON, too.")
@click.option("--html", "html_file", type=FILE, metavar="FILE", help="Write a certificate of one page, too.")
@click.option("--summary", type=FILE, metavar="FILE", help="classify's summary, for model and threshold.")
@click.option("--keyed-by", metavar="NAME", help="Who keyed, for JSON and certificate.")
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
    path, truth and stratum, and no labels. Type into truth what each image shows, and anything else for what is no
    digit. Then give it to --keyed, with the same --seed. Rows whose status you have changed are left out.

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
        prepare_document(json_file, ".json", first_entry(MARK), "--json", "report of batchdigits audit")
    if html_file:
        prepare_document(html_file, ".html", HEAD, "--html", "report of batchdigits audit")
    if output:
        prepare_output(output, ".csv")
        if output.exists():
            raise BatchdigitsError(f"{output} exists, and may be keyed already; give -o another name")
    table = table_of(read_table(str(rows)))
    if not keyed:
        _draw(table, size, share, seed, output)
        return
    _judge(table, rows, keyed, seed, share, _facts(rows, keyed, summary, keyed_by, seed, table), json_file, html_file)


def _check_options(
    size: int | None, keyed: Path | None, share: float | None, output: Path | None, only_keyed: list[object]
) -> None:
    if keyed and (size or output):
        raise click.UsageError("--keyed judges a sample; --sample and -o draw one")
    if not keyed and any(only_keyed):
        raise click.UsageError("--json, --html, --summary and --keyed-by go with --keyed")
    if not keyed and size and not output:
        raise click.UsageError("--sample needs -o, where the sample is written to")
    if not keyed and size and share:
        raise click.UsageError("--sample and --show-at-most both set the size of the sample; give one")
    if not (keyed or size or share):
        raise click.UsageError("give --sample N, --show-at-most K/N or --keyed FILE")


def _draw(table: Table, size: int | None, share: float | None, seed: int, output: Path | None) -> None:
    """Say how large the sample has to be, or draw it."""
    from batchdigits.output.atomic import open_atomically
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
    content = write_sample(table.rows, draw(table.rows, size, seed), seed)
    with open_atomically(output) as stream:
        stream.write(content)
    print_message(f"wrote {output}: {counted(size, 'row')} to key, drawn with the seed {seed}")


def _judge(
    table: Table,
    rows: Path,
    keyed: Path,
    seed: int,
    share: float | None,
    facts: dict[str, str],
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Say what the keyed sample says, and write the reports."""
    from batchdigits.reports.audit import judge
    from batchdigits.reports.audit_html import certificate
    from batchdigits.reports.audit_sample import read_sample
    from batchdigits.reports.audit_table import as_json, as_text

    result = judge(table, seed, read_sample(keyed.read_bytes()))
    click.echo(as_text(result, share))
    if json_file:
        document = {**MARK, "about": facts, **as_json(result, share)}
        _write(json_file, json.dumps(document, indent=2) + "\n")
    if html_file:
        _write(html_file, certificate(result, share, facts))


def _write(path: Path, text: str) -> None:
    from batchdigits.output.atomic import open_atomically

    with open_atomically(path) as stream:
        stream.write(text.encode())
    print_message(f"wrote {path}")


def _facts(
    rows: Path, keyed: Path, summary: Path | None, keyed_by: str | None, seed: int, table: Table
) -> dict[str, str]:
    """What is known besides the counts, by what it is called."""
    facts = {
        "date": datetime.now().astimezone().date().isoformat(),
        "table": as_unicode(rows),
        "table's sha256": _sha256(rows),
        "sample": as_unicode(keyed),
        "sample's sha256": _sha256(keyed),
        "seed": str(seed),
    }
    if keyed_by:
        facts["keyed by"] = as_unicode(keyed_by)
    if summary:
        facts.update(_model_facts(summary, table.counts.rows))
    return facts


def _model_facts(summary: Path, rows: int) -> dict[str, str]:
    """Model, normaliser and threshold, from a summary of classify about as many rows.

    Raises:
        BatchdigitsError: it is no summary, or that of another table.
    """
    try:
        document = json.loads(summary.read_bytes())
        if document["summary_of"] != SUMMARY_MARK["summary_of"]:
            raise KeyError
        images, model = document["images"], document["model"]
        facts = {
            "model": str(model["name"]),
            "model's sha256": str(model["sha256"]),
            "normaliser": str(document["normaliser"]),
            "review threshold": str(document["threshold"]),
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BatchdigitsError(f"{summary} is no summary of batchdigits classify") from None
    if images != rows:
        raise BatchdigitsError(f"{summary} is about another table: {images} images, where this one has {rows} rows")
    return {name: as_unicode(text) for name, text in facts.items()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
