"""A preview of fields as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence

from batchdigits.reports.preview_fields import DigitItem, FieldItem
from batchdigits.reports.preview_html import document, image_tag, safe, status_class


def page(items: Sequence[FieldItem]) -> str:
    """The page, as text that UTF-8 can hold."""
    return document("Fields, with what was cut out of each and how it was read", "\n".join(map(_figure, items)))


def _figure(item: FieldItem) -> str:
    row = item.prediction
    parts = [] if item.thumbnail is None else [image_tag(item.thumbnail, "field with its cuts")]
    facts = f"<i>{safe(row.status)}</i><span>{safe(row.detail)}</span>"
    certainty = "" if row.confidence is None else f"<span>{row.confidence:.1%}</span>"
    parts.append(f"<p>{f'<b>{safe(row.label)}</b>' if row.label else ''}{certainty}{facts}</p>")
    if item.digits:
        parts.append(f"<ol>{''.join(map(_digit, item.digits))}</ol>")
    caption = f"<figcaption>{safe(row.path)}</figcaption>"
    return f'<figure class="field {status_class(row.status)}">{"".join(parts)}{caption}</figure>'


def _digit(digit: DigitItem) -> str:
    return f"<li>{image_tag(digit.glyph, 'glyph')}<b>{safe(digit.label)}</b><br>{digit.confidence:.0%}</li>"
