"""The way from files to predictions where every page is a field with a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from batchdigits.fields.cut_batch import CutBatch, CutPage
from batchdigits.fields.decide_fields import decide_fields
from batchdigits.fields.field_options import FieldOptions
from batchdigits.inference.decide import Prediction
from batchdigits.inference.runtime import Runtime


@dataclass(frozen=True)
class FieldSettings:
    """The options, besides the model, that predictions for fields depend on; a `Pipeline`.

    Attributes:
        options: what is known of the values.
        threshold: score (0-1) below which a prediction is `review`.
        digits: whether a prediction carries the digits of its value.
    """

    options: FieldOptions = field(default_factory=FieldOptions)
    threshold: float = 0.0
    digits: bool = False

    def batch(self) -> CutBatch:
        """An empty batch."""
        return CutBatch(self.options)

    def predict(self, pages: Sequence[CutPage], runtime: Runtime, on_done: Callable[[], object]) -> list[Prediction]:
        """The prediction for each page, in order; finding the likeliest value takes a page as long as cutting it."""
        found = decide_fields(pages, runtime, self.options, self.threshold, on_done)
        return [prediction.row(self.digits) for prediction in found]
