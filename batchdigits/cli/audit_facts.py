"""What an audit's JSON and certificate say besides the result."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from batchdigits.cli.table.summary import SUMMARIES
from batchdigits.errors import BatchdigitsError
from batchdigits.text import as_unicode, counted

if TYPE_CHECKING:
    from batchdigits.output.review_answers import Settled
    from batchdigits.reports.audit import Table
    from batchdigits.reports.audit_sample import Keyed


def facts_of(
    rows: Path, keyed: Path, sample: Keyed, summary: Path | None, keyed_by: str | None, seed: int, table: Table
) -> dict[str, str]:
    """What is known besides the result, by what it is called.

    Raises:
        BatchdigitsError: the summary is none, or that of another table.
    """
    from batchdigits.output.review_log import log_path

    facts = {
        "date": datetime.now().astimezone().date().isoformat(),
        "table": as_unicode(rows),
        "table's sha256": _sha256(rows),
        "sample": as_unicode(keyed),
        "sample's sha256": _sha256(keyed),
        "seed": str(seed),
    }
    if sample.blind:
        log = log_path(rows)
        facts |= {"review log": as_unicode(log), "review log's sha256": _sha256(log), **_keyed_in_review(sample)}
    if sample.without_zeros:
        facts["keyed without leading zeros"] = counted(sample.without_zeros, "row")
    if keyed_by:
        facts["keyed by"] = as_unicode(keyed_by)
    if summary:
        facts |= _model_facts(summary, table.counts.rows)
    return facts


def _keyed_in_review(sample: Keyed) -> dict[str, str]:
    """Who keyed how many rows, and when."""
    names = Counter(as_unicode(settled.reviewer) for settled in sample.blind)
    is_all = len(names) == 1 and not sample.in_file
    by = ", ".join(name if is_all else f"{name} ({counted(rows, 'row')})" for name, rows in names.items())
    facts = {"keyed by": by, "keyed on": _days(sample.blind)}
    return {**facts, "changed when the label was shown": counted(sample.changed, "row")} if sample.changed else facts


def _days(answers: Sequence[Settled]) -> str:
    first, last = (function(settled.at[:10] for settled in answers) for function in (min, max))
    return first if first == last else f"{first} to {last}"


def _model_facts(summary: Path, rows: int) -> dict[str, str]:
    """Model, normaliser and threshold, from a summary of classify about as many rows.

    Raises:
        BatchdigitsError: it is no summary, or that of another table.
    """
    try:
        document = json.loads(summary.read_bytes())
        if document["summary_of"] not in SUMMARIES:
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
