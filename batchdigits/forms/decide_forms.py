"""From cut forms to their rows: one for each page, or for each field."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from batchdigits.fields.decide_fields import FieldPrediction, decide_each
from batchdigits.fields.decide_together import decide_together
from batchdigits.fields.values.expected_values import Choice
from batchdigits.forms.cut_pages import CutField, CutForm
from batchdigits.forms.reference import mapped
from batchdigits.forms.template import Template, TemplateField
from batchdigits.inference.decide import SCORE_DECIMALS, FormPage, Prediction, Status
from batchdigits.inference.runtime import Runtime

NO_FIELDS: Mapping[str, Prediction] = {}


class FormPrediction(NamedTuple):
    """The numbers on one page of a form.

    Attributes:
        path: the source: its path as typed, with `#N` for a page of a multi-page file.
        page: the number of the form's page, from 1; 0 if the scan is none of them.
        fields: what was read in each of its fields, by their names and in the order of the template.
        status: `review` if a person should check one of the fields; `error` for what is no page of the form.
        detail: why, with the names of the fields.
        score: probability that all values are right, 0-1; None without any.
    """

    path: str
    page: int
    fields: Mapping[str, FieldPrediction]
    status: Status
    detail: str
    score: float | None

    def as_dict(self) -> dict[str, Any]:
        """All attributes by name, in types that JSON has; `status` as its text, and each field as a dict, too."""
        fields = {name: field.as_dict() for name, field in self.fields.items()}
        return self._asdict() | {"status": str(self.status), "fields": fields}


def read_forms(forms: Sequence[CutForm], runtime: Runtime, threshold: float) -> list[FormPrediction]:
    """What is on each page of a form, in order.

    Args:
        forms: pages of forms, in which no field has to be unique.
        runtime: the network.
        threshold: score (0-1) below which a field is `review`.
    """
    predictions = []
    for form, fields in zip(forms, _decide_fields(forms, runtime, threshold), strict=True):
        row = _row(form, {name: field.row() for name, field in fields.items()}, by_field=False)
        predictions.append(FormPrediction(row.path, form.page, fields, row.status, row.detail, row.score))
    return predictions


def decide_forms(
    forms: Sequence[CutForm],
    runtime: Runtime,
    threshold: float,
    by_field: bool,
    digits: bool = False,
    on_done: Callable[[], object] = lambda: None,
) -> list[Prediction]:
    """The row of each form, in order. The network gets the glyphs of all fields at once.

    Args:
        forms: pages of forms, or with `by_field` single fields.
        runtime: the network.
        threshold: score (0-1) below which a field is `review`.
        by_field: whether a row is that of its field.
        digits: whether rows of fields have their digits.
        on_done: called after each field.
    """
    decided = _decide_fields(forms, runtime, threshold, on_done)
    return [
        _row(form, {name: field.row(digits) for name, field in fields.items()}, by_field)
        for form, fields in zip(forms, decided, strict=True)
    ]


class UniqueFormRows(NamedTuple):
    """The rows of all forms.

    Attributes:
        rows: in order.
        choices: for each field of the template whose values are unique, those of the pages in which a number was read,
            each with the name of its page.
    """

    rows: list[Prediction]
    choices: list[tuple[TemplateField, list[tuple[str, Choice]]]]


def decide_forms_together(
    rows: Sequence[Prediction], template: Template, threshold: float, by_field: bool
) -> UniqueFormRows:
    """Choose the values of fields that are unique, for all pages together.

    Args:
        rows: of `decide_forms`.
        template: the form.
        threshold: score (0-1) below which a field is `review`.
        by_field: whether a row is that of its field.
    """
    fields = [dict(row.form.fields) if row.form else {} for row in rows]
    choices = []
    for field in template.fields:
        if not field.options.unique:
            continue
        having = [own for own in fields if field.name in own]
        decided = decide_together([own[field.name] for own in having], threshold)
        for own, prediction in zip(having, decided.rows, strict=True):
            own[field.name] = prediction
        choices.append((field, decided.choices))
    return UniqueFormRows(
        [_again(row, own, by_field) if own else row for row, own in zip(rows, fields, strict=True)], choices
    )


def _decide_fields(
    forms: Sequence[CutForm], runtime: Runtime, threshold: float, on_done: Callable[[], object] = lambda: None
) -> list[dict[str, FieldPrediction]]:
    """The fields of each form by their names, with the boxes of digits in pixels of the page."""
    every = [field for form in forms for field in form.fields]
    options = [field.field.options for field in every]
    decided = decide_each([field.cut for field in every], runtime, options, threshold, on_done)
    left = iter([_placed(prediction, field) for prediction, field in zip(decided, every, strict=True)])
    return [{field.field.name: next(left) for field in form.fields} for form in forms]


def _row(form: CutForm, fields: Mapping[str, Prediction], by_field: bool) -> Prediction:
    """The row of a page, or of its only field."""
    if not fields:
        page = FormPage(form.page, NO_FIELDS)
        return Prediction(form.source, "", None, form.status, form.detail, form=page)
    if by_field:
        return _row_of_field(FormPage(form.page, fields, form.detail, form.fields[0].corners))
    return _row_of_page(form.source, fields, form.page, form.detail)


def _again(row: Prediction, fields: Mapping[str, Prediction], by_field: bool) -> Prediction:
    """A row with other predictions of its fields."""
    assert row.form is not None
    if by_field:
        return _row_of_field(row.form._replace(fields=fields))
    return _row_of_page(row.path, fields, row.form.page, row.form.note)


def _row_of_field(form: FormPage) -> Prediction:
    """The row of a single field."""
    (own,) = form.fields.values()
    status = Status.REVIEW if form.note and own.status is Status.OK else own.status
    detail = "; ".join(filter(None, [own.detail, form.note]))
    return own._replace(status=status, detail=detail, form=form)


def _row_of_page(source: str, fields: Mapping[str, Prediction], page: int, note: str) -> Prediction:
    """The row of a page: `review` if one of its fields is; its score is the probability that all values are right."""
    statuses = {field.status for field in fields.values()}
    if note or statuses & {Status.REVIEW, Status.ERROR}:
        status = Status.REVIEW
    else:
        status = Status.OK if Status.OK in statuses else Status.BLANK
    details = [f"{name}: {field.detail}" for name, field in fields.items() if field.detail]
    scores = [field.score for field in fields.values() if field.score is not None]
    score = round(math.prod(scores), SCORE_DECIMALS) if scores else None
    detail = "; ".join(filter(None, [*details, note]))
    return Prediction(source, "", score, status, detail, score=score, form=FormPage(page, fields, note))


def _placed(prediction: FieldPrediction, field: CutField) -> FieldPrediction:
    """A prediction whose digits have their boxes in pixels of the page."""
    if field.back is None or not prediction.digits:
        return prediction
    digits = []
    for digit in prediction.digits:
        left, top, right, bottom = digit.box
        x, y = mapped(np.array([(left, top), (right, top), (right, bottom), (left, bottom)]), field.back).T
        digits.append(digit._replace(box=(float(x.min()), float(y.min()), float(x.max()), float(y.max()))))
    return prediction._replace(digits=tuple(digits))
