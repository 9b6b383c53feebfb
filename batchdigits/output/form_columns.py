"""The columns of rows for forms: one row a page with a column for each field, or one row a field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from batchdigits.inference.decide import FormPage, Prediction, Status
from batchdigits.output.columns import FAILS_DECIMALS, Cell, Columns

NO_FORM = FormPage(0, {})
TO_REVIEW = (Status.REVIEW, Status.ERROR)


@dataclass(frozen=True)
class PageColumns(Columns):
    """A row a page.

    Attributes:
        fields: the names of the form's fields, each of which has a column with its value.
    """

    fields: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The fixed ones, with the fields that a person should check in `review`; then `id`, and the fields."""
        ids = () if self.ids is None else ("id",)
        return ("path", "page", "status", "detail", "review", "score", *ids, *self.fields)

    @property
    def texts(self) -> frozenset[str]:
        """The names of the text columns."""
        return frozenset(self.names) - {"score"}

    @property
    def answers(self) -> tuple[str, ...]:
        """The columns that have what was read."""
        return self.fields

    @property
    def are_fixed(self) -> bool:
        """False: each form has its own."""
        return False

    def amounts(self, cells: Sequence[Cell]) -> Iterator[tuple[int, int]]:
        """The places of the amounts in a row, and how many decimals they have; not of what fails these."""
        failing = self._failing(str(cells[self.places["detail"]]))
        for name, decimals in (self.decimals or {}).items():
            if name not in failing:
                yield self.places[name], decimals

    def _failing(self, detail: str) -> set[str]:
        """The fields that fail their decimals, by the detail. A name stands once before all notes about its field."""
        name, failing = "", set()
        for part in detail.split("; "):
            before, _, note = part.rpartition(": ")
            if before in (self.decimals or {}):
                name = before
            if note == FAILS_DECIMALS:
                failing.add(name)
        return failing

    def _own_cells(self, prediction: Prediction) -> tuple[Cell, ...]:
        form = prediction.form or NO_FORM
        review = ", ".join(name for name, field in form.fields.items() if field.status in TO_REVIEW)
        ids = () if self.ids is None else (self._id_of(prediction.path),)
        values = [form.fields[name].label or None if name in form.fields else None for name in self.fields]
        page = str(form.page) if form.page else None
        first = prediction.path, page, str(prediction.status), prediction.detail, review or None, prediction.score
        return (*first, *ids, *values)


@dataclass(frozen=True)
class FormFieldColumns(Columns):
    """A row a field: those of other fields, behind the number of its page and its name, and where it is on the page."""

    @property
    def names(self) -> tuple[str, ...]:
        """The path, `page` and `field`, then those of every field, and `box`."""
        path, *others = super().names
        return (path, "page", "field", *others, "box")

    @property
    def by_field(self) -> bool:
        """True."""
        return True

    @property
    def are_fixed(self) -> bool:
        """False: there are more."""
        return False

    def amounts(self, cells: Sequence[Cell]) -> Iterator[tuple[int, int]]:
        """The place of the value, if its field is an amount that does not fail its decimals, and how many it has."""
        decimals = self.decimals and self.decimals.get(str(cells[self.places["field"]]))
        if decimals and FAILS_DECIMALS not in str(cells[self.places["detail"]]):
            yield self.places[self.answer], decimals

    def _own_cells(self, prediction: Prediction) -> tuple[Cell, ...]:
        form = prediction.form or NO_FORM
        path, *others = super()._own_cells(prediction)
        return (path, str(form.page) if form.page else None, next(iter(form.fields), None), *others, form.box or None)
