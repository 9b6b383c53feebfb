"""A preview as one self-contained HTML page: no script and no link out of it, its images inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.inference.decide import Status
from batchdigits.reports.preview import PreviewItem
from batchdigits.text import printable

# The Content-Security-Policy is a second defence: if a file name got past the escaping, the page would still run and
# load nothing.
_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>batchdigits preview</title>
<style>
:root { color-scheme: light dark; --page: #eef0f3; --card: #fff; --edge: #d5d9e0; --text: #1c2430; --faint: #667080;
  --ok: #1a7f45; --review: #b26a00; --blank: #667080; --error: #c62828 }
@media (prefers-color-scheme: dark) { :root { --page: #14171c; --card: #20252d; --edge: #39414d; --text: #e8ebf0;
  --faint: #9aa4b2; --ok: #58c88a; --review: #e7a33c; --blank: #9aa4b2; --error: #ff7b72 } }
body { margin: 1.5rem; background: var(--page); color: var(--text); font: 15px/1.4 system-ui, sans-serif }
h1 { font-size: 1.2rem; margin: 0 0 1rem }
h2 { font-size: 1rem; margin: 1rem 0 0; grid-column: 1 / -1 }
table { border-collapse: collapse; margin: 0 0 1rem; background: var(--card) }
caption { text-align: left; color: var(--faint) }
th, td { padding: .2rem .5rem; border: 1px solid var(--edge); text-align: right }
a { color: var(--error); font-weight: bold }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(23rem, 1fr)); gap: .7rem }
figure { margin: 0; padding: .8rem; background: var(--card); border: 1px solid var(--edge); border-radius: .4rem;
  border-left: .3rem solid var(--status); display: grid; gap: .8rem;
  grid-template: minmax(112px, auto) auto / 112px 112px 1fr; align-content: start }
.ok { --status: var(--ok) } .review { --status: var(--review) }
.blank, .other { --status: var(--blank) } .error { --status: var(--error) }
img { width: 112px; height: 112px; object-fit: contain; image-rendering: pixelated;
  outline: 1px solid var(--edge) }
img.large { image-rendering: auto }
p { margin: 0; overflow: hidden; overflow-wrap: anywhere }
p b { display: block; font-size: 2.6rem; line-height: 1.1 }
p i { display: block; font-style: normal; color: var(--status) }
p.why { grid-column: span 2 } .error p.why { grid-column: span 3 } p.why i { font-size: 1.4rem }
.field { display: block } .field > img { width: 100%; height: 6rem; image-rendering: auto }
.field p { display: flex; flex-wrap: wrap; gap: .1rem .8rem; align-items: baseline; margin: .4rem 0 }
.field p b { font-size: 1.5rem; letter-spacing: .06em }
.field ol { display: flex; flex-wrap: wrap; gap: .3rem; list-style: none; margin: 0 0 .4rem; padding: 0 }
.field li { text-align: center; font-size: .8rem; color: var(--faint) }
.field li b { color: var(--text); font-size: 1rem }
.field li img { display: block; width: 42px; height: 42px }
figcaption { grid-column: 1 / -1; color: var(--faint); font-size: .85rem; overflow-wrap: anywhere }
</style>
"""
BEGIN = _HEAD.partition("<style>")[0]  # by which such a page is told from another one


def page(items: Sequence[PreviewItem], notes: Sequence[str] = ()) -> str:
    """The page, as text that UTF-8 can hold; with a note for each item, or without any."""
    return document("Scan, glyph (the network's input) and prediction", figures(items, notes))


def document(heading: str, content: str, table: str = "") -> str:
    """A page from HTML: a grid of figures, below a table if there is one."""
    return f"{_HEAD}<h1>{heading}</h1>\n{table}<main>\n{content}\n</main>\n</html>\n"


def figures(items: Sequence[PreviewItem], notes: Sequence[str] = ()) -> str:
    """The HTML of some items; with a note for each, or without any."""
    return "\n".join(_figure(item, note) for item, note in zip(items, notes or [""] * len(items), strict=True))


def _figure(item: PreviewItem, note: str) -> str:
    prediction = item.prediction
    parts = []
    if item.thumbnail is not None:
        parts.append(image_tag(item.thumbnail, "scan"))
    if item.glyph is not None:
        parts.append(image_tag(item.glyph, "glyph"))
        text = f"<b>{safe(prediction.label)}</b>{safe(item.certainty)}<i>{safe(prediction.status)}</i>"
        text += "<br>".join(map(safe, item.doubts))
        parts.append(f"<p>{text}</p>")
    else:
        parts.append(f'<p class="why"><i>{safe(prediction.status)}</i>{safe(item.reason)}</p>')
    caption = f"<figcaption>{safe(prediction.path)}{'<br>' if note else ''}{safe(note)}</figcaption>"
    return f'<figure class="{status_class(prediction.status)}">{"".join(parts)}{caption}</figure>'


def status_class(status: str) -> str:
    """The class of a figure; a person may have made up a status."""
    return status if status in set(Status) else "other"


def image_tag(image: NDArray[np.uint8], alt: str) -> str:
    """An image, grey (H, W) or RGB (H, W, 3), with its bytes in it."""
    png = cv2.imencode(".png", image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    attribute = ' class="large"' if max(image.shape) > 112 else ""
    return f'<img{attribute} alt="{alt}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def safe(text: str) -> str:
    """Text as HTML, in which nothing is markup."""
    return escape(printable(text))
