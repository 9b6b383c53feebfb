"""The way from files to predictions where every page is a form with several fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from batchdigits.forms.cut_pages import CutForm, FormBatch
from batchdigits.forms.decide_forms import decide_forms
from batchdigits.forms.template import Template
from batchdigits.inference.decide import Prediction
from batchdigits.inference.runtime import Runtime


@dataclass(frozen=True)
class FormSettings:
    """The options, besides the model, that predictions for forms depend on; a `Pipeline`.

    Attributes:
        template: the form.
        threshold: score (0-1) below which a field is `review`.
        by_field: whether each field becomes a row, and not each page.
        digits: whether the row of a field carries the digits of its value.
    """

    template: Template
    threshold: float = 0.0
    by_field: bool = False
    digits: bool = False

    def batch(self) -> FormBatch:
        """An empty batch."""
        return FormBatch(self.template, self.by_field)

    def predict(self, pages: Sequence[CutForm], runtime: Runtime, on_done: Callable[[], object]) -> list[Prediction]:
        """The row of each page or field, in order."""
        return decide_forms(pages, runtime, self.threshold, self.by_field, self.digits, on_done)
