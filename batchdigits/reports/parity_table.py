"""The proof of an export as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from batchdigits.learning.parity_check import LITERT, Row
from batchdigits.reports.table import table
from batchdigits.text import printable

SHOWN = 20  # disagreements of one set of images that are listed; -v lists them all


def parity_table(rows: Sequence[Row], mode: str) -> str:
    """One line for each row: what agreed on which images, and how well."""
    header = ("images", "", "runtime", "float32", mode, "same label", "largest probability difference")
    return table([header, *(_line(row) for row in rows)], left=(0, 2))


def disagreements(rows: Sequence[Row], labels: Sequence[str], limit: int | None = SHOWN) -> str:
    """The images that get another label under LiteRT, one a line; "" where there are none."""
    lines = []
    for row in rows:
        found = row.agreement.disagreements if row.runtime == LITERT and row.agreement is not None else ()
        for glyph, first, sure, second, other in found[:limit]:
            name = printable(row.images.names[glyph])
            lines.append(
                f"{name}: {printable(labels[first])} ({sure:.3f}) became {printable(labels[second])} ({other:.3f})"
            )
        if limit is not None and len(found) > limit:
            lines.append(f"{row.images.name}: {len(found) - limit:,} more; -v lists them all")
    return "\n".join(lines)


def _line(row: Row) -> tuple[str, ...]:
    if row.agreement is None:
        return (row.images.name, "", row.runtime, row.note)
    images, first, second, difference, _ = row.agreement
    return (
        row.images.name,
        f"{images:,}",
        row.runtime,
        _percent(first),
        _percent(second),
        f"{row.agreement.same:.2%}",
        f"{difference:.3f}",
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
