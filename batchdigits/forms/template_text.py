"""Write a new template as TOML, for a person to edit."""

from __future__ import annotations

import json
from collections.abc import Sequence

from batchdigits.forms.template import Alignment, Box, Point, TemplatePage, Unit

HEAD = """\
# The fields of a form, for `batchdigits read --template`. Rename the fields, delete those that hold no numbers, and say
# what you know of the others: length, comb, separators, digits-only, signed, decimals, range, pattern, check, values,
# unique. The numbers are in {picture}.
"""


def template_text(
    form: str,
    picture: str,
    unit: Unit,
    alignment: Alignment,
    pages: Sequence[TemplatePage],
    fields: Sequence[tuple[str, int, Box, int]],
) -> str:
    """A template, as `read_template` reads it.

    Args:
        form: the path of the blank form, from the template's folder.
        picture: names of the pictures with the numbers of the fields.
        unit: of all sizes and boxes.
        alignment: how a scan is lined up.
        pages: the pages.
        fields: of each its name, the number of its page, its box, and how many boxes its comb has, 1 for none.
    """
    parts = [HEAD.format(picture=picture)]
    parts.append(f"form = {_text(form)}\nunit = {_text(unit)}\nalign = {_text(alignment)}\n")
    for page in pages:
        marks = f"marks = [{', '.join(map(_list, page.marks))}]\n" if page.marks else ""
        parts.append(f"[[pages]]\nsize = {_list(page.size)}\n{marks}")
    for name, page_number, box, comb in fields:
        known = f"comb = {comb}\n" if comb > 1 else ""
        parts.append(f"[[fields]]\nname = {_text(name)}\npage = {page_number}\nbox = {_list(box)}\n{known}")
    return "\n".join(parts)


def _text(text: str) -> str:
    """A basic string; JSON escapes all that TOML does, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(numbers: Box | Point) -> str:
    """Numbers with two decimals at most."""
    return f"[{', '.join(f'{round(number, 2):.15g}' for number in numbers)}]"
