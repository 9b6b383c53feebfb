"""Plain tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Format rows as columns, two spaces apart and right-aligned except the columns in `left`.

    The last cell of a row that has fewer cells than the first row is a remark. It does not widen its column.
    """
    full_rows = [row for row in rows if len(row) == len(rows[0])]
    widths = [max(map(len, column)) for column in zip(*full_rows, strict=True)]
    lines = []
    for row in rows:
        remark = len(row) - 1 if len(row) < len(widths) else -1
        cells = [
            cell if i == remark else f"{cell:<{width}}" if i in left else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
