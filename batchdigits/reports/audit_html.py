"""An audit as one self-contained HTML page, to print and to file: no script, no link and no request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from batchdigits.inference.decide import Status
from batchdigits.output.row_counts import REVIEWED
from batchdigits.reports.audit import Audit, Table
from batchdigits.reports.audit_table import (
    EXPLANATION,
    HEADINGS,
    LEVEL,
    heading,
    not_counted,
    outlook_cells,
    verdict,
    whole_table,
)
from batchdigits.reports.preview_html import safe
from batchdigits.text import counted
from batchdigits.version import __version__

MAX_LISTED = 6  # wrong rows, so that the page stays one; JSON has all

# The Content-Security-Policy is a second defence, behind the escaping.
HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>batchdigits audit</title>
<style>
:root { color-scheme: light dark; --page: #fff; --text: #1c2430; --faint: #566070; --edge: #c9ced6; --result: #1f4e78;
  --tint: #f2f6fa }
@media (prefers-color-scheme: dark) { :root { --page: #14171c; --text: #e8ebf0; --faint: #a3adba; --edge: #39414d;
  --result: #8fc1ea; --tint: #1b222b } }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif }
header { border-bottom: 2px solid var(--result) }
h1 { margin: 0 0 .2rem; font-size: 1.5rem }
header p { margin: 0 0 .6rem; color: var(--faint); overflow-wrap: anywhere }
h2 { margin: 1.3rem 0 .3rem; font-size: 1rem; color: var(--result) }
p { margin: .4rem 0 }
.result { margin: 1rem 0; padding: .8rem 1rem; border-left: .3rem solid var(--result); background: var(--tint) }
.result p:first-child { margin-top: 0; font-size: 1.15rem; font-weight: 600 }
.result p:last-child { margin-bottom: 0 }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .5rem .2rem 0; border-bottom: 1px solid var(--edge); text-align: right; vertical-align: top }
.facts td, .files th, .files td, th:first-child { text-align: left }
tbody th { font-weight: normal }
tbody th, .facts td, .files td { overflow-wrap: anywhere }
.facts th { width: 28%; color: var(--faint) }
.files td:last-child { width: 68%; font: .75rem/1.6 ui-monospace, monospace }
.signature { display: none }
@media print {
  @page { size: A4; margin: 12mm 14mm }
  :root { color-scheme: light; --page: #fff; --text: #000; --faint: #444; --edge: #bbb; --result: #1f4e78;
    --tint: #fff }
  body { max-width: none; margin: 0; padding: 0; font-size: 9.5pt; line-height: 1.28 }
  .result { margin: .6rem 0; padding: .6rem .8rem; border: 1px solid var(--result); border-left-width: .3rem }
  h2 { margin-top: .55rem; break-after: avoid }
  th, td { padding-top: .08rem; padding-bottom: .08rem }
  tr { break-inside: avoid }
  .files td:last-child { font-size: 8pt }
  .signature { display: flex; break-inside: avoid; gap: 2rem; margin-top: 2.2rem }
  .signature span { flex: 1; padding-top: .2rem; border-top: 1px solid var(--text); font-size: .85rem }
}
</style>
"""
METHOD = (
    "The sample is a simple random one, keyed without seeing {answer}s; a row is wrong if it was keyed otherwise. "
    f"With a probability of at least {LEVEL}, drawing such a sample gives a bound that the table keeps, wherever its "
    "wrong rows are (exact hypergeometric bound, stratified by score after the draw)."
)
FILES = ("table", "sample", "review log", "model")  # which have a sha256


def certificate(audit: Audit, share: float | None, facts: Mapping[str, str]) -> str:
    """The page, as text that UTF-8 can hold.

    Args:
        audit: what the sample says.
        share: the share of wrong rows (0-1) that was to be shown; None for none.
        facts: what else is known, by what it is called: `table`, `table's sha256`, the same of the sample, `seed` and
            `date`, and more where it is known.
    """
    table = audit.table
    rows = {Status.OK.value: len(table.rows), REVIEWED: table.reviewed, **not_counted(audit)}
    counts = ", ".join(f"{number:,} {status}" for status, number in rows.items() if number)
    files = [(f"{name}: {facts[name]}", facts[f"{name}'s sha256"]) for name in FILES if f"{name}'s sha256" in facts]
    parts = [
        f"<header><h1>Audit of a table of handwritten {'numbers' if table.are_numbers else 'digits'}</h1>",
        f"<p>{_safe(facts['table'])}, {counted(table.counts.rows, 'row')}: {counts}</p></header>\n<main>",
        _result(audit, share),
        f"<h2>What was done</h2>\n{_rows((), _deeds(audit, facts), 'facts')}\n<p>{_safe(_method(table))}",
        _wrong_rows(audit),
        f"<h2>What more reviewing would do</h2>\n<p>{_safe(EXPLANATION)}",
        _rows(HEADINGS, outlook_cells(audit)),
        f"<h2>Files</h2>\n{_rows(('file', 'SHA-256'), files, 'files')}",
        '<div class="signature"><span>Place and date</span><span>Name and signature</span></div>\n</main>',
    ]
    return HEAD + "\n".join(filter(None, parts)) + "\n</html>\n"


def _deeds(audit: Audit, facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Who did what, and when."""
    sample = f"{audit.size:,} of {counted(len(audit.table.rows), 'ok row')}, drawn with the seed {facts['seed']}"
    keyed = ", ".join(facts[name] for name in ("keyed by", "keyed on") if name in facts) or "not recorded"
    known = [("model", ""), ("normaliser", "normaliser "), ("review threshold", "review threshold ")]
    model = ", ".join(f"{words}{facts[name]}" for name, words in known if name in facts)
    audited = f"{facts['date']}, with batchdigits {__version__}"
    deeds = [
        (f"{audit.table.answer}s by", model),
        ("sample", sample),
        ("keyed blind by", keyed),
        *((name, facts.get(name, "")) for name in ("changed when the label was shown", "keyed without leading zeros")),
        ("audited on", audited),
    ]
    return [(name, text) for name, text in deeds if text]


def _result(audit: Audit, share: float | None) -> str:
    sentences = [heading(audit), whole_table(audit), "" if share is None else verdict(audit, share)]
    return f'<div class="result">{"".join(f"<p>{_safe(text)}</p>" for text in sentences if text)}</div>'


def _wrong_rows(audit: Audit) -> str:
    """The rows of the sample that are wrong: the first, and how many more there are."""
    if not audit.wrong:
        return ""
    rows = [(row.path, row.label, row.truth) for row in audit.wrong[:MAX_LISTED]]
    more = len(audit.wrong) - len(rows)
    end = f"<p>And {more:,} more." if more else ""
    return f"<h2>Rows found wrong</h2>\n{_rows(_headings(audit.table), rows)}{end}"


def _method(table: Table) -> str:
    return METHOD.format(answer=table.answer)


def _headings(table: Table) -> tuple[str, ...]:
    return ("field" if table.are_numbers else "image", table.answer, "keyed")


def _rows(headings: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "rows") -> str:
    head = "".join(f'<th scope="col">{_safe(text)}' for text in headings)
    body = "".join(
        f'<tr><th scope="row">{_safe(first)}{"".join(f"<td>{_safe(cell)}" for cell in others)}\n'
        for first, *others in rows
    )
    return f'<table class="{kind}">\n{"<thead><tr>" + head if head else ""}<tbody>\n{body}</table>'


def _safe(text: str) -> str:
    return safe(" ".join(text.splitlines()))
