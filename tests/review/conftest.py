"""Fixtures of the page's tests: a browser, and the page of a table in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Arrays
from tests.review.screen import Line, Screen, serving, write_table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Show = Callable[..., Screen]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


# One for each module, since Playwright keeps an event loop in this thread as long as it runs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that is installed on this machine."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as driver:
        # Chromium's sandbox does not start for root, as whom containers run tests.
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty tab. The test fails if a script of the page fails, or anything asks another server."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("request", lambda request: None if "//127.0.0.1:" in request.url else faults.append(request.url))
    yield context.new_page()
    context.close()
    assert not faults


@pytest.fixture
def show(page: Page, in_empty_folder: Path, small_mnist: Arrays) -> Iterator[Show]:
    """A function that writes a table, serves it, and opens the page."""
    with ExitStack() as stack:

        def begin(lines: Iterable[Line], size: tuple[int, int] = (1280, 800), **setting: Any) -> Screen:
            stack.close()  # one server at a time has the log
            table = write_table(in_empty_folder, lines, small_mnist)
            screen = Screen(page, table)
            page.set_viewport_size({"width": size[0], "height": size[1]})
            screen.open(stack.enter_context(serving(table, **setting)))
            return screen

        yield begin
