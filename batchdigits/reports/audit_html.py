"""An audit as one self-contained HTML page, to print and to file: no script, no link and no request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from batchdigits.reports.audit import Audit
from batchdigits.reports.audit_table import EXPLANATION, HEADINGS, LEVEL, heading, outlook_cells, verdict
from batchdigits.text import printable

# The Content-Security-Policy is a second defence, behind the escaping.
HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>batchdigits audit</title>
<style>
:root { color-scheme: light dark }
body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.4rem }
.result { padding: 1rem; border: 2px solid; border-radius: .4rem; font-size: 1.15rem }
table { width: 100%; border-collapse: collapse }
th, td { padding: .3rem .5rem; border-bottom: 1px solid #8888; text-align: right; vertical-align: top }
.facts th, .facts td { text-align: left; overflow-wrap: anywhere }
.facts th { width: 11rem; font-weight: normal }
</style>
"""
METHOD = (
    "The sample was drawn at random, stratified by class and score, and listed without labels. The bound is exact: "
    f"with a probability of at least {LEVEL}, drawing such a sample gives a bound that the table keeps, wherever its "
    "wrong rows are."
)


def certificate(audit: Audit, share: float | None, facts: Mapping[str, str]) -> str:
    """The page, as text that UTF-8 can hold.

    Args:
        audit: what the sample says.
        share: the share of wrong rows (0-1) that was to be shown; None for none.
        facts: what else is known, by what it is called.
    """
    counts = {f"{status} rows": f"{number:,}" for status, number in sorted(audit.table.counts.statuses.items())}
    sample = {"keyed rows": f"{audit.size:,}", "wrong among them": f"{len(audit.wrong):,}"}
    named = "".join(
        f'<tr><th scope="row">{_safe(name)}<td>{_safe(text)}\n' for name, text in {**facts, **counts, **sample}.items()
    )
    parts = [
        "<h1>Audit of a table of handwritten digits</h1>",
        f'<p class="result">{_safe(heading(audit))}',
        "" if share is None else f"<p>{_safe(verdict(audit, share))}",
        f'<table class="facts">\n{named}</table>',
        "<h2>If the least sure rows are reviewed</h2>",
        f"<p>{_safe(EXPLANATION)}",
        f"<table>\n{_row('th', HEADINGS)}{''.join(_row('td', cells) for cells in outlook_cells(audit))}</table>",
        f"<p>{_safe(METHOD)}",
    ]
    return HEAD + "\n".join(filter(None, parts)) + "\n</html>\n"


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{_safe(cell)}' for cell in cells)}\n"


def _safe(text: str) -> str:
    return escape(" ".join(printable(line) for line in text.splitlines()))
