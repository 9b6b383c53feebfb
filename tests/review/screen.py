"""What the tests of the page share: tables of MNIST's digits, servers, and the page as a person uses it."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from batchdigits.output.review_log import ReviewLog, log_path, read_review
from batchdigits.output.table import read_table
from batchdigits.review.review import Review
from batchdigits.review.rows import Rows
from batchdigits.review.scan_files import ScanFiles
from batchdigits.review.server import application
from batchdigits.review.setting import Setting
from tests.conftest import Arrays

if TYPE_CHECKING:
    from playwright.sync_api import Page

NO_IMAGE = -1  # in place of an image's number: a file that is none
COLUMNS = ("path", "label", "confidence", "status", "detail", "score")
# In the page: which card has the cursor.
CURSOR = "() => document.querySelector('#single:not([hidden]) .path')?.textContent ?? \
document.querySelector('#grid:not([hidden]) [aria-selected=true]')?.title"

# In the page: whether every picture on the screen was there for long enough to be accepted, or cannot be shown.
ARE_SEEN = """() => [...document.querySelectorAll("main .card > .picture, main .large")].every((picture) => {
  const [box, main] = [picture, document.querySelector("main")].map((element) => element.getBoundingClientRect());
  const isAway = box.top >= main.bottom || box.bottom <= main.top;
  return isAway || "seen" in picture.dataset || picture.querySelector(".fault");
})"""


class Line(NamedTuple):
    """A row of a table, and the number of the test image that its scan shows."""

    path: str
    label: str
    score: float | None
    status: str = "ok"
    detail: str = ""
    image: int = 0


def numbered(labels: Sequence[str], folder: str = "scans") -> list[Line]:
    """Rows of these labels, `scans/0.png` and so on, each less likely than the one behind it."""
    return [
        Line(f"{folder}/{number}.png", label, (number + 1) / (len(labels) + 1), image=number)
        for number, label in enumerate(labels)
    ]


def write_table(folder: Path, lines: Iterable[Line], digits: Arrays) -> Path:
    """A table, and its scans beside it: dark on light, as people have them."""
    table = folder / "rows.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for line in lines:
            score = "" if line.score is None else f"{line.score:.6f}"
            writer.writerow([line.path, line.label, score, line.status, line.detail, score])
            path = folder / line.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if line.image == NO_IMAGE:
                path.write_bytes(b"nothing")
            else:
                Image.fromarray(255 - digits["x_test"][line.image % 200]).save(path, format="png")
    return table


@contextmanager
def serving(table: Path, scans: Sequence[Path] = (), **setting: Any) -> Iterator[str]:
    """Serve a table from a thread, and give the address. It starts sooner than the command."""
    import uvicorn

    rows = Rows(read_table(str(table)))
    files = ScanFiles([row.path for row in rows.rows], scans, table.parent)
    fields = {"reviewer": "anna", **setting}
    with closing(ReviewLog(log_path(table), table.name, rows.are_numbers)) as log:
        page = application(Review(rows, log, Setting(table.name, **fields), files.digest), files, "token")
        config = uvicorn.Config(
            page, port=0, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                sleep(0.005)
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/token/"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


@contextmanager
def command(table: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `batchdigits review`, and give its process and the address that it prints."""
    arguments = [sys.executable, "-m", "batchdigits", "review", str(table), "--no-browser", *options]
    with subprocess.Popen(arguments, cwd=table.parent, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            found = next(filter(None, (re.search(r"http://\S+", line) for line in process.stderr)))
            yield process, found[0]
        finally:
            process.kill()


class Screen:
    """The page, as a person sees and uses it."""

    def __init__(self, page: Page, table: Path) -> None:
        self.page, self.table = page, table

    def open(self, address: str) -> None:
        """Open the page, until it shows a card."""
        self.page.goto(address, wait_until="commit")
        self.page.wait_for_function(CURSOR)

    def press(self, *keys: str) -> None:
        """Press keys, one after another, without waiting for what they do, as soon as the pictures were seen."""
        self.wait_seen()
        for key in keys:
            self.page.keyboard.press(key)

    def wait_seen(self) -> None:
        """Wait until the cards on the screen can be accepted."""
        self.page.wait_for_function(ARE_SEEN)

    def wait_cursor(self, path: str) -> None:
        """Wait until the cursor is on the card of a scan."""
        self.page.wait_for_function(f"path => ({CURSOR})() === path", arg=path)

    def wait_text(self, selector: str, text: str) -> None:
        """Wait until something visible says a text; if nothing does, say what the page warns of."""
        try:
            self.page.locator(selector, has_text=text).first.wait_for()
        except Exception:
            warning = self.page.locator("#banner").inner_text()
            raise AssertionError(f"nothing in {selector} says {text!r}; the page warns: {warning!r}") from None

    def fail(self, name: str, status: int = 0, error: str = "") -> None:
        """Let requests of one name fail: with a status, or as if no server were there."""
        self.page.evaluate("([name, fault]) => { faults[name] = fault }", [name, {"status": status, "error": error}])

    def heal(self) -> None:
        """Let requests pass again."""
        self.page.evaluate("() => { faults = {} }")

    @property
    def cursor(self) -> str:
        return str(self.page.evaluate(CURSOR))

    @property
    def answers(self) -> dict[str, str]:
        """What is on disk: the label or kind that was answered, by path."""
        settled = {path: one.answer for path, one in read_review(log_path(self.table)).items()}
        return {path: answer.label or answer.kind for path, answer in settled.items()}

    def card(self, path: str) -> str:
        """What the card of a scan says."""
        return self.page.locator(f'#grid [title="{path}"]').inner_text()

    @property
    def cards(self) -> list[str]:
        """The paths of the cards that are shown."""
        return [str(path) for path in self.page.eval_on_selector_all("#grid .card", "all => all.map(c => c.title)")]
