"""The finished table of a review: the table, with the answers of its log in it. Both stay as they are.

A row without an answer keeps its bytes. The columns `predicted`, `reviewer` and `reviewed_at` are behind the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

from batchdigits.errors import BatchdigitsError
from batchdigits.forms.page_note import page_note_of
from batchdigits.inference.decide import Status
from batchdigits.output.atomic import replace_atomically
from batchdigits.output.columns import Cell, number_of
from batchdigits.output.compression import write_compressed
from batchdigits.output.finished import in_blocks
from batchdigits.output.form_pages import PageFaults, as_pages, fields_of_pages, page_columns
from batchdigits.output.formats import KNOWN_SUFFIXES, LINE_FORMATS, FormatName, compression_of, dialect_of, format_of
from batchdigits.output.prediction_jsonl import json_line, path_fields
from batchdigits.output.prediction_parquet import import_pyarrow, write_parquet
from batchdigits.output.prediction_xlsx import import_xlsxwriter, write_xlsx
from batchdigits.output.review_answers import Answer, Settled
from batchdigits.output.review_log import log_path, read_review
from batchdigits.output.row_counts import REVIEWED
from batchdigits.output.table import TableRow, fixed_columns, known_format, refuse_other, text_of
from batchdigits.output.table_records import NEVER_NULL, Change, Changed, Record, Records, open_records
from batchdigits.text import as_unicode

REVIEW_COLUMNS = ("predicted", "reviewer", "reviewed_at")
NO_DIGIT, NO_NUMBER, BLANK, UNSURE = "no digit", "no number", "blank", "unsure"  # details of rows

_is_number_column = re.compile(r"(?:confidence(?:_\d+)?|score|p_.*)", re.S).fullmatch


@dataclass
class Applied:
    """What became of a table's rows.

    Attributes:
        rows: their number.
        reviewed: the number of those that a person has answered.
        corrected: how many of these had another label, or one where there is none.
        unsure: the paths of the rows that were looked at, and left open.
        changed: the number of rows that have another label or status than when they were answered; they stay as they
            are.
        other_images: the paths whose image is another one than when they were answered; their rows stay as they are.
        not_found: the paths of answers that are not in the table.
        pages: what is wrong with the pages of a form, where rows became pages.
    """

    rows: int = 0
    reviewed: int = 0
    corrected: int = 0
    unsure: list[str] = field(default_factory=list)
    changed: int = 0
    other_images: list[str] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    pages: PageFaults = field(default_factory=PageFaults)


@dataclass(frozen=True)
class _Columns:
    """The columns of a table, which a person may have added some to."""

    names: tuple[str, ...]
    is_number: Callable[[str], object] = _is_number_column

    @cached_property
    def texts(self) -> frozenset[str]:
        """All but the probabilities."""
        return frozenset(name for name in self.names if not self.is_number(name))


def apply_review(
    table: Path,
    output: Path,
    overwrite: bool = False,
    digest_of: Callable[[str], str] = lambda path: "",
    typed: Mapping[str, Settled] = MappingProxyType({}),
    wide: bool = False,
) -> Applied:
    """Write the finished table of a review. It appears when it is complete.

    Args:
        table: the table that was reviewed; its log is beside it.
        output: the file to write; its suffix sets the format. Rows of the table's own format keep their bytes.
        overwrite: whether a file that is there is replaced.
        digest_of: gives the digest of a path's image as it is now, or an empty text where it is not known.
        typed: more answers. One that was typed blind counts more than that of the log; of others, those that the log
            contradicts are unsure, where its answer is about the row and the image as they are.
        wide: whether fields of forms become a row a page, with a column for each. Then, and with typed answers, there
            need not be a log.

    Raises:
        BatchdigitsError: the table or the log cannot be read, the table has only some of REVIEW_COLUMNS, or the output
            is one of both, exists (with `overwrite`: as no table), has an unknown suffix, or cannot be written.
        MissingExtraError: a package for one of the formats is not installed.
    """
    log = log_path(table)
    wanted = _check_output(output, table, log, overwrite)
    logged = read_review(log) if log.exists() or not (typed or wide) else {}
    name = known_format(str(table))
    source = open_records(table, name)
    applied = Applied()
    records = _changed_records(source, logged, typed, digest_of, applied)
    added = _added_columns(source.names, table)
    fields = fields_of_pages(source) if wide else {}
    with replace_atomically(output) as beside:
        if wide:
            columns = _Columns(page_columns(fields, "id" in source.names), "score".__eq__)
            _convert(as_pages(records, fields, applied.pages), columns, source.for_excel, wanted, beside, output)
        elif wanted == name:
            source.rewrite(records, added, beside, output)
        else:
            columns = _Columns(tuple(name for name in (*source.names, *added) if name != "path_bytes"))
            _convert(records, columns, source.for_excel, wanted, beside, output)
    return applied


def _check_output(output: Path, table: Path, log: Path, overwrite: bool) -> FormatName:
    """The format of the output, if it can be written."""
    for path, what in ((table, "table"), (log, "log of the review")):
        if output.exists() and path.exists() and output.samefile(path):
            raise BatchdigitsError(f"{output} is the {what}; give -o another name")
    if output.exists() and not overwrite:
        raise BatchdigitsError(f"{output} exists; give -o another name, or --overwrite")
    refuse_other(output)
    name = format_of(output)
    if name is None:
        raise BatchdigitsError(f"-o {output}: no format has this suffix; known are {KNOWN_SUFFIXES}")
    if (compression := compression_of(output)) and name not in LINE_FORMATS:
        raise BatchdigitsError(f"-o {output}: {name} is compressed as it is; leave .{compression} out")
    if name == "parquet":
        import_pyarrow("a .parquet file")
    if name == "xlsx":
        import_xlsxwriter("an .xlsx file")
    return name


def _added_columns(names: Sequence[str], table: Path) -> Sequence[str]:
    """Those of REVIEW_COLUMNS that are to be added: all, or none for a table that was reviewed before."""
    there = [name for name in REVIEW_COLUMNS if name in names]
    if there and len(there) < len(REVIEW_COLUMNS):
        raise BatchdigitsError(
            f"{table} has a column {there[0]} of its own, where the review writes one; give that another name"
        )
    return () if there else REVIEW_COLUMNS


def _changed_records(
    source: Records,
    logged: Mapping[str, Settled],
    typed: Mapping[str, Settled],
    digest_of: Callable[[str], str],
    applied: Applied,
) -> Iterator[Changed]:
    """Each row with what the review makes of it; nothing if its image is another one now."""
    found = set()
    answer_column = fixed_columns(source.names)[1]
    for record in source.records():
        row = record.row
        if row is None or not (row.path or row.status):
            yield record, None
            continue
        applied.rows += 1
        settled = _agreed(row, logged.get(row.path), typed.get(row.path), digest_of)
        if settled is None:
            yield record, None
            continue
        is_other = settled.answer.is_about_another_image(digest_of(row.source))
        if is_other and row.path not in found:
            applied.other_images.append(row.path)
        found.add(row.path)
        yield record, None if is_other else _change(record, row, settled, answer_column, applied)
    applied.not_found = [path for path in {**logged, **typed} if path not in found]


def _agreed(
    row: TableRow, logged: Settled | None, typed: Settled | None, digest_of: Callable[[str], str]
) -> Settled | None:
    """The answer to a row; unsure where the page has another one than was typed by somebody who saw the label, too."""
    if logged is None or typed is None:
        return typed or logged
    is_open = logged.answer.kind == "unsure" or logged.answer.says_the_same(typed.answer)
    if is_open or typed.is_blind or not _is_about(row, logged.answer):
        return typed
    if logged.answer.is_about_another_image(digest_of(row.source)):
        return typed
    return typed._replace(answer=typed.answer._replace(kind="unsure", label=""))


def _is_about(row: TableRow, answer: Answer) -> bool:
    """Whether a row is as it was when it was answered, and no person or later run knew better."""
    return (row.label, row.status) == (answer.predicted, answer.status)


def _change(record: Record, row: TableRow, settled: Settled, column: str, applied: Applied) -> Change | None:
    """The new cells of a row that has an answer; None if it stays as it is."""
    answer, note = settled.answer, page_note_of(row.detail)
    if not _is_about(row, answer):
        applied.changed += 1
        return None
    if answer.kind == "unsure":
        applied.unsure.append(row.path)
        return None if row.status == Status.ERROR else {"status": Status.REVIEW.value, "detail": _joined(UNSURE, note)}
    applied.reviewed += 1
    applied.corrected += answer.label != answer.predicted
    kind = {"not_digit": NO_NUMBER if row.is_number else NO_DIGIT, "blank": BLANK}.get(answer.kind, "")
    was_reviewed = bool(record.cells.get("reviewed_at"))  # then the label is a person's
    return {
        column: answer.label,
        "status": REVIEWED,
        "detail": _joined(kind, note),  # the note is about the page, and no answer to a field settles it
        "predicted": text_of(record.cells.get("predicted")) if was_reviewed else row.label,
        "reviewer": settled.reviewer,
        "reviewed_at": settled.at,
    }


def _joined(*details: str) -> str:
    return "; ".join(filter(None, details))


def _convert(
    records: Iterable[Changed], columns: _Columns, for_excel: bool, wanted: FormatName, path: Path, output: Path
) -> None:
    """Write the rows in another format than the table's."""
    rows = (_cells(record, change, columns) for record, change in records if record.row)
    if wanted in ("csv", "tsv"):
        dialect = dialect_of("tsv" if wanted == "tsv" else "csv", for_excel)
        lines = (dialect.line(cells.values()) for cells in rows)
        write_compressed(compression_of(output), in_blocks(chain([dialect.header(columns)], lines)), path)
        return
    documents = (json_line(_document(cells, columns)).encode() for cells in rows)
    in_unicode = replace(columns, names=tuple(map(as_unicode, columns.names)))
    if wanted == "jsonl":
        write_compressed(compression_of(output), in_blocks(documents), path)
    elif wanted == "xlsx":
        write_xlsx({}, in_unicode, documents, path)
    else:
        write_parquet(in_unicode, documents, path)


def _cells(record: Record, change: Change | None, columns: _Columns) -> dict[str, Cell]:
    """The cells of a row by column: numbers as they are, and all else as text."""
    cells = {**record.cells, "path": record.row.source if record.row else "", **(change or {})}
    return {name: _cell(cells.get(name), name in columns.texts) for name in columns.names}


def _cell(value: Any, is_text: bool) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not is_text:
        return float(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def _document(cells: Mapping[str, Cell], columns: _Columns) -> dict[str, Cell]:
    """The cells in types that JSON has, as classify writes them."""
    document = {as_unicode(name): _as_json(cell, name in columns.texts) for name, cell in cells.items()}
    texts = {name: document[name] or "" for name in NEVER_NULL}
    return {"path": None, **document, **texts, **path_fields(str(cells["path"]))}  # `path` is first in JSON lines


def _as_json(cell: Cell, is_text: bool) -> Cell:
    """A cell: Unicode, or a number where one is expected and there; None for an empty one."""
    if not isinstance(cell, str):
        return cell
    number = None if is_text else number_of(cell)
    return (as_unicode(cell) or None) if number is None else number
