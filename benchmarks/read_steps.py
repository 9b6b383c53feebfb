"""Measure where the time of reading a field goes: `python benchmarks/read_steps.py`.

Three kinds: combs of nine boxes, 300x60 pixels, with `--comb 9` and without; and composed fields of all kinds. The
times are CPU seconds of one thread, without decoding.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
import cv2
import read_fields
from read_fields import compose as compose_all
from read_fields import read_all, test_digits
from read_speed import BOXES
from read_speed import compose as compose_combs

from batchdigits.fields import cut_field
from batchdigits.fields.reading import ReadOptions
from batchdigits.inference.choose import choose_model
from batchdigits.inference.load import load_runtime

STEPS = {
    "view": ["view_of"],
    "lines": ["remove_form_lines", "upright_view"],
    "number": ["_find_number", "close_up", "pieces_of", "segments_of", "separators_of", "stroke_lean"],
    "glyphs": ["glyphs_of_boxes", "count_boxes", "glyph_of", "context_of"],
    "is it empty": ["propose"],
    "network": ["classify_cuts"],
    "value": ["read_cut"],
}
READ_STEPS = "network", "value"  # the others cut the field


@click.command()
@click.option("--fields", type=click.IntRange(min=1), default=200, show_default=True, help="Of each kind.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="The least time counts.")
def main(fields: int, rounds: int) -> None:
    """Measure where the time of reading a field goes."""
    cv2.setNumThreads(1)
    runtime = load_runtime(choose_model(None), second_look=False)
    combs = list(compose_combs(fields))
    kinds = {
        f"comb, `--comb {BOXES}`": (combs, ReadOptions(boxes=BOXES)),
        "comb": (combs, ReadOptions()),
        "composed": ([known.scan for known in compose_all(fields, [test_digits()], seed=1)], ReadOptions()),
    }
    spent: dict[str, float] = defaultdict(float)
    for step, names in STEPS.items():
        module = read_fields if step in READ_STEPS else cut_field
        for name in names:
            setattr(module, name, _timed(getattr(module, name), step, spent))
    least: dict[str, dict[str, float]] = {kind: {} for kind in kinds}
    for _ in range(rounds):
        for kind, (scans, options) in kinds.items():
            spent.clear()
            start = time.thread_time()
            read_all(scans, runtime, options)
            spent["all"] = time.thread_time() - start
            for step, seconds in spent.items():
                least[kind][step] = min(seconds, least[kind].get(step, seconds))
    click.echo(f"| ms a field | {' | '.join(kinds)} |\n| --- |{' ---: |' * len(kinds)}")
    for step in (*STEPS, "all"):
        cells = [f"{1000 * times.get(step, 0.0) / fields:.2f}" for times in least.values()]
        click.echo(f"| {step} | {' | '.join(cells)} |")


def _timed(function: Callable[..., Any], step: str, spent: dict[str, float]) -> Callable[..., Any]:
    """The function, which adds the time that it takes to a step's."""

    @wraps(function)
    def timed(*args: Any, **keywords: Any) -> Any:
        start = time.thread_time()
        try:
            return function(*args, **keywords)
        finally:
            spent[step] += time.thread_time() - start

    return timed


if __name__ == "__main__":
    main()
