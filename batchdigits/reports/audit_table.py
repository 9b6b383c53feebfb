"""What an audit says, as text and in types that JSON has."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from batchdigits.inference.decide import Status
from batchdigits.inference.threshold import CONFIDENCE_LEVEL
from batchdigits.output.row_counts import REVIEWED
from batchdigits.reports.audit import Audit, Outlook, Table
from batchdigits.reports.table import table
from batchdigits.text import as_unicode, counted, printable

LEVEL = f"{CONFIDENCE_LEVEL:.0%}"
MAX_LISTED = 20  # wrong rows in the text; JSON has all
HEADINGS = ("reviewed", "by the scores", "in the sample", "by the sample", f"{LEVEL} bound")


def as_text(audit: Audit, share: float | None) -> str:
    """The audit as text, and what it says about at most `share` (0-1) of the `ok` rows being wrong."""
    lines = [heading(audit), whole_table(audit), "", table([HEADINGS, *outlook_cells(audit)]), "", EXPLANATION]
    if audit.wrong:
        listed = [f"{row.path}: {row.label}, keyed {row.truth}" for row in audit.wrong[:MAX_LISTED]]
        lines += ["", "Wrong in the sample:", *map(printable, listed)]
    if share is not None:
        lines += ["", verdict(audit, share)]
    return "\n".join(lines)


def heading(audit: Audit) -> str:
    """The audit in a sentence."""
    found = f"{audit.size:,} of {counted(len(audit.table.rows), 'ok row')} keyed, {len(audit.wrong):,} wrong"
    return f"{found}: with {LEVEL} confidence, at most {_bound(audit, audit.as_is)} of 1,000 ok rows are wrong."


def whole_table(audit: Audit) -> str:
    """What the audit says of all rows that are done."""
    found = audit.table
    bound, corrected = _whole_bounds(audit)
    rows = f"the {counted(found.finished, 'finished row')} ({len(found.rows):,} ok, {found.reviewed:,} reviewed)"
    estimate = _number(1000 * audit.as_is.estimate / found.finished)
    parts = [
        f"Whole table: of {rows}, {estimate} of 1,000 are wrong by the sample, and at most {_number(bound)}, "
        "taking reviewed rows as right."
    ]
    if audit.wrong:
        parts.append(f"At most {_number(corrected)}, once those found wrong are put right.")
    if others := not_counted(audit):
        named = ", ".join(f"{number:,} {status}" for status, number in others.items())
        parts.append(f"Not counted: {named}.")
    return " ".join(parts)


def not_counted(audit: Audit) -> dict[str, int]:
    """The rows by status that are not done, or that nobody has claimed a label for."""
    counts = audit.table.counts.statuses
    return {status: number for status, number in sorted(counts.items()) if status not in (Status.OK, REVIEWED)}


EXPLANATION = (
    "Wrong rows per 1,000 ok rows, as the table is and after the least sure rows are reviewed and put right.\n"
    "Each bound holds by itself."
)


def outlook_cells(audit: Audit) -> list[list[str]]:
    """A row of cells for each outlook, under HEADINGS."""
    return [
        [
            f"{outlook.reviewed:,}",
            _per_1000(audit, outlook.expected),
            f"{outlook.found:,}",
            _per_1000(audit, outlook.estimate),
            _bound(audit, outlook),
        ]
        for outlook in audit.outlooks
    ]


def verdict(audit: Audit, share: float) -> str:
    """Whether the sample shows that at most `share` (0-1) of the `ok` rows are wrong, or how large one would."""
    rows, claim = len(audit.table.rows), f"at most {_number(1000 * share)} of 1,000 ok rows are wrong"
    if audit.as_is.bound <= share * rows:
        return f"Shown: {claim}."
    size = audit.size_to_show(share)
    if size is None:
        return f"Not shown: {claim}. With so many wrong rows no sample would show it: review the least sure rows."
    more = max(0, size - audit.size)
    return f"Not shown: {claim}. If errors stay as frequent, a sample of {size:,} rows would show it, {more:,} more."


def size_as_text(found: Table, share: float, size: int | None) -> str:
    """How many rows to key to show that at most `share` (0-1) of the `ok` rows are wrong."""
    rows = len(found.rows)
    expected = f"{_number(1000 * found.expected_errors / rows)} of 1,000"
    claim = f"at most {_number(1000 * share)} of 1,000 ok rows are wrong"
    if size is None:
        return f"No sample can show that {claim}: by the scores, {expected} are. Review the least sure rows first."
    return (
        f"Key {size:,} of the {counted(rows, 'ok row')} to show, with {LEVEL} confidence, that {claim}.\n"
        f"This relies on the scores, by which {expected} are wrong; if more are, more rows are needed."
    )


def as_json(audit: Audit, share: float | None) -> dict[str, Any]:
    """The audit in types that JSON has."""
    document: dict[str, Any] = {
        "statuses": dict(audit.table.counts.statuses),
        "ok": len(audit.table.rows),
        "keyed": audit.size,
        "wrong": [
            {"path": as_unicode(row.path), audit.table.answer: row.label, "truth": row.truth} for row in audit.wrong
        ],
        "confidence_level": CONFIDENCE_LEVEL,
        **_outlook_json(audit, audit.as_is),
        "whole_table": _whole_json(audit),
        "after_review": [
            {"reviewed": outlook.reviewed, **_outlook_json(audit, outlook)} for outlook in audit.outlooks[1:]
        ],
    }
    if share is not None:
        size = audit.size_to_show(share)
        document["show_at_most"] = {
            "share": share,
            "shown": audit.as_is.bound <= share * len(audit.table.rows),
            "sample_size": size,
            "more": None if size is None else max(0, size - audit.size),
        }
    return document


def _outlook_json(audit: Audit, outlook: Outlook) -> Mapping[str, float]:
    scale = 1000 / len(audit.table.rows)
    return {
        "expected_per_1000": round(outlook.expected * scale, 3),
        "estimate_per_1000": round(outlook.estimate * scale, 3),
        "upper_bound_per_1000": _rounded_up(outlook.bound * scale, 3),
        "upper_bound_rows": outlook.bound,
    }


def _whole_json(audit: Audit) -> Mapping[str, Any]:
    found = audit.table
    bound, corrected = _whole_bounds(audit, 3)
    return {
        "rows": found.finished,
        "reviewed": found.reviewed,
        "not_counted": not_counted(audit),
        "expected_per_1000": round(1000 * audit.as_is.expected / found.finished, 3),
        "estimate_per_1000": round(1000 * audit.as_is.estimate / found.finished, 3),
        "upper_bound_per_1000": bound,
        "upper_bound_per_1000_when_corrected": corrected,
    }


def _whole_bounds(audit: Audit, decimals: int = 2) -> list[float]:
    """The bounds per 1,000 finished rows, as the table is and once the wrong rows of the sample are put right."""
    bounds = (audit.as_is.bound, audit.bound_when_corrected)
    return [_rounded_up(1000 * bound / audit.table.finished, decimals) for bound in bounds]


def _per_1000(audit: Audit, errors: float) -> str:
    return _number(1000 * errors / len(audit.table.rows))


def _bound(audit: Audit, outlook: Outlook) -> str:
    return _number(_rounded_up(1000 * outlook.bound / len(audit.table.rows), 2))


def _rounded_up(number: float, decimals: int) -> float:
    """A bound stays one when it is rounded."""
    return ceil(round(number * 10.0**decimals, 6)) / 10.0**decimals


def _number(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".") if number == 0 or number >= 0.005 else "under 0.01"
