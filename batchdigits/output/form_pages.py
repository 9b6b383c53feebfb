"""Make rows of pages from the rows of their fields, as a review left these."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.decide import SCORE_DECIMALS, Status
from batchdigits.output.form_columns import TO_REVIEW, PageColumns
from batchdigits.output.row_counts import REVIEWED
from batchdigits.output.table import text_of
from batchdigits.output.table_records import Changed, Record, Records

NO_ROW = "no row in the table"  # the detail of a field whose row is missing


@dataclass
class PageFaults:
    """What is wrong with the pages of a table, which a person may have edited.

    Attributes:
        incomplete: the paths of the pages that lack the row of a field which others have.
        doubled: the paths of the pages that are there more than once.
    """

    incomplete: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def fields_of_pages(source: Records) -> dict[str, list[str]]:
    """The fields of a table by the page of the form that has them, page by page, in the order of the table.

    Raises:
        BatchdigitsError: the table is not of fields of forms, or is damaged.
    """
    if not {"page", "field", "value"} <= set(source.names):
        raise BatchdigitsError("--wide is for tables with a row a field, as read --template --long writes them")
    pages: dict[str, dict[str, None]] = {}
    for record in source.records():
        if record.row and record.row.field:
            pages.setdefault(text_of(record.cells["page"]), {})[record.row.field] = None
    return {page: list(pages[page]) for page in sorted(pages, key=lambda page: (len(page), page))}


def page_columns(fields: Mapping[str, Iterable[str]], has_ids: bool) -> tuple[str, ...]:
    """The columns of a table with a row a page, by the fields of its pages."""
    names = dict.fromkeys(chain.from_iterable(fields.values()))
    return PageColumns(fields=tuple(names), ids={} if has_ids else None).names


def as_pages(records: Iterable[Changed], fields: Mapping[str, Iterable[str]], faults: PageFaults) -> Iterator[Changed]:
    """One row for the fields of each page, which a person may have sorted apart. A page that is there twice stays.

    A page that lacks a field is for review. It is named in `faults`, which are complete at the end.
    """
    pages: dict[tuple[str, int], list[Record]] = {}
    seen: Counter[str] = Counter()
    for record, change in records:
        if record.row is None:
            continue
        source, name = record.row.source, record.row.path
        pages.setdefault((source, seen[name]), []).append(record._replace(cells={**record.cells, **(change or {})}))
        seen[name] += 1
    for (source, number), rows in pages.items():
        names = [record.row.field for record in rows if record.row]
        of_page = fields.get(text_of(rows[0].cells["page"]), ()) if any(names) else ()
        missing = [name for name in of_page if name not in names]
        if missing and number == 0:
            faults.incomplete.append(source)
        if number == 1:
            faults.doubled.append(source)
        yield _page(rows, missing), None


def _page(fields: Sequence[Record], missing: Sequence[str]) -> Record:
    """The row of a page. A field that a person has answered is right, so it does not count in the score.

    The value of a row of no field has no column: it gets into the detail, and the page is for review.
    """
    rows = [(field.row.field, field.cells, field.row.score) for field in fields if field.row]
    values = [(name, text_of(cells["value"])) for name, cells, _ in rows]
    statuses = [
        Status.REVIEW if value and not name else text_of(cells["status"])
        for (name, value), (_, cells, _) in zip(values, rows, strict=True)
    ]
    scores = [
        score for (_, _, score), status in zip(rows, statuses, strict=True) if score is not None and status != REVIEWED
    ]
    details = [(name, text_of(cells["detail"])) for name, cells, _ in rows]
    details += [("", f"there is no field for {value}") for name, value in values if value and not name]
    details += [(name, NO_ROW) for name in missing]
    to_review = [name for (name, _), status in zip(values, statuses, strict=True) if name and status in TO_REVIEW]
    page = {
        "page": rows[0][1]["page"],
        "status": _status([*statuses, *(Status.REVIEW for _ in missing)]),
        "detail": "; ".join(f"{name}: {detail}" if name else detail for name, detail in details if detail),
        "review": ", ".join([*to_review, *missing]),
        "score": round(math.prod(scores), SCORE_DECIMALS) if scores else None,
        "id": rows[0][1].get("id"),
    }
    return Record(b"", {**page, **{name: value for name, value in values if name}}, fields[0].row)


def _status(statuses: Sequence[str]) -> str:
    """The status of a page by those of its fields, or by its own if it is none of the form's."""
    if len(statuses) == 1:
        return statuses[0]
    if {*statuses} & {*TO_REVIEW}:
        return Status.REVIEW
    return next((status for status in (REVIEWED, Status.OK) if status in statuses), Status.BLANK)
