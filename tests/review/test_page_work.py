"""A person puts a whole table right: at most 3 keys an error, and one an accepted page."""

from __future__ import annotations

import contextlib
import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import ROOT, Arrays, Run
from tests.review.conftest import Show
from tests.review.screen import Line, Screen, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

DEV = ROOT.parent / "shared/data/dev"
# In the page: the cards without an answer, and whether it says that all is done.
SHOWN = """() => ({
  isDone: !document.querySelector("#done").hidden,
  cards: [...document.querySelectorAll("#grid .card[data-answer='']")].map(card => ({
    path: card.title, label: card.querySelector("b").textContent, letter: card.querySelector(".letter").textContent,
  })),
})"""
IS_NEXT = f"""before => {{
  const {{ isDone, cards }} = ({SHOWN})();
  return isDone || (cards.length > 0 && cards.every(card => !before.includes(card.path)));
}}"""


class Reviewer:
    """Somebody who knows the truth, looks at each page once, and presses keys."""

    def __init__(self, screen: Screen, truth: dict[str, str]) -> None:
        self.screen, self.truth = screen, truth
        self.keys = self.errors = self.pages = 0

    def press(self, *keys: str) -> None:
        self.keys += len(keys)
        self.screen.press(*keys)

    def work(self) -> None:
        """Correct the errors of each page and accept the rest of it, until all is done."""
        while not (shown := self.screen.page.evaluate(SHOWN))["isDone"]:
            cards = shown["cards"]
            errors = [place for place, card in enumerate(cards) if card["label"] != self.truth[card["path"]]]
            cursor = 0
            for place in errors:
                if place != cursor:
                    self.press("f", cards[place]["letter"])
                truth = self.truth[cards[place]["path"]]
                self.press("x" if truth == "not_digit" else truth)
                cursor = place + 1  # the next card without an answer
            if len(errors) < len(cards):
                self.press("Shift+Enter")
            self.errors += len(errors)
            self.pages += 1
            self.screen.page.wait_for_function(IS_NEXT, arg=[card["path"] for card in cards])


def plant(lines: Sequence[Line], places: Iterable[int]) -> list[Line]:
    """The rows, some of them with a wrong label."""
    wrong = list(lines)
    for place in places:
        wrong[place] = lines[place]._replace(label=str((int(lines[place].label) + 3) % 10))
    return wrong


def check(screen: Screen, lines: Sequence[Line], truth: dict[str, str]) -> None:
    """Put all right, and check the keys that this takes and what is on disk."""
    reviewer = Reviewer(screen, truth)
    reviewer.work()
    assert reviewer.errors == sum(line.label != truth[line.path] for line in lines)
    assert reviewer.keys <= 3 * reviewer.errors + reviewer.pages
    sizes = Counter(line.label for line in lines)
    assert reviewer.pages == sum(ceil(size / 48) for size in sizes.values())
    assert screen.answers == truth


def test_a_small_table_is_put_right(show: Show, small_mnist: Arrays) -> None:
    labels = [str(label) for label in small_mnist["y_test"]]
    rng = np.random.default_rng(5)
    scores = rng.random(200)
    right = [Line(f"scans/{n}.png", label, float(scores[n]), image=n) for n, label in enumerate(labels)]
    lines = plant(right, rng.permutation(200)[:20])
    check(show(lines), lines, {line.path: line.label for line in right})


@pytest.mark.slow
@pytest.mark.skipif(not DEV.exists(), reason="the development sets are not here")
def test_two_thousand_rows_of_the_development_sets_are_put_right(page: Page, in_empty_folder: Path, run: Run) -> None:
    rng = np.random.default_rng(5)
    images = [path for path in sorted(DEV.glob("*/*/*.*")) if path.parent.name in {*"0123456789", "not_digit"}]
    chosen = [str(images[number].relative_to(DEV)) for number in sorted(rng.permutation(len(images))[:2000])]
    Path("list.txt").write_text("\n".join(chosen))
    table = in_empty_folder / "rows.csv"
    with contextlib.chdir(DEV):
        result = run("classify", "--files-from", in_empty_folder / "list.txt", "-o", table)
    assert result.exit_code == 0, result.output
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [Line(row["path"], row["label"], float(row["score"] or 0), row["status"]) for row in rows]
    truth = {line.path: Path(line.path).parent.name for line in lines}
    right = [place for place, line in enumerate(lines) if line.status == "ok" and line.label == truth[line.path]]
    lines = plant(lines, rng.permutation(right)[:40])
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "label": line.label} for row, line in zip(rows, lines, strict=True))
    with serving(table, scans=[DEV]) as address:
        screen = Screen(page, table)
        screen.open(address)
        check(screen, lines, truth)
