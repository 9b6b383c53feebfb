"""What differs between two model files, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchdigits.reports.table import table
from batchdigits.text import printable

Document = dict[str, Any]
Differences = dict[str, tuple[Any, Any]]

# Long lists, and what follows from other entries or is told in brief by them.
LEFT_OUT = (
    "card.data.sources",
    "card.quantization.agreement",
    "card.risk",
    "card.second_look.risk",
    "card.sha256",
    "inputs",
    "layers",
    "outputs",
    "signatures",
    "tensors",
)
MAX_CELL = 40  # characters


def model_differences(first: Document, second: Document) -> Differences:
    """The entries of two documents of `inspect_model_file` that differ, by their paths, such as `card.accuracy.test`.

    A value is JSON's text, number, truth value or list of such; it is None where a file does not have the entry.
    """
    one, other = _entries(first), _entries(second)
    names = list(dict.fromkeys([*one, *other]))
    return {name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)}


def differences_table(differences: Differences) -> str:
    """Format what `model_differences` gives: a row for each entry."""
    rows = [(printable(name), *(_cell(name, value) for value in values)) for name, values in differences.items()]
    return table([("entry", "first", "second"), *rows], left=(0, 1, 2))


def _entries(value: Any, name: str = "") -> dict[str, Any]:
    """The leaves of nested dicts, by the keys on the way to them, joined by dots."""
    if name in LEFT_OUT:
        return {}
    if not isinstance(value, Mapping):
        return {name: value}
    return {k: v for key, item in value.items() for k, v in _entries(item, f"{name}.{key}".lstrip(".")).items()}


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2%}" if ".accuracy." in name else f"{value:.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = printable(" ".join(map(str, value)) if isinstance(value, list) else str(value))
    return text if len(text) <= MAX_CELL or name == "file" else f"{text[: MAX_CELL - 1]}…"
