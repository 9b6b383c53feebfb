"""The bound of an audit against that of a simple sample without scores, on simulated tables whose truth is known.

    python benchmarks/audit_bounds.py

A row is a kind of table. `held`: the share of tables that keep the bound, in percent; `exact`: of all samples of the
first of the tables, computed. The bounds are means, in wrong rows per 1,000: that of `batchdigits audit`, and those of
the same sample without scores, hypergeometric and by Clopper and Pearson. `ratio`: of the first to the second;
`widest`: the largest ratio of a single sample. All is drawn with fixed seeds, so the same numbers come out again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from math import comb
from random import Random
from typing import NamedTuple

import click

from batchdigits.inference.threshold import clopper_pearson_upper_bound
from batchdigits.reports.audit import draw, upper_bound

SIZES = "500:50,500:150,500:400,5000:500,20000:500,100000:50,100000:2000"
CLASSES = 10

# The rows are numbered by score from 0, the least sure. Each kind says which are wrong, from the number of rows, how
# many of them a sample has one of, and a source of random numbers.
WORLDS: dict[str, Callable[[int, int, Random], set[int]]] = {
    "none": lambda rows, stretch, random: set(),
    "one": lambda rows, stretch, random: {random.randrange(rows)},
    "few, anywhere": lambda rows, stretch, random: set(random.sample(range(rows), min(rows, 2 * stretch))),
    "1 of 10, anywhere": lambda rows, stretch, random: {row for row in range(rows) if random.random() < 0.1},
    "1 of 2, anywhere": lambda rows, stretch, random: {row for row in range(rows) if random.random() < 0.5},
    "by the scores": lambda rows, stretch, random: {
        row for row in range(rows) if random.random() < 0.25 * (1 - row / rows) ** 60
    },
    "the least sure rows": lambda rows, stretch, random: set(range(3 * stretch)),
    "half of the least sure": lambda rows, stretch, random: set(range(0, 6 * stretch, 2)),
    "the surest rows": lambda rows, stretch, random: set(range(rows - 3 * stretch, rows)),
    "one stretch": lambda rows, stretch, random: set(range(rows // 2, rows // 2 + stretch)),
    "one of each stretch": lambda rows, stretch, random: set(range(0, rows, stretch)),
    "one class": lambda rows, stretch, random: set(range(0, rows, CLASSES)),
    "1 of 20 of one class": lambda rows, stretch, random: set(range(0, rows, 20 * CLASSES)),
}


def wrong_rows(world: str, rows: int, size: int, seed: int) -> list[int]:
    """The wrong rows of a table, the least sure first."""
    return sorted(row for row in WORLDS[world](rows, rows // size, Random(-1 - seed)) if row < rows)


class Found(NamedTuple):
    """What samples of many tables come to; the bounds are mean numbers of rows.

    Attributes:
        held: the share of tables that keep their bound, 0-1.
        stratified: the bound of the audit.
        simple: that of the same samples without scores.
        clopper_pearson: the same by Clopper and Pearson.
        widest: the largest ratio of the first two for a sample.
    """

    held: float
    stratified: float
    simple: float
    clopper_pearson: float
    widest: float


drawn = cache(draw)  # the same samples for each kind of table


@cache
def bounds(wrong: int, size: int, rows: int, rank: int) -> tuple[int, int, float]:
    """The three bounds of a sample, in rows."""
    clopper_pearson = clopper_pearson_upper_bound(wrong, size) if wrong < size else 1
    return upper_bound(wrong, size, rows, rank), upper_bound(wrong, size, rows), clopper_pearson * rows


def simulate(world: str, rows: int, size: int, tables: int) -> Found:
    """Draw and judge a sample of each of many tables."""
    held, sums, widest = 0, (0.0, 0.0, 0.0), 0.0
    for seed in range(tables):
        wrong = set(wrong_rows(world, rows, size, seed))
        found = [row for row in drawn(rows, size, seed) if row in wrong]
        here = bounds(len(found), size, rows, max(found, default=-1) + 1)
        held += here[0] >= len(wrong)
        sums = (sums[0] + here[0], sums[1] + here[1], sums[2] + here[2])
        widest = max(widest, here[0] / here[1] if here[1] else 1)
    return Found(held / tables, sums[0] / tables, sums[1] / tables, sums[2] / tables, widest)


def coverage(wrong: list[int], rows: int, size: int) -> float:
    """The probability that a table with these wrong rows, the least sure first, keeps its bound: exact, 0-1."""
    total = len(wrong)
    least = bisect_left(range(min(total, size)), True, key=lambda found: upper_bound(found, size, rows) >= total)
    # With fewer wrong rows than that, all samples fail; with as many, those whose surest one is among the first.
    surest = wrong[least - 1 :] if least else []
    failing = bisect_left(surest, True, key=lambda row: upper_bound(least, size, rows, row + 1) >= total)
    missed = sum(comb(total, found) * comb(rows - total, size - found) for found in range(least))
    if failing:
        missed += comb(least - 1 + failing, least) * comb(rows - total, size - least)
    return 1 - missed / comb(rows, size)


@click.command()
@click.option("--tables", default=1_000, show_default=True, help="Tables of each kind.")
@click.option("--sizes", default=SIZES, show_default=True, help="ROWS:KEYED,…")
def main(tables: int, sizes: str) -> None:
    """Print the tables."""
    every, exact = [], []
    for rows, size in (map(int, pair.split(":")) for pair in sizes.split(",")):
        print(f"\n{size:,} of {rows:,} rows keyed:\n")
        print("| wrong rows | held | exact | audit | simple | Clopper-Pearson | ratio | widest |")
        print("| --- |" + " ---: |" * 7)
        for world in WORLDS:
            found = simulate(world, rows, size, tables)
            every.append(found)
            exact.append(coverage(wrong_rows(world, rows, size, 0), rows, size))
            shares = [f"{1000 * bound / rows:.2f}" for bound in found[1:4]]
            cells = [
                f"{100 * found.held:.1f}",
                f"{100 * exact[-1]:.2f}",
                *shares,
                f"{ratio(found):.4f}",
                f"{found.widest:.4f}",
            ]
            print(f"| {world} | {' | '.join(cells)} |", flush=True)
    held = 100 * sum(found.held for found in every) / len(every)
    print(f"\nheld: {held:.1f} of all; exact: at least {100 * min(exact):.2f}; ", end="")
    print(f"ratio: at most {max(map(ratio, every)):.4f}; widest: at most {max(found.widest for found in every):.4f}")


def ratio(found: Found) -> float:
    """The audit's bound, divided by that of a simple sample without scores, on the mean."""
    return found.stratified / found.simple if found.simple else 1


if __name__ == "__main__":
    main()
