"""The columns of a row, the same in every format."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from batchdigits.files.page_names import file_of
from batchdigits.inference.decide import Prediction

Cell = str | float | None
FAILS_DECIMALS = "fails the decimals"  # in the detail of a number that a run wrote as it stood in the field


class ColumnNames(Protocol):
    """The columns of a table.

    Attributes:
        names: all of them, in order.
        texts: those that hold text; the others hold numbers.
    """

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def texts(self) -> frozenset[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Columns:
    """Which columns a run writes.

    Attributes:
        labels: the classes, in the order of a prediction's probabilities.
        top_k: how many classes a row names, the likeliest first.
        probabilities: whether every class has a column.
        ids: the ids of sources by their paths; None for no such column.
        others: how many columns of a person's own, which a run leaves empty, are behind ours in a table.
        answer: the name of the second column: `label`, or `value` where rows are fields.
        digits: whether the digits of a field have a column.
        decimals: how many decimals a value has, by the name of its column, or where each row is a field of a form, by
            that of the field; only of amounts.
    """

    labels: tuple[str, ...] = ()
    top_k: int = 1
    probabilities: bool = False
    ids: Mapping[str, str] | None = None
    others: int = 0
    answer: Literal["label", "value"] = "label"
    digits: bool = False
    decimals: Mapping[str, int] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The fixed ones; then `id`, `digits`, `label_2,confidence_2`… and `p_LABEL`…, if asked for."""
        ids = () if self.ids is None else ("id",)
        digits = ("digits",) if self.digits else ()
        more = [name for rank in self._ranks() for name in (f"label_{rank}", f"confidence_{rank}")]
        first = ("path", self.answer, "confidence", "status", "detail", "score")
        return (*first, *ids, *digits, *more, *self._probability_names())

    @property
    def texts(self) -> frozenset[str]:
        """The names of the text columns; the others hold probabilities."""
        return frozenset(name for name in self.names if not name.startswith(("confidence", "score", "p_")))

    def cells(self, prediction: Prediction) -> tuple[Cell, ...]:
        """The cells of a row; None in the columns that a prediction without a label leaves empty, and in `others`."""
        return (*self._own_cells(prediction), *[None] * self.others)

    def _own_cells(self, prediction: Prediction) -> tuple[Cell, ...]:
        path, label, confidence, status, detail, probabilities, score, digits, _ = prediction
        first: tuple[Cell, ...] = (path, label or None, confidence, str(status), detail, score)
        if self.ids is not None:
            first += (self._id_of(path),)
        if self.digits:
            first += (digits or None,)
        if not self.needs_probabilities:
            return first
        if not probabilities:
            return first + (None,) * (len(self.names) - len(first))
        likeliest = sorted(probabilities.items(), key=lambda item: -item[1])  # stable: ties stay in order
        others = [cell for label_and_probability in likeliest[1 : self.top_k] for cell in label_and_probability]
        return (*first, *others, *(probabilities.values() if self.probabilities else ()))

    @property
    def answers(self) -> tuple[str, ...]:
        """The columns that have what was read."""
        return (self.answer,)

    @property
    def by_field(self) -> bool:
        """Whether a row is one of several fields of its page."""
        return False

    @cached_property
    def are_fixed(self) -> bool:
        """Whether there are none but the fixed columns."""
        return self.ids is None and not (self.digits or self.needs_probabilities or self.others)

    def amounts(self, cells: Sequence[Cell]) -> Iterator[tuple[int, int]]:
        """The places of the amounts in a row, and how many decimals they have; not of what fails these."""
        if FAILS_DECIMALS not in str(cells[self.places["detail"]]):
            for name, decimals in (self.decimals or {}).items():
                yield self.places[name], decimals

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The places of the columns by their names."""
        return {name: place for place, name in enumerate(self.names)}

    @property
    def needs_probabilities(self) -> bool:
        """Whether a row needs the probabilities of all classes."""
        return self.probabilities or self.top_k > 1

    def _id_of(self, path: str) -> str | None:
        """The id of a source, or of the file that it is a page of."""
        assert self.ids is not None
        return self.ids.get(path) or self.ids.get(file_of(path))

    def _ranks(self) -> range:
        return range(2, min(self.top_k, len(self.labels)) + 1)

    def _probability_names(self) -> list[str]:
        return [f"p_{label}" for label in self.labels] if self.probabilities else []


def amount_of(cell: str, decimals: int) -> str:
    """An amount as runs write it, `12.50`, of which a spreadsheet may have made `12,5`; any other cell as it is."""
    whole, _, behind = cell.replace(",", ".").partition(".")
    is_amount = whole.removeprefix("-").isdigit() and (behind or "0").isdigit() and len(behind) <= decimals
    return f"{whole}.{behind.ljust(decimals, '0')}" if is_amount else cell


def number_of(cell: object) -> float | None:
    """A cell as a finite number, whose point a spreadsheet may have made a comma; None if it is none."""
    try:
        number = float(str(cell).replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
