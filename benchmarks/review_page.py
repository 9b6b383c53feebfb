"""Time the page of `batchdigits review` in a browser: `python benchmarks/review_page.py`.

The table has 100,000 rows by default. Its scans are MNIST's test images at 96x96 pixels, each under many names (hard
links). A key's time is from the key press to the first frame with the next card and its scan, so it has the answer's
way to the disk in it. Needs Chromium, and Playwright.
"""

from __future__ import annotations

import csv
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = 500
SIDE = 96  # pixels
# In the page, before its own scripts: when the first page is there with all images, and how long each key takes.
CLOCK = """
window.first = null;
window.keys = [];
let pressed = null, before = null;
const cursor = () => document.querySelector("#single:not([hidden]), #grid:not([hidden]) [aria-selected=true]");
const shown = () => cursor()?.querySelector(".path")?.textContent ?? cursor()?.title;
const isLoaded = (images) => images.length > 0 && images.every((image) => image.complete && image.naturalWidth);
addEventListener("keydown", () => { pressed = performance.now(); before = shown(); }, true);
requestAnimationFrame(function look() {
  const images = [...document.querySelectorAll("#single .large img, #grid .picture img")];
  if (window.first === null && isLoaded(images)) window.first = performance.now();
  const large = cursor()?.querySelector("img");
  if (pressed !== null && shown() !== before && large?.complete) {
    window.keys.push(performance.now() - pressed);
    pressed = null;
  }
  requestAnimationFrame(look);
});
"""
# In the page: whether the card was on the screen for the moment that it takes until it can be accepted.
IS_SEEN = """() => document.querySelector(
  "#single:not([hidden]) > .large[data-seen], #grid:not([hidden]) [aria-selected=true] > [data-seen]")"""


@click.command()
@click.option("--rows", default=100_000, show_default=True)
@click.option("--keys", default=200, show_default=True, help="How many cards are accepted in each mode.")
@click.option("--rounds", default=5, show_default=True, help="How often the first page is shown in each mode.")
def main(rows: int, keys: int, rounds: int) -> None:
    """Print the times for the grid and for one by one, and the memory of the server."""
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        table = make_table(Path(name), rows)
        print(f"{rows:,} rows; {rounds} times the first page, {keys} keys; aims: 1 s, 50 ms, 300 MB\n")
        print("| mode | first page with its images | next card, 50 % | 95 % | server's memory |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for mode in ("grid", "single"):
            with serving(table, mode) as (address, server):
                first = [measure_first(browser, address) for _ in range(rounds)]
                times = measure_keys(browser, address, keys)
                middle, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
                print(
                    f"| {mode} | {statistics.median(first) / 1000:.2f} s | {middle:.0f} ms | {high:.0f} ms "
                    f"| {memory(server)} |"
                )


def make_table(folder: Path, rows: int) -> Path:
    """A table with labels, 5 % of them wrong, and scores."""
    images, labels = read_idx(MNIST / f"{TEST_IMAGES}.gz")[:IMAGES], read_idx(MNIST / f"{TEST_LABELS}.gz")[:IMAGES]
    for number, image in enumerate(images):
        Image.fromarray(255 - image).resize((SIDE, SIDE)).save(folder / f"{number}.png")
    rng = np.random.default_rng(0)
    scores, wrong = rng.random(rows) ** 0.1, rng.random(rows) < 0.05
    for label in range(10):
        (folder / f"scans/{label}").mkdir(parents=True)
    table = folder / "rows.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "label", "confidence", "status", "detail", "score"))
        for number in range(rows):
            label = int(labels[number % IMAGES])
            path = f"scans/{label}/{number}.png"
            (folder / path).hardlink_to(folder / f"{number % IMAGES}.png")
            score = f"{scores[number]:.6f}"
            status = "review" if scores[number] < 0.7 else "ok"
            writer.writerow((path, (label + int(wrong[number])) % 10, score, status, "", score))
    return table


@contextmanager
def serving(table: Path, mode: str) -> Iterator[tuple[str, int]]:
    """Run the command, and give its address and its number of process."""
    command = [sys.executable, "-m", "batchdigits", "review", table.name, "--no-browser", "--mode", mode]
    with subprocess.Popen(command, cwd=table.parent, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            yield next(filter(None, (re.search(r"http://\S+", line) for line in process.stderr)))[0], process.pid
        finally:
            process.kill()


def measure_first(browser: Browser, address: str) -> float:
    """Milliseconds from the start of navigation until every card of the first page has its image."""
    page = open_page(browser, address)
    first = float(page.evaluate("() => window.first"))
    page.context.close()
    return first


def measure_keys(browser: Browser, address: str, keys: int) -> list[float]:
    """Milliseconds from each key press until the next card is shown."""
    page = open_page(browser, address)
    for number in range(keys):
        page.wait_for_function(IS_SEEN)
        page.keyboard.press("Space")
        page.wait_for_function("number => window.keys.length > number", arg=number)
    times = [float(time) for time in page.evaluate("() => window.keys")]
    page.context.close()
    return times


def open_page(browser: Browser, address: str) -> Page:
    """A new browser, without a cache, that shows the first page."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(CLOCK)
    page.goto(address)
    page.wait_for_function("() => window.first !== null")
    return page


def memory(process: int) -> str:
    """The resident memory of a process, where the system tells it in `/proc`."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return f"{int(found[1]) / 1024:.0f} MiB" if found else "unknown"


if __name__ == "__main__":
    main()
