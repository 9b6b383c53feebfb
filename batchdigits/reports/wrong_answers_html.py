"""Wrong answers as one self-contained HTML page, with their scans and glyphs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.engines.classify_files import Settings
from batchdigits.inference.runtime import Runtime
from batchdigits.reports.evaluation import UNANSWERED, Evaluation, column_of
from batchdigits.reports.preview import items_of_rows
from batchdigits.reports.preview_html import document, figures, page, safe
from batchdigits.reports.wrong_answers import WrongAnswer
from batchdigits.text import counted

MAX_SHOWN = 500  # images on a page
Place = tuple[int, int]  # row and column of a cell of the confusion matrix


def ranked_page(wrong: Sequence[WrongAnswer], runtime: Runtime, settings: Settings) -> str:
    """A page of the first MAX_SHOWN wrong answers, in their order."""
    shown = wrong[:MAX_SHOWN]
    items = items_of_rows([answer.prediction for answer in shown], runtime, settings)
    return page(items, [f"in the folder {answer.given}" for answer in shown])


def confusion_page(
    evaluations: Sequence[Evaluation], wrong: Sequence[WrongAnswer], runtime: Runtime, settings: Settings
) -> str:
    """A page with the confusion matrix, and below it the wrong answers cell by cell; a cell is a link to its own.

    Where there are more than MAX_SHOWN, the first ones of every cell are shown.

    Args:
        evaluations: of one model, at least one; the matrix has the sum of their counts.
        wrong: the wrong answers in all of them.
        runtime: makes the glyphs' predictions.
        settings: those of the evaluations.
    """
    labels = evaluations[0].labels
    rows, columns = [*labels, NOT_DIGIT], [*labels, *UNANSWERED]
    groups: dict[Place, list[WrongAnswer]] = defaultdict(list)
    for answer in wrong:
        groups[rows.index(answer.given), column_of(answer.prediction, labels)].append(answer)
    turns = sorted((turn, place) for place, group in groups.items() for turn in range(len(group)))
    shown = Counter(place for _, place in turns[:MAX_SHOWN])
    places = sorted(shown)
    listed = [answer for place in places for answer in groups[place][: shown[place]]]
    items = iter(items_of_rows([answer.prediction for answer in listed], runtime, settings))
    parts = []
    for row, column in places:
        number, first = len(groups[row, column]), shown[row, column]
        cut = f", the first {first:,} are shown" if first < number else ""
        title = f"{safe(rows[row])} classified as {safe(columns[column])}: {counted(number, 'image')}{cut}"
        parts.append(f'<h2 id="{_anchor((row, column))}">{title}</h2>')
        parts.append(figures(list(islice(items, first))))
    right = [int(sum(evaluation.confusion[label, label] for evaluation in evaluations)) for label in range(len(labels))]
    counts = {(label, label): number for label, number in enumerate(right)}
    counts |= {place: len(group) for place, group in groups.items()}
    return document("Wrong answers", "\n".join(parts), _table(rows, columns, counts, shown))


def _table(
    rows: Sequence[str], columns: Sequence[str], counts: Mapping[Place, int], linked: Mapping[Place, int]
) -> str:
    """The confusion matrix. A row without images is left out."""
    head = "".join(f'<th scope="col">{safe(name)}' for name in columns)
    lines = [f"<caption>True labels (rows), the model's labels (columns)</caption>\n<tr><th>{head}"]
    for row, name in enumerate(rows):
        places = [(row, column) for column in range(len(columns))]
        if any(counts.get(place) for place in places):
            cells = "".join(f"<td>{_cell(place, counts.get(place, 0), place in linked)}" for place in places)
            lines.append(f'<tr><th scope="row">{safe(name)}{cells}')
    return "<table>\n" + "\n".join(lines) + "\n</table>\n"


def _cell(place: Place, count: int, is_linked: bool) -> str:
    text = f"{count:,}" if count else ""
    return f'<a href="#{_anchor(place)}">{text}</a>' if is_linked else text


def _anchor(place: Place) -> str:
    return f"cell-{place[0]}-{place[1]}"
