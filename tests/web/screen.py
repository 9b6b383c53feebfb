"""The page of `export --web` as a person uses it: from a file, without a network."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Page

# Points of a stroke as shares of the pad.
THREE = [(0.3, 0.25), (0.5, 0.15), (0.68, 0.25), (0.66, 0.4), (0.48, 0.48), (0.68, 0.58), (0.7, 0.75), (0.5, 0.86)]
THREE.append((0.3, 0.78))
FROM_BASE64 = "text => Uint8Array.from(atob(text), character => character.charCodeAt(0))"


class Screen:
    """A page in a browser."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def answer(self) -> str:
        """The label, the status and the detail that are shown large."""
        return self.page.inner_text("#answer")

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the table without the glyphs: path, label, confidence, status, detail, score."""
        script = "all => all.map(row => [...row.cells].slice(1).map(cell => cell.textContent))"
        found: list[list[str]] = self.page.eval_on_selector_all("#rows tr", script)
        return found

    def choose(self, files: Iterable[Path] | Sequence[FilePayload], selector: str = "#files") -> None:
        """Choose images, and wait for the table."""
        self.page.set_input_files(selector, list(files))  # type: ignore[arg-type]
        self.wait()

    def wait(self) -> None:
        """Wait for the end of a table."""
        self.page.locator("#several").wait_for()
        self.page.locator("#stop").wait_for(state="hidden")

    def download(self) -> bytes:
        """The CSV."""
        with self.page.expect_download() as begun:
            self.page.click("#download")
        assert begun.value.suggested_filename == "digits.csv"
        return Path(begun.value.path()).read_bytes()

    def places(self, points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        """Points of the pad on the screen."""
        box = self.page.locator("#pad").bounding_box()
        assert box
        return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]

    def draw(self, points: Iterable[tuple[float, float]]) -> None:
        """Draw a stroke with the mouse."""
        first, *others = self.places(points)
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for x, y in others:
            self.page.mouse.move(x, y, steps=3)
        self.page.mouse.up()

    def draw_with_finger(self, points: Iterable[tuple[float, float]]) -> None:
        """Draw a stroke on a touch screen."""
        session = self.page.context.new_cdp_session(self.page)
        for number, (x, y) in enumerate(self.places(points)):
            kind = "touchMove" if number else "touchStart"
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def drop(self, *paths: Path) -> None:
        """Drop files and folders from outside of the browser."""
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        session = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})

    def wait_answer(self, text: str) -> None:
        """Wait until the text is in the answer."""
        self.page.locator("#answer", has_text=text).wait_for()

    def logits(self, glyphs: NDArray[np.uint8]) -> NDArray[np.int8]:
        """The quantized logits of glyphs, uint8 (N, 28, 28), as the page computes them: int8 (N, classes)."""
        script = f"""glyphs => {{
          const bytes = ({FROM_BASE64})(glyphs);
          const count = bytes.length / 784;
          const glyph = i => bytes.subarray(784 * i, 784 * (i + 1));
          return Array.from({{ length: count }}, (_, i) => [...batchdigits.run(glyph(i))]);
        }}"""
        return np.array(self.page.evaluate(script, base64.b64encode(glyphs.tobytes()).decode()), np.int8)

    def predictions(self, glyphs: NDArray[np.uint8]) -> list[Mapping[str, Any]]:
        """What the page says of glyphs, uint8 (N, 28, 28)."""
        script = f"""glyphs => {{
          const bytes = ({FROM_BASE64})(glyphs);
          const count = bytes.length / 784;
          const decide = i => batchdigits.decide("", bytes.slice(784 * i, 784 * (i + 1)));
          return Array.from({{ length: count }}, (_, i) => ({{ ...decide(i), glyph: null }}));
        }}"""
        found: list[Mapping[str, Any]] = self.page.evaluate(script, base64.b64encode(glyphs.tobytes()).decode())
        return found
