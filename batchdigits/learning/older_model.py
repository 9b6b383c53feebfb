"""What becomes of a model file where a new one is written: it may be hours of work."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from batchdigits.errors import BatchdigitsError
from batchdigits.inference.card import Card
from batchdigits.inference.model_file import read_card
from batchdigits.learning.history import history_path
from batchdigits.output.atomic import resolve_link


def keep_older(path: Path, card: Card) -> Path | None:
    """Give the file at `path`, and the history beside it, another name, unless it is a model of the same training.

    A model of the same training is one of an interrupted run, or of the same command.

    Args:
        path: where a model file is about to be written.
        card: its card.

    Returns:
        The other name, `digits.1.keras` for `digits.keras`; None if there was nothing to keep.

    Raises:
        OSError: a file cannot be renamed.
    """
    older = resolve_link(path)
    if not older.is_file() or not older.stat().st_size or _training(card) == _training_of(older):
        return None
    names = (older.with_suffix(f".{number}{older.suffix}") for number in count(1))
    kept = next(name for name in names if not name.exists() and not history_path(name).exists())
    older.rename(kept)
    if history_path(older).is_file():
        history_path(older).rename(history_path(kept))
    return kept


def _training_of(model: Path) -> dict[str, Any] | None:
    """What a model file says of its training; None if it is none."""
    try:
        return _training(read_card(model))
    except BatchdigitsError:
        return None


def _training(card: Card) -> dict[str, Any]:
    """What the weights follow from, in types that JSON has."""
    document = Card.from_json(card.to_json())  # tuples are lists there
    return {
        "recipe": document.recipe,
        "seed": document.seed,
        "labels": document.labels,
        "versions": (document.libraries, document.normaliser),
        "data": {name: value for name, value in document.data.items() if name != "ok_outliers"},  # of a finished one
        "models": {name: value for name, value in document.sha256.items() if name != "payload"},
    }
