"""The parity check of an export as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from batchdigits.learning.parity_check import LITERT, ParityRow
from batchdigits.reports.table import table
from batchdigits.text import printable

MAX_LISTED = 20  # disagreements that are listed for each set of images without -v


def parity_table(rows: Sequence[ParityRow], mode: str) -> str:
    """A header and a line for each row; `mode` is the header of the column with the export's accuracy."""
    header = ("images", "", "runtime", "float32", mode, "same label", "largest probability difference")
    return table([header, *(_line(row) for row in rows)], left=(0, 2))


def disagreements(rows: Sequence[ParityRow], labels: Sequence[str], limit: int | None = MAX_LISTED) -> str:
    """The images that get another label under LiteRT, one a line; "" if there are none.

    Args:
        rows: of the parity check.
        labels: the classes' names.
        limit: how many to list for each set of images; None lists all.
    """
    lines = []
    for row in rows:
        found = row.agreement.disagreements if row.runtime == LITERT and row.agreement is not None else ()
        for one in found[:limit]:
            before = f"{printable(labels[one.keras_label])} ({one.keras_confidence:.3f})"
            after = f"{printable(labels[one.export_label])} ({one.export_confidence:.3f})"
            lines.append(f"{printable(row.images.names[one.glyph])}: {before} became {after}")
        if limit is not None and len(found) > limit:
            lines.append(f"{row.images.name}: {len(found) - limit:,} more; -v lists them all")
    return "\n".join(lines)


def _line(row: ParityRow) -> tuple[str, ...]:
    if row.agreement is None:
        return (row.images.name, "", row.runtime, row.note)
    return (
        row.images.name,
        f"{row.agreement.images:,}",
        row.runtime,
        _percent(row.agreement.keras_accuracy),
        _percent(row.agreement.export_accuracy),
        f"{row.agreement.same_label:.2%}",
        f"{row.agreement.largest_difference:.3f}",
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
