"""Labelled images whose label a model disputes: the likeliest wrong labels first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from batchdigits.engines.classify_files import Settings
from batchdigits.inference.decide import Prediction, Status
from batchdigits.inference.runtime import Runtime
from batchdigits.output.prediction_csv import CSV
from batchdigits.reports.evaluation import NOT_DIGIT, class_of
from batchdigits.reports.preview import preview_items
from batchdigits.reports.preview_html import page

COLUMNS = ("path", "given", "label", "score")
MAX_SHOWN = 500  # images on a page


class Suspect(NamedTuple):
    """An image whose label may be wrong.

    Attributes:
        given: the name of its class folder.
        prediction: the row that the model gives it, with another label.
    """

    given: str
    prediction: Prediction


def note_suspects(path: str, predictions: Iterable[Prediction], suspects: list[Suspect]) -> Iterator[Prediction]:
    """Yield the same predictions, and append those that contradict their class folder to `suspects`.

    Args:
        path: the folder above the class folders.
        predictions: for sources in the class folders.
        suspects: where suspects go. Of the folder `not_digit` these are the images that get the status `ok`.
    """
    for prediction in predictions:
        given = class_of(prediction.path, path)
        is_answer = prediction.status is Status.OK or (prediction.status is Status.REVIEW and given != NOT_DIGIT)
        if is_answer and prediction.label not in ("", given):
            suspects.append(Suspect(given, prediction))
        yield prediction


def ranked(suspects: Iterable[Suspect]) -> list[Suspect]:
    """The likeliest wrong labels first: the surer the model is of another label, the likelier it is right."""
    return sorted(suspects, key=lambda suspect: (-(suspect.prediction.score or 0.0), suspect.prediction.path))


def as_csv(suspects: Iterable[Suspect]) -> bytes:
    """One row for each suspect, with the columns COLUMNS; `given` is the folder's name, `label` the model's."""
    rows = [CSV.line((row.path, given, row.label, row.score)) for given, row in suspects]
    return CSV.line(COLUMNS) + b"".join(rows)


def as_page(suspects: Sequence[Suspect], runtime: Runtime, settings: Settings) -> bytes:
    """A page of the first MAX_SHOWN suspects with their scans and glyphs."""
    given = {suspect.prediction.path: suspect.given for suspect in suspects[:MAX_SHOWN]}
    # A source that is no file is a page of one.
    files = dict.fromkeys(source if Path(source).is_file() else source.rpartition("#")[0] for source in given)
    items = {item.prediction.path: item for item in preview_items(files, runtime, settings, None)}
    shown = [source for source in given if source in items]
    return page([items[source] for source in shown], [f"in the folder {given[source]}" for source in shown]).encode()
