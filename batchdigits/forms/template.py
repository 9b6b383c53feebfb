"""The template of a form: where its fields are, what is known of each, and how a scan is lined up with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from batchdigits.fields.field_options import FieldOptions

if TYPE_CHECKING:
    from batchdigits.fields.values.roster import Roster
    from batchdigits.forms.reference import Reference

Alignment = Literal["marks", "features", "none"]
ALIGNMENTS: tuple[Alignment, ...] = ("none", "features", "marks")  # the first one is that of a template that names none
Unit = Literal["px", "mm"]
UNITS: tuple[Unit, ...] = ("px", "mm")

Box = tuple[float, float, float, float]  # left, top, width and height, in units of the template
Point = tuple[float, float]


class TemplatePage(NamedTuple):
    """A page of a form.

    Attributes:
        size: its width and height, in units of the template.
        marks: the centres of its corner marks.
        reference: what the blank page looks like; None if the template names no picture of it.
    """

    size: Point
    marks: tuple[Point, ...] = ()
    reference: Reference | None = None


class TemplateField(NamedTuple):
    """A field of a form.

    Attributes:
        name: of its column; no two fields have the same.
        page: the number of its page, from 1.
        box: where it is on its page.
        options: what is known of its values.
        values: the name of the list that its value is on; empty for any value.
        roster: that list; None for any value.
    """

    name: str
    page: int
    box: Box
    options: FieldOptions
    values: str = ""
    roster: Roster | None = None


class Template(NamedTuple):
    """A form; can be pickled.

    Attributes:
        path: of its file.
        alignment: how a scan is lined up with a page.
        pages: its pages.
        fields: its fields.
        form: the path of the picture of the blank form; empty if it has none.
        digest: a hash of all that rows depend on: the template, the lists of values and the picture.
    """

    path: str
    alignment: Alignment
    pages: tuple[TemplatePage, ...]
    fields: tuple[TemplateField, ...]
    form: str = ""
    digest: str = ""

    def fields_of(self, page: int) -> list[TemplateField]:
        """The fields of a page, from 1."""
        return [field for field in self.fields if field.page == page]
